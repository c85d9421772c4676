"""Where one reader is: what it was given, and what it need not be given again, even after a restart.

As a rule both are "everything up to a position". Only while the disk cannot be read is a reader given what
is in memory first, and what lies before it once the disk is back; then there is more to remember.
"""

from collections import deque

from monitor.store.ring import PROVISIONAL
from monitor.store.spans import Span, Spans


class Place:
    """One reader's place; positions count from 1."""

    def __init__(self, done: int) -> None:
        """Begin after position *done*."""
        self._begun = done
        self._given = Spans((0, done))
        self._told = Spans((0, done))
        self._under_way: deque[Span] = deque()
        """Given and not told yet, in the order in which it was given."""
        self._shift: int | None = None
        """What turns a provisional position into that in the log."""

    @property
    def saved(self) -> int:
        """The position up to which everything was told."""
        return next(iter(self._told))[1]

    def gap(self, upto: int, beyond: int = 0) -> Span | None:
        """Return the first span of positions from above *beyond* to *upto* that was not given yet."""
        return self._given.gap(beyond + 1, upto)

    def give(self, first: int, last: int) -> None:
        """Note that all from *first* to *last* is given now."""
        self._given.add(first, last)
        if self._under_way and self._under_way[-1][1] == first - 1:
            first = self._under_way.pop()[0]
        self._under_way.append((first, last))

    def tell(self, position: int) -> bool:
        """Note that everything given up to *position* was told; say whether `saved` has moved."""
        if self._shift is not None and position > PROVISIONAL:
            position += self._shift
        before = self.saved
        at = self._segment(position)
        if at is not None:
            for _ in range(at):
                self._told.add(*self._under_way.popleft())
            first, last = self._under_way.popleft()
            self._told.add(first, min(position, last))
            if position < last:
                self._under_way.appendleft((position + 1, last))
        return self.saved != before

    def settle(self, last: int, saved: int | None) -> None:
        """Turn provisional positions into those of a log whose latest event, before ours, is at *last*.

        *saved* is where an earlier run left off; None: nothing is to be read before what we began with.
        """
        shift = self._shift = last - PROVISIONAL
        begun = self._begun + shift
        done = begun if saved is None else min(saved, begun)
        self._under_way = deque((a + shift, b + shift) for a, b in self._under_way)
        self._given = Spans((0, done), *_moved(self._given, self._begun, shift))
        self._told = Spans((0, done), *_moved(self._told, self._begun, shift))

    def _segment(self, position: int) -> int | None:
        """Return which of what is under way was told last, if all up to *position* was; None: nothing."""
        held = [n for n, (first, last) in enumerate(self._under_way) if first <= position <= last]
        if held:
            return held[-1]
        beyond = bool(self._under_way) and position > max(last for _, last in self._under_way)
        return len(self._under_way) - 1 if beyond else None


def _moved(spans: Spans, begun: int, shift: int) -> list[Span]:
    return [(max(first, begun + 1) + shift, last + shift) for first, last in spans if last > begun]
