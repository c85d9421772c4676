"""Flows of UDP and ICMP: one socket each, and packets that differ in nothing a router balances by."""

import asyncio
import errno
import os
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from monitor.kit import sockets
from monitor.kit.icmp.clock import Clock
from monitor.kit.icmp.packets import ECHO4, ECHO6, REPLY4, REPLY6
from monitor.kit.icmp.sockets import PingForbiddenError, Way, open_socket
from monitor.kit.stamps import stamp_of, stamp_what_comes
from monitor.kit.trace.hearing import AT_ONCE, errors
from monitor.kit.trace.window import TRIES, Heard

_READ = 512
_NOTES = 128
_BUFFER = 1 << 17
_TAG = 8
_NUMBER = struct.Struct("!H")
_ECHO = struct.Struct("!BBHHH")
_IP4_LENGTH = 20
_HOPS = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}


class Flow(Protocol):
    """Packets that look alike to every router, numbered for us."""

    def send(self, number: int) -> None:
        """Send the packet of a number; its time to live is the sixteenth part. Raises OSError."""

    def hear(self) -> Iterator[Heard]:
        """Take what has come back so far, a bounded number at a time."""

    def close(self) -> None:
        """Release everything."""


def set_hops(sock: socket.socket, hops: int) -> None:
    """Say after how many hops the packets of a socket run out."""
    level, option = _HOPS[socket.AddressFamily(sock.family)]
    sock.setsockopt(level, option, hops)


class _OneSocket:
    """What UDP and ICMP have in common: one connected socket that lasts for the whole trace."""

    def __init__(self, sock: socket.socket, address: tuple[object, ...], wake: Callable[[], None]) -> None:
        self._sock = sock
        self._peer = str(address[0])
        self._clock = Clock()
        self._sent: dict[int, float] = {}
        self._tag = secrets.token_bytes(_TAG)
        try:
            level, option = _RECVERR[socket.AddressFamily(sock.family)]
            sock.setsockopt(level, option, 1)
            stamp_what_comes(sock)
            sock.connect(address)
            asyncio.get_running_loop().add_reader(sock, wake)
        except BaseException:
            sock.close()
            raise

    def close(self) -> None:
        """Hear nothing more and close the socket."""
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()

    def _send(self, number: int, packet: bytes) -> None:
        set_hops(self._sock, number // TRIES)
        self._sent[number] = time.monotonic()
        try:
            self._sock.send(packet)
        except OSError:  # may be what an ICMP error about an earlier packet has left behind
            self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._sock.send(packet)

    def _answers(self) -> Iterator[tuple[bytes, int]]:
        """Read what the target itself sent, each with its stamp."""
        self._clock.refresh()
        for _ in range(AT_ONCE):
            try:
                data, notes, _, _ = self._sock.recvmsg(_READ, _NOTES)
            except BlockingIOError:
                return
            except OSError:  # the state that an ICMP error has left behind: read from the error queue
                continue
            yield data, stamp_of(notes)

    def _took(self, number: int | None, taken_in: int) -> float | None:
        sent = self._sent.get(number) if number is not None else None
        return None if sent is None or not taken_in else self._clock.since(sent, taken_in)


class Udp(_OneSocket):
    """Datagrams from one port to one port; what tells them apart lies behind the ports, in their words."""

    def __init__(self, target: sockets.Target, wake: Callable[[], None]) -> None:
        super().__init__(target.open(socket.SOCK_DGRAM), target.address, wake)

    def send(self, number: int) -> None:
        """Send one datagram."""
        self._send(number, self._tag + _NUMBER.pack(number))

    def hear(self) -> Iterator[Heard]:
        """Take answers and errors; an answer in words of its own goes to the farthest packet."""
        for data, taken_in in self._answers():
            number = self._number(data)
            number = max(self._sent, default=None) if number is None else number
            yield Heard(number, self._peer, "udp_answer", rtt=self._took(number, taken_in))
        for told in errors(self._sock):
            if told.quoted[:_TAG] == self._tag[: len(told.quoted)]:
                number = self._number(told.quoted)
                yield Heard(number, told.address, told.word, told.icmp, self._took(number, told.stamp))

    def _number(self, data: bytes) -> int | None:
        if len(data) < _TAG + _NUMBER.size or data[:_TAG] != self._tag:
            return None
        return int(_NUMBER.unpack_from(data, _TAG)[0])


class Icmp(_OneSocket):
    """Echo requests of one ident and one checksum: the payload makes good for the sequence."""

    def __init__(self, host: str, way: Way, wake: Callable[[], None]) -> None:
        self._ident = secrets.randbits(16)
        sock, self._raw = _echo_socket(way, socket.htons(self._ident))
        self._v6 = way.family == socket.AF_INET6
        self._echo, self._reply = (ECHO6, REPLY6) if self._v6 else (ECHO4, REPLY4)
        super().__init__(sock, _address(host, way), wake)
        if not self._raw:
            self._ident = int(sock.getsockname()[1])

    def send(self, number: int) -> None:
        """Send one echo request."""
        payload = self._tag + _NUMBER.pack(0xFFFF - number)
        sums = _checksum(_ECHO.pack(self._echo, 0, 0, self._ident, number) + payload)
        self._send(number, _ECHO.pack(self._echo, 0, sums, self._ident, number) + payload)

    def hear(self) -> Iterator[Heard]:
        """Take echo replies and errors."""
        for data, taken_in in self._answers():
            message = data[_IP4_LENGTH:] if self._raw and not self._v6 else data
            number = self._number(message, self._reply, _TAG)
            if number is not None:
                yield Heard(number, self._peer, "echo_reply", rtt=self._took(number, taken_in))
        for told in errors(self._sock):
            number = self._number(told.quoted, self._echo, 0)
            if number is not None:
                yield Heard(number, told.address, told.word, told.icmp, self._took(number, told.stamp))

    def _number(self, message: bytes, kind: int, least: int) -> int | None:
        """Read the number if the message is about one of ours, and has *least* bytes of our tag."""
        if len(message) < _ECHO.size + least:
            return None
        told, _, _, ident, number = _ECHO.unpack_from(message)
        tag = message[_ECHO.size : _ECHO.size + _TAG]
        ours = told == kind and ident == self._ident and tag == self._tag[: len(tag)]
        return int(number) if ours else None


def _echo_socket(way: Way, ident: int) -> tuple[socket.socket, bool]:
    """Open a ping socket, or a raw one where there are none: that hears the errors of all others, too."""
    try:
        return open_socket(way, ident=ident, raw=False, buffer=_BUFFER)
    except PingForbiddenError:
        return open_socket(way, ident=ident, raw=None, buffer=_BUFFER)


def _address(host: str, way: Way) -> tuple[object, ...]:
    if way.family == socket.AF_INET:
        return (host, 0)
    try:
        scope = socket.if_nametoindex(way.interface) if way.interface else 0
    except OSError as error:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from error
    return (host, 0, 0, scope)


def _checksum(message: bytes) -> int:
    """Return the Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message)) % 0xFFFF
    return 0xFFFF - total
