"""Meets an SSH server as far as its key, and says whether it is the right one; nobody logs in."""

import asyncio
import re
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, clash, find_target
from monitor.kit.ssh import FAULTS, Connected, Conversation, HostKey, SshError
from monitor.kit.tcp import ConnectError, connect, round_trip
from monitor.kit.text import clean
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    **mishap.PEERS,
    **FAULTS,
    "host_key": "the key is none of those in `host_key`: another machine, or a new key",
    "banner": "the server greets without the words of `banner`",
    "name_resolution": "the name has no address, or the name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "greeting": ("seconds", "from the connection to the server's greeting"),
    "exchange": ("seconds", "key exchange: what a login would wait for besides"),
}

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(,SHA256:[A-Za-z0-9+/]{43})*")


def _joined(given: object) -> object:
    """Accept one, a list, and several with commas between them alike."""
    words = given if isinstance(given, list | tuple) else [given]
    return ",".join(str(word) for word in words if word is not None).replace(" ", "") or None


class Options(ProbeOptions):
    """Which server to meet, and how to know it again."""

    host: Host = Field(description="Name or address of the server.")
    port: int = Field(default=22, ge=1, le=65535, description="TCP port.")
    host_key: Annotated[str | None, BeforeValidator(_joined)] = Field(
        default=None,
        max_length=1024,
        description="Fingerprint of the server's key, `SHA256:…`; several with commas, or a list.",
    )
    banner: str | None = Field(
        default=None, min_length=1, max_length=255, description="Words that the greeting must contain."
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @field_validator("host_key")
    @classmethod
    def _fingerprints(cls, text: str | None) -> str | None:
        if text is not None and not _FINGERPRINT.fullmatch(text):
            raise ValueError("a fingerprint is SHA256: and 43 characters, as ssh-keygen -l shows it")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Connect, greet, let the server prove its key, and leave."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        sock = await connect(target)
    except ConnectError as error:
        return of_mishap(error.mishap)
    with sock:
        stood = loop.time()
        values = {"rtt": round_trip(sock) or stood - began}
        conversation = Conversation(Connected(sock))
        try:
            greeting = await conversation.greet()
            greeted = loop.time()
            values["greeting"] = greeted - stood
            key = await conversation.prove()
            values["exchange"] = loop.time() - greeted
        except SshError as error:
            return failed(error.reason, clean(str(error)), path_up=True, **values)
        except OSError as error:
            return of_mishap(mishap.raised(error))
    return _judge(greeting, key, options, values)


def _judge(greeting: str, key: HostKey, options: Options, values: dict[str, float]) -> Finding:
    shown = f"{key.algorithm} {key.fingerprint}"
    if options.host_key is not None and key.fingerprint not in options.host_key.split(","):
        return failed("host_key", f"the key is {shown}", path_up=True, **values)
    if options.banner is not None and options.banner not in greeting:
        return failed("banner", f"greets with {clean(greeting, 150)!r}", path_up=True, **values)
    return ok(clean(f"{clean(greeting, 80)}, {shown} by {key.exchange}"), **values)
