"""Traces the way to a host: which routers a packet passes, and where the way ends."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.icmp import THEIRS
from monitor.kit.resolver import ResolveError, literal, shared
from monitor.kit.sockets import FAMILIES, Family, Host, Interface, clash
from monitor.kit.text import clean
from monitor.kit.trace import Asked, Bounds, Hop, Path, TraceError, trace
from monitor.ports import ProbeOptions

_REFUSALS = {word: meaning for word, meaning in THEIRS.items() if word not in {"timeout", "ttl_exceeded"}}

REASONS = {
    "silence": "nobody answers from some hop on",
    "too_far": "the hops ran out before the host was reached",
    "out_of_time": "the trace took too long and was ended",
    "other_path": "the host was reached, but not by way of the hops expected",
    **_REFUSALS,
    "name_resolution": "the name has no address, or the name servers are silent",
    "bad_address": "the name leads to an address that cannot be traced",
    **mishap.OURS,
}

VALUES = {
    "hops": ("hops", "how far the host is; where it was not reached, the farthest hop that answered"),
    "rtt": ("seconds", "shortest round trip to the host"),
    "reached": ("ratio", "1 if the host was reached, 0 if not"),
    "sent": ("packets", "all that were sent"),
    "silent": ("hops", "hops before the last that gave no answer"),
}

_WHY = {"silence": "silence", "hops": "too_far", "time": "out_of_time"}
_SHOWN = 160
"""Characters of the hop list in a detail."""


class Options(ProbeOptions):
    """Whom to trace, with what kind of packet, and by way of whom it should go."""

    host: Host = Field(description="Name or address to trace.")
    method: Literal["auto", "icmp", "udp", "tcp"] = Field(
        default="auto", description="Packets to send; `auto` is ICMP, or UDP where ICMP is not permitted."
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of the host; by default 33434 (UDP) or 443 (TCP)."
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to send from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to send over.")
    through: tuple[IPvAnyAddress, ...] = Field(
        default=(), max_length=30, description="Addresses of hops that the way must pass, in this order."
    )
    hops: int = Field(default=30, ge=1, le=30, description="Hops to go at most.")
    tries: int = Field(default=2, ge=1, le=5, description="Packets per hop.")
    wait: float = Field(default=1.0, ge=0.05, le=5, description="Seconds each packet is waited for.")
    silent: int = Field(default=5, ge=1, le=30, description="Silent hops in a row that end the trace.")
    within: float = Field(
        default=4.0, ge=0.1, le=30, description="Seconds after which it ends; keep it below the deadline."
    )

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        if self.port is not None and self.method not in {"udp", "tcp"}:
            raise ValueError("port needs method udp or tcp: ICMP has no ports")
        return self


async def probe(options: Options) -> Finding:
    """Trace once; well if the host was reached, by way of the hops expected if any are."""
    finding, _ = await at_length(options)
    return finding


async def at_length(options: Options) -> tuple[Finding, Sequence[str]]:
    """Do the same and tell every hop, a line each, for people."""
    family = FAMILIES[options.family]
    if options.source is not None:
        family = literal(str(options.source)) or family
    try:
        host = (await shared().resolve(options.host, family))[0]
        path = await trace(_asked(options, host), _bounds(options))
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error))), ()
    except ValueError as error:
        return unknown("bad_address", clean(str(error))), ()
    except TraceError as error:
        return unknown(error.mishap.reason, clean(error.mishap.text)), ()
    return _finding(path, [str(address) for address in options.through]), [_line(hop) for hop in path.hops]


def _asked(options: Options, host: str) -> Asked:
    source = str(options.source) if options.source else None
    return Asked(host, options.method, options.port, source, options.interface)


def _bounds(options: Options) -> Bounds:
    return Bounds(
        hops=options.hops,
        tries=options.tries,
        wait=options.wait,
        silent=options.silent,
        within=options.within,
    )


def _finding(path: Path, through: Sequence[str]) -> Finding:
    detail, values = _detail(path), _values(path)
    if not path.reached:
        return failed(_WHY.get(path.how, path.how), detail, path_up=False, **values)
    addresses = iter(path.hops)
    missing = next((want for want in through if not any(want == hop.address for hop in addresses)), None)
    if missing is not None:
        return failed("other_path", clean(f"not by way of {missing}: {detail}"), path_up=True, **values)
    return ok(detail, **values)


def _values(path: Path) -> dict[str, float]:
    values = {
        "hops": float(len(path.hops)),
        "reached": float(path.reached),
        "sent": float(path.sent),
        "silent": float(sum(not hop.address for hop in path.hops)),
    }
    return values if path.rtt is None else {**values, "rtt": path.rtt}


def _detail(path: Path) -> str:
    """Name the hops in order, the middle of a long way left out, and who ended it with what."""
    way = _way([hop.address or "*" for hop in path.hops]) or "no hop answered"
    if path.reached:
        return clean(way)
    code = f" (ICMP {path.icmp[0]}/{path.icmp[1]})" if path.icmp else ""
    return clean(f"{way}; {_WHY.get(path.how, path.how)}{code}")


def _way(names: Sequence[str]) -> str:
    for kept in range(len(names), 0, -1):
        left_out = () if kept == len(names) else ("…",)
        way = " → ".join([*names[: kept - kept // 2], *left_out, *names[len(names) - kept // 2 :]])
        if len(way) <= _SHOWN:
            return way
    return ""


def _line(hop: Hop) -> str:
    if not hop.address:
        return f"{hop.ttl:>2}  *"
    took = f"  {hop.rtt * 1000:.3f} ms" if hop.rtt is not None else ""
    lost = f"  {hop.received} of {hop.sent} answered" if hop.received < hop.sent else ""
    others = f"  also {', '.join(hop.others)}" if hop.others else ""
    return f"{hop.ttl:>2}  {hop.address}{took}{lost}{others}"
