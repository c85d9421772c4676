"""A consumer of MQTT for tests, independent of ours: mosquitto_sub in a process of its own."""

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

SUB = shutil.which("mosquitto_sub")
PATIENCE = 15.0
"""Seconds that a test waits for a message before it fails."""


@dataclass(frozen=True)
class Heard:
    """One message as a consumer got it."""

    topic: str
    retained: bool
    payload: str
    at: float = field(default_factory=time.time, compare=False)
    """Wall time at which we read it, Unix seconds."""

    @property
    def told(self) -> dict:
        """The payload, read."""
        return json.loads(self.payload)


@dataclass
class Listener:
    """Collects what it hears; the condition of a test is waited for, not slept for."""

    heard: list[Heard] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(
        self, condition: Callable[[list[Heard]], bool], patience: float = PATIENCE
    ) -> list[Heard]:
        """Wait until *condition* holds for all that was heard, and return it."""
        try:
            async with asyncio.timeout(patience):
                while not condition(self.heard):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            lines = "\n".join(f"{h.topic} {h.payload[:150]}" for h in self.heard[-20:])
            raise AssertionError(f"not heard within {patience:g} s; the latest:\n{lines}") from None
        return list(self.heard)

    def on(self, topic: str) -> list[Heard]:
        """Return what was heard on *topic*, oldest first."""
        return [h for h in self.heard if h.topic == topic]

    def retained(self) -> dict[str, Heard]:
        """Return the latest of each topic as a broker would retain it: cleared ones left out."""
        latest = {h.topic: h for h in self.heard}
        return {topic: h for topic, h in latest.items() if h.payload}


@contextlib.asynccontextmanager
async def listening(port: int, *filters: str, options: tuple[str, ...] = ()) -> AsyncIterator[Listener]:
    """Subscribe to *filters* (all topics without any) until the context ends; retained ones come first."""
    wanted = [part for pattern in filters or ("#",) for part in ("-t", pattern)]
    process = await asyncio.create_subprocess_exec(
        SUB, "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-F", "%j", *wanted, *options,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )  # fmt: skip
    listener = Listener()
    reading = asyncio.create_task(_read(process.stdout, listener))
    try:
        yield listener
    finally:
        # Killed: one that is asked to end while a message comes in need not end.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        process._transport.close()


async def _read(stream: asyncio.StreamReader, listener: Listener) -> None:
    while line := await stream.readline():
        told = json.loads(line)
        listener.heard.append(Heard(told["topic"], bool(told["retain"]), told.get("payload") or ""))
        listener.news.set()
