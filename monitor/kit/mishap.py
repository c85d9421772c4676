"""What an error of the network means: whose trouble it is, and whether the peer itself spoke.

The same number means different things at different times. `EHOSTUNREACH` at once says that our own table
has no route; later it is an answer from the way, an ICMP message (RFC 792, RFC 4443) or a neighbour that
does not answer.
"""

import errno
import os
from typing import NamedTuple


class Mishap(NamedTuple):
    """An error, told in one stable word and a few for people."""

    reason: str
    text: str
    ours: bool = False
    """Our own host is at fault: it says nothing about the peer."""
    answered: bool = False
    """The peer itself answered, if only to refuse."""


PEERS = {
    "refused": "nobody listens at the port; the peer said so",
    "reset": "the peer broke the connection off",
    "host_unreachable": "a router or the neighbour says that the host cannot be reached",
    "net_unreachable": "a router says that the network cannot be reached",
    "admin_prohibited": "a firewall on the way says that this is not allowed",
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


def raised(error: OSError) -> Mishap:
    """Explain an error of a connection that stood; asyncio raises some without a number."""
    number = error.errno
    if number is None and isinstance(error, ConnectionError):
        number = errno.EPIPE if isinstance(error, BrokenPipeError) else errno.ECONNRESET
    return later(number)


def _words(number: int | None) -> str:
    return os.strerror(number) if number else "unknown error"
