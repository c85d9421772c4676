"""Quantiles of a stream of durations, in little memory, whatever their distribution.

Values are counted in buckets that grow by a tenth, so that a quantile is off by at most 5 % of itself
(DDSketch: Masson, Rim and Lee, VLDB 2019); and the counts are halved now and then, so that the far past
fades. P2 (Jain and Chlamtac 1985) needs less memory, but guesses where times of two routes leave a gap, and
never forgets.
"""

from array import array
from collections.abc import Iterable
from math import exp, log

LEAST = 0.001
"""Seconds; what is less falls into the lowest bucket."""
GROWTH = log(1.1)
HIGHEST = 127
"""The bucket of what takes some three minutes and more."""
MOST = 1 << 17
"""Values counted before the counts are halved."""


_COUNT = "I"
"""Of `array`: no count is more than MOST."""


def packed(counts: Iterable[tuple[int, int]]) -> bytes:
    """Return pairs of a bucket and its count as a sketch keeps them, in as much memory whatever they are.

    Raises IndexError and OverflowError for what no sketch can have counted.
    """
    every = array(_COUNT, [0]) * (HIGHEST + 1)
    for bucket, count in counts:
        if bucket < 0:
            raise IndexError(bucket)
        every[bucket] = count
    return every.tobytes()


def unpacked(counts: bytes) -> tuple[tuple[int, int], ...]:
    """Return what `packed` was given, buckets without a count left out."""
    return tuple((bucket, count) for bucket, count in enumerate(array(_COUNT, counts)) if count)


class Sketch:
    """Counts of durations by bucket, in memory that does not grow. Mutable."""

    __slots__ = ("_counts", "total")

    def __init__(self, counts: bytes = b"") -> None:
        """Begin with *counts* by bucket, as `counts` gave them."""
        self._counts = array(_COUNT, counts or packed(()))
        self.total = sum(self._counts)
        """Values that it speaks of."""

    @property
    def counts(self) -> bytes:
        """All that is known, to be kept."""
        return self._counts.tobytes()

    def add(self, value: float) -> None:
        """Count one duration, seconds."""
        bucket = min(int(log(value / LEAST) / GROWTH) + 1, HIGHEST) if value > LEAST else 0
        self._counts[bucket] += 1
        self.total += 1
        if self.total >= MOST:
            self._fade()

    def quantile(self, share: float) -> float:
        """Return the duration, seconds, below which this share of all lie; raises ValueError for none."""
        wanted, seen = share * self.total, 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return LEAST * exp((bucket - 0.5) * GROWTH) if bucket else LEAST
        raise ValueError("nothing was counted")

    def _fade(self) -> None:
        self._counts = array(_COUNT, [count // 2 for count in self._counts])
        self.total = sum(self._counts)
