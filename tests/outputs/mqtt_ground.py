"""What the tests of outputs/mqtt stand on: an output at work beside the test, and what its consumers see."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import Event, World
from monitor.outputs.mqtt import MqttOptions, MqttOutput
from tests.fakes import FakeFeed
from tests.listener import PATIENCE, Heard, Listener

ROOT = "command/v1"
DAEMON = f"{ROOT}/daemon/shiyan"
EVENT = f"{ROOT}/event"
QUICK = {"keepalive": 1, "timeout": 1.0}
"""Settings with which a test takes seconds."""


@dataclass
class Telling:
    """An output at work."""

    feed: FakeFeed
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

    async def stop(self) -> None:
        """Stop it as the app does, and insist on its being quick."""
        self.task.cancel()
        async with asyncio.timeout(3):
            await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def telling(port: int, world: World, vitals: Vitals | None = None, **options) -> AsyncIterator[Telling]:
    """Run the output for *world* against the broker at *port*."""
    feed, vitals = FakeFeed(world), vitals or Vitals()
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
    return Event(seq, time.time(), "status", "danjiangkou", {"was": "up", "now": "down"} | data)


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
