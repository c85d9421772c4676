"""What each output reads: its own queue, so that a slow one hurts nobody."""

import asyncio
from collections import deque

from monitor.core.world import Event, World
from monitor.ports import News

MOST_EVENTS = 10_000
"""Events kept for an output that does not take them; older ones are dropped and counted."""


class QueueFeed:
    """A `monitor.ports.Feed`: the pipeline pushes without waiting, one output takes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._changed: set[str] = set()
        self._dropped = 0
        self._something = asyncio.Event()

    @property
    def world(self) -> World:
        """The latest world."""
        return self._world

    def push(self, events: list[Event], changed: set[str]) -> None:
        """Add what happened; never waits."""
        room = MOST_EVENTS - len(self._events)
        self._dropped += max(0, len(events) - room)
        self._events.extend(events)
        self._changed |= changed
        self._something.set()

    async def news(self, timeout: float | None = None) -> News:  # noqa: ASYNC109 - an empty answer, no error
        """Wait for something new, at most *timeout* seconds, and take it; may be empty."""
        try:
            async with asyncio.timeout(timeout):
                await self._something.wait()
        except TimeoutError:
            pass
        self._something.clear()
        news = News(tuple(self._events), frozenset(self._changed), self._dropped)
        self._events.clear()
        self._changed = set()
        self._dropped = 0
        return news
