"""The city as a plain document: what `/api/v1/status` answers and the terminal's table shows.

Made of the world and the vitals by an allow-list: contacts and their telephone numbers, addresses, peers'
texts and anything secret have no way in. `health` is null where nobody looks from this vantage.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from monitor import __version__
from monitor.core.agent import Agent, Presence, present
from monitor.core.alarm import Alarm
from monitor.core.checks import network_subject
from monitor.core.detection import Doubt, Verdict
from monitor.core.health import Status
from monitor.core.inventory import Carrier, Center, Circuit, Device, Link, Name, Network, Vantage
from monitor.core.observation import Outcome
from monitor.core.planned_news import window_facts
from monitor.core.report_news import report_facts
from monitor.core.story_facts import incident_facts
from monitor.core.vitals import StoreVitals, Vitals
from monitor.core.world import Json, Reading, World, call_over
from monitor.kit.text import discreet
from monitor.ports import reports_by_people

Document = dict[str, Json]

_VITALS = (
    "started_at", "ready", "looks", "in_flight", "waiting", "skipped", "evidence_dropped", "mishaps", "lag",
    "lag_max", "events", "reloads", "reload_failed", "reload_ok", "reload_at", "reload_trouble",
)  # fmt: skip
_OUTPUT_VITALS = ("connected", "queued", "delivered", "failed", "dropped", "reconnects", "trouble")
_STORE_VITALS = (
    "trouble", "notice", "pending", "dropped", "recorded", "commits", "commit_seconds", "position", "size",
    "backup_trouble", "reserve", "acts_pending", "acts_recorded", "acts_lost",
)  # fmt: skip
_AGENT = ("clock_offset", "duplicate", "quarantined", "backlog", "gathered", "repeated", "refused")

Clock = Callable[[], float]


def document(
    world: World, vitals: Vitals, at: float, zone: str | None = None, monotonic: Clock = time.monotonic
) -> Document:
    """Return the whole city as it is *at* (Unix seconds), to be told in *zone* (a name of IANA's).

    *monotonic* gives the time at that moment by the clock by which other daemons were heard, seconds.
    """
    scene = _Scene(world)
    centers: list[Json] = [scene.center(center) for center in world.inventory.centers.values()]
    return {**_head(scene, vitals, at, zone, monotonic()), "centers": centers}


def pieces(
    world: World, vitals: Vitals, at: float, zone: str | None = None, monotonic: Clock = time.monotonic
) -> Iterator[bytes]:
    """Write the same as JSON, a center at a time, so that the caller may rest in between."""
    scene = _Scene(world)
    head = json.dumps(_head(scene, vitals, at, zone, monotonic()), ensure_ascii=False)
    yield f'{head[:-1]}, "centers": ['.encode()
    for number, center in enumerate(tuple(world.inventory.centers.values())):
        written = json.dumps(scene.center(center), ensure_ascii=False)
        yield f"{',' if number else ''}\n{written}".encode()
    yield b"\n]}\n"


class _Scene:
    """The world with its readings, open doubts and incidents by subject."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._readings: dict[str, list[Reading]] = {}
        for check in world.checks.values():
            if (reading := world.readings.get(check.id)) is not None:
                self._readings.setdefault(check.subject, []).append(reading)
        self._doubts = _first_doubts(world)
        self._incidents: dict[str, list[str]] = {}
        for name in sorted(world.stories):
            for subject in world.stories[name].touched:
                self._incidents.setdefault(subject, []).append(name)

    def center(self, center: Center) -> Document:
        """Return all that is said of a center, its links and devices."""
        return {
            "id": center.id,
            "name": _name(center.name),
            "level": center.level.value,
            "location": center.location,
            **self._said(center.id),
            "works": list(self._works(center.id)),
            "links": [self._link(link) for link in center.links],
            "devices": [self._device(device) for device in center.devices],
        }

    def network(self, network: Network) -> Document:
        """Return what is said of an upper network."""
        subject = network_subject(network.id)
        return {"id": network.id, "name": _name(network.name), **self._said(subject), **self._seen(subject)}

    def _link(self, link: Link) -> Document:
        status = self.world.statuses.get(link.id)
        return {
            "id": link.id,
            "network": link.network,
            **self._said(link.id),
            "active": status.active.value if status and status.active else None,
            "circuits": [self._circuit(circuit) for circuit in link.circuits],
        }

    def _circuit(self, circuit: Circuit) -> Document:
        carrier = self.world.inventory.carriers.get(circuit.carrier or "")
        return {
            "id": circuit.id,
            "role": circuit.role.value,
            "bearer": circuit.bearer.value,
            "carrier": _carrier(carrier) if carrier else None,
            "number": circuit.number,
            **self._said(circuit.id),
            **self._seen(circuit.id),
            **self._heard(circuit.id),
        }

    def _device(self, device: Device) -> Document:
        return {
            "id": device.id,
            "name": _name(device.name),
            **self._said(device.id),
            **self._seen(device.id),
        }

    def _works(self, subject: str) -> tuple[str, ...]:
        status = self.world.statuses.get(subject)
        return status.works if status else ()

    def _said(self, subject: str) -> Document:
        status: Status | None = self.world.statuses.get(subject)
        told: Document = {
            "health": None,
            "since": None,
            "reason": "not_looked_at_from_here",
            "severity": None,
            "suspected": False,
            "incidents": list(self._incidents.get(subject, ())),
        }
        if status is None:
            return told
        told |= {
            "health": status.health.value,
            "since": status.since,
            "reason": status.reason,
            "severity": status.severity and status.severity.value,
            "suspected": status.suspected,
        }
        doubt = self._doubts.get(subject) if status.suspected else None
        return told | {"suspected_since": doubt.began, "suspected_reason": doubt.reason} if doubt else told

    def _seen(self, subject: str) -> Document:
        """Give round-trip time (seconds; null unless the latest look succeeded) and loss (0 to 1)."""
        readings = self._readings.get(subject, [])
        rtts = [r.rtt for r in readings if r.rtt is not None and _is_fine(r)]
        losses = [r.loss for r in readings if r.loss is not None]
        return {"rtt": min(rtts, default=None), "loss": max(losses, default=None)}

    def _heard(self, circuit: str) -> Document:
        """Say how a call over a circuit would be; null if that is not known."""
        call = call_over(self._readings.get(circuit, ()))
        if call is None:
            return {"mos": None, "fit_for_video": None}
        return {"mos": round(call.mos, 2), "fit_for_video": call.video}


def _is_fine(reading: Reading) -> bool:
    return reading.finding is not None and reading.finding.outcome is Outcome.OK


def _first_doubts(world: World) -> Mapping[str, Doubt]:
    """Give the earliest doubt that is shown, by the subject looked at and by all that it is part of."""
    doubts: dict[str, Doubt] = {}
    for check in world.checks.values():
        belief = world.beliefs.get(check.id)
        if belief is None or belief.doubt is None or not belief.suspected:
            continue
        parts = check.subject.split("/")
        for subject in ("/".join(parts[:length]) for length in range(1, len(parts) + 1)):
            if subject not in doubts or belief.doubt.began < doubts[subject].began:
                doubts[subject] = belief.doubt
    return doubts


def _head(scene: _Scene, vitals: Vitals, at: float, zone: str | None, monotonic: float) -> Document:
    world = scene.world
    vantage = world.inventory.vantages.get(world.vantage)
    return {
        "format": 1,
        "version": __version__,
        "city": _name(world.inventory.city),
        "vantage": {"id": world.vantage, "name": _name(vantage.name) if vantage else None},
        "boot": world.boot,
        "at": at,
        **({} if zone is None else {"timezone": zone}),
        "vitals": _vitals(vitals, len(world.checks)),
        "store": _store(vitals.store),
        "agents": list(_agents(world, at - monotonic)),
        "incidents": [
            {**incident_facts(world.stories[name]), "alarm": _alarm(world.alarms.get(name))}
            for name in sorted(world.stories)
        ],
        "planned": [
            window_facts(work.window, work.begun, world.inventory)
            for work in world.planned.values()
            if work.begun is not None
        ],
        "reports": [report_facts(*told, world.inventory, at) for told in reports_by_people(world)],
        "networks": [scene.network(network) for network in world.inventory.networks.values()],
    }


def _vitals(vitals: Vitals, checks: int) -> Document:
    told: Document = {name: getattr(vitals, name) for name in _VITALS}
    outputs: Mapping[str, Document] = {
        output: {name: getattr(own, name) for name in _OUTPUT_VITALS}
        for output, own in vitals.outputs.items()
    }
    return {**told, "checks": checks, "outputs": dict(outputs)}


def _store(store: StoreVitals) -> Document:
    told: Document = {name: getattr(store, name) for name in _STORE_VITALS}
    return {**told, "backup_at": store.backup_at or None}


def _agents(world: World, epoch: float) -> Iterator[Document]:
    """Give the daemons of the other vantages; *epoch* is the wall time at which the monotonic clock was 0."""
    for vantage in world.inventory.vantages.values():
        agent = world.agents.get(vantage.id)
        if agent is not None and vantage.id != world.vantage:
            presence = present(agent, world.broker_lost_at)
            yield _agent(agent, presence, vantage, epoch) | {"beliefs": _beliefs(world, vantage.id)}


def _agent(agent: Agent, presence: Presence, vantage: Vantage, epoch: float) -> Document:
    told: Document = {name: getattr(agent, name) for name in _AGENT}
    return {
        "vantage": vantage.id,
        "name": _name(vantage.name),
        "center": vantage.center,
        "presence": presence.value,
        "since": agent.since or None,
        "heard_at": round(epoch + agent.heard_at, 3) if agent.heard_at else None,
        **told,
    }


def _beliefs(world: World, vantage: str) -> Document:
    """Say how many checks another vantage believes to be up, down …, as far as that still holds."""
    counts = Counter(heard.verdict for heard in world.heard.get(vantage, {}).values())
    return {verdict.value: counts[verdict] for verdict in Verdict}


def _alarm(alarm: Alarm | None) -> Document | None:
    """Say what officers answer with to an incident, and who has taken it on; null: nobody is told of it."""
    if alarm is None:
        return None
    answer = alarm.answer
    told: Json = None
    if answer is not None:
        told = {"who": answer.name or discreet(answer.who, ()), "via": answer.via, "at": answer.at}
    severity = str(alarm.severity)
    return {"code": alarm.code, "severity": severity, "answer": told, "muted_until": alarm.muted_until}


def _name(name: Name) -> Document:
    return {"zh": name.zh, "en": name.en}


def _carrier(carrier: Carrier) -> Document:
    return {"id": carrier.id, "name": _name(carrier.name), "hotline": carrier.hotline}
