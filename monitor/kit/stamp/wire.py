"""What sender and reflector ask of the kernel: stamps, code points and hops of what comes, no fragments."""

import socket
import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

from monitor.kit import stamps

Notes = Iterable[tuple[int, int, bytes]]
"""Ancillary data as recvmsg gives it."""
ROOM = 256
"""Bytes of ancillary data that fit in."""
LONGEST = 9216
"""Bytes of a packet that are read."""

_SO_RCVBUFFORCE = 33
_BUFFER = 4 << 20
_IP_MTU_DISCOVER, _IP_RECVTTL, _IP_PKTINFO = 10, 12, 8
_IPV6_MTU_DISCOVER, _IPV6_DONTFRAG = 23, 62
_PROBE = 3
"""Never fragment, and believe no path MTU that was learned (ip(7), IP_PMTUDISC_PROBE)."""
_WHOLE = struct.Struct("@i")
_LINK_LOCAL = b"\xfe\x80"


class Notice(NamedTuple):
    """What the kernel notes of a packet."""

    at: int
    """Wall time of its receipt, Unix nanoseconds."""
    tos: int
    ttl: int
    local: tuple[int, int, bytes] | None
    """The address of ours that it was sent to, fit for sending from it."""


def prepare(sock: socket.socket) -> None:
    """Have the kernel note stamp, code point, hops and our address of what comes, and never fragment."""
    stamps.stamp_what_comes(sock)
    if sock.family == socket.AF_INET:
        for option in (socket.IP_RECVTOS, _IP_RECVTTL, _IP_PKTINFO):
            sock.setsockopt(socket.IPPROTO_IP, option, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)
    else:
        for option in (socket.IPV6_RECVTCLASS, socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVPKTINFO):
            sock.setsockopt(socket.IPPROTO_IPV6, option, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PROBE)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)


def enlarge(sock: socket.socket) -> None:
    """Make room for what comes while the loop is busy, past the system's limit where that is allowed."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)


def mark(sock: socket.socket, dscp: int) -> None:
    """Give what is sent a code point."""
    level, option, value = marking(sock.family, dscp)
    sock.setsockopt(level, option, value)


def marking(family: int, dscp: int) -> tuple[int, int, bytes]:
    """Return the ancillary data that gives one packet a code point."""
    value = _WHOLE.pack(dscp << 2)
    if family == socket.AF_INET:
        return socket.IPPROTO_IP, socket.IP_TOS, value
    return socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value


def notice(notes: Notes) -> Notice:
    """Read the kernel's notes; what is missing is now, 0, 0 and None."""
    at, tos, ttl = 0, 0, 0
    local: tuple[int, int, bytes] | None = None
    for level, kind, data in notes:
        match level, kind:
            case socket.SOL_SOCKET, stamps.SO_TIMESTAMPNS:
                seconds, nanoseconds = stamps.halves_of(data)
                at = seconds * stamps.SECOND + nanoseconds
            case (socket.IPPROTO_IP, socket.IP_TOS) | (socket.IPPROTO_IPV6, socket.IPV6_TCLASS):
                tos = data[0]
            case (socket.IPPROTO_IP, socket.IP_TTL) | (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
                (ttl,) = _WHOLE.unpack_from(data)
            case socket.IPPROTO_IP, 8:
                local = (level, kind, _WHOLE.pack(0) + data[4:])
            case socket.IPPROTO_IPV6, socket.IPV6_PKTINFO:
                zone = data[16:] if data.startswith(_LINK_LOCAL) else _WHOLE.pack(0)
                local = (level, kind, data[:16] + zone)
    return Notice(at or time.time_ns(), tos, ttl & 0xFF, local)
