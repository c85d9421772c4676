"""When to look: a phase for each check from its own name, and a timing wheel that gives what is due.

The phase comes from a hash of the check's id, so restarts neither stampede nor shuffle. The wheel has
slots of 10 ms; putting and taking cost the same whatever the number of checks.
"""

from typing import Generic, Protocol, TypeVar
from zlib import crc32

TICK = 0.01
"""Seconds per slot."""
SLOTS = 4096
"""Slots per turn, about 41 s; what lies further ahead waits in its slot for another turn."""
_MASK = SLOTS - 1
NEVER = -1
"""The tick of an item that is in no slot."""


class Due(Protocol):
    """What can be put on the wheel."""

    tick: int
    """When it is due; an older place on the wheel is void once this differs."""


T = TypeVar("T", bound=Due)


def ticks(seconds: float) -> int:
    """Return the number of slots in *seconds*, at least one."""
    return max(1, round(seconds / TICK))


def phase(check: str, period: int) -> int:
    """Return the tick within *period* (ticks) at which *check* is looked at, for ever the same."""
    return crc32(check.encode()) % period


def first_tick(check: str, period: int, now: int) -> int:
    """Return the next tick after *now* that has the phase of *check*."""
    return now + 1 + (phase(check, period) - now - 1) % period


class Wheel(Generic[T]):
    """Items by the tick at which they are due; an item is due once, at the tick it was put for last."""

    def __init__(self, now: int) -> None:
        """Begin at tick *now*."""
        self.now = now
        """The last tick that was taken."""
        self._slots: list[list[T]] = [[] for _ in range(SLOTS)]

    def put(self, item: T, tick: int) -> None:
        """Make *item* due at *tick*, or at the next one if that is past."""
        if tick <= self.now:
            tick = self.now + 1
        item.tick = tick
        self._slots[tick & _MASK].append(item)

    def take(self, now: int) -> list[T]:
        """Return everything that is due up to tick *now*, oldest first."""
        due: list[T] = []
        for tick in range(max(self.now + 1, now - SLOTS + 1), now + 1):
            slot = self._slots[tick & _MASK]
            if slot:
                self._slots[tick & _MASK] = _sift(slot, tick & _MASK, now, due)
        self.now = max(self.now, now)
        return due

    def next_tick(self, limit: int) -> int:
        """Return the first tick after now that has anything in its slot, or *limit* if none is sooner."""
        for tick in range(self.now + 1, limit):
            if self._slots[tick & _MASK]:
                return tick
        return limit


def _sift(slot: list[T], place: int, now: int, due: list[T]) -> list[T]:
    """Move what is due to *due*; return what waits here for another turn, and drop void places."""
    later: list[T] = []
    for item in slot:
        tick = item.tick
        if tick == NEVER:
            continue
        if tick <= now:
            item.tick = NEVER
            due.append(item)
        elif tick & _MASK == place:
            later.append(item)
    return later
