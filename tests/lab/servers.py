"""The servers of the lab's centers: HTTP on port 80, Modbus on 502, a greeting elsewhere; all in one process.

Called with `NAMESPACE,ADDRESS,PORT` for each; says `serving` when all listen, ends when its input ends.
"""

import asyncio
import contextlib
import socket
import struct
import sys

from tests.lab.netns import inside

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer any request with a small page."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)
        await writer.drain()
    writer.close()


async def register(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each Modbus request for a register: it is 0."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            transaction, length, unit = struct.unpack(">H2xHB", await reader.readexactly(7))
            function = (await reader.readexactly(length - 1))[0]
            writer.write(struct.pack(">HHHBBBH", transaction, 0, 5, unit, function, 2, 0))
            await writer.drain()
    writer.close()


async def greeting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say hello and hang up."""
    writer.write(b"ready\r\n")
    writer.close()


TALKS = {"80": page, "502": register}


async def serve(wanted: list[str]) -> None:
    """Listen wherever it is wanted, until standard input ends."""
    async with contextlib.AsyncExitStack() as stack:
        for word in wanted:
            namespace, address, port = word.split(",")
            listener = inside(namespace, socket.create_server, (address, int(port)))
            talk = TALKS.get(port, greeting)
            await stack.enter_async_context(await asyncio.start_server(talk, sock=listener))
        print("serving", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
