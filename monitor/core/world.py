"""The latest world: what was declared, what was last seen, what is believed and said of it.

Only the pipeline writes it; outputs read it. It holds the present, never history.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.core.agent import Agent, Heard
from monitor.core.alarm import Alarm, Notice
from monitor.core.detection import Belief
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.inventory import Inventory, Look
from monitor.core.observation import Finding, Outcome
from monitor.core.plain import Json
from monitor.core.planned import Work
from monitor.core.report import Report
from monitor.core.story import Story
from monitor.core.voice import Call, call

__all__ = ["HISTORY", "Check", "Event", "EventKind", "Json", "Reading", "World", "call_over"]

HISTORY = 60
"""How many latest looks the loss ratio speaks of."""
_MASK = (1 << HISTORY) - 1

EventKind = Literal[
    "belief", "status", "daemon", "incident", "planned", "report", "trace", "alarm", "notice"
]  # fmt: skip
"""What an event speaks of: the belief about a check, the status of a subject, ourselves, a root cause,
planned work, what a person has entered, where the way over a circuit ends, an alarm, or how far a message to
an officer has got."""


@dataclass(frozen=True, slots=True)
class Check:
    """One configured way of looking at one subject from this vantage."""

    id: str
    """Readable path: the subject's path and the look's name, `danjiangkou/province/primary/icmp`."""
    subject: str
    look: Look
    network: str | None = None
    """The network behind which the subject lies: while its anchor is silent the look tells nothing. None: the
    subject is at hand."""
    over: str | None = None
    """The circuit that the look goes over, though it looks at something beyond: while that is cut it tells
    nothing of its subject."""


class Reading:
    """What one check saw lately: counts and latest values. Mutable, written by the pipeline alone."""

    __slots__ = (
        "failed",
        "filled",
        "finding",
        "history",
        "last_at",
        "late",
        "ok",
        "rtt",
        "rtt_count",
        "rtt_sum",
        "rttvar",
        "srtt",
        "took",
        "unknown",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ok = 0
        self.failed = 0
        self.unknown = 0
        self.late = 0
        """Answers that came after their deadline."""
        self.finding: Finding | None = None
        self.last_at = 0.0
        """Wall time of the latest look, Unix seconds."""
        self.took = 0.0
        """Seconds that the latest look took."""
        self.rtt: float | None = None
        """Latest round-trip time, seconds."""
        self.rtt_sum = 0.0
        self.rtt_count = 0
        self.srtt = 0.0
        self.rttvar = 0.0
        self.history = 0
        """One bit per look, newest lowest, 1 = lost."""
        self.filled = 0

    @property
    def loss(self) -> float | None:
        """Share of the last looks (at most HISTORY) that failed; None before the first."""
        return self.history.bit_count() / self.filled if self.filled else None

    @property
    def call(self) -> Call | None:
        """How a call over the path would be, as far as the last looks tell; None if they do not."""
        loss = self.loss
        if loss is None or self.finding is None or self.finding.outcome is Outcome.UNKNOWN:
            return None
        return call(self.srtt, self.rttvar, loss, self.filled) if self.srtt or loss == 1.0 else None

    def remember(self, *, lost: bool) -> None:
        """Add one look to the short history."""
        self.history = (self.history << 1 | lost) & _MASK
        if self.filled < HISTORY:
            self.filled += 1


def call_over(readings: Iterable[Reading]) -> Call | None:
    """Return how a call over a path would be as the worst of its *readings* tells; None if none does."""
    return min((call for call in (reading.call for reading in readings) if call is not None), default=None)


@dataclass(frozen=True, slots=True)
class Event:
    """An immutable entry of the log: something that happened, as one vantage saw it.

    Vantage, boot and seq together name it everywhere and for ever; its position is that in one daemon's log.
    """

    vantage: str
    boot: str
    seq: int
    """Counts up within one boot of one daemon."""
    at: float
    """Wall time at which it happened, by the clock of the vantage that saw it, Unix seconds."""
    kind: EventKind
    subject: str
    data: Mapping[str, Json]
    position: int = 0
    """Place in the log that it was read from; grows, though not by ones. 0: not in a log yet."""
    received_at: float | None = None
    """Wall time at which it reached us, Unix seconds; None: it is our own."""


@dataclass(slots=True)
class World:
    """The latest world as one vantage holds it."""

    inventory: Inventory
    vantage: str
    boot: str
    """Names this run of this daemon; a new one at each start."""
    checks: dict[str, Check] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    beliefs: dict[str, Belief] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    """The daemons of the other vantages, as far as we listen to them, by vantage."""
    heard: dict[str, dict[str, Heard]] = field(default_factory=dict)
    """What the other vantages believe, by vantage and check; what is no longer valid is not in it."""
    broker_lost_at: float | None = None
    """Monotonic time since when we have had no connection to the broker at which we listen, seconds; None: we
    have one, or listen at none."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """Root causes that are not closed, by id."""
    stories: dict[str, Story] = field(default_factory=dict)
    """What is told of each of them."""
    planned: dict[str, Work] = field(default_factory=dict)
    """Planned work that is not over, or declared, by id."""
    reports: dict[str, Report] = field(default_factory=dict)
    """The latest report of each check that we are told of, whether it still holds or not."""
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    """What people are told of and is not settled, by id; the alarm desk's own, as `notices` are."""
    notices: Mapping[str, Mapping[str, Notice]] = field(default_factory=dict)
    """What each is told of them, by alarm and id."""

    def checks_of(self, subject: str) -> Iterator[Check]:
        """Give the checks that look at *subject*."""
        return (check for check in self.checks.values() if check.subject == subject)

    def incidents_of(self, subject: str) -> tuple[str, ...]:
        """Return the ids of the open incidents that break, spoil or hide *subject*, the oldest first."""
        return tuple(sorted(name for name, story in self.stories.items() if subject in story.touched))
