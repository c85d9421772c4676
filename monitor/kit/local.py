"""Questions and answers over a socket in a folder: who may write there may ask; the kernel says who it is.

A line of JSON each way, one question for each connection. Bounded in every direction, so that a program gone
wrong costs a place for some seconds and nothing else.
"""

import asyncio
import contextlib
import json
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

LARGEST = 64 * 1024
"""Bytes of a question; an answer may have a hundred times as many."""
ATTENTION = 5.0
"""Seconds that a client has for its question, and to take the answer."""
PATIENCE = 10.0
"""Seconds for which a client waits for its answer."""
MOST = 16
"""Clients at a time."""
LOOK_EVERY = 10.0
"""Seconds between two looks whether the socket is in its place, and between two tries to put it there."""
_LONGEST_ADDRESS = 107
_OWNER = stat.S_IRUSR | stat.S_IWUSR
_CREDENTIALS = struct.Struct("3i")

log = structlog.get_logger()


class Caller(NamedTuple):
    """Who asks, as the kernel knows it."""

    pid: int
    uid: int
    gid: int


Answer = Callable[[object, Caller], Awaitable[object]]
"""Answers a question; both are what JSON can hold."""


async def serve(
    path: Path,
    answer: Answer,
    *,
    tried: asyncio.Event | None = None,
    attention: float = ATTENTION,
    look_every: float = LOOK_EVERY,
) -> None:
    """Answer questions at the socket *path* until cancelled; set *tried* when it is made, or cannot be.

    It may be used by whoever may write its folder, as owner or as group. While it cannot be made, or after
    somebody took it away, it is tried again every few seconds: that must not end whoever serves.
    """
    tried = tried or asyncio.Event()
    trouble = ""
    while True:
        try:
            listener, inode = await asyncio.to_thread(_listen, path)
        except OSError as error:
            if str(error) != trouble:
                trouble = str(error)
                log.warning("local.not_listening", path=str(path), trouble=trouble)
            tried.set()
            await asyncio.sleep(look_every)
            continue
        trouble = ""
        async with _door(listener, answer, attention):
            tried.set()
            try:
                present = inode
                while present == inode:
                    await asyncio.sleep(look_every)
                    present = await asyncio.to_thread(_inode, path)
            finally:
                await asyncio.to_thread(_take_away, path, inode)


def ask(path: Path, question: object, patience: float = PATIENCE) -> object:
    """Ask whoever serves at *path* and return the answer. Blocks.

    Raises FileNotFoundError or ConnectionRefusedError if nobody serves there, PermissionError if that is not
    for us, other OSErrors for what goes wrong on the way, ValueError for an answer that is none.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, _address(path) as address:
        client.settimeout(patience)
        client.connect(address)
        client.sendall(_line(question))
        received = bytearray()
        while piece := client.recv(LARGEST):
            received += piece
            if len(received) > 100 * LARGEST:
                raise ValueError("the answer is too long")
    return json.loads(received)


@contextlib.asynccontextmanager
async def _door(listener: socket.socket, answer: Answer, attention: float) -> AsyncIterator[None]:
    """Let clients in while the block runs."""
    clients: set[asyncio.Task[None]] = set()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(clients) >= MOST:
            writer.transport.abort()
            return
        clients.add(task)
        try:
            await _attend(reader, writer, answer, attention)
        finally:
            clients.discard(task)

    server = await asyncio.start_unix_server(greet, sock=listener, limit=LARGEST)
    try:
        yield
    finally:
        server.close()
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _attend(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, attention: float
) -> None:
    try:
        async with asyncio.timeout(attention):
            line = await reader.readline()
        told = await _answered(line, writer, answer)
        writer.write(_line(told))
        async with asyncio.timeout(attention):
            await writer.drain()
        writer.close()
    except (OSError, ValueError):  # it hung up, dribbles, or says more than a line
        writer.transport.abort()
    except BaseException:
        writer.transport.abort()
        raise


async def _answered(line: bytes, writer: asyncio.StreamWriter, answer: Answer) -> object:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError):
        return {"refused": "the question is no line of JSON"}
    try:
        return await answer(question, _caller(writer.get_extra_info("socket")))
    except Exception:
        log.exception("local.unanswered")
        return {"refused": "the daemon could not answer; its log says why"}


def _caller(client: socket.socket) -> Caller:
    size = _CREDENTIALS.size
    return Caller(*_CREDENTIALS.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)))


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


# What blocks.


def _listen(path: Path) -> tuple[socket.socket, int]:
    """Put a socket in its place, that of an earlier run aside; return it with its inode."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        os.fchmod(listener.fileno(), _OWNER)  # before it has a name, so that nobody slips in
        if path.is_socket():
            path.unlink()
        with _address(path) as address:
            listener.bind(address)
        path.chmod(_OWNER | path.parent.stat().st_mode & stat.S_IWGRP)
        listener.listen(MOST)
        return listener, _inode(path)
    except BaseException:
        listener.close()
        raise


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give an address for *path*: the kernel's have a hundred characters, folders may have more."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _inode(path: Path) -> int:
    """Return what tells the file at *path* from another of the same name; 0: there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _take_away(path: Path, inode: int) -> None:
    with contextlib.suppress(OSError):
        if _inode(path) == inode:
            path.unlink()
