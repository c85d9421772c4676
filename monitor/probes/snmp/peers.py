"""One neighbour of a router: whether its routing session stands.

BGP4-MIB (RFC 4273), OSPF-MIB (RFC 4750), BFD-STD-MIB (RFC 7331) and Huawei's own table of BFD sessions.
"""

from collections.abc import Generator
from ipaddress import IPv4Address
from typing import NamedTuple

from monitor.core.observation import Finding, failed, ok
from monitor.kit.snmp import Bind, Oid, Question, Talk
from monitor.probes.snmp.options import Options
from monitor.probes.snmp.rows import Rows

REASONS = {
    "no_such_peer": "the router has no session with this neighbour",
    "peer_down": "the session with the neighbour does not stand; the detail says how far it is",
}
VALUES = {"established": ("seconds", "of a BGP session: how long it has stood")}

_BGP: Oid = (1, 3, 6, 1, 2, 1, 15, 3, 1)
_OSPF: Oid = (1, 3, 6, 1, 2, 1, 14, 10, 1)
_BFD: Oid = (1, 3, 6, 1, 2, 1, 222, 1, 2, 1)
_HUAWEI_BFD: Oid = (1, 3, 6, 1, 4, 1, 2011, 5, 25, 38, 2, 3, 1)
_STATE, _ESTABLISHED = 2, 16
_OSPF_STATE = 6
_TWO_WAY, _FULL = 4, 8
BGP_STATES = {1: "idle", 2: "connect", 3: "active", 4: "opensent", 5: "openconfirm", 6: "established"}
OSPF_STATES = {
    1: "down", 2: "attempt", 3: "init", 4: "two-way", 5: "exchange start", 6: "exchange", 7: "loading",
    8: "full",
}  # fmt: skip


class _Table(NamedTuple):
    """Where BFD sessions are told."""

    address: Oid
    state: Oid
    words: dict[int, str]


BFD = (
    _Table((*_BFD, 22), (*_BFD, 11), {1: "admin down", 2: "down", 3: "init", 4: "up", 5: "failing"}),
    _Table((*_HUAWEI_BFD, 5), (*_HUAWEI_BFD, 17), {0: "admin down", 1: "down", 2: "init", 3: "up"}),
)


class BgpPeer:
    """Asks for a BGP neighbour."""

    def __init__(self, peer: IPv4Address) -> None:
        self._peer = peer

    def talk(self) -> Talk:
        """Ask for state and age of the session."""
        row = tuple(self._peer.packed)
        binds = yield Question(((*_BGP, _STATE, *row), (*_BGP, _ESTABLISHED, *row)))
        state, age = _numbers(binds, 2)
        if state is None:
            return _nobody(self._peer)
        if BGP_STATES.get(state) != "established":
            return _down("BGP", self._peer, BGP_STATES.get(state))
        return ok(f"BGP with {self._peer} stands", **({} if age is None else {"established": float(age)}))


class OspfPeer:
    """Asks for an OSPF neighbour."""

    def __init__(self, peer: IPv4Address) -> None:
        self._peer = peer

    def talk(self) -> Talk:
        """Ask for the state of the adjacency; two-way is as far as two routers that are not designated go."""
        (state,) = _numbers((yield Question(((*_OSPF, _OSPF_STATE, *self._peer.packed, 0),))), 1)
        if state is None:
            return _nobody(self._peer)
        if state not in {_TWO_WAY, _FULL}:
            return _down("OSPF", self._peer, OSPF_STATES.get(state))
        return ok(f"OSPF with {self._peer} is {OSPF_STATES[state]}")


class BfdPeer:
    """Asks for a BFD session, which the router knows by a number of its own."""

    def __init__(self, peer: IPv4Address) -> None:
        self._peer = peer
        self._tables = [(table, Rows((table.address,), peer.packed)) for table in BFD]

    def talk(self) -> Talk:
        """Find the session in the tables that this router has, and ask for its state."""
        for table, rows in self._tables:
            finding = yield from self._ask(table, rows)
            if finding is not None:
                return finding
        return _nobody(self._peer)

    def _ask(self, table: _Table, rows: Rows) -> Generator[Question, tuple[Bind, ...], Finding | None]:
        for _ in range(2):
            row = yield from rows.find()
            if row is None:
                return None
            binds = yield Question((rows.name, (*table.state, *row)))
            if binds and rows.is_it(binds[0].value):
                word = table.words.get(_numbers(binds[1:], 1)[0] or 0)
                return ok(f"BFD with {self._peer} is up") if word == "up" else _down("BFD", self._peer, word)
            rows.forget()
        return None


def peer(options: Options) -> BgpPeer | OspfPeer | BfdPeer:
    """Return who asks for the neighbour that the options name."""
    if options.bgp is not None:
        return BgpPeer(options.bgp)
    if options.ospf is not None:
        return OspfPeer(options.ospf)
    return BfdPeer(options.bfd or IPv4Address(0))


def _numbers(binds: tuple[Bind, ...], count: int) -> list[int | None]:
    found = [bind.value.number for bind in binds[:count]]
    return found + [None] * (count - len(found))


def _nobody(peer: IPv4Address) -> Finding:
    return failed("no_such_peer", f"no session with {peer}", path_up=True)


def _down(protocol: str, peer: IPv4Address, state: str | None) -> Finding:
    return failed("peer_down", f"{protocol} with {peer} is {state or 'in an unknown state'}", path_up=True)
