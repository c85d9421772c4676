"""Keeps the beat: one timer for all checks, and the measure of how late the event loop is."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from math import ceil

from monitor.core.schedule import NEVER, TICK, Wheel, first_tick
from monitor.core.vitals import LAG_BOUNDS, Vitals
from monitor.engine.watch import Watch

LONGEST_SLEEP = 10
"""Ticks: the beat never pauses longer, so that lag is noticed though nothing is due."""
LAGGED = 0.05
"""Seconds of lag from which silence gathered meanwhile is not held against anybody."""
STILL = 1.0
"""Seconds of lag from which the whole host may have stood still, and received nothing meanwhile."""


class Scheduler:
    """Gives the watches that are due to *launch*, each at its tick, from one timer."""

    def __init__(self, launch: Callable[[list[Watch]], None], vitals: Vitals, wall: float) -> None:
        """Prepare to start; *wall* (Unix seconds) fixes the ticks, so that phases outlast a restart."""
        self._launch = launch
        self._vitals = vitals
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time() - wall
        self._wheel: Wheel[Watch] = Wheel(self._tick_at(self._loop.time()))
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0.0
        self._lagged_until = self._still_until = float("-inf")

    def start(self) -> None:
        """Begin to beat."""
        self._arm(self._wheel.now + 1)

    def stop(self) -> None:
        """Stop beating; what is under way is left to its engines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def put_first(self, watch: Watch) -> None:
        """Put *watch* at its next regular tick."""
        self._put(watch, first_tick(watch.check.id, watch.period, self._wheel.now))

    def put_at(self, watch: Watch, when: float) -> None:
        """Put *watch* at *when* (monotonic seconds) instead of where it was; never sooner."""
        self._put(watch, ceil((when - self._origin) / TICK))

    @staticmethod
    def take_off(watch: Watch) -> None:
        """Forget *watch*."""
        watch.tick = NEVER

    def lagged_since(self, moment: float) -> bool:
        """Tell whether the loop has lagged, or lags right now, after *moment* (monotonic seconds)."""
        return self._overdue() > LAGGED or self._lagged_until >= moment

    def stood_still_since(self, moment: float) -> bool:
        """Tell whether the loop has lagged so long, or does right now, that the host may have stood still."""
        return self._overdue() > STILL or self._still_until >= moment

    def _overdue(self) -> float:
        return 0.0 if self._timer is None else self._loop.time() - self._armed

    def _tick_at(self, when: float) -> int:
        return int((when - self._origin) / TICK)

    def _put(self, watch: Watch, tick: int) -> None:
        self._wheel.put(watch, tick)
        if self._timer is not None and self._origin + watch.tick * TICK < self._armed - TICK / 2:
            self._timer.cancel()
            self._arm(watch.tick)

    def _arm(self, tick: int) -> None:
        self._armed = max(self._origin + tick * TICK, self._loop.time())
        self._timer = self._loop.call_at(self._armed, self._beat)

    def _beat(self) -> None:
        now = self._loop.time()
        self._note_lag(now)
        due = self._wheel.take(self._tick_at(now + TICK / 2))
        self._timer = None
        try:
            if due:
                self._launch(due)
        finally:  # whatever breaks in a look, the beat goes on
            self._arm(self._wheel.next_tick(self._wheel.now + LONGEST_SLEEP))

    def _note_lag(self, now: float) -> None:
        lag = max(0.0, now - self._armed)
        vitals = self._vitals
        vitals.ticks += 1
        vitals.last_tick = now
        vitals.lag = lag
        vitals.lag_sum += lag
        vitals.lag_buckets[bisect_left(LAG_BOUNDS, lag)] += 1
        vitals.lag_max = max(vitals.lag_max, lag)
        if lag > LAGGED:
            self._lagged_until = now
        if lag > STILL:
            self._still_until = now
