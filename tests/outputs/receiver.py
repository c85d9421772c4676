"""A receiver of HTTP messages on a free port, which answers as the test says."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Receiver:
    """What came, and what is answered: the statuses given, one after the other, the last one for ever."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each of them came, Unix seconds."""
    given: list[int] = field(default_factory=list)
    """What was answered to each of them; 0: nothing, while anybody waited for it."""
    url: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether anything is answered; what came before waits for it."""

    async def take(self, request):
        body = await request.read()
        self.times.append(time.time())
        self.heard.append((dict(request.headers), body))
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        number = len(self.given)
        self.given.append(0)
        await self.open.wait()
        if request.transport is not None:
            self.given[number] = status
        return web.Response(status=status, headers=headers, text="" if status == 204 else "because")

    async def until(self, count):
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                await asyncio.sleep(0.01)
        return self.heard


@contextlib.asynccontextmanager
async def receiving(*answers, port=0):
    """Serve while the block runs; an answer is a status, or a status and headers."""
    receiver = Receiver()
    receiver.open.set()
    if answers:
        receiver.answers = [one if isinstance(one, tuple) else (one, {}) for one in answers]
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
