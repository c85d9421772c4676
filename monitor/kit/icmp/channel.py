"""One socket and its mending: opened at the first ping, opened anew when its interface was."""

import errno
import os
import select
import socket
import struct
import time
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from typing import NamedTuple

from monitor.kit.icmp import packets
from monitor.kit.icmp.reasons import THEIRS, Miss, told
from monitor.kit.icmp.sockets import SO_MEMINFO, Way, open_socket

_RETRY = 1.0
"""Seconds after which a socket that could not be opened is tried again."""
_READ = 256
"""Bytes read of a request that comes back with an error."""
_NOTES = 256
"""Bytes of ancillary data of an error: stamp, extended error and the address of who told it."""
_DROPS = 8
"""Where the count of lost packets stands in SO_MEMINFO (linux/sock_diag.h)."""
_ORIGIN_LOCAL = 1
_EXTENDED = struct.Struct("=IBBBxII")
"""struct sock_extended_err (ip(7)): errno, origin, type, code, info, data."""
_ERRORS_AT_ONCE = 1024

Received = tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]
"""What recvmsg gives: data, ancillary data, flags, peer."""


class Told(NamedTuple):
    """An ICMP error about a ping of ours."""

    reason: str
    router: str
    local: bool
    """This host's own kernel says so."""
    mtu: int
    destination: str
    ident: int
    sequence: int
    tag: int | None
    nonce: int | None

    def miss(self, host: str) -> Miss:
        """Say it of a look at *host*."""
        detail = f"{THEIRS[self.reason]}; told by {self.router}"
        if self.local and self.router != host:
            detail += " (this host itself)"
        if self.reason == "too_big" and self.mtu:
            detail += f", which takes {self.mtu} bytes"
        return Miss(self.reason, detail, by_peer=self.router == host)


