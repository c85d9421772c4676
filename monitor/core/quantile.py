"""Quantiles of a stream of durations, in little memory, whatever their distribution.

Values are counted in buckets that grow by a tenth, so that a quantile is off by at most 5 % of itself
(DDSketch: Masson, Rim and Lee, VLDB 2019); and the counts are halved now and then, so that the far past
fades. P2 (Jain and Chlamtac 1985) needs less memory, but guesses where times of two routes leave a gap, and
never forgets.
"""

from math import exp, log

LEAST = 0.001
"""Seconds; what is less falls into the lowest bucket."""
GROWTH = log(1.1)
HIGHEST = 127
"""The bucket of what takes some three minutes and more."""
MOST = 1 << 17
"""Values counted before the counts are halved."""


class Sketch:
    """Counts of durations by bucket. Mutable."""

    __slots__ = ("_counts", "total")

    def __init__(self, counts: tuple[tuple[int, int], ...] = ()) -> None:
        """Begin with *counts* by bucket, as `counts` gave them."""
        self._counts = dict(counts)
        self.total = sum(self._counts.values())
        """Values that it speaks of."""

    @property
    def counts(self) -> tuple[tuple[int, int], ...]:
        """All that is known, to be kept."""
        return tuple(sorted(self._counts.items()))

    def add(self, value: float) -> None:
        """Count one duration, seconds."""
        bucket = min(int(log(value / LEAST) / GROWTH) + 1, HIGHEST) if value > LEAST else 0
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.total += 1
        if self.total >= MOST:
            self._fade()

    def quantile(self, share: float) -> float:
        """Return the duration, seconds, below which this share of all lie; raises ValueError for none."""
        wanted, seen = share * self.total, 0
        for bucket, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return LEAST * exp((bucket - 0.5) * GROWTH) if bucket else LEAST
        raise ValueError("nothing was counted")

    def _fade(self) -> None:
        self._counts = {bucket: half for bucket, count in self._counts.items() if (half := count // 2)}
        self.total = sum(self._counts.values())
