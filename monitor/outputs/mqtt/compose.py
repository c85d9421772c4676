"""From the world to payloads."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from monitor import __version__
from monitor.core.agent import Agent
from monitor.core.alarm import Alarm
from monitor.core.health import Status, SubjectKind
from monitor.core.inventory import Circuit, Name, Role
from monitor.core.lateness import is_late
from monitor.core.observation import Outcome
from monitor.core.story import Story
from monitor.core.vitals import StoreVitals, Vitals
from monitor.core.world import Event, Reading, World, call_over
from monitor.outputs.mqtt import payloads
from monitor.outputs.mqtt.alarm import AlarmPayload, alarm_payload
from monitor.outputs.mqtt.incident import IncidentPayload, incident_payload
from monitor.outputs.mqtt.outbox import event_id
from monitor.outputs.mqtt.topics import levels

_ROLES = {Role.PRIMARY: Name("主用", "primary"), Role.BACKUP: Name("备用", "backup")}


class Composer:
    """Puts into words what one vantage holds; numbers its statuses and incidents."""

    def __init__(
        self, world: Callable[[], World], *, clock: Callable[[], float], zone: tzinfo | None, valid_for: float
    ) -> None:
        self._world = world
        self._clock = clock
        self._zone = zone
        self._valid_for = valid_for
        self._seq = 0
        self._readings: dict[str, list[Reading]] = {}

    def index(self) -> None:
        """Look up anew which readings belong to which subject."""
        world, readings = self._world(), defaultdict(list)
        for check in world.checks.values():
            if check.id in world.readings:
                readings[check.subject].append(world.readings[check.id])
        self._readings = readings

    def status(self, status: Status) -> payloads.StatusPayload:
        """Say how a subject is now; raises ValueError for one that the inventory does not know."""
        self._seq += 1
        told = self._stamp() | {
            "seq": self._seq,
            "valid_for": self._valid_for,
            "subject": status.subject,
            "health": status.health,
            "reason": status.reason,
            "severity": status.severity,
            "suspected": status.suspected,
            "since": round(status.since, 3),
            "since_iso": self._iso(status.since),
            "incidents": self._world().incidents_of(status.subject),
        }
        try:
            return self._of_kind(status, told)
        except KeyError as error:
            raise ValueError(f"{status.subject!r}: {error} is not declared") from error

    def incident(self, story: Story, *, brief: bool = False) -> IncidentPayload:
        """Say all that is known of an open incident; *brief* without its lists."""
        self._seq += 1
        stamp = self._stamp() | {"seq": self._seq, "valid_for": self._valid_for}
        return incident_payload(story, stamp, self._iso, brief=brief)

    def alarm(self, alarm: Alarm) -> AlarmPayload:
        """Say all that is known of an open alarm."""
        self._seq += 1
        stamp = self._stamp() | {"seq": self._seq, "valid_for": self._valid_for}
        return alarm_payload(alarm, stamp, self._iso)

    def event(self, event: Event) -> payloads.EventPayload:
        """Say what happened, whoever saw it."""
        received_at = event.received_at
        return payloads.EventPayload(
            vantage=event.vantage,
            boot=event.boot,
            at=round(event.at, 3),
            at_iso=self._iso(event.at),
            id=event_id(event),
            seq=event.seq,
            received_at=None if received_at is None else round(received_at, 3),
            received_at_iso=None if received_at is None else self._iso(received_at),
            late=is_late(event, self._world().agents),
            kind=event.kind,
            subject=event.subject,
            data=dict(event.data),
        )

    def daemon(
        self,
        state: str,
        *,
        session: int,
        valid_for: float,
        since: float,
        reason: str,
        vitals: Vitals | None,
        days: float | None,
    ) -> payloads.DaemonPayload:
        """Say how the daemon is; without *vitals*, as its will."""
        return payloads.DaemonPayload.model_validate(
            self._stamp()
            | {
                "session": session,
                "state": state,
                "reason": reason,
                "valid_for": valid_for,
                "since": round(since, 3),
                "since_iso": self._iso(since),
                "version": __version__,
                "vitals": self._vitals(vitals, days) if vitals else None,
            }
        )

    def _vitals(self, vitals: Vitals, days: float | None) -> payloads.VitalsPayload:
        outputs = {
            name: payloads.OutputVitalsPayload(**asdict(output)) for name, output in vitals.outputs.items()
        }
        return payloads.VitalsPayload(
            ready=vitals.ready,
            looks=vitals.looks,
            in_flight=vitals.in_flight,
            waiting=vitals.waiting,
            skipped=vitals.skipped,
            evidence_dropped=vitals.evidence_dropped,
            mishaps=vitals.mishaps,
            lag=round(vitals.lag, 6),
            lag_max=round(vitals.lag_max, 6),
            events=vitals.events,
            reload_ok=vitals.reload_ok,
            certificate_days=None if days is None else round(days, 1),
            store=self._store(vitals.store),
            outputs=outputs,
            agents={name: self._agent(agent) for name, agent in sorted(self._world().agents.items())},
        )

    def _store(self, store: StoreVitals) -> payloads.StoreVitalsPayload:
        backup_at = store.backup_at or None
        return payloads.StoreVitalsPayload.model_validate(
            asdict(store)
            | {
                "commit_seconds": round(store.commit_seconds, 6),
                "backup_at": backup_at and round(backup_at, 3),
                "backup_at_iso": backup_at and self._iso(backup_at),
            }
        )

    def _agent(self, agent: Agent) -> payloads.AgentPayload:
        offset = agent.clock_offset
        return payloads.AgentPayload(
            presence=agent.presence,
            since=round(agent.since, 3),
            since_iso=self._iso(agent.since),
            boot=agent.boot,
            session=agent.session,
            clock_offset=None if offset is None else round(offset, 3),
            duplicate=agent.duplicate,
            quarantined=agent.quarantined,
            backlog=agent.backlog,
            gathered=agent.gathered,
            repeated=agent.repeated,
            refused=agent.refused,
        )

    def _stamp(self) -> dict[str, Any]:
        world, at = self._world(), self._clock()
        return {"vantage": world.vantage, "boot": world.boot, "at": round(at, 3), "at_iso": self._iso(at)}

    def _iso(self, at: float) -> str:
        try:
            moment = datetime.fromtimestamp(round(at, 3), self._zone).astimezone(self._zone)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{at!r} is no time: {error}") from error
        return moment.isoformat(timespec="milliseconds")

    def _of_kind(self, status: Status, told: dict[str, Any]) -> payloads.StatusPayload:
        inventory, path = self._world().inventory, levels(status)
        match status.kind:
            case SubjectKind.CENTER:
                name = _name(inventory.centers[path["center"]].name)
                return payloads.CenterStatus(**told, name=name, works=status.works)
            case SubjectKind.LINK:
                told |= path | self._measured(f"{status.subject}/{status.active}") | {"active": status.active}
                return payloads.LinkStatus(**told, name=self._link_name(path))
            case SubjectKind.CIRCUIT:
                carrier = self._carrier(inventory.circuits[status.subject])
                told |= path | self._measured(status.subject) | {"carrier": carrier}
                told |= self._heard(status.subject)
                return payloads.CircuitStatus(**told, name=self._circuit_name(path))
            case SubjectKind.DEVICE:
                told |= path | self._measured(status.subject)
                return payloads.DeviceStatus(**told, name=_name(inventory.devices[status.subject].name))
            case SubjectKind.NETWORK:
                told |= path | self._measured(status.subject)
                return payloads.NetworkStatus(**told, name=_name(inventory.networks[path["network"]].name))

    def _measured(self, subject: str) -> dict[str, float | None]:
        """Of several checks, the quickest answer and the worst loss."""
        readings = self._readings.get(subject, ())
        answered = [
            r.rtt for r in readings if r.rtt is not None and r.finding and r.finding.outcome is Outcome.OK
        ]
        losses = [r.loss for r in readings if r.loss is not None]
        return {"rtt": min(answered, default=None), "loss": max(losses, default=None)}

    def _heard(self, circuit: str) -> dict[str, float | bool | None]:
        """Say how a call over a circuit would be."""
        call = call_over(self._readings.get(circuit, ()))
        return {} if call is None else {"mos": round(call.mos, 2), "fit_for_video": call.video}

    def _link_name(self, path: dict[str, str]) -> payloads.NamePayload:
        inventory = self._world().inventory
        center, network = inventory.centers[path["center"]].name, inventory.networks[path["network"]].name
        return payloads.NamePayload(zh=f"{center.zh}{network.zh}链路", en=f"{center.en}, {network.en}")

    def _circuit_name(self, path: dict[str, str]) -> payloads.NamePayload:
        inventory, role = self._world().inventory, _ROLES[Role(path["role"])]
        center, network = inventory.centers[path["center"]].name, inventory.networks[path["network"]].name
        return payloads.NamePayload(
            zh=f"{center.zh}{network.zh}{role.zh}电路", en=f"{center.en}, {network.en}, {role.en} circuit"
        )

    def _carrier(self, circuit: Circuit) -> payloads.CarrierPayload | None:
        if circuit.carrier is None:
            return None
        carrier = self._world().inventory.carriers[circuit.carrier]
        return payloads.CarrierPayload(
            name=_name(carrier.name), number=circuit.number, hotline=carrier.hotline
        )


def _name(name: Name) -> payloads.NamePayload:
    return payloads.NamePayload(zh=name.zh, en=name.en)
