"""How an ICMP socket is opened, and what the kernel filters for it."""

import errno
import os
import socket
import struct
from array import array
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from monitor.kit.icmp.packets import ECHO6, REPLY4, REPLY6
from monitor.kit.icmp.reasons import ERROR_TYPES4, ERROR_TYPES6
from monitor.kit.stamps import stamp_what_comes

SO_MEMINFO = 55
_SO_ATTACH_FILTER = 26
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_IP_RECVERR, _IPV6_RECVERR = 11, 25

_FORBIDDEN = (
    "may open no ICMP socket: give the process CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW),"
    " or let its group use ping sockets (sysctl -w net.ipv4.ping_group_range='{gid} {gid}')"
)


class PingForbiddenError(PermissionError):
    """Neither raw nor ping sockets may be opened by this process; the message says what to do."""


class Way(NamedTuple):
    """What all pings through one socket have in common."""

    family: socket.AddressFamily
    source: str | None = None
    """Literal address to send from."""
    interface: str | None = None
    """Interface to bind to: nothing is sent or heard over any other."""
    ttl: int | None = None
    dscp: int = 0


def open_socket(way: Way, *, ident: int, raw: bool | None, buffer: int) -> tuple[socket.socket, bool]:
    """Open a socket that hears answers to our pings only; return it, and whether it is a raw one.

    *raw* None takes a raw socket where allowed and a ping socket otherwise. *ident* is what a raw socket
    listens for; the kernel gives ping sockets their own. Raises PingForbiddenError or another OSError.
    """
    sock, is_raw = _new(way.family, raw=raw)
    try:
        sock.settimeout(0)
        _enlarge(sock, buffer)
        stamp_what_comes(sock)
        _mark(sock, way)
        if is_raw:
            _filter(sock, way.family, ident)
        elif way.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        _pin(sock, way, is_raw=is_raw)
    except BaseException:
        sock.close()
        raise
    return sock, is_raw


def _new(family: socket.AddressFamily, *, raw: bool | None) -> tuple[socket.socket, bool]:
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    if raw is not False:
        try:
            return socket.socket(family, socket.SOCK_RAW, protocol), True
        except PermissionError as error:
            if raw:
                raise _forbidden() from error
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except PermissionError as error:
        raise _forbidden() from error
    except OSError as error:
        if error.errno == errno.EPROTONOSUPPORT:  # a kernel without ping sockets
            raise _forbidden() from error
        raise


def _forbidden() -> PingForbiddenError:
    return PingForbiddenError(errno.EPERM, _FORBIDDEN.format(gid=os.getegid()))


def _enlarge(sock: socket.socket, size: int) -> None:
    """Make room, past the system's limit where allowed: a blocked loop must not lose answers."""
    for option, forced in ((socket.SO_RCVBUF, _SO_RCVBUFFORCE), (socket.SO_SNDBUF, _SO_SNDBUFFORCE)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, size)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, option, size)


def _mark(sock: socket.socket, way: Way) -> None:
    if way.family == socket.AF_INET:
        level, hops, traffic = socket.IPPROTO_IP, socket.IP_TTL, socket.IP_TOS
    else:
        level, hops, traffic = socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, socket.IPV6_TCLASS
    if way.ttl is not None:
        sock.setsockopt(level, hops, way.ttl)
    if way.dscp:
        sock.setsockopt(level, traffic, way.dscp << 2)


def _pin(sock: socket.socket, way: Way, *, is_raw: bool) -> None:
    if way.interface is not None:
        name = way.interface.encode() + b"\0"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    if way.source is not None:
        sock.bind((way.source, 0))
    elif not is_raw:  # gives a ping socket its ident now
        sock.bind(("0.0.0.0" if way.family == socket.AF_INET else "::", 0))  # noqa: S104 - it hears answers only


def _filter(sock: socket.socket, family: socket.AddressFamily, ident: int) -> None:
    if family == socket.AF_INET:
        deaf = 0xFFFFFFFF & ~sum(1 << kind for kind in (REPLY4, *ERROR_TYPES4))
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", deaf))
    else:
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _deaf6((REPLY6, *ERROR_TYPES6)))
    program = _program4(ident) if family == socket.AF_INET else _program6(ident)
    code = array("B", b"".join(struct.pack("=HBBI", *step) for step in program))
    address, _ = code.buffer_info()
    with suppress(PermissionError):  # every answer is checked by us as well
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), address))


def _deaf6(kinds: Iterable[int]) -> bytes:
    """Build struct icmp6_filter (RFC 3542, 3.2): Linux blocks the types whose bit is set."""
    words = [0xFFFFFFFF] * 8
    for kind in kinds:
        words[kind >> 5] &= ~(1 << (kind & 31))
    return struct.pack("=8I", *words)


# Classic BPF (struct sock_filter: code, jump if true, jump if false, k). Loads are in network byte order;
# a load beyond the end of the packet drops it.
_LD_B_ABS, _LD_H_ABS = 0x30, 0x28
_LD_B_X, _LD_H_X = 0x50, 0x48
_LDX_IP_LENGTH = 0xB1  # X = 4 * (P[k] & 15)
_AND, _LSH, _ADD_X, _TAX, _JEQ, _RET = 0x54, 0x64, 0x0C, 0x07, 0x15, 0x06
_ALL = 0x40000

_Program = tuple[tuple[int, int, int, int], ...]


def _program4(ident: int) -> _Program:
    """Let pass replies with our ident and errors about requests with it."""
    wanted = socket.ntohs(ident)
    return (
        (_LDX_IP_LENGTH, 0, 0, 0),
        (_LD_B_X, 0, 0, 0),  # type
        (_JEQ, 0, 2, REPLY4),
        (_LD_H_X, 0, 0, 4),
        (_JEQ, 9, 10, wanted),
        (_LD_B_X, 0, 0, 17),  # an error: protocol of the quoted packet
        (_JEQ, 0, 8, socket.IPPROTO_ICMP),
        (_LD_B_X, 0, 0, 8),  # its header's length
        (_AND, 0, 0, 0x0F),
        (_LSH, 0, 0, 2),
        (_ADD_X, 0, 0, 0),
        (_TAX, 0, 0, 0),
        (_LD_H_X, 0, 0, 12),  # its ident
        (_JEQ, 0, 1, wanted),
        (_RET, 0, 0, _ALL),
        (_RET, 0, 0, 0),
    )


def _program6(ident: int) -> _Program:
    """Do the same for ICMPv6, where the packet begins with its ICMP header."""
    wanted = socket.ntohs(ident)
    return (
        (_LD_B_ABS, 0, 0, 0),  # type
        (_JEQ, 0, 2, REPLY6),
        (_LD_H_ABS, 0, 0, 4),
        (_JEQ, 7, 8, wanted),
        (_LD_B_ABS, 0, 0, 14),  # an error: next header of the quoted packet
        (_JEQ, 5, 0, 44),  # a fragment: looked at by us
        (_JEQ, 0, 5, socket.IPPROTO_ICMPV6),
        (_LD_B_ABS, 0, 0, 48),
        (_JEQ, 0, 3, ECHO6),
        (_LD_H_ABS, 0, 0, 52),
        (_JEQ, 0, 1, wanted),
        (_RET, 0, 0, _ALL),
        (_RET, 0, 0, 0),
    )
