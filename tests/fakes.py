"""Stand-ins for the parts that meet in monitor/ports.py, small and without a clock of their own."""

import asyncio
from collections.abc import Iterable

from monitor.core.world import Event, World
from monitor.ports import News


class FakeFeed:
    """A `monitor.ports.Feed` whose news the test tells."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._events: list[Event] = []
        self._changed: set[str] = set()
        self._dropped = 0
        self._something = asyncio.Event()

    def tell(self, *events: Event, changed: Iterable[str] = (), dropped: int = 0) -> None:
        """Let the output hear this."""
        self._events += events
        self._changed |= set(changed)
        self._dropped += dropped
        self._something.set()

    async def news(self, timeout: float | None = None) -> News:  # noqa: ASYNC109 - as the port wants it
        """Wait for what the test tells, and take it."""
        try:
            async with asyncio.timeout(timeout):
                await self._something.wait()
        except TimeoutError:
            pass
        self._something.clear()
        news = News(tuple(self._events), frozenset(self._changed), self._dropped)
        self._events, self._changed, self._dropped = [], set(), 0
        return news
