"""What an error of the network means: whose trouble it is, and whether the peer itself spoke.

The same number means different things at different times. `EHOSTUNREACH` at once says that our own table
has no route; later it is an answer from the way, an ICMP message (RFC 792, RFC 4443) or a neighbour that
does not answer. Who sent the ICMP message, and which one, is read from the socket's error queue (ip(7),
IP_RECVERR): only a refusal from the peer itself proves the way to it, not one from a firewall in between.
"""

import errno
import os
import socket
import struct
from typing import Any, NamedTuple

from monitor.kit.icmp.reasons import told


class Mishap(NamedTuple):
    """An error, told in one stable word and a few for people."""

    reason: str
    text: str
    ours: bool = False
    """Our own host is at fault: it says nothing about the peer."""
    answered: bool = False
    """The peer itself answered, if only to refuse."""


PEERS = {
    "refused": "nobody listens at the port, or a firewall says so",
    "reset": "the peer broke the connection off",
    "host_unreachable": "a router says, or the silent neighbour shows, that the host cannot be reached",
    "net_unreachable": "a router says that the network cannot be reached",
    "admin_prohibited": "a firewall says that this is not allowed",
    "ttl_exceeded": "the packet ran out of hops, as in a routing loop",
}
"""Reasons that speak of the peer or the way to it."""

OURS = {
    "no_route": "this host has no route to the address",
    "no_local_address": "the source address is not one of this host's, or its ports are used up",
    "no_interface": "this host has no such interface",
    "interface_down": "the interface of this host is down",
    "not_permitted": "this host does not let us",
    "no_resources": "this host has no free sockets or memory",
    "local_error": "an error of this host that has no word of its own",
}
"""Reasons that speak of this host alone."""

_LATER = {
    errno.ECONNREFUSED: "refused",
    errno.ENOPROTOOPT: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.EHOSTDOWN: "host_unreachable",
    errno.ENETUNREACH: "net_unreachable",
    errno.EACCES: "admin_prohibited",
    errno.ETIMEDOUT: "timeout",
}
_ANSWERED = frozenset({"refused", "reset"})
_LOCAL = {
    errno.ENETUNREACH: "no_route",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETDOWN: "interface_down",
    errno.EAFNOSUPPORT: "no_route",
    errno.EADDRNOTAVAIL: "no_local_address",
    errno.EADDRINUSE: "no_local_address",
    errno.EINVAL: "no_local_address",
    errno.ENODEV: "no_interface",
    errno.ENXIO: "no_interface",
    errno.EPERM: "not_permitted",
    errno.EACCES: "not_permitted",
    errno.EMFILE: "no_resources",
    errno.ENFILE: "no_resources",
    errno.ENOBUFS: "no_resources",
    errno.ENOMEM: "no_resources",
}


_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_EXTENDED = struct.Struct("@IBBB")
"""The head of `struct sock_extended_err` of linux/errqueue.h: errno, origin, type, code; 16 bytes in all."""
_ICMP, _ICMP6 = (2, 3), 3
_OFFENDER: dict[int, slice] = {socket.AF_INET: slice(20, 24), socket.AF_INET6: slice(24, 40)}
"""Where the sender's address lies: in the `sockaddr` behind it."""
_ROOM = 512


def at_once(number: int | None) -> Mishap:
    """Explain an error that a call gave before anything could have come back."""
    if number == errno.ECONNREFUSED:  # only over loopback, where the refusal is already there
        return later(number)
    reason = _LOCAL.get(number or 0, "local_error")
    return Mishap(reason, _words(number), ours=True)


def later(number: int | None) -> Mishap:
    """Explain an error that came back after something was sent."""
    reason = _LATER.get(number or 0)
    if reason is None:
        return at_once(number)
    return Mishap(reason, _words(number), answered=reason in _ANSWERED)


def listen_for_icmp(sock: socket.socket, *, on: bool = True) -> None:
    """Have the kernel keep ICMP errors for `heard`, or not any more."""
    level, option = _RECVERR[sock.family]
    sock.setsockopt(level, option, on)


def heard(sock: socket.socket, number: int | None, peer: str) -> Mishap:
    """Explain an error of a socket that listens for ICMP; *peer* is the literal address it speaks to."""
    try:
        _, ancillary, _, _ = sock.recvmsg(0, _ROOM, socket.MSG_ERRQUEUE)
    except OSError:
        return later(number)
    for level, option, data in ancillary:
        if (level, option) == _RECVERR[sock.family]:
            return _icmp(data, sock.family, number, peer)
    return later(number)


def next_heard(sock: socket.socket) -> tuple[Any, Mishap] | None:
    """Return the next ICMP error of a socket that speaks to many, and the address that it is about."""
    try:
        _, ancillary, _, peer = sock.recvmsg(0, _ROOM, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for level, option, data in ancillary:
        if (level, option) == _RECVERR[sock.family]:
            return peer, _icmp(data, sock.family, _EXTENDED.unpack_from(data)[0], peer[0])
    return peer, later(None)


def _icmp(data: bytes, family: int, number: int | None, peer: str) -> Mishap:
    _, origin, kind, code = _EXTENDED.unpack_from(data)
    word = told(kind, code, v6=origin == _ICMP6) if origin in _ICMP else None
    word = "refused" if word in {"port_unreachable", "protocol_unreachable"} else word
    if word not in PEERS:
        return later(number)
    by = socket.inet_ntop(family, data[_OFFENDER[family]])
    return Mishap(word, f"{_words(number)}, says {by}", answered=by == peer)


def raised(error: OSError) -> Mishap:
    """Explain an error of a connection that stood; asyncio raises some without a number."""
    number = error.errno
    if number is None and isinstance(error, ConnectionError):
        number = errno.EPIPE if isinstance(error, BrokenPipeError) else errno.ECONNRESET
    return later(number)


def _words(number: int | None) -> str:
    return os.strerror(number) if number else "unknown error"
