"""The shapes by which the parts of the shell meet, so that none needs to know another."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from monitor.core.observation import Finding
from monitor.core.world import Event, World


class ProbeOptions(BaseModel):
    """What a probe kind can be told; each kind has its own, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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


@dataclass(frozen=True, slots=True)
class News:
    """What an output has not heard yet."""

    events: tuple[Event, ...]
    changed: frozenset[str]
    """Subjects whose status changed, appeared or (no longer in the world) vanished."""
    dropped: int = 0
    """Events that were pushed out before they were read."""


class Feed(Protocol):
    """What one output reads: the world, and what has changed in it. It never writes."""

    @property
    def world(self) -> World:
        """The latest world."""

    async def news(self, timeout: float | None = None) -> News:  # noqa: ASYNC109 - an empty answer, no error
        """Wait for something new, at most *timeout* seconds, and take it; may be empty."""


class Output(Protocol):
    """A place to tell."""

    name: str

    async def run(self, feed: Feed) -> None:
        """Tell what the feed brings until cancelled; peers that are away are the output's own affair."""
