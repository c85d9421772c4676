"""One question by UDP from a new port, and the answers as the kernel stamped them."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple, Self

from monitor.kit import mishap
from monitor.kit.sockets import Target, readable
from monitor.kit.stamps import SECOND, stamp_of, stamp_what_comes

LONGEST = 65_536
"""Bytes of the largest datagram, and a little more."""


class UdpError(Exception):
    """A datagram could not be sent, or came back as an error; `mishap` says why."""

    def __init__(self, trouble: mishap.Mishap) -> None:
        super().__init__(trouble.text)
        self.mishap = trouble


@contextlib.contextmanager
def connected(target: Target) -> Iterator[socket.socket]:
    """Lend a new connected socket; what goes wrong with it, also within the context, is a UdpError."""
    try:
        sock = target.open(socket.SOCK_DGRAM)
    except OSError as error:
        raise UdpError(mishap.at_once(error.errno)) from error
    with sock:
        try:
            sock.connect(target.address)
        except OSError as error:
            raise UdpError(mishap.at_once(error.errno)) from error
        try:
            yield sock
        except OSError as error:
            raise UdpError(mishap.heard(sock, error.errno, str(target.address[0]))) from error


class Heard(NamedTuple):
    """A datagram, and when it came."""

    data: bytes
    at: float
    """Wall time at which the kernel took it in, Unix seconds."""
    rtt: float
    """Seconds since the latest datagram was sent."""


class Exchange:
    """A connected socket: the kernel passes on what comes from the peer's address and port, and nothing else.

    A new one for each look: no answer to an earlier one, and no ICMP error, can be mistaken for ours.
    """

    def __init__(self, target: Target) -> None:
        """Open it. Raises UdpError."""
        self.sent_at = 0.0
        """Wall time of the latest datagram sent, Unix seconds."""
        self._sent = 0.0
        try:
            self._sock = target.open(socket.SOCK_DGRAM)
        except OSError as error:
            raise UdpError(mishap.at_once(error.errno)) from error
        try:
            stamp_what_comes(self._sock)
            self._sock.connect(target.address)
        except OSError as error:
            self._sock.close()
            raise UdpError(mishap.at_once(error.errno)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def send(self, data: bytes) -> None:
        """Send one datagram. Raises UdpError."""
        self._sent, self.sent_at = time.monotonic(), time.time()
        try:
            self._sock.send(data)
        except OSError as error:
            raise UdpError(mishap.at_once(error.errno)) from error

    async def receive(self, most: int = LONGEST) -> Heard:
        """Wait for a datagram from the peer; of a longer one than *most* bytes the rest is lost.

        Raises UdpError if an error comes back instead: a refusal, or what a router says.
        """
        while True:
            try:
                data, ancillary, _, _ = self._sock.recvmsg(most, 64)
            except BlockingIOError:
                await readable(self._sock)
            except OSError as error:
                raise UdpError(mishap.heard(self._sock, error.errno, self._sock.getpeername()[0])) from error
            else:
                return self._heard(data, stamp_of(ancillary) / SECOND)

    def _heard(self, data: bytes, stamp: float) -> Heard:
        """Believe the kernel's stamp; the monotonic clock if there is none or the clock was set meanwhile."""
        took = time.monotonic() - self._sent
        rtt = stamp - self.sent_at
        rtt = rtt if 0 < rtt < took else took
        return Heard(data, self.sent_at + rtt, rtt)
