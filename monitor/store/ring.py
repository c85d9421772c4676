"""The latest events in memory, and how far they may be seen."""

import bisect
from collections.abc import Iterator, Sequence
from itertools import islice

from monitor.core.world import Event
from monitor.store.packs import Packs
from monitor.store.spans import Spans

PROVISIONAL = 1 << 52
"""Positions above this one hold until the file could be opened; JavaScript can still count so far."""
TAIL = 2_000
"""Recorded events that stay in memory: readers at the end need no disk, and a lost end is made good."""
NEAR = 64
"""The latest of them, which stay as they are; the others are packed."""
_PACK = 64
_AT_ONCE = 2
"""Packs that are made at a time, about a millisecond each."""
_SLACK = 256


class Ring:
    """Numbers what happens, and holds what is not recorded yet and a tail of what is."""

    def __init__(self) -> None:
        self.last = PROVISIONAL
        """Position of the latest event."""
        self.recorded = PROVISIONAL
        """Up to here everything is recorded, or lost for good."""
        self.lost = Spans()
        """Positions of events that were pushed out before they could be recorded."""
        self.first = PROVISIONAL + 1
        """From this position on everything is in memory."""
        self._packs = Packs()
        self._events: list[Event] = []

    def __len__(self) -> int:
        return self._packs.count + len(self._events)

    @property
    def near(self) -> int:
        """From this position on nothing needs to be unpacked."""
        return self._events[0].position if self._events else self.last + 1

    def add(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Give each event its position, and keep it."""
        numbered = tuple(_at(event, n) for n, event in enumerate(events, self.last + 1))
        self.last += len(numbered)
        self._events += numbered
        return numbered

    def between(self, first: int, last: int, limit: int) -> list[Event]:
        """Return the events in memory from position *first* to *last*, at most *limit*."""
        return list(islice(self.walk(first, last), limit))

    def walk(self, first: int, last: int) -> Iterator[Event]:
        """Give the events in memory from position *first* to *last*."""
        yield from self._packs.walk(first, last)
        start = bisect.bisect_left(self._events, first, key=_position)
        end = bisect.bisect_right(self._events, last, lo=start, key=_position)
        yield from map(self._events.__getitem__, range(start, end))

    def record(self, upto: int, pending: int) -> None:
        """Note that everything up to *upto* is settled, of all in memory all but *pending* events."""
        self.recorded = max(self.recorded, upto)
        self._trim(len(self._events) - pending)
        if not pending:  # in a storm most of it will be forgotten before anybody has time to pack it
            self._pack(len(self._events))

    def lose(self, events: Sequence[Event]) -> None:
        """Note that *events* will never be recorded, and forget them."""
        self.withdraw(events)
        for event in events:
            self.lost.add(event.position, event.position)

    def lose_span(self, first: int, last: int) -> int:
        """Note that what was recorded under these positions is lost after all; return how many they are."""
        count = last - first + 1 - self.lost.count(first, last)
        self.lost.add(first, last)
        return count

    def withdraw(self, events: Sequence[Event]) -> None:
        """Forget *events*, neighbours all of them: they will come again under other positions."""
        if events:
            start = bisect.bisect_left(self._events, events[0].position, key=_position)
            end = bisect.bisect_right(self._events, events[-1].position, lo=start, key=_position)
            del self._events[start:end]

    def settle(self, shift: int) -> None:
        """Move all positions by *shift*: the log could be opened, and it does not begin with us.

        Nothing was recorded before, and so nothing is packed.
        """
        self._events = [_at(event, event.position + shift) for event in self._events]
        self.lost = Spans(*((first + shift, last + shift) for first, last in self.lost))
        self.last += shift
        self.first += shift
        self.recorded += shift

    def renumber(self, above: int, pending: int) -> None:
        """Give what is not recorded yet, the latest *pending* events, positions above *above*."""
        moved = self.latest(pending)
        del self._events[len(self._events) - pending :]
        self.recorded = self.last = max(self.last, above)
        self.add(moved)

    def latest(self, count: int) -> list[Event]:
        """Return the latest *count* events, which are not packed: they are not recorded yet."""
        return self._events[len(self._events) - count :]

    def everything(self) -> list[Event]:
        """Return all events in memory."""
        return list(self.walk(self.first, self.last))

    def _trim(self, recorded: int) -> None:
        """Forget what is recorded and more than the tail; *recorded* events are not packed."""
        if gone := self._packs.trim(TAIL - recorded):
            self.first = gone + 1
        if recorded - TAIL > _SLACK:
            self.first = self._events[recorded - TAIL - 1].position + 1
            del self._events[: recorded - TAIL]

    def _pack(self, recorded: int) -> None:
        for _ in range(min(_AT_ONCE, (recorded - NEAR) // _PACK)):
            self._packs.add(self._events[:_PACK])
            del self._events[:_PACK]


def _at(event: Event, position: int) -> Event:
    """Return *event* at a position; `replace` would take three times as long."""
    e = event
    return Event(e.vantage, e.boot, e.seq, e.at, e.kind, e.subject, e.data, position, e.received_at)


def _position(event: Event) -> int:
    return event.position
