"""Stand-ins for the parts that meet in monitor/ports/, small and without a clock of their own."""

import asyncio
from collections.abc import Iterable

from monitor.core.world import Event, World
from monitor.ports import News


class FakeFeed:
    """A `monitor.ports.Feed` whose news the test tells."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.place = 0
        """Up to where everything is told, as the output says."""
        self._events: list[Event] = []
        self._changed: dict[str, set[str]] = {"changed": set(), "believed": set(), "incidents": set()}
        self._dropped = 0
        self._something = asyncio.Event()

    def tell(self, *events: Event, dropped: int = 0, **changed: Iterable[str]) -> None:
        """Let the output hear this; by name: what `changed`, what is `believed` anew, which `incidents`."""
        self._events += events
        for what, names in changed.items():
            self._changed[what] |= set(names)
        self._dropped += dropped
        self._something.set()

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ASYNC109 - as the port wants it
        """Wait for what the test tells, and take it."""
        try:
            async with asyncio.timeout(timeout):
                while not (any(self._changed.values()) or (events and (self._events or self._dropped))):
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            pass
        taken, dropped = (tuple(self._events), self._dropped) if events else ((), 0)
        news = News(
            taken, dropped=dropped, **{what: frozenset(names) for what, names in self._changed.items()}
        )
        if events:
            self._events, self._dropped = [], 0
        self._changed = {what: set() for what in self._changed}
        return news

    def told(self, position: int) -> None:
        """Note how far the output says that it is."""
        self.place = max(self.place, position)
