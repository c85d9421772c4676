"""Counters made into rates, through wraps and restarts."""

from typing import NamedTuple

from monitor.kit.snmp import Value
from monitor.kit.snmp.ber import COUNTER32

TICKS_A_SECOND = 100
"""sysUpTime counts hundredths of a second, and begins anew after 497 days."""
_WRAP = 1 << 32
_LEAST_SLACK, _SLACK = 30.0, 0.2
"""Seconds, and share of the time passed, by which an agent's clock may differ from ours."""


class _Reading(NamedTuple):
    at: float
    ticks: int | None
    counts: dict[str, Value]


class Meter:
    """Remembers the latest reading of some counters."""

    def __init__(self) -> None:
        self._latest: _Reading | None = None

    def rates(self, counts: dict[str, Value], ticks: int | None, at: float) -> tuple[dict[str, float], bool]:
        """Return how much each counter grows a second, and whether the agent has restarted in between.

        *ticks* is the agent's sysUpTime, *at* our own monotonic time. Nothing is known the first time, after
        a restart, and of a counter of 64 bits that went back. One of 32 bits has wrapped, once.
        """
        before, self._latest = self._latest, _Reading(at, ticks, counts)
        if before is None:
            return {}, False
        passed = at - before.at
        if ticks is not None and before.ticks is not None:
            by_agent = ((ticks - before.ticks) % _WRAP) / TICKS_A_SECOND
            if abs(by_agent - passed) > max(_LEAST_SLACK, _SLACK * passed):
                return {}, True
            passed = by_agent
        if passed <= 0:
            self._latest = before
            return {}, False
        grown = {name: _growth(before.counts.get(name), value) for name, value in counts.items()}
        return {name: growth / passed for name, growth in grown.items() if growth is not None}, False


def _growth(before: Value | None, now: Value) -> int | None:
    if before is None or before.tag != now.tag or before.number is None or now.number is None:
        return None
    growth = now.number - before.number
    if growth < 0 and now.tag == COUNTER32:
        growth += _WRAP
    return growth if growth >= 0 else None
