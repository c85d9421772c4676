"""A set of whole numbers as spans: what was read, what was told, what was lost."""

import bisect
from collections.abc import Iterator

Span = tuple[int, int]
"""First and last number, both in it."""


class Spans:
    """Disjoint spans in order; those that touch are one."""

    def __init__(self, *spans: Span) -> None:
        self._spans: list[Span] = []
        for first, last in spans:
            self.add(first, last)

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __contains__(self, number: int) -> bool:
        return self.count(number, number) == 1

    def add(self, first: int, last: int) -> None:
        """Add all numbers from *first* to *last*; none if there is none between."""
        if last < first:
            return
        spans = self._spans
        low = bisect.bisect_left(spans, first - 1, key=lambda span: span[1])
        high = bisect.bisect_right(spans, last + 1, key=lambda span: span[0])
        if low < high:
            first, last = min(first, spans[low][0]), max(last, spans[high - 1][1])
        spans[low:high] = [(first, last)]

    def count(self, first: int, last: int) -> int:
        """Return how many numbers from *first* to *last* are in it."""
        low = bisect.bisect_left(self._spans, first, key=lambda span: span[1])
        found = 0
        for begin, end in self._spans[low:]:
            if begin > last:
                break
            found += min(end, last) - max(begin, first) + 1
        return found

    def gap(self, first: int, last: int) -> Span | None:
        """Return the first span of numbers from *first* to *last* that are not in it."""
        for begin, end in self._spans:
            if begin > first:
                last = min(last, begin - 1)
                break
            first = max(first, end + 1)
        return (first, last) if first <= last else None

    def forget(self, upto: int) -> None:
        """Take out all numbers up to *upto*."""
        self._spans = [(max(first, upto + 1), last) for first, last in self._spans if last > upto]
