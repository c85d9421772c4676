"""Sends a datagram and waits for the answer: an echo of our own words, or what you say is right."""

import secrets
from typing import Self

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, clash, find_target
from monitor.kit.text import clean, unescape
from monitor.kit.udp import Exchange, UdpError
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    "unexpected_answer": "answers came, none of them the one expected",
    "name_resolution": "the name has no address, or the name servers are silent",
    **{word: meaning for word, meaning in mishap.PEERS.items() if word != "reset"},
    **mishap.OURS,
}

VALUES = {"rtt": ("seconds", "from sending to the kernel's receipt of the answer")}

WRONG_ANSWERS = 8
"""How many wrong answers are passed over (strays, late ones) before they are the finding."""
_NONCE = 16


class Options(ProbeOptions):
    """Whom to ask, and what to expect; without `send` an echo service (RFC 862) is expected."""

    host: Host = Field(description="Name or address of the peer.")
    port: int = Field(default=7, ge=1, le=65535, description="UDP port; 7 is echo.")
    send: str | None = Field(
        default=None,
        max_length=1024,
        description=r"What to send, with \r \n \t \0 \\ \xHH; default: 16 random bytes.",
    )
    expect: str | None = Field(
        default=None,
        max_length=1024,
        description="What the answer to `send` must contain, same escapes; default: any answer is right.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to send from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to send over.")

    @field_validator("send", "expect")
    @classmethod
    def _escapes_are_known(cls, text: str | None) -> str | None:
        unescape(text or "")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if self.expect is not None and self.send is None:
            raise ValueError("expect needs send: an echo is expected otherwise")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Send one datagram from a new port and wait for the right answer to it."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    try:
        with Exchange(target) as exchange:
            return await _ask(exchange, options)
    except UdpError as error:
        return of_mishap(error.mishap)


async def _ask(exchange: Exchange, options: Options) -> Finding:
    words = secrets.token_bytes(_NONCE) if options.send is None else unescape(options.send)
    wanted = words if options.send is None else unescape(options.expect or "")
    exchange.send(words)
    for _ in range(WRONG_ANSWERS):
        answer, _, rtt = await exchange.receive()
        if answer == wanted if options.send is None else wanted in answer:
            return ok(rtt=rtt)
    return failed("unexpected_answer", f"the last said {clean(answer[:400])!r}", path_up=True)
