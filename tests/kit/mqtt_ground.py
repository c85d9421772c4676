"""What the tests of kit/mqtt stand on: brokers, and a session held open beside the test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Broker, Connection, Session

PATIENCE = 15.0


def at_once() -> Backoff:
    """Reconnect without the waits that make a test long."""
    return Backoff(base=0.05, cap=0.1)


def broker(port: int, name: str = "tester", **known) -> Broker:
    return Broker("127.0.0.1", port, name, **{"keepalive": 2, "timeout": 2.0} | known)


@dataclass
class Held:
    """A connection that runs beside the test, with the sessions it has had and the troubles it met."""

    connection: Connection
    sessions: list[Session] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task | None = None

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        async with asyncio.timeout(patience):
            while not condition():
                self.news.clear()
                if not condition():
                    await self.news.wait()

    async def session(self, number: int = 1) -> Session:
        """Wait for the so-manieth session."""
        await self.until(lambda: len(self.sessions) >= number)
        return self.sessions[number - 1]

    async def trouble(self, containing: str = "") -> str:
        """Wait for a trouble that contains this."""
        await self.until(lambda: any(containing in words for words in self.troubles))
        return next(words for words in self.troubles if containing in words)


@contextlib.asynccontextmanager
async def held(
    to: Broker, use: Callable[[Session], Awaitable[None]] | None = None, **known
) -> AsyncIterator[Held]:
    """Keep a connection while the context lasts; each session does *use* and then waits for its end."""

    async def live(session: Session) -> None:
        if use is not None:
            await use(session)
        it.sessions.append(session)
        it.news.set()
        await asyncio.get_running_loop().create_future()

    def troubled(words: str) -> None:
        it.troubles.append(words)
        it.news.set()

    known = {"backoff": at_once()} | known
    it = Held(Connection(to, troubled=troubled, **known))
    it.task = asyncio.create_task(it.connection.keep(live))
    try:
        yield it
    finally:
        it.task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(it.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def impostor(behave):
    """Listen, and treat whoever calls as *behave* does."""
    tasks = set()

    async def answer(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await behave(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
