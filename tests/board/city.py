"""Worlds built by hand, for whoever shows one: a city with a cut, and one with as many checks as wanted."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from monitor.core.agent import Agent, Heard, Presence
from monitor.core.alarm import Alarm, Answer, Area, Plan
from monitor.core.alarm import Severity as Urgency
from monitor.core.detection import Belief, Doubt, Verdict
from monitor.core.diagnosis.consequences import predict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.incident import Incident, Stage
from monitor.core.inventory import (
    Bearer,
    Carrier,
    Center,
    Circuit,
    Contact,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Role,
    Vantage,
)
from monitor.core.loss import PRIORS
from monitor.core.observation import Finding, Outcome, failed, ok, unknown
from monitor.core.planned import Once, Span, Window, Work
from monitor.core.quality import Decline, Severity
from monitor.core.storytelling import Storyteller
from monitor.core.topology import topology_of
from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import Check, Reading, World

NOW = 1_790_000_000.0
MONOTONIC = 5_000.0
"""What the monotonic clock shows at NOW."""
HEARD_AT = MONOTONIC - 1.5
NAMES = {
    "maojian": Name("茅箭区", "Maojian"),
    "danjiangkou": Name("丹江口市", "Danjiangkou"),
    "yunyang": Name("郧阳区", "Yunyang"),
    "wudangshan": Name("武当山特区", "Wudangshan"),
}
NETWORKS = {
    "city": Network("city", Name("市网", "City network"), "127.0.0.1"),
    "province": Network("province", Name("省网", "Province network")),
}
CARRIERS = {
    "telecom": Carrier("telecom", Name("中国电信", "China Telecom"), "10000"),
    "mobile": Carrier("mobile", Name("中国移动", "China Mobile"), "10086"),
}
PHONE = "13812341234"


def look(kind: str, options: object = None) -> Look:
    return Look(kind, kind, options, 1.0, 1.0)


def _center(key: str, name: Name, *, devices: bool) -> Center:
    links = tuple(
        Link(key, net, tuple(_circuit(key, net, role) for role in Role)) for net in ("city", "province")
    )
    equipment = (
        Device(key, "router", Name("路由器", "Router"), "127.0.0.1", looks=(look("icmp"),)),
        Device(key, "web", Name("指挥信息系统", "Command system"), "127.0.0.1", looks=(look("http"),)),
    )
    contacts = (Contact("王值班", PHONE),)
    return Center(key, name, Level.COUNTY, links, equipment if devices else (), contacts=contacts)


def _circuit(center: str, network: str, role: Role) -> Circuit:
    carrier = "telecom" if role is Role.PRIMARY else "mobile"
    number = f"SY-{center[:3]}-{network}"
    return Circuit(center, network, role, "127.0.0.1", carrier=carrier, number=number, near_look=look("icmp"))


def inventory(names: dict[str, Name] | None = None, *, devices: bool = True) -> Inventory:
    centers = {
        key: _center(key, name, devices=devices) for key, name in (NAMES if names is None else names).items()
    }
    vantages = {"shiyan": Vantage("shiyan", Name("市指挥中心", "Municipal center"), networks=("city",))}
    vantages |= {key: Vantage(key, center.name, center=key) for key, center in centers.items()}
    return Inventory(Name("十堰市", "Shiyan"), NETWORKS, CARRIERS, centers, vantages)


def world(names: dict[str, Name] | None = None, *, devices: bool = True) -> World:
    """All is well, looked at from the city."""
    it = World(inventory(names, devices=devices), "shiyan", "boot-1")
    for circuit in it.inventory.circuits.values():
        watch(it, circuit.id, "icmp", ok(rtt=0.0021))
        say(it, circuit.id, SubjectKind.CIRCUIT)
    for device in it.inventory.devices.values():
        values = {"rtt": 0.003} if device.key == "router" else {"rtt": 0.02, "tls_expiry": NOW + 1e6}
        watch(it, device.id, device.looks[0].kind, ok(**values))
        say(it, device.id, SubjectKind.DEVICE)
    for center in it.inventory.centers.values():
        say(it, center.id, SubjectKind.CENTER)
        for link in center.links:
            say(it, link.id, SubjectKind.LINK, active=Role.PRIMARY)
    for network in it.inventory.networks:
        say(it, f"network/{network}", SubjectKind.NETWORK)
    watch(it, "network/city", "icmp", ok(rtt=0.001))
    return it


def watch(it: World, subject: str, kind: str, finding: Finding, looks: int = 60) -> Check:
    """Let a check find the same again and again."""
    check = Check(f"{subject}/{kind}", subject, look(kind))
    reading = Reading()
    reading.finding, reading.last_at, reading.took = finding, NOW - 0.5, 0.002
    reading.ok = looks if finding.outcome is Outcome.OK else 0
    reading.failed = looks if finding.outcome is Outcome.FAILED else 0
    reading.unknown = looks if finding.outcome is Outcome.UNKNOWN else 0
    reading.rtt = finding.values.get("rtt")
    if reading.rtt is not None:
        reading.rtt_sum, reading.rtt_count = reading.rtt * looks, looks
    for _ in range(looks):
        reading.remember(lost=finding.outcome is Outcome.FAILED)
    verdict = {Outcome.OK: Verdict.UP, Outcome.FAILED: Verdict.DOWN}.get(finding.outcome, Verdict.UNKNOWN)
    it.checks[check.id], it.readings[check.id] = check, reading
    it.beliefs[check.id] = Belief(verdict, NOW - 90, finding.reason)
    return check


def say(
    it: World,
    subject: str,
    kind: SubjectKind,
    health: Health = Health.UP,
    reason: str = "ok",
    *,
    active: Role | None = None,
    suspected: bool = False,
    works: tuple[str, ...] = (),
) -> None:
    since = NOW - 86_400 if health is Health.UP else NOW - 90
    it.statuses[subject] = Status(subject, kind, health, since, reason, suspected, active, works)


def doubt(it: World, subject: str, kind: str) -> None:
    """Let a check have missed for three seconds: enough to be shown."""
    open_doubt = Doubt(PRIORS[Bearer.FIBRE], NOW - 3, 0.0, 12.0, 0.5, "timeout", "no answer in 1 s")
    belief = it.beliefs[f"{subject}/{kind}"]
    it.beliefs[f"{subject}/{kind}"] = replace(belief, suspected=True, doubt=open_doubt)
    say(it, subject, SubjectKind.CIRCUIT, suspected=True)


def worsen(it: World, circuit: str, severity: Severity = Severity.WARN) -> None:
    """Let a circuit lose a fifth of what is sent, and be said to."""
    reading = it.readings[f"{circuit}/icmp"]
    reading.srtt, reading.rttvar, reading.history = 0.01, 0.001, sum(1 << n for n in range(0, 60, 5))
    say(it, circuit, SubjectKind.CIRCUIT, Health.DEGRADED, "loss")
    decline = Decline("loss", severity, NOW - 90, loss=0.2)
    it.statuses[circuit] = replace(it.statuses[circuit], decline=decline)


def cut(names: dict[str, Name] | None = None) -> World:
    """Danjiangkou has lost all, Yunyang runs on its backup to the province, Maojian is suspected."""
    it = world(names)
    for circuit in it.inventory.centers["danjiangkou"].circuits():
        watch(it, circuit.id, "icmp", failed("timeout", "no answer in 1 s"))
        say(it, circuit.id, SubjectKind.CIRCUIT, Health.DOWN, "timeout")
    for link in it.inventory.centers["danjiangkou"].links:
        say(it, link.id, SubjectKind.LINK, Health.DOWN, "both_circuits_down")
    say(it, "danjiangkou", SubjectKind.CENTER, Health.DOWN, "all_links_down")
    for device in it.inventory.centers["danjiangkou"].devices:
        watch(it, device.id, device.looks[0].kind, unknown("behind_link"))
        say(it, device.id, SubjectKind.DEVICE, Health.UNKNOWN, "behind_link")
    watch(it, "yunyang/province/primary", "icmp", failed("unreachable"))
    say(it, "yunyang/province/primary", SubjectKind.CIRCUIT, Health.DOWN, "unreachable")
    say(it, "yunyang/province", SubjectKind.LINK, Health.ON_BACKUP, "primary_down", active=Role.BACKUP)
    works = ("yunyang/city", "yunyang/province")
    say(it, "yunyang", SubjectKind.CENTER, Health.ON_BACKUP, "primary_down", works=works)
    doubt(it, "maojian/city/primary", "icmp")
    return it


def blame(it: World, component: str, stage: Stage = Stage.CONFIRMED, **facts: Any) -> str:
    """Let *component* be the open incident of its own that *facts* say; return its id."""
    topology = topology_of(it.inventory, it.vantage)
    explains = tuple(n for n in predict(topology, [component]).failing if n.startswith(it.vantage))
    number = len(it.incidents)
    known: dict[str, Any] = {
        "id": f"20260921-{221150 + number}",
        "group": (component,),
        "since": NOW - 90,
        "confidence": 0.99,
        "explains": explains,
        "confirmed_at": None if stage is Stage.SUSPECTED else NOW - 87,
        "recovering_at": NOW - 10 if stage is Stage.RECOVERING else None,
    }
    incident = Incident(component=component, stage=stage, **{**known, **facts})
    it.incidents[incident.id] = incident
    broken = tuple(one.component for one in it.incidents.values() if one.stage is not Stage.RECOVERING)
    told = Storyteller(topology, it.inventory, UTC).stories(it.incidents.values(), broken)
    it.stories.update(told)
    return incident.id


def blamed(names: dict[str, Name] | None = None) -> World:
    """Give each thing that is wrong in the city that has a cut its root cause: three incidents."""
    it = cut(names)
    blame(it, "danjiangkou/power", group=("danjiangkou/power", "danjiangkou/router"))
    blame(it, "yunyang/province/primary")
    blame(it, "maojian/city/primary", Stage.SUSPECTED, since=NOW - 3)
    return it


def alarmed(it: World, answer: Answer | None = None, severity: Urgency = Urgency.CRITICAL) -> World:
    """Let officers be told of every incident: the first is answered with 0001."""
    for number, (name, story) in enumerate(it.stories.items(), 1):
        begun, plan = story.incident.since, Plan("usual", ())
        about = (story.incident.component, Area.CIRCUIT, severity, plan)
        alarm = Alarm(name, f"{number:04}", *about, begun, begun, None)
        it.alarms = {**it.alarms, name: replace(alarm, answer=answer)}
    return it


def listen(it: World, vantage: str, presence: Presence = Presence.ONLINE, **facts: Any) -> None:
    """Hear the daemon of another vantage; what *facts* do not say is as one expects it."""
    heard = {"since": NOW - 7_200, "boot": f"boot-{vantage}", "session": 1, "heard_at": HEARD_AT}
    it.agents[vantage] = Agent(vantage, presence, **{**heard, **facts})


def believe(it: World, vantage: str, **verdicts: int) -> None:
    """Let another vantage believe so many checks to be up, so many down."""
    named = (f"check-{verdict}-{n}" for verdict, count in verdicts.items() for n in range(count))
    it.heard[vantage] = {
        name: Heard(name.split("-")[1], suspected=False, reason="ok", since=NOW - 90, until=HEARD_AT + 30)
        for name in named
    }


def grown(checks: int) -> World:
    """Build a world of *checks* circuits, every tenth of them failing."""
    names = {f"center{n:05}": Name(f"中心{n}", f"Center {n}") for n in range(checks // 4)}
    it = world(names, devices=False)
    for number, circuit in enumerate(it.inventory.circuits.values()):
        if number % 10 == 0:
            watch(it, circuit.id, "icmp", failed("timeout"))
    return it


def work_on(it: World, *scope: str, seconds: float = 7200.0) -> None:
    """Let something be worked on for so many seconds more."""
    span = Span(NOW - 3600.0, NOW + seconds)
    when = Once(*(datetime.fromtimestamp(at, UTC) for at in span))
    window = Window("night", scope, when, "〔2026〕12", "更换光缆", "李伟")
    it.planned["night"] = Work(window, span)


def vitals() -> Vitals:
    it = Vitals(started_at=NOW - 86_400, ready=True, looks=12_345, ticks=99, lag_sum=1.5, reload_at=NOW - 60)
    it.lag_buckets[0], it.lag_buckets[3], it.lag_buckets[-1] = 90, 8, 1
    it.outputs["mqtt"] = OutputVitals(connected=True, delivered=17)
    return it
