"""When looks are overdue: 10-ms slots of their nonces, and a heap of the slots, not of the looks."""

import heapq
from collections.abc import Iterator

SLOTS = 100
"""Slots per second."""


class Deadlines:
    """Keeps nonces by the slot in which they are overdue; answered ones stay until their slot comes."""

    def __init__(self) -> None:
        self._slots: dict[int, list[int]] = {}
        self._order: list[int] = []

    def slot(self, number: int) -> list[int]:
        """Return the list of a slot, to append to."""
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = []
            heapq.heappush(self._order, number)
        return slot

    def overdue(self, now: float) -> Iterator[int]:
        """Give and forget the nonces whose slot has passed at monotonic time *now*."""
        number = int(now * SLOTS)
        while self._order and self._order[0] <= number:
            yield from self._slots.pop(heapq.heappop(self._order))

    def clear(self) -> None:
        """Forget all."""
        self._slots.clear()
        self._order.clear()
