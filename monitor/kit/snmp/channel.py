"""One socket for all agents that are reached the same way, and its mending."""

import asyncio
import contextlib
import socket
import weakref
from collections.abc import Callable
from typing import NamedTuple

from monitor.kit import mishap
from monitor.kit.mishap import Mishap
from monitor.kit.snmp.v3 import LONGEST
from monitor.kit.sockets import Target
from monitor.kit.stamps import SPACE, stamp_of, stamp_what_comes

MOST = 256
"""Datagrams read at one go, lest a flood keep us for ever."""
BUFFER = 1 << 20

Address = tuple[str, int] | tuple[str, int, int, int]


class Way(NamedTuple):
    """What sockets differ in."""

    family: int
    source: str | None
    interface: bytes | None


class Channel:
    """A socket that is opened when something is sent, and opened anew when it has gone bad."""

    def __init__(
        self,
        target: Target,
        loop: asyncio.AbstractEventLoop,
        took: Callable[[bytes, Address, int], object],
        refused: Callable[[Address, Mishap], object],
    ) -> None:
        """Prepare; `took(datagram, sender, stamp)` hears all that comes, `refused` what the network says."""
        self._target, self._loop = target, loop
        self._took, self._refused = took, refused
        self._sock: socket.socket | None = None

    def __del__(self) -> None:
        self.close()

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; raises OSError if this host cannot."""
        sock = self._sock or self._open()
        try:
            sock.sendto(data, address)
        except OSError:
            self._read_errors(sock)  # it may have been about an earlier one, to somebody else
            try:
                sock.sendto(data, address)
            except OSError:
                self.close()
                raise

    def read(self) -> None:
        """Take in what has come."""
        sock = self._sock
        if sock is None:
            return
        for _ in range(MOST):
            try:
                data, notes, flags, peer = sock.recvmsg(LONGEST, SPACE)
            except BlockingIOError:
                break
            except OSError:  # told in the error queue
                continue
            if not flags & socket.MSG_TRUNC:
                self._took(data, peer, stamp_of(notes))
            if self._sock is not sock:
                return
        self._read_errors(sock)

    def close(self) -> None:
        """Close the socket; the next datagram opens another one."""
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.remove_reader(sock)
            sock.close()

    def _open(self) -> socket.socket:
        sock = self._target.open(socket.SOCK_DGRAM)
        try:
            stamp_what_comes(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self._loop.add_reader(sock, _read, weakref.ref(self))
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        return sock

    def _read_errors(self, sock: socket.socket) -> None:
        while (told := mishap.next_heard(sock)) is not None:
            self._refused(*told)


def _read(reference: "weakref.ref[Channel]") -> None:
    """Read for a channel, of which the event loop alone shall not keep hold."""
    channel = reference()
    if channel is not None:
        channel.read()
