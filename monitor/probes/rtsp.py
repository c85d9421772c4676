"""Asks a camera or recorder over RTSP what it can do, or what a stream of it is made of."""

import re
import ssl
from typing import Literal, NamedTuple, Self

from pydantic import Field, IPvAnyAddress, field_validator, model_validator
from yarl import URL

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.challenge import Credential
from monitor.kit.head import told
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.rtsp import UNAUTHORIZED, Answer, Method, Reply, ask
from monitor.kit.sdp import BadDescriptionError, Media, media
from monitor.kit.secret import one_line
from monitor.kit.sockets import Family, Interface, Place, clash, find_target
from monitor.kit.stream import conversation
from monitor.kit.text import clean
from monitor.kit.tls import FAULTS, ServerName, context
from monitor.ports import ProbeOptions
from monitor.ports.findings import Conversing, of_conversation

REASONS = {
    "unauthorized": "the server wants to know who we are, or does not believe it (401)",
    "forbidden": "the server knows who we are, and that is not for us (403)",
    "not_found": "the server has no stream of that name (404, 410)",
    "no_bandwidth": "the server has no room for another viewer (453, 503)",
    "status": "the server answers with another status than 200",
    "bad_description": "the description of the stream is no SDP",
    "no_media": "the stream has no such `media`",
    "bad_response": "what the server says is not RTSP",
    "closed": "the server hung up without an answer",
    **mishap.PEERS,
    **FAULTS,
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_ca_file": "`ca_file` cannot be read, or holds no certificate",
    "no_secret_file": "`credential_file` cannot be read, or does not hold `user:password`",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "answer": ("seconds", "from the first question to the last answer"),
    "status": ("code", "RTSP status of the last answer"),
}

PORTS = {"rtsp": 554, "rtsps": 322}
OK = 200
_WORDS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 410: "not_found"}
_WORDS |= {453: "no_bandwidth", 503: "no_bandwidth"}
_REDIRECTS = range(300, 400)
_URL = re.compile(r"rtsps?://[!-~]+", re.IGNORECASE)


class Options(ProbeOptions):
    """Which stream to ask for, and what it must be."""

    url: str = Field(max_length=2048, description="Address of the stream, `rtsp://` or `rtsps://`.")
    method: Method = Field(
        default="DESCRIBE",
        description="`DESCRIBE`: what the stream is made of; `OPTIONS`: only whether the server speaks RTSP.",
    )
    media: Literal["video", "audio", "any"] = Field(
        default="video", description="What the stream must offer; `any`: no matter what."
    )
    credential_file: str | None = Field(
        default=None, min_length=1, description="File with one line, `user:password`."
    )
    basic: bool = Field(
        default=False, description="Whether the password may be sent as it is, if the server knows no Digest."
    )
    verify: bool = Field(default=True, description="Whether a bad certificate chain or name is a failure.")
    ca_file: str | None = Field(
        default=None, min_length=1, description="PEM file of trusted authorities; default: the system's."
    )
    server_name: ServerName | None = Field(
        default=None,
        description="Name to ask for in TLS and to find in the certificate; default: the URL's host.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @field_validator("url")
    @classmethod
    def _an_address_of_a_stream(cls, text: str) -> str:
        if not _URL.fullmatch(text) or not URL(text).host:
            raise ValueError(
                "the address must begin with rtsp:// or rtsps:// and name a host, in plain ASCII"
            )
        if URL(text).user is not None or URL(text).password is not None:
            raise ValueError("no user and password in the address; use credential_file")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(URL(self.url).raw_host or "", self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


class _Wanted(NamedTuple):
    """The target, as the address of the stream names it, and what the look takes along."""

    place: Place
    settings: ssl.SSLContext | None
    """For rtsps."""
    credential: Credential | None


async def probe(options: Options) -> Finding:
    """Ask once, over a new connection; a second time only if the server wants to know who we are."""
    wanted = _wanted(options)
    if isinstance(wanted, Finding):
        return wanted
    try:
        return await _look(wanted, options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except Conversing as error:
        return of_conversation(error)


def _wanted(options: Options) -> _Wanted | Finding:
    url = URL(options.url)
    try:
        settings = context(options.ca_file, verify=options.verify) if url.scheme == "rtsps" else None
    except OSError as error:
        return unknown("no_ca_file", clean(str(error)))
    try:
        credential = _credential(options.credential_file)
    except OSError as error:
        return unknown("no_secret_file", clean(str(error)))
    host, port = url.raw_host or "", url.port or PORTS[url.scheme]
    pins = options.family, options.source, options.interface
    return _Wanted(Place(host, port, *pins), settings, credential)


async def _look(wanted: _Wanted, options: Options) -> Finding:
    target = await find_target(shared(), wanted.place)
    name = options.server_name or wanted.place.host.partition("%")[0]
    async with conversation(target, wanted.settings, name) as stream:
        reply = await ask(stream, options.method, options.url, wanted.credential, basic=options.basic)
        values = {"rtt": stream.rtt, "answer": stream.age, "status": float(reply.answer.status)}
    return _judge(reply, options, values)


def _credential(file: str | None) -> Credential | None:
    if file is None:
        return None
    user, colon, password = one_line(file).partition(":")
    if not colon or not user:
        raise OSError(f"{file} does not hold user:password")
    return Credential(user, password)


def _judge(reply: Reply, options: Options, values: dict[str, float]) -> Finding:
    answer = reply.answer
    parts = [f"RTSP {answer.status} {clean(answer.phrase, 40)}".rstrip()]
    if answer.status != OK:
        parts += _excuses(reply)
        return failed(_WORDS.get(answer.status, "status"), clean(", ".join(parts)), path_up=True, **values)
    if options.method == "OPTIONS":
        parts += _said(answer, public="offers")
        return ok(clean(", ".join(parts)), **values)
    try:
        offered = media(answer.body)
    except BadDescriptionError as error:
        return failed("bad_description", clean(str(error)), path_up=True, **values)
    parts += [f"{one.kind} {one.codec}" for one in offered]
    detail = clean(", ".join([*parts, *_said(answer)]))
    if not _has(offered, options.media):
        return failed("no_media", detail, path_up=True, **values)
    return ok(detail, **values)


def _excuses(reply: Reply) -> list[str]:
    answer = reply.answer
    if answer.status in _REDIRECTS:
        return [f"to {told(answer.headers, 'location', 80)}"]
    if answer.status != UNAUTHORIZED:
        return []
    if reply.authenticated:
        return ["user or password are not accepted"]
    return [reply.refusal or "no credential_file is given"]


def _said(answer: Answer, **words: str) -> list[str]:
    named = {**words, "server": "server"}
    return [f"{word} {text}" for name, word in named.items() if (text := told(answer.headers, name))]


def _has(offered: list[Media], kind: str) -> bool:
    return kind == "any" or any(one.kind == kind for one in offered)
