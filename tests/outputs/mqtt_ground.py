"""What the tests of outputs/mqtt stand on: an output at work beside the test, and what its consumers see."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import Event, World
from monitor.outputs.mqtt import MqttOptions, MqttOutput
from monitor.ports import News
from tests.listener import PATIENCE, Heard, Listener

ROOT = "command/v1"
DAEMON = f"{ROOT}/daemon/shiyan"
EVENT = f"{ROOT}/event"
QUICK = {"keepalive": 1, "timeout": 1.0}
"""Settings with which a test takes seconds."""
PAGE = 500
"""Events that a feed gives at a time, at most."""


class WaitingFeed:
    """A `monitor.ports.Feed` whose news the test tells; its events wait until they are asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log: list[Event] = []
        self.place = 0
        """Position up to which the output says that all is told."""
        self.places: list[int] = []
        self._given = 0
        self._changed: set[str] = set()
        self._incidents: set[str] = set()
        self._dropped = 0
        self._something = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many events have not been asked for yet."""
        return len(self.log) - self._given

    def tell(
        self,
        *events: Event,
        changed: Iterable[str] = (),
        incidents: Iterable[str] = (),
        dropped: int = 0,
    ) -> None:
        """Append these to the log, with gaps between their positions, and let the output hear it."""
        self.log += [replace(e, position=10 * n) for n, e in enumerate(events, len(self.log) + 1)]
        self._changed |= set(changed)
        self._incidents |= set(incidents)
        self._dropped += dropped
        self._something.set()

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ASYNC109 - the port's
        """Wait for what the test tells, and take it."""
        try:
            async with asyncio.timeout(timeout):
                while not (self._changed or self._incidents or (events and (self.waiting or self._dropped))):
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            pass
        page = self.log[self._given : self._given + PAGE] if events else []
        news = News(
            tuple(page),
            frozenset(self._changed),
            incidents=frozenset(self._incidents),
            dropped=self._dropped if events else 0,
        )
        self._given += len(page)
        self._changed, self._incidents = set(), set()
        self._dropped -= news.dropped
        return news

    def told(self, position: int) -> None:
        """Hear how far the output is."""
        self.place = position
        self.places.append(position)


@dataclass
class Telling:
    """An output at work."""

    feed: WaitingFeed
    vitals: Vitals
    own: OutputVitals
    task: asyncio.Task

    async def until(self, condition, patience: float = PATIENCE) -> None:
        """Wait until the output's vitals are so."""
        try:
            async with asyncio.timeout(patience):
                while not condition(self.own):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {patience:g} s: {self.own}") from None

    async def all_told(self, patience: float = PATIENCE) -> None:
        """Wait until the log has been told that all of it is told."""
        await self.until(lambda _: self.feed.place == 10 * len(self.feed.log), patience)

    async def stop(self) -> None:
        """Stop it as the app does, and insist on its being quick."""
        self.task.cancel()
        async with asyncio.timeout(3):
            await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def telling(port: int, world: World, vitals: Vitals | None = None, **options) -> AsyncIterator[Telling]:
    """Run the output for *world* against the broker at *port*."""
    feed, vitals = WaitingFeed(world), vitals or Vitals()
    output = MqttOutput(MqttOptions(**{"host": "127.0.0.1", "port": port} | QUICK | options), vitals)
    task = asyncio.create_task(output.run(feed), name=output.name)
    it = Telling(feed, vitals, output.vitals, task)
    try:
        yield it
    finally:
        await it.stop()
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()


def event(seq: int, **data) -> Event:
    """Return something that we saw ourselves just now."""
    return Event(
        "shiyan", "boot-1", seq, time.time(), "status", "danjiangkou", {"was": "up", "now": "down"} | data
    )


def is_online(heard: list[Heard], boot: str = "", session: int = 0) -> bool:
    """Say whether a daemon has announced itself, in the latest word of it."""
    said = [h.told for h in heard if h.topic == DAEMON and h.payload]
    return any(
        t["state"] == "online" and (not boot or t["boot"] == boot) and t["session"] >= session for t in said
    )


async def online(listener: Listener, boot: str = "", session: int = 0) -> None:
    await listener.until(lambda heard: is_online(heard, boot, session))


def ids(heard: list[Heard]) -> list[str]:
    """Return the ids of the events, in the order heard."""
    return [h.told["id"] for h in heard if h.topic == EVENT]
