"""When looks are overdue: 10-ms slots of their nonces, and a heap of the slots, not of the looks."""

import heapq
import time
from collections.abc import Callable, Iterator

SLOTS = 100
"""Slots per second."""
AT_A_TIME = 0.005
"""Seconds of giving up without a break: all may fall silent at once."""


class Deadlines:
    """Keeps nonces by the slot in which they are overdue; answered ones stay until their slot comes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.behind = False
        """More was overdue than was given."""
        self._clock = clock
        self._slots: dict[int, list[int]] = {}
        self._order: list[int] = []
        self._rest: Iterator[int] = iter(())

    def slot(self, number: int) -> list[int]:
        """Return the list of a slot, to append to."""
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = []
            heapq.heappush(self._order, number)
        return slot

    def overdue(self, now: float) -> Iterator[int]:
        """Give and forget the nonces whose slot has passed at monotonic time *now*.

        If that takes long, the rest is left for the next time.
        """
        number, until = int(now * SLOTS), self._clock() + AT_A_TIME
        self.behind = True
        while True:
            for nonce in self._rest:
                yield nonce
                if self._clock() >= until:
                    return
            if not self._order or self._order[0] > number:
                break
            self._rest = iter(self._slots.pop(heapq.heappop(self._order)))
        self.behind = False

    def clear(self) -> None:
        """Forget all."""
        self._slots.clear()
        self._order.clear()
        self._rest, self.behind = iter(()), False
