"""Why a ping was not answered, in words that never change.

Two lists, told apart by whose trouble it is: what a router or the peer told us (or that nobody said
anything), and what kept this machine from looking.
"""

import errno
from functools import lru_cache
from typing import NamedTuple

THEIRS = {
    "timeout": "no answer within the deadline",
    "net_unreachable": "a router knows no way to the network",
    "host_unreachable": "the last router, or this host itself, gets no answer from the host or its gateway",
    "admin_prohibited": "a firewall or router refuses by rule",
    "port_unreachable": "refused as a closed port is, mostly by a firewall rule",
    "protocol_unreachable": "the host does not speak ICMP echo",
    "ttl_exceeded": "the packet ran out of hops, as in a routing loop",
    "reassembly": "fragments of the packet were lost on the way",
    "too_big": "the packet does not fit through a router",
    "parameter_problem": "a router or the host finds fault with the packet's header",
}
"""What the other side can be said to have done."""

OURS = {
    "no_permission": "this process may open neither raw nor ping sockets",
    "no_route": "this host has no route to the address",
    "no_local_address": "the source address is not on this host",
    "no_interface": "the interface is not on this host",
    "interface_down": "the interface is down",
    "not_permitted": "this host's own firewall or policy forbids the packet",
    "no_resources": "this host's send queue or memory is full",
    "message_size": "the packet is too big for this host to send",
    "receive_overflow": "this host lost answers because it could not read them in time",
    "local_error": "this host could not send, for a rare reason given in the detail",
}
"""What can keep this machine from looking; it tells nothing about the target."""


class Miss(NamedTuple):
    """Why a look went without its answer."""

    reason: str
    """A word of `THEIRS` or `OURS`."""
    detail: str
    ours: bool = False
    """Trouble of this machine."""
    by_peer: bool = False
    """The target itself told us, so the way to it works."""


_NET, _HOST, _RULE, _PORT = "net_unreachable", "host_unreachable", "admin_prohibited", "port_unreachable"
_UNREACHABLE4 = {
    0: _NET, 1: _HOST, 2: "protocol_unreachable", 3: _PORT, 4: "too_big", 5: _NET, 6: _NET, 7: _HOST,
    8: _HOST, 9: _RULE, 10: _RULE, 11: _NET, 12: _HOST, 13: _RULE, 14: _RULE, 15: _RULE,
}  # fmt: skip
_UNREACHABLE6 = {0: _NET, 1: _RULE, 2: _NET, 3: _HOST, 4: _PORT, 5: _RULE, 6: _RULE, 7: _NET}
_EXCEEDED = {0: "ttl_exceeded", 1: "reassembly"}
_ERRORS4 = {3: _UNREACHABLE4, 11: _EXCEEDED}
_ERRORS6 = {1: _UNREACHABLE6, 3: _EXCEEDED}
_WHOLE4 = {12: "parameter_problem"}
_WHOLE6 = {2: "too_big", 4: "parameter_problem"}
ERROR_TYPES4 = frozenset(_ERRORS4) | frozenset(_WHOLE4)
ERROR_TYPES6 = frozenset(_ERRORS6) | frozenset(_WHOLE6)

_ERRNOS = {
    errno.ENETUNREACH: "no_route",
    errno.EHOSTUNREACH: "no_route",
    errno.EINVAL: "no_route",
    errno.EAFNOSUPPORT: "no_route",
    errno.EADDRNOTAVAIL: "no_local_address",
    errno.ENODEV: "no_interface",
    errno.ENXIO: "no_interface",
    errno.ENETDOWN: "interface_down",
    errno.EPERM: "not_permitted",
    errno.EACCES: "not_permitted",
    errno.ENOBUFS: "no_resources",
    errno.EAGAIN: "no_resources",
    errno.ENOMEM: "no_resources",
    errno.EMFILE: "no_resources",
    errno.ENFILE: "no_resources",
    errno.EMSGSIZE: "message_size",
}


OVERFLOW = Miss("receive_overflow", OURS["receive_overflow"], ours=True)


@lru_cache(256)
def silence(deadline: float) -> Miss:
    """Say that nobody answered within *deadline* seconds."""
    return Miss("timeout", f"no answer within {deadline:g} s")


def told(kind: int, code: int, *, v6: bool) -> str | None:
    """Name an ICMP error (RFC 792, RFC 1812 5.2.7.1; RFC 4443 section 3); None for one that ends no look."""
    whole = (_WHOLE6 if v6 else _WHOLE4).get(kind)
    return whole or (_ERRORS6 if v6 else _ERRORS4).get(kind, {}).get(code)


def refused(error: OSError, *, homeless: bool) -> Miss:
    """Say why this machine would not send; *homeless* if the source address asked for is not on it.

    Linux then says that there is no route, or that an argument is invalid.
    """
    reason = _ERRNOS.get(error.errno or 0, "local_error")
    if homeless and reason == "no_route":
        reason = "no_local_address"
    return Miss(reason, f"{OURS[reason]}: {error.strerror or error}", ours=True)
