"""What each output reads: the log from its own place on, and what has changed since it last asked."""

import asyncio
from collections.abc import Iterable

from monitor.core.world import Event, World
from monitor.ports import Log, News

PAGE = 500
"""Events given at a time."""


class LogFeed:
    """A `monitor.ports.Feed`: changes are pushed without waiting, events read from the log."""

    def __init__(self, world: World, log: Log, name: str | None) -> None:
        """Read on where *name* left off; None: from now on."""
        self._world = world
        self._changed: set[str] = set()
        self._believed: set[str] = set()
        self._incidents: set[str] = set()
        self._more = True
        self._something = asyncio.Event()
        self._reader = log.reader(name, self._wake)
        self._dropped = self._reader.dropped

    @property
    def world(self) -> World:
        """The latest world."""
        return self._world

    def push(self, changed: Iterable[str], believed: Iterable[str], incidents: Iterable[str]) -> None:
        """Add what changed; never waits."""
        self._changed.update(changed)
        self._believed.update(believed)
        self._incidents.update(incidents)
        self._something.set()

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ASYNC109 - as in Feed
        """Wait for something new, at most *timeout* seconds, and take it; may be empty."""
        try:
            async with asyncio.timeout(timeout):
                while not (self._is_news() or (events and self._more)):
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            pass
        page = await self._page() if events and self._more else ()
        dropped = self._reader.dropped - self._dropped if events else 0
        changed, believed, incidents = map(frozenset, (self._changed, self._believed, self._incidents))
        self._dropped += dropped
        self._changed, self._believed, self._incidents = set(), set(), set()
        return News(page, changed, believed, incidents, dropped=dropped)

    def told(self, position: int) -> None:
        """Note that no event up to this position needs to be told again."""
        self._reader.told(position)

    def _is_news(self) -> bool:
        return bool(self._changed or self._believed or self._incidents)

    async def _page(self) -> tuple[Event, ...]:
        self._more = False
        page = tuple(await self._reader.read(PAGE))
        self._more = self._more or len(page) == PAGE
        return page

    def _wake(self) -> None:
        self._more = True
        self._something.set()
