"""Sends a burst of test packets to a reflector and tells what the way there and the way back do to them."""

import errno
from typing import Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, poor, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, clash, find_target
from monitor.kit.stamp import Burst, Plan, Tally, tally, variation
from monitor.kit.text import clean
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    "loss_out": "more packets are lost on the way there than a limit allows",
    "loss_back": "more packets are lost on the way back than a limit allows",
    "loss": "more packets are lost than a limit allows, and the reflector cannot say on which way",
    "jitter_out": "the delay on the way there varies more than a limit allows",
    "jitter_back": "the delay on the way back varies more than a limit allows",
    "remarked": "packets arrive with another code point than they were sent with, on one of the ways",
    "mtu": "packets of `mtu` bytes do not pass, smaller ones do",
    "unexpected_answer": "what answers is no reflector",
    "timeout": "no packet was answered",
    "message_size": "the packets are too big for this host to send",
    "name_resolution": "the name has no address, or the name servers are silent",
    **{word: meaning for word, meaning in mishap.PEERS.items() if word != "reset"},
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip as the kernel stamped it, without the reflector's own time; the mean"),
    "rtt_min": ("seconds", "the shortest"),
    "rtt_max": ("seconds", "the longest"),
    "jitter": ("seconds", "variation of the round trip: 95th percentile less the shortest (RFC 5481)"),
    "jitter_out": ("seconds", "the same of the way there"),
    "jitter_back": ("seconds", "the same of the way back"),
    "sent": ("packets", "those that got away"),
    "received": ("packets", "of those, the ones that were answered"),
    "loss": ("ratio", "share that was not answered"),
    "loss_out": ("ratio", "share lost on the way there, of the packets up to the last that was answered"),
    "loss_back": ("ratio", "share lost on the way back, of those that arrived there"),
    "reordered": ("ratio", "share of answers that came after one to a later packet"),
    "doubles": ("packets", "answers beyond the first to a packet"),
    "dscp_out": ("code", "code point with which the packets arrive there, if the reflector says"),
    "dscp_back": ("code", "code point with which they arrive here, likewise"),
}

_NONE = "; default: no limit."


class Options(ProbeOptions):
    """Which reflector to ask, how many packets to send and what they may suffer."""

    host: Host = Field(description="Name or address of the reflector.")
    port: int = Field(default=862, ge=1, le=65535, description="UDP port of the reflector.")
    packets: int = Field(default=20, ge=2, le=1000, description="Packets per look.")
    spacing: float = Field(default=0.02, ge=0.001, le=1, description="Seconds between two of them.")
    wait: float = Field(
        default=0.4, gt=0, le=10, description="Seconds for which the last ones are waited for."
    )
    stateful: bool = Field(
        default=True,
        description="Whether the reflector counts for itself; if not, the directions are unknown.",
    )
    dscp: int = Field(default=0, ge=0, le=63, description="Differentiated services code point; 46 is voice.")
    mtu: int | None = Field(
        default=None,
        ge=128,
        le=9000,
        description="Bytes of an IP packet that must pass unfragmented; three such packets are added.",
    )
    warn_loss: float | None = Field(
        default=0.05, gt=0, le=1, description="Share of packets lost on one way before it is poor."
    )
    max_loss: float | None = Field(
        default=None, gt=0, le=1, description=f"Share from which on it is a failure{_NONE}"
    )
    warn_jitter: float | None = Field(
        default=None, gt=0, le=10, description=f"Seconds of variation on one way before it is poor{_NONE}"
    )
    max_jitter: float | None = Field(
        default=None, gt=0, le=10, description=f"Seconds from which on it is a failure{_NONE}"
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to send from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to send over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Send one burst from a new port, so that the reflector counts from 0, and tell what became of it."""
    plan = Plan(options.packets, options.spacing, options.wait, options.dscp, options.mtu)
    try:
        target = await find_target(shared(), options)
        burst = Burst(target, plan)
        await burst.run()
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except OSError as error:
        if error.errno == errno.EMSGSIZE:
            return unknown("message_size", "an interface of this host takes no packets of this size")
        return of_mishap(mishap.at_once(error.errno))
    if burst.answers:
        return _judge(burst, options)
    return _unanswered(burst, options)


def _unanswered(burst: Burst, options: Options) -> Finding:
    counts = {"sent": float(options.packets), "received": 0.0, "loss": 1.0}
    if burst.trouble is not None:
        return of_mishap(burst.trouble)
    if burst.strays:
        told = f"{burst.strays} datagrams came, none an answer"
        return failed("unexpected_answer", told, path_up=True, **counts)
    return failed("timeout", f"none of {options.packets} packets was answered", path_up=False, **counts)


def _judge(burst: Burst, options: Options) -> Finding:
    counts = tally(options.packets, burst.answers)
    values = _values(burst, counts, stateful=options.stateful)
    finding = judged(_limits(values, options), _summary(counts, stateful=options.stateful), **values)
    if finding.reason != "ok":
        return finding
    seen = [point for point in (burst.dscp_out, burst.dscp_back) if point not in (None, options.dscp)]
    if seen:
        there, here = burst.dscp_out, burst.dscp_back
        return poor("remarked", f"sent with {options.dscp}, there with {there}, back with {here}", **values)
    if options.mtu is not None and not burst.large:
        by = f": {burst.too_big}" if burst.too_big else ""
        return poor("mtu", clean(f"no packet of {options.mtu} bytes came back{by}"), **values)
    return finding


def _limits(values: dict[str, float], options: Options) -> list[Limit]:
    lost = ("loss_out", "loss_back") if options.stateful else ("loss",)
    labels = {
        "loss_out": "loss on the way there",
        "loss_back": "loss on the way back",
        "loss": "loss",
        "jitter_out": "jitter on the way there",
        "jitter_back": "jitter on the way back",
    }
    limits = [Limit(word, labels[word], values[word], options.warn_loss, options.max_loss) for word in lost]
    limits += [
        Limit(word, labels[word], values[word], options.warn_jitter, options.max_jitter, "s")
        for word in ("jitter_out", "jitter_back")
    ]
    return sorted(limits, key=lambda limit: -limit.value if limit.reason in lost else 0.0)


def _values(burst: Burst, counts: Tally, *, stateful: bool) -> dict[str, float]:
    answers = burst.answers
    rtts = [seen.rtt for seen in answers]
    values = {
        "rtt": sum(rtts) / len(rtts),
        "rtt_min": min(rtts),
        "rtt_max": max(rtts),
        "jitter": variation(rtts),
        "jitter_out": variation(seen.out for seen in answers),
        "jitter_back": variation(seen.back for seen in answers),
        "sent": float(counts.sent),
        "received": float(counts.received),
        "loss": counts.loss,
        "reordered": counts.reordered / counts.received,
        "doubles": float(counts.doubles),
    }
    if stateful:
        values |= {"loss_out": counts.loss_out, "loss_back": counts.loss_back}
    points = {"dscp_out": burst.dscp_out, "dscp_back": burst.dscp_back}
    return values | {name: float(point) for name, point in points.items() if point is not None}


def _summary(counts: Tally, *, stateful: bool) -> str:
    if counts.received == counts.sent:
        return f"all of {counts.sent} answered"
    if not stateful:
        return f"{counts.received} of {counts.sent} answered"
    there, back = counts.asked - counts.reached, counts.reached - counts.received
    after = counts.sent - counts.asked
    told = f"lost {there} of {counts.asked} on the way there, {back} of {counts.reached} on the way back"
    return told + (f", {after} after the last answer" if after else "")
