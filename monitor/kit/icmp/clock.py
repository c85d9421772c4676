"""Brings the kernel's receive stamps, which are wall time, to the monotonic clock."""

import time
from collections.abc import Callable

_TIGHT = 3_000
"""Nanoseconds within which three clock readings count as made at once."""
_STEP = 1_000_000
"""Nanoseconds by which the wall clock must part from the monotonic to have been set."""


class Clock:
    """Knows how far wall clock and monotonic clock are apart, and notices when the wall clock is set.

    NTP slews both clocks alike, so their distance stays the same until somebody sets the wall clock. A stamp
    that was made before that belongs to the distance before.
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall, self._steady = wall, steady
        self.offset, _ = self._distance()
        """Wall minus monotonic time, nanoseconds."""
        self._before = self.offset

    def refresh(self) -> None:
        """Measure the distance anew; call it before stamps are read."""
        offset, slack = self._distance()
        if abs(offset - self.offset) > _STEP:
            self._before, self.offset = self.offset, offset
        elif slack <= _TIGHT:
            self.offset = offset

    def since(self, sent: float, stamp: int) -> float:
        """Return the seconds from monotonic *sent* to a stamp in wall nanoseconds.

        Where the present distance makes no sense of the stamp it tries the distance before the clock was last
        set, and says "just now" if that makes no sense either.
        """
        longest = self._steady() * 1e-9 - sent
        for offset in (self.offset, self._before):
            took = (stamp - offset) * 1e-9 - sent
            if 0.0 <= took <= longest:
                return took
        return max(longest, 0.0)

    def _distance(self) -> tuple[int, int]:
        """Return the tightest of some measurements and the time it took."""
        best, slack = 0, 1 << 62
        for _ in range(4):
            before = self._steady()
            wall = self._wall()
            took = self._steady() - before
            if took < slack:
                best, slack = wall - before - took // 2, took
            if slack <= _TIGHT:
                break
        return best, slack
