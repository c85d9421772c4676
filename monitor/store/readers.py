"""Readers of the log: at the end they are served from memory, further back from the disk."""

from collections.abc import Callable, Sequence
from typing import Protocol

from monitor.core.world import Event
from monitor.store.pages import Pages, UnreadableError
from monitor.store.place import Place
from monitor.store.ring import Ring


class Source(Protocol):
    """What readers need to know of the memory of the log."""

    @property
    def ring(self) -> Ring:
        """The latest events."""

    @property
    def visible(self) -> int:
        """The position up to which events may be seen."""

    @property
    def settled(self) -> bool:
        """Positions are those of the log."""

    def mark(self, reader: str, position: int) -> None:
        """Save the place of a reader."""


class LogReader:
    """A `monitor.ports.Reader`: for one caller at a time."""

    def __init__(
        self, source: Source, pages: Pages, name: str | None, wake: Callable[[], None], done: int
    ) -> None:
        """Read on after position *done*; without a *name* no place is saved."""
        self._source = source
        self._pages = pages
        self._name = name
        self._place = Place(done)
        self._dropped = 0
        self.wake = wake
        """To be called when there may be more to read."""

    @property
    def dropped(self) -> int:
        """How many events were lost to this reader so far."""
        return self._dropped

    async def read(self, limit: int) -> Sequence[Event]:
        """Take the next events, at most *limit*; empty if there are no more now, or the disk cannot be read.

        While the disk cannot be read, what is in memory comes first and what lies before it later.
        """
        while (gap := self._place.gap(self._source.visible)) is not None:
            first, last = gap
            ring = self._source.ring
            if first < ring.first:
                last = min(last, ring.first - 1)
                found = await self._from_disk(first, last, limit)
                if found is None:
                    return self._out_of_turn(limit)
            else:
                found = ring.between(first, last, limit)
            if taken := self._take(found, first, last, limit):
                return taken
        return ()

    def told(self, position: int) -> None:
        """Save that everything up to this position is done with."""
        if self._place.tell(position) and self._name is not None and self._source.settled:
            self._source.mark(self._name, self._place.saved)

    def settle(self, last: int, places: dict[str, int]) -> None:
        """Go on in a log whose latest event, before those of this run, is at *last*."""
        saved = None if self._name is None else places.get(self._name)
        self._place.settle(last, saved)
        if self._name is not None:
            self._source.mark(self._name, self._place.saved)

    async def _from_disk(self, first: int, last: int, limit: int) -> Sequence[Event] | None:
        try:
            return await self._pages.events(first, last, limit)
        except UnreadableError:
            return None

    def _out_of_turn(self, limit: int) -> Sequence[Event]:
        ring = self._source.ring
        gap = self._place.gap(self._source.visible, beyond=ring.first - 1)
        if gap is None:
            return ()
        first, last = gap
        return self._take(ring.between(first, last, limit), first, last, limit)

    def _take(self, found: Sequence[Event], first: int, last: int, limit: int) -> Sequence[Event]:
        """Note that all from *first* on is given, up to *last* unless *limit* cut it short."""
        if len(found) == limit:
            last = found[-1].position
        self._place.give(first, last)
        self._dropped += self._source.ring.lost.count(first, last)
        if found and self._place.gap(self._source.visible) is not None:
            self.wake()
        return found
