"""A board that serves on a free port, and a feed that a test fills by hand."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from monitor.board.server import Board, BoardOptions
from monitor.core.vitals import Vitals
from monitor.core.world import Event, World
from monitor.outputs.prometheus import Metrics
from monitor.ports import News
from tests.board import city


@dataclass
class HandFeed:
    """A `monitor.ports.Feed` whose news are put in by hand."""

    world: World
    queue: "asyncio.Queue[News]" = field(default_factory=asyncio.Queue)

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ARG002, ASYNC109 - the port's own shape
        async with asyncio.timeout(timeout):
            return await self.queue.get()

    def tell(self, *events: Event, dropped: int = 0) -> None:
        self.queue.put_nowait(News(events, frozenset(event.subject for event in events), dropped=dropped))

    def told(self, position: int) -> None:
        raise AssertionError(f"a board has no place to save, not even {position}")


@dataclass
class Served:
    """A running board."""

    url: str
    feed: HandFeed
    vitals: Vitals
    board: Board
    run: asyncio.Task[None]


def event(position: int, subject: str = "danjiangkou", **other: Any) -> Event:
    """Make an event of ours at a position of the log, or with other facts."""
    own = Event("shiyan", "boot-1", position, city.NOW, "status", subject, {"now": "down"}, position)
    return replace(own, **other)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve() -> Serve:
    """Serve a world while a block runs."""

    @asynccontextmanager
    async def serving(world: World, *, begun: int = 0, carry=None, **options):
        feed, vitals = HandFeed(world), city.vitals()
        vitals.store.position = begun
        metrics = Metrics(lambda: feed.world, vitals)
        board = Board(BoardOptions(port=0, **options), metrics, vitals, wall=lambda: city.NOW, carry=carry)
        run = asyncio.create_task(board.run(feed))
        async with asyncio.timeout(5):
            await board.listening.wait()
        host, port = board.address
        try:
            yield Served(f"http://{host}:{port}", feed, vitals, board, run)
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    return serving
