"""Hearing one feed: events only while there is room for them, changes at any time."""

import asyncio
from collections.abc import Callable

from monitor.ports import Feed, News

NOTHING = News((), frozenset())

GRACE = 0.1
"""Seconds for what has just been recorded to reach us when we stop."""


class Ear:
    """The way to one feed; reads one thing after the other, and never breaks off the reading of events.

    Whoever asks may be cancelled. What was asked of the feed goes on meanwhile and is heard the next time:
    a page that was read and then forgotten would be a hole in what is told.
    """

    def __init__(self, feed: Feed, has_room: Callable[[], bool]) -> None:
        self._feed = feed
        self._has_room = has_room
        self._asked: asyncio.Task[News] | None = None
        self._only_changes = False

    async def news(self) -> News:
        """Wait for something new; comes back with nothing when there is room for events again."""
        asked = self._asked = self._asked or self._ask()
        await asyncio.wait({asked})
        self._asked = None
        return NOTHING if asked.cancelled() else asked.result()

    async def latest(self) -> News:
        """Return what is new by now, without waiting for more."""
        asked = self._asked = self._asked or self._ask()
        await asyncio.wait({asked}, timeout=GRACE)
        if not asked.done():
            return NOTHING
        self._asked = None
        return NOTHING if asked.cancelled() else asked.result()

    def listen(self) -> None:
        """Ask for events if there is room now and was none."""
        if self._only_changes and self._asked is not None and self._has_room():
            self._asked.cancel()

    def close(self) -> None:
        """Ask for nothing any more."""
        if self._asked is not None:
            self._asked.cancel()

    def _ask(self) -> asyncio.Task[News]:
        self._only_changes = not self._has_room()
        return asyncio.create_task(self._feed.news(events=not self._only_changes))