class Channel:
    """A socket that goes one way: family, source, interface, TTL and DSCP."""

    def __init__(
        self,
        way: Way,
        *,
        ident: int,
        raw: bool | None,
        buffer: int,
        poll: select.epoll,
        by_fd: MutableMapping[int, "Channel"],
    ) -> None:
        self.way = way
        self.v6 = way.family == socket.AF_INET6
        self.ident = ident
        self.echo, self.reply = (
            (packets.ECHO6, packets.REPLY6) if self.v6 else (packets.ECHO4, packets.REPLY4)
        )
        self.raw = False
        self.with_ip = False
        """What is read begins with an IPv4 header."""
        self.parse = packets.reply_of
        self.shortest = packets.REPLY_LENGTH
        self.overflowed_at = float("-inf")
        """Monotonic time at which lost answers were noticed last."""
        self.sendto = _refusal(OSError(errno.ENODEV, os.strerror(errno.ENODEV)))
        self.recvmsg: Callable[[int, int], Received] = _nothing
        self._raw, self._buffer, self._poll, self._by_fd = raw, buffer, poll, by_fd
        self._socket: socket.socket | None = None
        self._closes: weakref.finalize[[], Channel] | None = None
        self._index = self._drops = 0
        self._not_before = float("-inf")

    def open(self) -> None:
        """Open the socket unless it is; what goes wrong is raised by `sendto`."""
        now = time.monotonic()
        if self._socket is not None or now < self._not_before:
            return
        self._not_before = now + _RETRY
        try:
            self._open()
        except OSError as error:
            self.sendto = _refusal(error)

    def close(self) -> None:
        """Close the socket, until it is opened again."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self.sendto, self.recvmsg = _refusal(OSError(errno.ENODEV, os.strerror(errno.ENODEV))), _nothing
            self._by_fd.pop(sock.fileno(), None)
            if self._closes is not None:
                self._closes()

    def check_drops(self, now: float) -> None:
        """Notice whether the kernel threw answers away because we did not read them in time.

        Not told by raw ICMPv6 sockets: Linux counts forged packets with a bad checksum there as well.
        """
        if self._socket is None or (self.raw and self.v6):
            return
        info = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * (_DROPS + 1))
        (drops,) = struct.unpack_from("=I", info, 4 * _DROPS)
        if drops != self._drops:
            self._drops, self.overflowed_at = drops, now

    def renewed(self) -> bool:
        """Open the socket anew if its interface has gone or been made anew; say whether it did."""
        if self.way.interface is None or self._socket is None or _index(self.way.interface) == self._index:
            return False
        self.close()
        self.open()
        return True

    def told(self, message: bytes, router: str) -> Told | None:
        """Read an ICMP error that a raw socket heard."""
        reason = told(message[0], message[1], v6=self.v6)
        quote = (packets.quoted6 if self.v6 else packets.quoted4)(message) if reason else None
        if reason is None or quote is None:
            return None
        source = socket.inet_ntop(self.way.family, quote.source)
        destination = socket.inet_ntop(self.way.family, quote.destination)
        mtu = quote.info if self.v6 else quote.info & 0xFFFF
        return Told(
            reason,
            router,
            source == router,
            mtu,
            destination,
            quote.ident,
            quote.sequence,
            quote.tag,
            quote.nonce,
        )

    def queued_errors(self) -> Iterator[Told]:
        """Read the ICMP errors that the kernel queued for a ping socket (IP_RECVERR, ip(7))."""
        for _ in range(_ERRORS_AT_ONCE):
            if self._socket is None:
                return
            try:
                data, notes, _, peer = self._socket.recvmsg(_READ, _NOTES, socket.MSG_ERRQUEUE)
            except OSError:
                return
            for level, _, note in notes:
                if level != socket.SOL_SOCKET and len(data) >= packets.REPLY_LENGTH:
                    error = self._extended(note, data, peer[0])
                    if error is not None:
                        yield error

    def _extended(self, note: bytes, request: bytes, destination: str) -> Told | None:
        if len(note) < _EXTENDED.size + 8:
            return None
        _, origin, kind, code, info, _ = _EXTENDED.unpack_from(note)
        reason = told(kind, code, v6=self.v6)
        if origin == _ORIGIN_LOCAL or reason is None:
            return None
        offender = note[_EXTENDED.size :]
        start, length = (8, 16) if self.v6 else (4, 4)  # in sockaddr_in6, sockaddr_in
        router = socket.inet_ntop(self.way.family, offender[start : start + length])
        ident, sequence, tag, nonce = packets.words(request)
        return Told(
            reason, router, is_local(self.way.family, router), info, destination, ident, sequence, tag, nonce
        )

    def _open(self) -> None:
        sock, raw = open_socket(self.way, ident=self.ident, raw=self._raw, buffer=self._buffer)
        self._socket, self.raw = sock, raw
        self._closes = weakref.finalize(self, sock.close)
        self.with_ip = raw and not self.v6
        self.parse = packets.reply_after_ip_of if self.with_ip else packets.reply_of
        self.shortest = packets.REPLY_LENGTH + (packets.PLAIN_IP_LENGTH if self.with_ip else 0)
        if not raw:
            self.ident = socket.htons(sock.getsockname()[1])
        self._index = _index(self.way.interface) if self.way.interface else 0
        self._drops = 0
        self._by_fd[sock.fileno()] = self
        self._poll.register(sock, select.EPOLLIN | select.EPOLLERR)
        self.sendto, self.recvmsg = sock.sendto, sock.recvmsg


def _refusal(error: OSError) -> Callable[[bytes, tuple[str, int]], int]:
    kind, number, text = type(error), error.errno, error.strerror

    def refuse(_packet: bytes, _address: tuple[str, int]) -> int:
        raise kind(number, text)

    return refuse


def _nothing(_size: int, _notes: int) -> Received:
    raise BlockingIOError


def is_local(family: socket.AddressFamily, address: str) -> bool:
    """Say whether an address is this host's own: only such can be bound."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return 0
