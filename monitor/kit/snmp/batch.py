"""Conversations by the thousand, each with its own way to reach the agent and to prove who asks."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from monitor.kit.mishap import Mishap
from monitor.kit.resolver import ResolveError, literal, shared
from monitor.kit.snmp.access import Access
from monitor.kit.snmp.engine import Agent, Engine, Talk
from monitor.kit.snmp.usm import User
from monitor.kit.sockets import Target, find_target
from monitor.kit.text import clean

PATIENCE = 3600.0
"""Seconds; longer than any deadline of those who keep one themselves."""
OURS = {
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_secret_file": "the file of the community or of a password cannot be read, or holds none",
}

Found = Callable[[Any, float, float, object], object]
"""`found(key, sent_at, rtt, result)`: what a conversation returned, or a `Mishap`."""


class Asker(Protocol):
    """Who wants to know something of an agent, again and again, and remembers what it was told."""

    def talk(self) -> Talk:
        """Return one more conversation."""


class Handle:
    """An agent, and what is wanted of it."""

    __slots__ = ("access", "agent", "asker", "where", "who")

    def __init__(self, access: Access, asker: Asker) -> None:
        self.access, self.asker = access, asker
        self.who: bytes | User = b""
        self.where: object = None
        self.agent: Agent | None = None


class Batch:
    """Begins the conversations that are due; a secret that has changed is read anew, and so is a name."""

    def __init__(self, found: Found) -> None:
        """Prepare; opens nothing before the first conversation. *found* must not raise."""
        self._found = found
        self._engine: Engine | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, due: Sequence[tuple[Handle, object, float]]) -> None:
        """Begin all: (handle, key, seconds until it is given up). Needs a running loop; never raises."""
        for handle, key, wait in due:
            access = handle.access
            if literal(access.host) is None:
                task = asyncio.create_task(self._resolve(handle, key, wait), name=f"snmp {access.host}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                source = str(access.source) if access.source else None
                self._begin(handle, key, wait, Target(access.host, access.port, source, access.interface))

    def close(self) -> None:
        """Give up what is under way, silently, and close all sockets."""
        for task in self._tasks:
            task.cancel()
        if self._engine is not None:
            self._engine.close()

    async def _resolve(self, handle: Handle, key: object, wait: float) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(wait):
                target = await find_target(shared(), handle.access)
        except (ResolveError, TimeoutError) as error:
            trouble = clean(str(error)) or "the name servers are silent"
            self._found(key, began, 0.0, Mishap("name_resolution", trouble, ours=True))
        else:
            self._begin(handle, key, max(0.0, wait - (clock() - began)), target)

    def _begin(self, handle: Handle, key: object, wait: float, target: Target) -> None:
        if self._engine is None:
            self._engine = Engine()
        try:
            who = handle.access.who()
        except OSError as error:
            now = asyncio.get_running_loop().time()
            self._found(key, now, 0.0, Mishap("no_secret_file", clean(str(error)), ours=True))
            return
        if handle.agent is None or handle.who != who or handle.where != target.address:
            handle.agent = self._engine.agent(target, who)
            handle.who, handle.where = who, target.address

        def done(sent_at: float, rtt: float, result: object) -> None:
            self._found(key, sent_at, rtt, result)

        self._engine.begin(handle.agent, handle.asker.talk(), wait, done)


async def converse(access: Access, asker: Asker) -> tuple[float, object]:
    """Have one conversation and return seconds to the latest answer, and what came of it or a `Mishap`."""
    ended: asyncio.Future[tuple[float, object]] = asyncio.get_running_loop().create_future()

    def found(_key: object, _sent_at: float, rtt: float, result: object) -> None:
        if not ended.done():
            ended.set_result((rtt, result))

    batch = Batch(found)
    batch.send([(Handle(access, asker), None, PATIENCE)])
    try:
        return await ended
    finally:
        batch.close()
