"""Which beliefs are still to be told, and in which order: rules, no clock and no socket.

What changed goes first, then what has to be cleared, then what is told again though nothing changed.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from monitor.core.detection import Belief, Verdict
from monitor.core.observation import Outcome
from monitor.core.world import Check, Reading, World

STEPS = 20
"""In how many portions an interval's refreshes are told."""


class Said(NamedTuple):
    """What of a belief is worth a message at once when it changes."""

    verdict: Verdict
    suspected: bool
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Told:
    """A belief to be told now, with what it is about and what was last measured."""

    check: Check
    belief: Belief
    rtt: float | None
    loss: float | None


class Beliefs:
    """What one broker has been told of one vantage's beliefs."""

    def __init__(self) -> None:
        self._said: dict[str, Said] = {}
        self._changed: dict[str, None] = {}
        self._gone: dict[str, None] = {}
        self._again: dict[str, None] = {}

    @property
    def waiting(self) -> int:
        """How many beliefs are to be told or cleared."""
        return len(self._changed) + len(self._gone) + len(self._again)

    def change(self, checks: Iterable[str], world: World) -> None:
        """Tell of these checks what is new."""
        for check in checks:
            if check not in world.checks:
                self.clear([check])
            elif _said(world.beliefs.get(check)) != self._said.get(check):
                self._changed[check] = None

    def clear(self, checks: Iterable[str]) -> None:
        """Take back what was ever said of these checks."""
        for check in checks:
            self._said.pop(check, None)
            self._changed.pop(check, None)
            self._again.pop(check, None)
            self._gone[check] = None

    def introduce(self, world: World) -> None:
        """Tell everything anew, to a broker that may know nothing: what is not well first."""
        self._said.clear()
        self._changed.clear()
        ill = [check for check, belief in world.beliefs.items() if not belief.steady]
        self._again = dict.fromkeys(check for check in (*ill, *world.beliefs) if check in world.checks)

    def refresh(self, step: int, world: World) -> None:
        """Tell the portion *step* of what did not change; a check always belongs to the same portion."""
        self._again |= dict.fromkeys(check for check in world.checks if step_of(check) == step)

    def next_urgent(self) -> str | None:
        """Take a check whose belief changed or that is gone; None without any."""
        for waiting in (self._changed, self._gone):
            if waiting:
                check = next(iter(waiting))
                del waiting[check]
                self._again.pop(check, None)
                return check
        return None

    def next_again(self) -> str | None:
        """Take a check that is to be told again; None without any."""
        check = next(iter(self._again), None)
        if check is not None:
            del self._again[check]
        return check

    def telling(self, check: str, world: World) -> Told | None:
        """Return what to say of *check* now; None: it is no more, so what was said must be cleared."""
        known, belief = world.checks.get(check), world.beliefs.get(check)
        if known is None or belief is None:
            self._said.pop(check, None)
            return None
        self._said[check] = _said(belief)
        reading = world.readings.get(check)
        return Told(known, belief, _rtt(reading), reading.loss if reading else None)


def _said(belief: Belief | None) -> Said:
    belief = belief or Belief()
    return Said(belief.verdict, belief.suspected, belief.reason, belief.since)


def _rtt(reading: Reading | None) -> float | None:
    """Return what the latest look measured, if it got an answer."""
    if reading is None or reading.finding is None or reading.finding.outcome is not Outcome.OK:
        return None
    return reading.rtt


@lru_cache(maxsize=1 << 16)
def step_of(check: str) -> int:
    """Return the portion in which *check* is told again."""
    return zlib.crc32(check.encode(errors="replace")) % STEPS
