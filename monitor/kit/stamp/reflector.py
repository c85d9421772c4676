"""The other side: answers test packets of those who may ask, and never with more than was asked.

It counts per session (address and port of the sender), so that senders can tell the directions apart. Bounded
are the packets per sender and second, the sessions remembered, and the packets of one turn; an answer is as
long as its question, and none goes to a port from which another reflector could be talking.
"""

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

from monitor.kit.stamp import packets, wire

SESSIONS = 10_000
"""Sessions, and senders, that are remembered; the ones not heard for longest go first."""
_AT_ONCE = 256
_PORT = 862
"""The port of reflectors (RFC 8762 section 4.1)."""
_BURST = 2.0
"""Seconds whose packets may come at once."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Counts(Protocol):
    """Where the reflector keeps count."""

    reflected: int
    ignored: int
    """Packets of strangers, too many of one sender, or no test packets."""


class Reflector:
    """Reflects until cancelled."""

    def __init__(self, listen: str, port: int, allow: Sequence[Network], rate: float, counts: Counts) -> None:
        """Listen at a literal address; *rate* is packets per second of one sender."""
        self._counts = counts
        self.port = port
        """The port it listens at; 0 before it does, if any will do."""
        self.listen, self._allow, self._rate = listen, tuple(allow), rate
        self._sessions: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._allowances: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def run(self) -> None:
        """Open the socket and reflect. Raises OSError if it cannot be opened."""
        loop = asyncio.get_running_loop()
        with self._opened() as sock:
            self.port = sock.getsockname()[1]
            loop.add_reader(sock, self._read, sock)
            try:
                await asyncio.Event().wait()
            finally:
                loop.remove_reader(sock)

    def _opened(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.listen else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            wire.prepare(sock)
            wire.enlarge(sock)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((self.listen, self.port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _read(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, notes, flags, peer = sock.recvmsg(wire.LONGEST, wire.ROOM)
            except OSError:
                return
            if flags & socket.MSG_TRUNC or not self._may_ask(peer):
                self._counts.ignored += 1
            else:
                self._answer(sock, data, wire.notice(notes), peer)

    def _answer(self, sock: socket.socket, data: bytes, noted: wire.Notice, peer: Any) -> None:  # noqa: ANN401
        if len(data) < packets.BASE:
            self._counts.ignored += 1
            return
        sequence = self._next(peer[0], peer[1])
        received, now = packets.stamp(noted.at), packets.stamp(time.time_ns())
        packet, dscp = packets.answer(data, sequence, received, now, noted.ttl, noted.tos)
        notes = [wire.marking(sock.family, dscp), *([noted.local] if noted.local else [])]
        with contextlib.suppress(OSError):  # no way back, no room: it is lost, as on the way
            sock.sendmsg([packet], notes, 0, peer)
            self._counts.reflected += 1

    def _may_ask(self, peer: Any) -> bool:  # noqa: ANN401 - an address of either family
        host, port = peer[0].partition("%")[0], peer[1]
        if port in {_PORT, self.port, 0}:
            return False
        address = ipaddress.ip_address(host)
        if not any(address in network for network in self._allow):
            return False
        return self._has_allowance(host, time.monotonic())

    def _has_allowance(self, host: str, now: float) -> bool:
        most = self._rate * _BURST
        left, at = self._allowances.pop(host, (most, now))
        left = min(most, left + (now - at) * self._rate)
        granted = left >= 1.0
        self._allowances[host] = (left - granted, now)
        if len(self._allowances) > SESSIONS:
            self._allowances.popitem(last=False)
        return granted

    def _next(self, host: str, port: int) -> int:
        number = self._sessions.pop((host, port), 0)
        self._sessions[host, port] = (number + 1) & 0xFFFFFFFF
        if len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return number
