"""How outputs meet the rest: what they read, and what they are."""

from dataclasses import dataclass
from typing import Protocol

from monitor.core.world import Event, World


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
