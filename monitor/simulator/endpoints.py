"""What answers in the simulated city: UDP echoes, and TCP services that greet or speak a little HTTP."""

import asyncio
import contextlib
import secrets
import socket
from typing import Protocol, Self

from monitor.simulator.faults import WHOLE, Fault
from monitor.simulator.sieve import lose

_BATCH = 64
"""Datagrams answered before the loop has its turn again."""
_LONGEST_HEAD = 16_384
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
        lose(self._socket, fault.towards)

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
            self.received += 1
            if self._fault.away and _dice.random() < self._fault.away:
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
    """Takes TCP connections: answers each HTTP request with a small page, and otherwise listens."""

    def __init__(self) -> None:
        self._fault = WHOLE
        self._listener: socket.socket
        self._server: asyncio.Server
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @classmethod
    async def open(cls, address: str) -> Self:
        """Listen at a free port of *address*."""
        service = cls()
        service._listener = socket.create_server((address, 0))
        service._server = await asyncio.start_server(
            service._take, sock=service._listener, limit=_LONGEST_HEAD
        )
        return service

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return int(self._listener.getsockname()[1])

    def suffer(self, fault: Fault) -> None:
        """Answer as this fault lets it, from now on; connections under way suffer too."""
        self._fault = fault
        lose(self._listener, _lost(fault))
        for writer in self._talks.values():
            _lose_from(writer, fault)

    async def close(self) -> None:
        """Stop listening and hang up."""
        self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _lose_from(writer, self._fault)
        talk = asyncio.create_task(self._talk(reader, writer), name="simulated service")
        self._talks[talk] = writer
        talk.add_done_callback(self._talks.pop)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(self._fault.delay)
                writer.write(_PAGE)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.transport.abort()


def _lost(fault: Fault) -> float:
    """Return the share to lose on arrival: a way back that is severed is as silent as the way there."""
    return 1.0 if fault.severs else fault.towards


def _lose_from(writer: asyncio.StreamWriter, fault: Fault) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # closed meanwhile
        lose(sock, _lost(fault))
