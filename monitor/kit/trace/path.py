"""What a trace may cost, and what it found."""

from typing import NamedTuple


class Bounds(NamedTuple):
    """How much one trace may send, and for how long."""

    hops: int = 30
    tries: int = 2
    """Packets per hop."""
    wait: float = 1.0
    """Seconds each packet is waited for."""
    window: int = 8
    """Packets under way at once."""
    gap: float = 0.005
    """Seconds from one packet to the next, at least."""
    silent: int = 5
    """So many silent hops in a row end the trace."""
    within: float = 4.0
    """Seconds after which it ends with what it has."""


class Hop(NamedTuple):
    """Who answered at one distance."""

    ttl: int
    address: str = ""
    """Who answered first; empty: silence."""
    rtt: float | None = None
    """Seconds, the shortest of those measured."""
    sent: int = 0
    received: int = 0
    others: tuple[str, ...] = ()
    """Who else answered: the path changed meanwhile, or somebody balances by packet."""


class Path(NamedTuple):
    """One trace: the hops in order, and how it ended."""

    target: str
    """Literal address."""
    method: str
    """`icmp`, `udp` or `tcp`."""
    hops: tuple[Hop, ...] = ()
    """Up to the target, or to the last that answered."""
    reached: bool = False
    how: str = "silence"
    """What ended it: an answer of the target (`echo_reply`, `port_unreachable`, `udp_answer`, `tcp_open`,
    `tcp_refused`, or whatever ICMP error it gave), a router's refusal (`net_unreachable` …), `silence`,
    `time`, or that no `hops` were left."""
    by: str = ""
    """Who gave the answer that ended it."""
    icmp: tuple[int, int] | None = None
    """Type and code, if it was an ICMP error."""
    rtt: float | None = None
    """Seconds to the target."""
    sent: int = 0
    """Packets in all."""

    @property
    def last(self) -> Hop | None:
        """The farthest hop that answered."""
        return next((hop for hop in reversed(self.hops) if hop.address), None)
