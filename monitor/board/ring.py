"""The latest events, for whoever follows along: a ring that forgets, never a queue that grows."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from itertools import islice

from monitor.core.agent import Agent
from monitor.core.lateness import is_late
from monitor.core.world import Event, Json

KEPT = 1000
"""How many events are kept at most."""
LARGEST = 1 << 20
"""How many bytes of them, as they go over the wire."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that both sides notice a dead connection."""

_MISSED = b"event: missed\ndata: {}\n\n"
"""Told where events are missing from a stream: what they did is to be read from the status."""


class Ring:
    """Holds the latest events as they go over the wire (server-sent events, HTML Living Standard 9.2).

    They are named by their position in the daemon's log, which goes on after a restart. It grows, though not
    by ones; while the disk is bad an event may come out of its turn, so followers keep to the order in which
    events came.
    """

    def __init__(self) -> None:
        self._events: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._added = 0
        self._floor = 0
        """No event up to this position is here."""
        self._gap = False
        self._fresh = asyncio.Event()
        self.latest = 0
        """The largest position; before the first event, that from which we listen."""

    def begin(self, position: int) -> None:
        """Note that what happened up to this position of the log will not be here."""
        self._floor = self.latest = position

    def add(self, events: Iterable[Event], agents: Mapping[str, Agent], *, dropped: int = 0) -> None:
        """Keep *events*, before which *dropped* others were lost, and wake those who follow."""
        self._gap = self._gap or dropped > 0
        for event in events:
            written = _written(event, late=is_late(event, agents))
            self._keep(event.position, _MISSED + written if self._gap else written)
            self._gap = False
            self.latest = max(self.latest, event.position)
        waiting, self._fresh = self._fresh, asyncio.Event()
        waiting.set()

    def _keep(self, position: int, written: bytes) -> None:
        self._events.append((position, written))
        self._bytes += len(written)
        self._added += 1
        while len(self._events) > KEPT or (self._bytes > LARGEST and len(self._events) > 1):
            gone, text = self._events.popleft()
            self._floor = max(self._floor, gone)
            self._bytes -= len(text)

    async def follow(
        self, after: int | None, boot: str, seconds: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Give all events after position *after* (None: only new ones), for *seconds* or for ever.

        It begins with a `hello` that names the daemon's boot and says if events in between were missed. A
        position beyond the latest is one of another log, or was told while the disk was bad and never
        recorded: then all that is here is given.
        """
        seen, missed = (self._added, False) if after is None else self._place(after)
        hello = json.dumps({"boot": boot, "latest": self.latest, "missed": missed})
        yield f"event: hello\ndata: {hello}\n\n".encode()
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while deadline is None or asyncio.get_running_loop().time() < deadline:
            fresh = self._fresh
            news = self._since(seen)
            seen = self._added
            if news:
                yield news
            if not await _set_within(fresh, deadline):
                yield b": still here\n\n"

    def _place(self, after: int) -> tuple[int, bool]:
        """Return how many were added up to position *after*, and whether others after it are not here."""
        gone, positions = self._added - len(self._events), [position for position, _ in self._events]
        if after in positions:
            return gone + positions.index(after) + 1, False
        if not self._floor <= after <= self.latest:
            return gone, True
        later = (number for number, position in enumerate(positions) if position > after)
        return gone + next(later, len(positions)), False

    def _since(self, seen: int) -> bytes:
        """Write what was added after the first *seen*, with a mark where a slow follower misses some."""
        gone = self._added - len(self._events)
        written = b"".join(written for _, written in islice(self._events, max(0, seen - gone), None))
        return _MISSED + written if seen < gone else written


async def _set_within(fresh: asyncio.Event, deadline: float | None) -> bool:
    """Wait until *fresh* is set, at most until the next heartbeat or *deadline* (loop time)."""
    heartbeat = asyncio.get_running_loop().time() + HEARTBEAT
    try:
        async with asyncio.timeout_at(heartbeat if deadline is None else min(heartbeat, deadline)):
            await fresh.wait()
    except TimeoutError:
        return False
    return True


def _written(event: Event, *, late: bool) -> bytes:
    """Write an event; one of another vantage says when it reached us, and whether it is history."""
    data: dict[str, Json] = {
        "position": event.position,
        "vantage": event.vantage,
        "boot": event.boot,
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind,
        "subject": event.subject,
        "data": dict(event.data),
    }
    if event.received_at is not None:
        data |= {"received_at": event.received_at, "late": late}
    written = json.dumps(data, ensure_ascii=False)
    return f"id: {event.position}\nevent: {event.kind}\ndata: {written}\n\n".encode()
