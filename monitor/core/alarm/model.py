"""The words of alarms: what is escalated, by which plan, how far each notice has got. Times: Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.plain import Json

SHORTEST = 70
"""UTF-16 code units of a short message in Chinese that is not split (3GPP TS 23.038: 140 octets of UCS-2)."""
DUTY, LEADERS = "duty", "leaders"
"""Who a step tells, beside officers by their ids: those on duty at that moment, those who lead."""


class Address(StrEnum):
    """What a channel needs of an officer to reach them."""

    PHONE = "phone"
    EMAIL = "email"
    NONE = "none"
    """It speaks to a place, whoever is there: a siren, a chat room, a log."""


class Severity(StrEnum):
    """How urgent an alarm is."""

    CRITICAL = "critical"
    """A center, or a whole network, cannot be reached."""
    WARNING = "warning"
    """Something is broken, and what is left still works."""
    INFO = "info"


class Area(StrEnum):
    """What sort of thing an alarm is about."""

    CENTER = "center"
    NETWORK = "network"
    CIRCUIT = "circuit"
    DEVICE = "device"
    OURSELVES = "ourselves"
    """This program and the machines it runs on; never what it watches."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: whom to tell, over what, so long after the alarm began."""

    after: float
    """Seconds."""
    who: tuple[str, ...]
    over: tuple[str, ...]
    """Names of channels, all of them at once."""
    otherwise: tuple[str, ...] = ()
    """Channels that are used as well where one of `over` has not brought its message in time, or cannot."""
    within: float = 60.0
    """Seconds that it has for that."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done until somebody answers."""

    id: str
    steps: tuple[Step, ...]
    repeat: float = 600.0
    """Seconds between two rounds through everybody once all steps are done; 0: there is no further round."""
    answer_holds: float = 7200.0
    """Seconds after which an answer is no longer enough if the alarm is still there; 0: it always is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which alarms a plan is for; an empty set stands for all."""

    plan: str
    severities: frozenset[Severity] = frozenset()
    areas: frozenset[Area] = frozenset()

    def fits(self, severity: Severity, area: Area) -> bool:
        """Tell whether it is about such alarms."""
        return severity in (self.severities or {severity}) and area in (self.areas or {area})


@dataclass(frozen=True, slots=True)
class Escalation:
    """All plans, and the rules by which one is chosen: the first that fits."""

    plans: Mapping[str, Plan] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def plan(self, severity: Severity, area: Area) -> Plan | None:
        """Return the plan for such alarms; None: nobody is told of them."""
        return next((self.plans[rule.plan] for rule in self.rules if rule.fits(severity, area)), None)


class What(StrEnum):
    """What a notice says."""

    ALARM = "alarm"
    ESCALATED = "escalated"
    """The same, to those who are told because nobody has answered."""
    REPEAT = "repeat"
    AGAIN = "again"
    """Somebody answered long ago, and it is still so."""
    CORRECTION = "correction"
    """Something else is broken than was told."""
    RECOVERY = "recovery"


class Rung(StrEnum):
    """How far a notice is known to have got; it only climbs."""

    COMPOSED = "composed"
    REFUSED = "refused"
    """The channel will never take it."""
    HANDED_OVER = "handed_over"
    """The channel's peer has said its final yes."""
    DELIVERED = "delivered"
    """It has arrived at the person's end."""
    ACKNOWLEDGED = "acknowledged"
    """A person has answered."""

    @property
    def height(self) -> int:
        """Count from the lowest rung up."""
        return list(Rung).index(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody has taken an alarm on."""

    who: str
    """The officer's id, or what they call themselves."""
    via: str
    """By what means: `socket`, `api`, `mqtt`, or the channel of a reply."""
    at: float
    until: float | None = None
    """When it is asked again; None: never."""
    note: str = ""
    name: str = ""
    """The officer's name; empty: the roster knows nobody of that id."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is escalated: one incident, or one trouble of our own."""

    id: str
    code: str
    """What an officer answers with: `0914`, from the time at which it began."""
    subject: str
    """The component that is told to be broken."""
    area: Area
    severity: Severity
    plan: Plan
    """As it was when the alarm began; whoever edits the plans changes no alarm that is open."""
    since: float
    opened_at: float
    due_at: float | None
    """When something is to be done next; None: not before something changes."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What is said of it, as it stands now."""
    drill: bool = False
    steps: int = 0
    """Steps done."""
    notices: int = 0
    """Notices made."""
    answer: Answer | None = None
    muted_until: float | None = None
    paused: bool = False
    """It is planned work now."""
    closed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one officer is told about one alarm over one channel."""

    id: str
    """`<alarm>/<number>`."""
    alarm: str
    what: What
    officer: str
    """An officer's id; empty: the channel speaks to a place."""
    channel: str
    composed_at: float
    rung: Rung = Rung.COMPOSED
    moved_at: float = 0.0
    """When it got to that rung."""
    otherwise: tuple[str, ...] = ()
    limit_at: float | None = None
    """When `otherwise` is used; None: it was, or there is nothing else."""
    letter: str = ""
    """Names the message that brings it, with others; empty: none yet."""
    attempts: int = 0
    reference: str = ""
    """The peer's own name of that message."""
    trouble: str = ""
    """Why the latest attempt failed."""
    unsure: bool = False
    """The latest attempt had no answer: it may have been brought."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to one person over one channel, as often as it takes."""

    key: str
    """Names it for ever; the same if it is brought again."""
    to: str
    """The person's address; empty if the channel speaks to a place."""
    language: str
    severity: Severity
    title: str
    """One line: what an e-mail's subject says."""
    short: str
    """All that matters in at most 70 UTF-16 code units."""
    text: str
    """All of it, in lines."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """The same for programs."""
    unsure: bool = False
    """It was brought before and may have been taken."""
