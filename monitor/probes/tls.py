"""Shakes hands with a TLS port and says whether its certificates are good, and for how long."""

import asyncio
import ssl
import time
from typing import Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, Target, clash, find_target
from monitor.kit.tcp import connect, round_trip
from monitor.kit.text import clean
from monitor.kit.tls import FAULTS, Seen, ServerName, context, examine, fault, handshake, read_unverified
from monitor.ports import ProbeOptions
from monitor.ports.findings import Conversing, of_conversation

REASONS = {
    **mishap.PEERS,
    **FAULTS,
    "certificate_expiring": "a certificate of the chain runs out in less than `min_days`",
    "closed": "the peer hung up in the middle of the handshake",
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_ca_file": "`ca_file` cannot be read, or holds no certificate",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "handshake": ("seconds", "TLS handshake"),
    "tls_chain": ("certificates", "length of the chain that the peer sent"),
    "tls_expiry": ("Unix time", "when the first certificate of the chain runs out"),
}

_DAY = 86_400.0


class Options(ProbeOptions):
    """Whom to shake hands with, and what to ask of its certificates."""

    host: Host = Field(description="Name or address of the peer.")
    port: int = Field(
        default=443, ge=1, le=65535, description="TCP port that speaks TLS from the first byte."
    )
    server_name: ServerName | None = Field(
        default=None, description="Name to ask for and to find in the certificate; default: `host`."
    )
    ca_file: str | None = Field(
        default=None, min_length=1, description="PEM file of trusted authorities; default: the system's."
    )
    verify: bool = Field(default=True, description="Whether a bad chain or name is a failure.")
    min_days: float = Field(
        default=0.0,
        ge=0,
        le=3650,
        description="Days that every certificate of the chain must still be valid.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Shake hands once and hang up; after a refused certificate once more, only to read it."""
    try:
        settings = context(options.ca_file, verify=options.verify)
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except OSError as error:
        return unknown("no_ca_file", clean(str(error)))
    name = options.server_name or options.host.partition("%")[0]
    try:
        seen, values = await _shake(target, settings, name)
    except ssl.SSLCertVerificationError as error:
        word, text = fault(error)
        refused = await read_unverified(target, name)
        return failed(word, clean(text), path_up=True, **(refused.values if refused else {}))
    except Conversing as error:
        return of_conversation(error)
    return _judge(seen, values, options)


async def _shake(target: Target, settings: ssl.SSLContext, name: str) -> tuple[Seen, dict[str, float]]:
    clock = asyncio.get_running_loop().time
    began = clock()
    with await connect(target) as sock:
        connected = clock()
        tls = await handshake(sock, settings, name)
        rtt = round_trip(sock) or connected - began
    seen = examine(tls)
    return seen, {"rtt": rtt, "handshake": clock() - connected, **seen.values}


def _judge(seen: Seen, values: dict[str, float], options: Options) -> Finding:
    days = (seen.expiry - time.time()) / _DAY
    told = f"{seen.version}, chain of {seen.chain}, {days:.1f} days left"
    if not seen.expiry:
        return failed("certificate_invalid", "no certificate that can be read", path_up=True, **values)
    if options.verify and days < options.min_days:
        return failed("certificate_expiring", told, path_up=True, **values)
    return ok(told if options.verify else f"{told}, not verified", **values)
