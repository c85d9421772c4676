"""Where messages go that could not be understood, without holding up those that can."""

import asyncio
from typing import NamedTuple

import structlog

from monitor.kit.bucket import Bucket
from monitor.kit.text import clean
from monitor.ports import Archive
from monitor.vantages.peers import Peer, Peers

WAITING = 100
"""Messages that may wait for the disk; what comes on top is counted, and not kept."""
LINES_AT_ONCE = 10
LINES_PER_SECOND = 0.1
"""Lines logged about them."""

log = structlog.get_logger()


class _Poison(NamedTuple):
    vantage: str
    topic: str
    reason: str
    payload: bytes


class Quarantine:
    """Counts what is refused and has it kept for a person to look at."""

    def __init__(self, peers: Peers, archive: Archive) -> None:
        self._peers = peers
        self._archive = archive
        self._waiting: asyncio.Queue[_Poison] = asyncio.Queue(WAITING)
        self._lines = Bucket(LINES_PER_SECOND, LINES_AT_ONCE)

    @property
    def waiting(self) -> int:
        """Messages that wait for the disk."""
        return self._waiting.qsize()

    def refuse(self, peer: Peer, topic: str, reason: str, payload: bytes, now: float) -> None:
        """Count a message that cannot be taken and have it kept. Never waits."""
        self.count(peer, topic, reason, now)
        if not self._waiting.full():
            self._waiting.put_nowait(_Poison(peer.vantage, topic, clean(reason), payload))

    async def keep(self, peer: Peer, topic: str, reasons: list[str], payload: bytes, now: float) -> None:
        """Count what cannot be taken of a message and keep the message; returns when it is kept."""
        self.count(peer, topic, reasons[0], now, len(reasons))
        await self._archive.quarantine(peer.vantage, topic, clean(reasons[0]), payload)

    def count(self, peer: Peer, topic: str, reason: str, now: float, number: int = 1) -> None:
        """Count so many things that cannot be taken, without keeping them."""
        self._peers.change(peer, refused=number)
        if self._lines.take(now):
            log.warning("collect.refused", vantage=peer.vantage, topic=clean(topic), reason=clean(reason))

    async def run(self) -> None:
        """Have them kept, one after the other, for ever."""
        while True:
            poison = await self._waiting.get()
            try:
                await self._archive.quarantine(*poison)
            except Exception:
                log.exception("collect.not_kept", vantage=poison.vantage)
