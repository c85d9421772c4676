"""The latest events in memory, and how far they may be seen."""

import bisect
from collections.abc import Sequence

from monitor.core.world import Event
from monitor.store.spans import Spans

PROVISIONAL = 1 << 52
"""Positions above this one hold until the file could be opened; JavaScript can still count so far."""
TAIL = 2_000
"""Recorded events that stay in memory, so that readers at the end need no disk."""
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
        self._events: list[Event] = []

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Give each event its position, and keep it."""
        numbered = tuple(_at(event, n) for n, event in enumerate(events, self.last + 1))
        self.last += len(numbered)
        self._events += numbered
        return numbered

    def between(self, first: int, last: int, limit: int) -> list[Event]:
        """Return the events in memory from position *first* to *last*, at most *limit*."""
        start = bisect.bisect_left(self._events, first, key=_position)
        end = bisect.bisect_right(self._events, last, lo=start, key=_position)
        return self._events[start : min(end, start + limit)]

    def record(self, upto: int, pending: int) -> None:
        """Note that everything up to *upto* is settled, of all in memory all but *pending* events."""
        self.recorded = max(self.recorded, upto)
        self._trim(pending)

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
        """Move all positions by *shift*: the log could be opened, and it does not begin with us."""
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
        """Return the latest *count* events in memory."""
        return self._events[len(self._events) - count :]

    def _trim(self, pending: int) -> None:
        excess = len(self._events) - pending - TAIL
        if excess > _SLACK:
            self.first = self._events[excess - 1].position + 1
            del self._events[:excess]


def _at(event: Event, position: int) -> Event:
    """Return *event* at a position; `replace` would take three times as long."""
    e = event
    return Event(e.vantage, e.boot, e.seq, e.at, e.kind, e.subject, e.data, position, e.received_at)


def _position(event: Event) -> int:
    return event.position
