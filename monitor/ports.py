"""The shapes by which the parts of the shell meet, so that none needs to know another."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from monitor.core.agent import Agent, Heard
from monitor.core.observation import Finding
from monitor.core.record import Record, Remembered
from monitor.core.report import Report, Standing, Told
from monitor.core.world import Check, Event, Json, World

LONGEST = 366 * 86_400.0
"""Seconds for which a report may hold."""
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A name fit for a label."""


class ProbeOptions(BaseModel):
    """What a probe kind can be told; each kind has its own, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ReportOptions(ProbeOptions):
    """What every kind can be told that waits for reports instead of asking."""

    valid_for: float = Field(
        gt=0,
        le=LONGEST,
        allow_inf_nan=False,
        description="Seconds for which a report holds. Then it is silent, or the next roll-call is due.",
    )


def reports_by_people(world: World) -> Iterator[tuple[Check, Report | None, float]]:
    """Give each check that people report of, its latest report, and for how many seconds such a one holds."""
    for check in world.checks.values():
        options = check.look.options
        if check.look.told is Told.BY_PERSON and isinstance(options, ReportOptions):
            yield check, world.reports.get(check.id), options.valid_for


class Taken(Enum):
    """What became of a report that came in."""

    TAKEN = auto()
    STRANGER = auto()
    """There is no such check, or whoever reports may not."""
    UNCLEAR = auto()
    """It is no report."""
    TOO_OFTEN = auto()
    UNREADY = auto()
    """Who may report cannot be known: our own trouble."""


class Intake(Protocol):
    """Takes in what things report by themselves."""

    def hear(self, check: str, payload: bytes, via: str, token: str | None) -> tuple[Taken, str]:
        """Take the report *payload* of a check; say what became of it, and why in words.

        *token*: what whoever reports shows to prove that they may; None: who delivers it vouches for that.
        """

    def listening(self, via: str, *, listens: bool) -> None:
        """Hear whether reports can come by that way from now on."""


class Sink(Protocol):
    """Who hears what a batch engine found; *key* is whatever the caller gave with the look."""

    def answered(self, key: Any, sent_at: float, rtt: float) -> None:
        """Hear that all is well: sent at *sent_at* (monotonic seconds), answered *rtt* seconds later."""

    def found(self, key: Any, sent_at: float, finding: Finding) -> None:
        """Hear anything else that ends the look: timeout, refusal, trouble of our own."""

    def late(self, key: Any, sent_at: float, rtt: float) -> None:
        """Hear that an answer came after its look had been given up."""


class BatchEngine(Protocol):
    """Looks made by the thousand: no task, future or timer per look, findings by callback."""

    def prepare(self, options: Any) -> object | None:
        """Return a handle to look with again and again; None if these options need the coroutine form."""

    def send(self, due: Sequence[tuple[object, object, float]]) -> None:
        """Begin all looks due in this tick: (handle, key, seconds until it is given up). Never raises."""

    def close(self) -> None:
        """Give up what is under way, silently, and release everything."""


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """One way of looking: its name, what it can be told, and the look itself."""

    name: str
    summary: str
    options: type[ProbeOptions]
    probe: Callable[..., Awaitable[Finding]]
    """`probe(options) -> Finding`; raises nothing that it means, the runner keeps the deadline."""
    reasons: dict[str, str]
    """Every reason the kind can give besides the runner's own, with its meaning in one line."""
    engine: Callable[[Sink], BatchEngine] | None = None
    """Makes the batch form, for kinds that are run by the thousand."""
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Every value the kind can measure, with its unit (`seconds`, `Unix time`, `bytes` …) and its meaning."""
    at_length: Callable[..., Awaitable[tuple[Finding, Sequence[str]]]] | None = None
    """The same look with lines for people: for kinds that find more than fits into a detail."""
    told: Told | None = None
    """Who reports to us, for kinds that wait to be told; the other kinds ask."""
    judged: Callable[[Any, Standing], Finding] | None = None
    """Of a kind that is told: what the latest report says now; its `probe` is the form without any report."""


@dataclass(frozen=True, slots=True)
class News:
    """What an output has not heard yet."""

    events: tuple[Event, ...]
    changed: frozenset[str]
    """Subjects whose status changed, appeared or (no longer in the world) vanished."""
    believed: frozenset[str] = frozenset()
    """Checks whose belief changed, appeared or vanished."""
    incidents: frozenset[str] = frozenset()
    """Incidents that began, changed or were closed (no longer in the world)."""
    dropped: int = 0
    """Events that were pushed out before they were read."""


class Feed(Protocol):
    """What one output reads: the world, and what has changed in it. It never writes."""

    @property
    def world(self) -> World:
        """The latest world."""

    async def news(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - an empty answer, no error
        *,
        events: bool = True,
    ) -> News:
        """Wait for something new, at most *timeout* seconds, and take it; may be empty.

        Events come a page at a time, in the order of the log; what an output does not take waits there.
        Without *events* they are left in the log, for when there is room; such a call has taken nothing if it
        is cancelled.
        """

    def told(self, position: int) -> None:
        """Note that no event up to this position of the log needs to be told again, even after a restart."""


class Output(Protocol):
    """A place to tell."""

    name: str
    durable: bool
    """Every event is to be delivered: after a restart it goes on where it left off, not from then on."""

    async def run(self, feed: Feed) -> None:
        """Tell what the feed brings until cancelled; peers that are away are the output's own affair."""


