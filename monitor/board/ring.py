"""The latest events, for whoever follows along: a ring that forgets, never a queue that grows."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterable

from monitor.core.world import Event

KEPT = 1000
"""How many events are kept."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that both sides notice a dead connection."""


class Ring:
    """Holds the latest events as they go over the wire (server-sent events, HTML Living Standard 9.2)."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._fresh = asyncio.Event()

    def add(self, events: Iterable[Event]) -> None:
        """Keep *events* and wake those who follow."""
        self._events.extend((event.seq, _written(event)) for event in events)
        waiting, self._fresh = self._fresh, asyncio.Event()
        waiting.set()

    @property
    def latest(self) -> int:
        """The number of the latest event; 0 before the first."""
        return self._events[-1][0] if self._events else 0

    async def follow(
        self, after: int | None, boot: str, seconds: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Give all events numbered above *after* (None: only new ones), and go on for *seconds* or for ever.

        It begins with a `hello` that names the daemon's boot and says if events in between were missed.
        """
        seen = self.latest if after is None else after
        oldest = self._events[0][0] if self._events else 1
        missed = seen > self.latest or seen + 1 < oldest
        hello = json.dumps({"boot": boot, "latest": self.latest, "missed": missed})
        yield f"event: hello\ndata: {hello}\n\n".encode()
        if seen > self.latest:  # a number from an earlier run of the daemon
            seen = 0
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while deadline is None or asyncio.get_running_loop().time() < deadline:
            fresh = self._fresh
            news = [written for seq, written in self._events if seq > seen]
            if news:
                seen = self.latest
                yield b"".join(news)
            if not await _set_within(fresh, deadline):
                yield b": still here\n\n"


async def _set_within(fresh: asyncio.Event, deadline: float | None) -> bool:
    """Wait until *fresh* is set, at most until the next heartbeat or *deadline* (loop time)."""
    heartbeat = asyncio.get_running_loop().time() + HEARTBEAT
    try:
        async with asyncio.timeout_at(heartbeat if deadline is None else min(heartbeat, deadline)):
            await fresh.wait()
    except TimeoutError:
        return False
    return True


def _written(event: Event) -> bytes:
    data = {"seq": event.seq, "at": event.at, "kind": event.kind, "subject": event.subject}
    written = json.dumps(data | {"data": dict(event.data)}, ensure_ascii=False)
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {written}\n\n".encode()
