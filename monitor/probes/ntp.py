"""Asks a time server for the time, and says how far its clock and ours are apart, and how good it is."""

from typing import Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit.ntp import HIGHEST_STRATUM, UNSYNCHRONISED, Reply, Request, synchronised
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, Target, clash, find_target
from monitor.kit.text import clean
from monitor.kit.udp import Exchange, Heard, UdpError
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    "unsynchronised": "the server itself does not know the time",
    "kiss_rate": "the server says that it is asked too often (kiss of death RATE)",
    "kiss_deny": "the server will not serve us (kiss of death DENY or RSTR)",
    "kiss": "the server sends a kiss of death of another kind, given in the detail",
    "stratum": "the server is further from a reference clock than a limit allows",
    "root_distance": "the server's time may be further off than a limit allows, by its own account",
    "offset": "the two clocks are further apart than a limit allows",
    "bad_answer": "what came is no answer to the question",
    "name_resolution": "the name has no address, or the name servers are silent",
    "own_clock": "the clocks are too far apart, and ours is not synchronised (`check_own_clock`)",
    **{word: meaning for word, meaning in mishap.PEERS.items() if word != "reset"},
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "from the question to the kernel's receipt of the answer"),
    "offset": ("seconds", "the server's clock less ours"),
    "delay": ("seconds", "round trip without the time that the server took"),
    "stratum": ("number", "steps from a reference clock"),
    "leap": ("code", "leap second: 0 none, 1 inserted, 2 left out, 3 not synchronised"),
    "root_delay": ("seconds", "round trip from the server to its reference clock"),
    "root_dispersion": ("seconds", "error that has gathered from the reference clock to the server"),
    "root_distance": ("seconds", "how far off its time may be when it gets here, by its own account"),
}

WRONG_ANSWERS = 8
"""How many datagrams that are no answer (strays, forgeries) are passed over before they are the finding."""
_LONGEST = 1024
_KISSES = {"RATE": "kiss_rate", "DENY": "kiss_deny", "RSTR": "kiss_deny"}
_NONE = "; default: no limit."


class Options(ProbeOptions):
    """Which time server to ask, and how good it must be."""

    host: Host = Field(description="Name or address of the time server.")
    port: int = Field(default=123, ge=1, le=65535, description="UDP port.")
    warn_offset: float | None = Field(
        default=0.1, gt=0, le=1e6, description="Seconds that the clocks may be apart before it is poor."
    )
    max_offset: float | None = Field(
        default=None, gt=0, le=1e6, description=f"Seconds from which on it is a failure{_NONE}"
    )
    warn_stratum: int | None = Field(
        default=None, ge=1, le=HIGHEST_STRATUM, description=f"Highest stratum that is not poor{_NONE}"
    )
    max_stratum: int | None = Field(
        default=None, ge=1, le=HIGHEST_STRATUM, description=f"Highest stratum that is no failure{_NONE}"
    )
    warn_root_distance: float | None = Field(
        default=None, gt=0, le=1e6, description=f"Seconds of root distance from which on it is poor{_NONE}"
    )
    max_root_distance: float | None = Field(
        default=None, gt=0, le=1e6, description=f"Seconds from which on it is a failure{_NONE}"
    )
    check_own_clock: bool = Field(
        default=False,
        description="Whether an offset counts only while the kernel says that our own clock is synchronised.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Ask once, from a new port, and judge the answer."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    try:
        return await _ask(target, options)
    except UdpError as error:
        return of_mishap(error.mishap)


async def _ask(target: Target, options: Options) -> Finding:
    request = Request()
    with Exchange(target) as exchange:
        exchange.send(request.wire)
        for _ in range(WRONG_ANSWERS):
            heard = await exchange.receive(_LONGEST)
            if (reply := request.reply(heard.data)) is not None:
                return _judge(reply, exchange.sent_at, heard, options)
    return failed("bad_answer", "datagrams came, none of them an answer", path_up=True)


def _judge(reply: Reply, asked_at: float, heard: Heard, options: Options) -> Finding:
    if code := reply.kiss:
        return failed(_KISSES.get(code, "kiss"), f"kiss of death {code}", path_up=True, rtt=heard.rtt)
    if reply.leap == UNSYNCHRONISED or not 0 < reply.stratum <= HIGHEST_STRATUM:
        told = {"rtt": heard.rtt, "stratum": float(reply.stratum), "leap": float(reply.leap)}
        return failed("unsynchronised", "the server does not know the time", path_up=True, **told)
    offset, delay = reply.offset(asked_at, heard.at), reply.delay(asked_at, heard.at)
    distance = (reply.root_delay + delay) / 2 + reply.root_dispersion
    values = {
        "rtt": heard.rtt,
        "offset": offset,
        "delay": delay,
        "stratum": float(reply.stratum),
        "leap": float(reply.leap),
        "root_delay": reply.root_delay,
        "root_dispersion": reply.root_dispersion,
        "root_distance": distance,
    }
    far, farthest = options.warn_root_distance, options.max_root_distance
    limits = [
        Limit("stratum", "stratum", reply.stratum, options.warn_stratum, options.max_stratum),
        Limit("root_distance", "root distance", distance, far, farthest, "s"),
        Limit("offset", "offset", proven(offset, delay), options.warn_offset, options.max_offset, "s"),
    ]
    found = judged(limits, **values)
    if found.reason == "offset" and options.check_own_clock and not synchronised():
        return unknown("own_clock", f"{found.detail}, but our own clock is not synchronised")
    return found


def proven(offset: float, delay: float) -> float:
    """Return how many seconds of *offset* remain if one way took the whole *delay* and the other none."""
    return max(0.0, abs(offset) - delay / 2)
