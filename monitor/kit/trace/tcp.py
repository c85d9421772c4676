"""A flow of TCP: SYNs of one pair of ports, one by one, for the kernel holds one of a kind at a time."""

import asyncio
import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator

from monitor.kit.icmp.clock import Clock
from monitor.kit.sockets import Target
from monitor.kit.stamps import stamp_what_comes
from monitor.kit.trace.flows import set_hops
from monitor.kit.trace.hearing import errors
from monitor.kit.trace.window import TRIES, Heard

_HANG_UP = struct.pack("ii", 1, 0)
"""SO_LINGER so that closing sends a reset: the ports are free for the next SYN at once."""


class Tcp:
    """Knocks from one port at one port; a peer that opens is hung up on at once."""

    def __init__(self, target: Target, source: str | None, wake: Callable[[], None]) -> None:
        """Knock at *target*, which is not pinned to a source: that is bound here, with its port."""
        self._target, self._source, self._wake = target, source, wake
        self._port = 0
        self._sock: socket.socket | None = None
        self._flying: tuple[int, float] | None = None
        self._clock = Clock()

    def send(self, number: int) -> None:
        """Send one SYN, and forget the one before."""
        self.close()
        self._sock = sock = self._target.open(socket.SOCK_STREAM)
        self._bind(sock)
        set_hops(sock, number // TRIES)
        self._flying = number, time.monotonic()
        refusal = sock.connect_ex(self._target.address)
        if refusal not in {0, errno.EINPROGRESS}:
            raise OSError(refusal, os.strerror(refusal))
        loop = asyncio.get_running_loop()
        loop.add_writer(sock, self._heard)
        loop.add_reader(sock, self._heard)

    def hear(self) -> Iterator[Heard]:
        """Take what became of the SYN, once it is known."""
        if self._sock is None or self._flying is None:
            return
        (number, sent), now = self._flying, time.monotonic()
        state = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        told = next(iter(list(errors(self._sock))), None)
        self._clock.refresh()
        if told is not None:
            self._flying = None
            took = self._clock.since(sent, told.stamp) if told.stamp else now - sent
            yield Heard(number, told.address, told.word, told.icmp, took)
        elif word := self._answer(state):
            self._flying = None
            yield Heard(number, str(self._target.address[0]), word, rtt=now - sent)

    def close(self) -> None:
        """Hang up, or give up."""
        sock, self._sock, self._flying = self._sock, None, None
        if sock is not None:
            self._deafen(sock)
            sock.close()

    def _bind(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP)
        stamp_what_comes(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        anywhere = "0.0.0.0" if sock.family == socket.AF_INET else "::"  # noqa: S104 - it only knocks
        sock.bind((self._source or anywhere, self._port))
        self._port = sock.getsockname()[1]

    def _heard(self) -> None:
        """Wake the trace once: a connection that has come to an end stays ready for ever."""
        if self._sock is not None:
            self._deafen(self._sock)
        self._wake()

    @staticmethod
    def _deafen(sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_writer(sock)
        loop.remove_reader(sock)

    def _answer(self, state: int) -> str:
        """Say how the target answered; empty: not yet, or it did not."""
        if self._sock is None or state:
            return "tcp_refused" if state in {errno.ECONNREFUSED, errno.ECONNRESET} else ""
        try:
            self._sock.getpeername()
        except OSError:
            return ""
        return "tcp_open"
