"""What answers in the simulated city: UDP echoes, and TCP services that greet or speak a little HTTP."""

import asyncio
import contextlib
import secrets
import socket
from typing import Protocol

from monitor.simulator.faults import WHOLE, Fault

_BATCH = 64
"""Datagrams answered before the loop has its turn again."""
_LONGEST_HEAD = 16_384
_QUEUE = 100
_PATIENCE = 30.0
"""Seconds after which a service hangs up on a client that says nothing."""
_PAGE = b"HTTP/1.1 200 OK\r\nServer: simulated\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_dice = secrets.SystemRandom()


class Endpoint(Protocol):
    """Something that answers at an address, and can be made to answer badly."""

    @property
    def port(self) -> int:
        """The port at which it answers."""

    def suffer(self, fault: Fault) -> None:
        """Answer as this fault lets it, from now on."""

    async def close(self) -> None:
        """Stop answering and release the port."""


class Echo:
    """Sends datagrams back as they came (RFC 862)."""

    def __init__(self, address: str) -> None:
        self._fault = WHOLE
        self.received = 0
        """Datagrams that arrived, answered or not: how one way is told from the other."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((address, 0))
            self._socket.settimeout(0)
        except BaseException:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._answer)
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return int(self._socket.getsockname()[1])

    def suffer(self, fault: Fault) -> None:
        """Answer as this fault lets it, from now on; what is on its way back already comes through."""
        self._fault = fault

    async def close(self) -> None:
        """Stop answering and release the port."""
        self._loop.remove_reader(self._socket)
        for handle in self._later:
            handle.cancel()
        self._socket.close()

    def _answer(self) -> None:
        for _ in range(_BATCH):
            try:
                words, peer = self._socket.recvfrom(65_535)
            except OSError:
                return
            if _happens(self._fault.towards):
                continue
            self.received += 1
            if _happens(self._fault.away):
                continue
            if self._fault.delay:
                self._send_later(words, peer)
            else:
                self._send(words, peer)

    def _send_later(self, words: bytes, peer: tuple[str, int]) -> None:
        def send() -> None:
            self._later.discard(handle)
            self._send(words, peer)

        handle = self._loop.call_later(self._fault.delay, send)
        self._later.add(handle)

    def _send(self, words: bytes, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # a full buffer or a peer that is gone: the datagram is lost
            self._socket.sendto(words, peer)


class Service:
    """Takes TCP connections: answers an HTTP request with a small page, and otherwise listens.

    Silence is the kernel's: Linux drops the SYN of whoever knocks while the accept queue is full (listen(2)),
    so it is made short and filled with connections of our own. Nobody is refused, and a SYN that is sent
    again once all is whole is answered. Loss short of all is hidden by TCP from its users; it is not acted
    out here.
    """

    def __init__(self, address: str) -> None:
        self._fault = WHOLE
        self._listener = socket.create_server((address, 0), backlog=_QUEUE)
        self._listener.settimeout(0)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener, self._take)
        self._passable = asyncio.Event()
        self._passable.set()
        self._fillers: list[socket.socket] = []
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return int(self._listener.getsockname()[1])

    def suffer(self, fault: Fault) -> None:
        """Answer as this fault lets it, from now on; connections under way fall silent too."""
        self._fault = fault
        if fault.severs and self._passable.is_set():
            self._fall_silent()
        elif not fault.severs and not self._passable.is_set():
            self._be_heard()

    async def close(self) -> None:
        """Stop listening and hang up."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._let_go()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _fall_silent(self) -> None:
        self._passable.clear()
        self._loop.remove_reader(self._listener)
        self._listener.listen(0)
        # A queue of length 0 holds one connection; the second filler is there should that one be lost.
        self._fillers = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(2)]
        for filler in self._fillers:
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(self._listener.getsockname())

    def _be_heard(self) -> None:
        self._let_go()
        self._listener.listen(_QUEUE)
        self._loop.add_reader(self._listener, self._take)
        self._passable.set()

    def _let_go(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    def _take(self) -> None:
        try:
            caller, _ = self._listener.accept()
        except OSError:
            return
        talk = asyncio.create_task(self._talk(caller), name="simulated service")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, caller: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=caller, limit=_LONGEST_HEAD)
        try:
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
                await self._passable.wait()
                await asyncio.sleep(self._fault.delay)
                writer.write(_PAGE)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.transport.abort()


def _happens(share: float) -> bool:
    return share > 0 and _dice.random() < share
