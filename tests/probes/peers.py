"""Peers on this machine for the tests of the probes: they go away completely when the test is over."""

import asyncio
import contextlib
import socket


class Peer:
    """A server for one test; `sent` counts the bytes that it got rid of."""

    def __init__(self, behave):
        self.behave = behave
        self.sent = 0
        self.calls = 0
        self.port = 0
        self.tasks = set()
        self.writers = set()

    async def serve(self, reader, writer):
        self.calls += 1
        self.tasks.add(asyncio.current_task())
        self.writers.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await self.behave(self, reader, writer)
        writer.close()

    async def say(self, writer, data):
        """Send *data* and wait until it is nearly all gone."""
        writer.write(data)
        await writer.drain()
        self.sent += len(data)

    async def leave(self):
        for writer in self.writers:
            with contextlib.suppress(AttributeError):  # Python 3.11 forgets its loop when it is closed
                writer.transport.abort()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def peer(behave, host="127.0.0.1", ssl=None):
    """Serve connections with `behave(peer, reader, writer)`, which may end in any way."""
    one = Peer(behave)
    server = await asyncio.start_server(one.serve, host, 0, ssl=ssl)
    for sock in server.sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        await one.leave()


def says(words):
    """Behave so: say *words* (bytes, or a function of what was asked) and hang up."""

    async def behave(one, reader, writer):
        asked = await reader.read(4096) if callable(words) else b""
        await one.say(writer, words(asked) if callable(words) else words)

    return behave


async def resets(_, _reader, writer):
    """Break the connection off at once."""
    linger = b"\1\0\0\0\0\0\0\0"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def never_answers(_, reader, _writer):
    """Listen and say nothing."""
    while await reader.read(65536):
        pass
    await asyncio.Event().wait()


@contextlib.contextmanager
def deaf_port():
    """Give a port whose queue is full: the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)  # noqa: FBT003 - the standard library's own
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def closed_port():
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
