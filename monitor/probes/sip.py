"""Asks a SIP server or gateway for its abilities (OPTIONS), over UDP, TCP or TLS."""

import re
import ssl
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.head import told
from monitor.kit.inquiry import Reply
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sip import Answer, Request, Transport, bracketed, question
from monitor.kit.sip_client import ask_by_datagram, ask_by_stream
from monitor.kit.sockets import Family, Host, Interface, Place, Target, clash, find_target
from monitor.kit.stream import conversation
from monitor.kit.text import clean
from monitor.kit.tls import FAULTS, ServerName, context
from monitor.kit.udp import connected
from monitor.ports import ProbeOptions
from monitor.ports.findings import Conversing, Inquiring, of_conversation, of_inquiry

REASONS = {
    "status": "the answer has a status that is not in `status`; by default a 5xx or 6xx",
    **mishap.PEERS,
    **FAULTS,
    "timeout": "no final answer, though asked again and again over UDP",
    "bad_response": "what the peer says is not SIP",
    "unexpected_answer": "answers came, none of them to our question",
    "closed": "the peer hung up without an answer",
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_ca_file": "`ca_file` cannot be read, or holds no certificate",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "over UDP from the question to its answer, unless it was repeated; else TCP's own"),
    "answer": ("seconds", "from the first question to the final answer"),
    "sent": ("packets", "over UDP, how often it was asked"),
    "status": ("code", "SIP status of the answer"),
}

PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_STATUS = re.compile(r"[2-6](\d\d|xx)(,[2-6](\d\d|xx))*")
_URI = re.compile(r"sips?:[!-;=?-~]+", re.IGNORECASE)
"""Printable ASCII without spaces and angle brackets, which would end it."""


def _joined(given: object) -> object:
    """Accept 200, [200, "4xx"] and "2xx, 486" alike."""
    words = given if isinstance(given, list | tuple) else [given]
    return ",".join(str(word) for word in words).replace(" ", "").lower()


class Options(ProbeOptions):
    """Whom to ask, over what, and which answers are signs of life."""

    host: Host = Field(description="Name or address of the server, gateway or telephone.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Port; default: 5060, over TLS 5061.")
    transport: Transport = Field(default="udp", description="`udp`, `tcp` or `tls`.")
    status: Annotated[str, BeforeValidator(_joined)] = Field(
        default="2xx,3xx,4xx",
        max_length=200,
        description="Statuses that are right: `2xx,405`, or a list; a refusal such as 401, 403 or 486 is a"
        " sign of life.",
    )
    uri: str | None = Field(
        default=None, max_length=255, description="Whom to ask about; default: `sip:HOST:PORT`, itself."
    )
    caller: str | None = Field(
        default=None, max_length=255, description="URI that we give as ours; default: `sip:monitor@ADDRESS`."
    )
    max_forwards: int = Field(
        default=70, ge=0, le=255, description="Proxies the question may pass; 0: the first one must answer."
    )
    t1: float = Field(
        default=0.5,
        ge=0.05,
        le=4.0,
        description="Seconds before the first repetition over UDP (RFC 3261, T1); then doubled, up to 4.",
    )
    verify: bool = Field(default=True, description="Whether a bad certificate chain or name is a failure.")
    ca_file: str | None = Field(
        default=None, min_length=1, description="PEM file of trusted authorities; default: the system's."
    )
    server_name: ServerName | None = Field(
        default=None, description="Name to ask for in TLS and to find in the certificate; default: `host`."
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @field_validator("status")
    @classmethod
    def _a_set_of_statuses(cls, text: str) -> str:
        if not _STATUS.fullmatch(text):
            raise ValueError("statuses look like 200 or 4xx, from 200 on, several with commas between them")
        return text

    @field_validator("uri", "caller")
    @classmethod
    def _an_address_of_sip(cls, text: str | None) -> str | None:
        if text is not None and not _URI.fullmatch(text):
            raise ValueError("the address must begin with sip: or sips:, without spaces and angle brackets")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Ask once, over a new port or connection, and take the first final answer to just this question."""
    port = options.port or PORTS[options.transport]
    wanted = Place(options.host, port, options.family, options.source, options.interface)
    try:
        settings = context(options.ca_file, verify=options.verify) if options.transport == "tls" else None
        target = await find_target(shared(), wanted)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except OSError as error:
        return unknown("no_ca_file", clean(str(error)))
    if options.transport == "udp":
        return await _by_datagram(target, options)
    return await _by_stream(target, settings, options)


async def _by_datagram(target: Target, options: Options) -> Finding:
    try:
        with connected(target) as sock:
            request = _request(options, target, sock.getsockname()[:2])
            reply = await ask_by_datagram(sock, request, options.t1)
    except Inquiring as error:
        return of_inquiry(error)
    timed = {"rtt": reply.took} if reply.sent == 1 else {}  # of several, who knows which was answered
    return _judge(reply, options, **timed, sent=float(reply.sent))


async def _by_stream(target: Target, settings: ssl.SSLContext | None, options: Options) -> Finding:
    name = options.server_name or options.host.partition("%")[0]
    try:
        async with conversation(target, settings, name) as stream:
            reply = await ask_by_stream(stream, _request(options, target, stream.local))
            return _judge(reply, options, rtt=stream.rtt)
    except Conversing as error:
        return of_conversation(error)


def _request(given: Options, target: Target, local: tuple[str, int]) -> Request:
    uri = given.uri or f"sip:{bracketed(given.host)}:{target.address[1]}"
    return question(uri, given.transport, local, caller=given.caller, max_forwards=given.max_forwards)


def _judge(reply: Reply[Answer], options: Options, **timed: float) -> Finding:
    answer = reply.answer
    values = {**timed, "answer": reply.took, "status": float(answer.status)}
    parts = [f"SIP {answer.status} {clean(answer.phrase, 40)}".rstrip()]
    for name, word in (("server", "server"), ("allow", "allows"), ("supported", "supports")):
        if said := told(answer.headers, name):
            parts.append(f"{word} {said}")
    detail = clean(", ".join(parts))
    right = (str(answer.status), f"{answer.status // 100}xx")
    if any(word in right for word in options.status.split(",")):
        return ok(detail, **values)
    return failed("status", detail, path_up=True, **values)