class Reader(Protocol):
    """One reader of the log and its place in it."""

    async def read(self, limit: int) -> Sequence[Event]:
        """Take the next events, at most *limit*; empty if there are no more now."""

    def told(self, position: int) -> None:
        """Save that everything up to this position is done with. Never waits."""

    @property
    def dropped(self) -> int:
        """How many events were lost to this reader so far: pushed out of memory while the disk was bad."""


class Log(Protocol):
    """The event log: appended to by the engine, read by everybody else."""

    def append(self, record: Record) -> None:
        """Record *record* soon. Never waits, never raises: while the disk is bad it stays in memory."""

    def alive(self, at: float) -> None:
        """Note that we are alive at this wall time. Never waits."""

    def remembered(self) -> Remembered:
        """Return what earlier runs left; to be asked for once, after the log has been opened."""

    def reader(self, name: str | None, wake: Callable[[], None]) -> Reader:
        """Return a reader; *wake* is called, in the event loop, whenever there may be more to read.

        A named reader goes on where it (or an earlier run's) left off, at first at the end of the log; one
        without a name begins at the end and leaves no trace.
        """


class Journal(Protocol):
    """The log as another vantage is told it: our own events only, again and again until acknowledged."""

    @property
    def identity(self) -> str:
        """Name of this log, a new one whenever its numbering may have begun anew; empty: not open yet."""

    @property
    def end(self) -> int:
        """Position of the latest recorded event."""

    async def own(self, after: int, limit: int) -> Sequence[Event]:
        """Return our own recorded events after a position, oldest first, at most *limit*.

        Raises OSError while the disk cannot be read: that is not the same as that there are none.
        """

    async def waiting(self, after: int) -> int:
        """Return how many of our own recorded events come after a position; raises OSError as above."""

    def place(self, reader: str) -> int:
        """Return the saved position of a reader; 0 without one."""

    def mark(self, reader: str, position: int) -> None:
        """Save the position of a reader. Never waits."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """How far the log of another vantage has been taken in."""

    log: str = ""
    """Identity of that log; empty: nothing of it yet."""
    position: int = 0
    """Its own position up to which everything is recorded here."""
    boots: tuple[str, ...] = ()
    """The boots of which we have events, oldest first, at most the latest hundred."""


class Archive(Protocol):
    """The log as it takes in what other vantages send."""

    async def gathered(self, vantage: str) -> Gathered:
        """Return how far we are with the log of *vantage*."""

    async def gather(self, vantage: str, log: str, upto: int, events: Sequence[Event]) -> int:
        """Record another vantage's events and that its log is taken in up to *upto*; say how many were new.

        One transaction; returns when it is committed, however long the disk is bad. What is recorded already,
        by vantage, boot and seq, is not recorded again.
        """

    async def quarantine(self, vantage: str, topic: str, reason: str, payload: bytes) -> None:
        """Keep a message that could not be understood, for a person to look at; the oldest of many go."""


class Hearing(Protocol):
    """Who is to know what other vantages say: the engine."""

    @property
    def world(self) -> World:
        """The latest world."""

    def heard(self, vantage: str, beliefs: Mapping[str, Heard | None]) -> None:
        """Take in what *vantage* believes of these checks; None: nothing valid any more."""

    def agent(self, agent: Agent, what: str = "", **data: Json) -> None:
        """Take in how the daemon of another vantage is; *what*, if given, is told as an event about it."""

    def broker(self, lost_at: float | None) -> None:
        """Take in since when there is no connection to the broker (monotonic seconds); None: there is one."""

    def tell(self, what: str, **data: Json) -> None:
        """Tell an event about the daemons of the other vantages together."""

    def traced(self, event: Event) -> None:
        """Take in the event of a trace of another vantage, once it is recorded."""
