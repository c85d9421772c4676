"""How probes meet the rest: what they can be told, what they find, how reports come in."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from monitor.core.observation import Finding
from monitor.core.report import Report, Standing, Told
from monitor.core.world import Check, World

LONGEST = 366 * 86_400.0
"""Seconds for which a report may hold."""
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A name fit for a label."""


class ProbeOptions(BaseModel):
    """What a probe kind can be told; each kind has its own, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @property
    def reaches(self) -> bool:
        """What the peer is asked about was tried to the far end: a test, and no state of a port."""
        return False


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
    words: frozenset[str] | None = None
    """Of a kind that asks a peer how something else is: the reasons that are an answer. None: all."""
