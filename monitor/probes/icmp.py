"""Pings: sends ICMP echo requests and measures how long the answers take."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit.icmp import OURS, SIZE_MAX, SIZE_MIN, THEIRS, Engine, Miss, Target, way_to
from monitor.kit.resolver import ResolveError, literal, shared
from monitor.kit.sockets import FAMILIES, Family, Host, Interface, clash
from monitor.kit.text import clean
from monitor.ports import BatchEngine, ProbeOptions, Sink

REASONS = {
    **THEIRS,
    "name_resolution": "the name has no address, or the name servers are silent",
    "bad_address": "the name leads to an address that cannot be pinged",
    **OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip as the kernel stamped it; of several packets the mean"),
    "rtt_min": ("seconds", "shortest of several"),
    "rtt_max": ("seconds", "longest of several"),
    "sent": ("packets", "of several, those that got away"),
    "received": ("packets", "of several, those that were answered"),
    "loss": ("ratio", "of several, the share that was not answered"),
}

_PATIENCE = 3600.0
"""Longer than any deadline: that is the runner's affair."""


class Options(ProbeOptions):
    """Whom to ping and from where; more than one packet if a loss ratio is wanted."""

    host: Host = Field(description="Name or address to ping.")
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to send from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to send over.")
    size: int = Field(default=56, ge=SIZE_MIN, le=SIZE_MAX, description="Bytes of payload.")
    ttl: int | None = Field(default=None, ge=1, le=255, description="Hops the packet may take.")
    dscp: int = Field(default=0, ge=0, le=63, description="Differentiated services code point; 46 is voice.")
    count: int = Field(default=1, ge=1, le=100, description="Packets per look; one answer is enough.")
    interval: float = Field(default=0.2, ge=0.01, le=10, description="Seconds between packets of a look.")
    wait: float = Field(
        default=1.0, gt=0, le=10, description="Seconds each of several packets is waited for."
    )

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        if literal(self.host) is not None:
            way_to(self.host, self._source)
        return self

    @property
    def _source(self) -> str | None:
        return str(self.source) if self.source else None

    def prepared(self, pings: Engine, host: str) -> Target:
        """Return the target for one address; raises ValueError if it cannot be pinged."""
        return pings.prepare(
            host,
            source=self._source,
            interface=self.interface,
            size=self.size,
            ttl=self.ttl,
            dscp=self.dscp,
        )


async def probe(options: Options) -> Finding:
    """Ping once, or `count` times: then one answer is enough, and the values tell the loss."""
    family = FAMILIES[options.family]
    if options.source is not None:
        family = literal(str(options.source)) or family
    try:
        host = (await shared().resolve(options.host, family))[0]
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    series = _Series(options.count)
    pings = Engine(series.answered, series.missed, series.late)
    try:
        return await series.run(pings, options.prepared(pings, host), options)
    except ValueError as error:
        return unknown("bad_address", clean(str(error)))
    finally:
        pings.close()


def engine(sink: Sink) -> BatchEngine:
    """Return the batch form, for single pings to literal addresses."""
    return _Engine(sink)


class _Engine:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pings = Engine(sink.answered, self._missed, sink.late)

    def prepare(self, options: Options) -> Target | None:
        """Return whom to ping; None for a series or a name, which the other form looks at."""
        if options.count > 1 or literal(options.host) is None:
            return None
        return options.prepared(self._pings, options.host)

    def send(self, due: Sequence[tuple[Any, object, float]]) -> None:
        """Send one ping each."""
        self._pings.send(due)

    def close(self) -> None:
        """Give up what is under way."""
        self._pings.close()

    def _missed(self, key: object, sent_at: float, miss: Miss) -> None:
        self._sink.found(key, sent_at, _finding(miss))


class _Series:
    """What became of the packets of one look."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._times: list[float] = []
        self._misses: list[Miss] = []
        self._all = asyncio.Event()

    def answered(self, _key: object, _sent_at: float, rtt: float) -> None:
        """Note the time of one that came back."""
        self._times.append(rtt)
        self._check()

    def missed(self, _key: object, _sent_at: float, miss: Miss) -> None:
        """Note one that did not."""
        self._misses.append(miss)
        self._check()

    def late(self, _key: object, _sent_at: float, _rtt: float) -> None:
        """Ignore it: the packet has been counted as missed."""

    async def run(self, pings: Engine, target: Target, options: Options) -> Finding:
        """Send all packets, wait for each, and say what became of them."""
        wait = options.wait if self._count > 1 else _PATIENCE
        for left in reversed(range(self._count)):
            pings.send([(target, None, wait)])
            if left:
                await asyncio.sleep(options.interval)
        await self._all.wait()
        return self._one() if self._count == 1 else self._summary()

    def _check(self) -> None:
        if len(self._times) + len(self._misses) == self._count:
            self._all.set()

    def _one(self) -> Finding:
        return ok(rtt=self._times[0]) if self._times else _finding(self._misses[0])

    def _summary(self) -> Finding:
        """Say how many came back; packets that we could not send ourselves are no loss."""
        times, theirs = self._times, [miss for miss in self._misses if not miss.ours]
        if not times and not theirs:
            return _finding(self._misses[0])
        sent = len(times) + len(theirs)
        counts = {"sent": float(sent), "received": float(len(times)), "loss": len(theirs) / sent}
        if not times:
            worst = Counter(theirs).most_common(1)[0][0]
            return failed(worst.reason, worst.detail, path_up=worst.by_peer, **counts)
        rtt = {"rtt": sum(times) / len(times), "rtt_min": min(times), "rtt_max": max(times)}
        return ok(f"{len(times)} of {sent} answered", **rtt, **counts)


@lru_cache(4096)
def _finding(miss: Miss) -> Finding:
    if miss.ours:
        return unknown(miss.reason, miss.detail)
    return failed(miss.reason, miss.detail, path_up=miss.by_peer)
