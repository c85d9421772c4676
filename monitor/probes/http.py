"""Fetches a page over HTTP or HTTPS and says whether it is the right one, and where the time went."""

import functools
import re
import ssl
import time
from http import HTTPStatus
from typing import Annotated, Literal, Self

import aiohttp
from pydantic import BeforeValidator, Field, IPvAnyAddress, field_validator, model_validator
from yarl import URL

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.http_client import Answer, Ask, Exchange, RedirectRefusedError, Way, fetch, onward
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.secret import one_line
from monitor.kit.sockets import Family, Interface, clash
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean, contains
from monitor.kit.tls import FAULTS, ServerName, context, fault, read_unverified
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    **mishap.PEERS,
    **FAULTS,
    "status": "the server answers with a status that is not in `status`",
    "body": "the answer does not contain `body`, or contains `body_not`",
    "header": "a header of the answer is missing or is not as in `expect_headers`",
    "redirect_refused": "the server sends us where no server may: to this machine, or back to plain HTTP",
    "too_many_redirects": "the server sends us on more often than `redirects` allows",
    "bad_response": "what the server says is not HTTP",
    "cut_short": "the answer broke off in the middle",
    "closed": "the server hung up without an answer",
    "certificate_expiring": "a certificate of the chain runs out in less than `min_days`",
    "name_resolution": "the name has no address, or the name servers are silent",
    "no_ca_file": "`ca_file` cannot be read, or holds no certificate",
    "no_secret_file": "`authorization_file` cannot be read",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "resolve": ("seconds", "name resolution, of all hops"),
    "connect": ("seconds", "TCP handshake as we saw it, of all hops"),
    "tls": ("seconds", "TLS handshake, of all hops"),
    "first_byte": ("seconds", "from the request to the head of the answer, of all hops"),
    "transfer": ("seconds", "body of the answer, of all hops"),
    "total": ("seconds", "the whole look"),
    "status": ("code", "HTTP status of the last hop"),
    "size": ("bytes", "body that was read, decompressed; at most 65,536"),
    "tls_chain": ("certificates", "length of the chain that the peer sent"),
    "tls_expiry": ("Unix time", "when the first certificate of the chain runs out"),
}

_DAY = 86_400.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_STATUS = re.compile(r"[1-5](\d\d|xx)(,[1-5](\d\d|xx))*")
_SECRETS = frozenset({"authorization", "proxy-authorization", "cookie"})
_OF_THE_PROTOCOL = frozenset({"content-length", "transfer-encoding", "connection"})


def _joined(given: object) -> object:
    """Accept 200, [200, "3xx"] and "2xx, 301" alike."""
    words = given if isinstance(given, list | tuple) else [given]
    return ",".join(str(word) for word in words).replace(" ", "").lower()


class Options(ProbeOptions):
    """What to fetch, and what makes the answer right."""

    url: str = Field(max_length=2048, description="Address of the page, `http://` or `https://`.")
    method: Literal["GET", "HEAD", "POST", "PUT", "OPTIONS"] = Field(
        default="GET", description="HTTP method."
    )
    headers: dict[str, str] = Field(
        default_factory=dict, max_length=32, description="Headers to send; no secrets, they belong in files."
    )
    authorization_file: str | None = Field(
        default=None, min_length=1, description="File whose content is sent as the `Authorization` header."
    )
    send: str | None = Field(default=None, max_length=65_536, description="Body to send.")
    status: Annotated[str, BeforeValidator(_joined)] = Field(
        default="2xx", max_length=200, description="Statuses that are right: `2xx,301`, or a list."
    )
    body: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Text that the first 64 KiB of the answer must contain; `*` matches anything in between.",
    )
    body_not: str | None = Field(
        default=None, min_length=1, max_length=1024, description="Text that they must not contain, likewise."
    )
    expect_headers: dict[str, str] = Field(
        default_factory=dict,
        max_length=32,
        description="Headers that the answer must have, and the text that each must contain, likewise.",
    )
    redirects: int = Field(default=0, ge=0, le=3, description="Redirects to follow at most.")
    verify: bool = Field(default=True, description="Whether a bad certificate chain or name is a failure.")
    ca_file: str | None = Field(
        default=None, min_length=1, description="PEM file of trusted authorities; default: the system's."
    )
    server_name: ServerName | None = Field(
        default=None,
        description="Name to ask for in TLS and to find in the certificate; default: the URL's host.",
    )
    min_days: float = Field(
        default=0.0,
        ge=0,
        le=3650,
        description="Days that every certificate of the chain must still be valid.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @field_validator("url")
    @classmethod
    def _an_address_of_a_page(cls, text: str) -> str:
        url = URL(text)
        if url.scheme not in {"http", "https"} or not url.host or not url.port:
            raise ValueError("the address must begin with http:// or https:// and name a host")
        if url.user or url.password:
            raise ValueError("no user and password in the address; use authorization_file")
        return text

    @field_validator("status")
    @classmethod
    def _a_set_of_statuses(cls, text: str) -> str:
        if not _STATUS.fullmatch(text):
            raise ValueError("statuses look like 200 or 2xx, several with commas between them")
        return text

    @field_validator("headers")
    @classmethod
    def _headers_are_harmless(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"{clean(name, 40)} is not a header, or its value is not plain ASCII")
            if name.lower() in _SECRETS:
                raise ValueError(f"{name} is a secret and belongs in a file; use authorization_file")
            if name.lower() in _OF_THE_PROTOCOL:
                raise ValueError(f"{name} is set by the protocol")
        return headers

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(URL(self.url).raw_host or "", self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Fetch once over a new connection, follow redirects if told so, judge the answer."""
    try:
        way = _way(options)
    except OSError as error:
        return unknown("no_ca_file", clean(str(error)))
    try:
        secret = one_line(options.authorization_file) if options.authorization_file else None
    except OSError as error:
        return unknown("no_secret_file", clean(str(error)))
    exchange = Exchange(way)
    began = time.monotonic()
    try:
        answer = await _follow(options, exchange, secret)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except ConnectError as error:
        return of_mishap(error.mishap)
    except ssl.SSLError as error:
        return await _tls_failed(error, exchange, options)
    except RedirectRefusedError as error:
        return failed("redirect_refused", clean(str(error)), path_up=True)
    except (aiohttp.ClientError, OSError) as error:
        return _broken_off(error)
    return _judge(answer, _values(answer, exchange, time.monotonic() - began), options, exchange)


def _way(options: Options) -> Way:
    secure = options.redirects > 0 or options.url.lower().startswith("https")
    settings = context(options.ca_file, verify=options.verify) if secure else None
    return Way(options.family, options.source, options.interface, settings, options.server_name)


async def _follow(options: Options, exchange: Exchange, secret: str | None) -> Answer:
    url = start = _parsed(options.url)
    method, body = options.method, options.send.encode() if options.send is not None else None
    for _ in range(options.redirects + 1):
        headers = dict(options.headers) if url.origin() == start.origin() else {}
        if secret is not None and url.origin() == start.origin():
            headers["Authorization"] = secret
        answer = await fetch(shared(), exchange, Ask(method, url, headers, body))
        wanted = _accepts(options.status, answer.status)
        if wanted or not options.redirects or answer.status not in _REDIRECTS:
            return answer
        url = onward(url, answer)
        if answer.status == HTTPStatus.SEE_OTHER or (answer.status in {301, 302} and method == "POST"):
            method, body = "GET", None  # RFC 9110, section 15.4
    return answer


def _judge(answer: Answer, values: dict[str, float], options: Options, exchange: Exchange) -> Finding:
    reason, detail = _verdict(answer, options)
    if reason != "ok":
        return failed(reason, detail, path_up=True, **values)
    seen = exchange.seen
    if seen is None:
        return ok(detail, **values)
    days = (seen.expiry - time.time()) / _DAY
    detail = f"{detail}, {seen.version}, {days:.1f} days left"
    if options.verify and days < options.min_days:
        return failed("certificate_expiring", detail, path_up=True, **values)
    return ok(detail if options.verify else f"{detail}, certificate not verified", **values)


def _verdict(answer: Answer, options: Options) -> tuple[str, str]:
    if not _accepts(options.status, answer.status):
        sent_on = options.redirects and answer.status in _REDIRECTS
        return ("too_many_redirects" if sent_on else "status"), f"HTTP {answer.status}"
    for name, pattern in options.expect_headers.items():
        value = answer.headers.get(name)
        if value is None or not contains(value, pattern):
            shown = "is missing" if value is None else f"is {clean(value, 100)!r}"
            return "header", f"{clean(name, 60)} {shown}"
    if options.body is not None and not contains(answer.text, options.body):
        return "body", f"the text is missing from {clean(answer.body[:400], 120)!r}"
    if options.body_not is not None and contains(answer.text, options.body_not):
        return "body", "the text that must not be there is there"
    return "ok", f"HTTP {answer.status}, {len(answer.body)} bytes"


def _values(answer: Answer, exchange: Exchange, total: float) -> dict[str, float]:
    values = {
        "rtt": exchange.rtt,
        **exchange.phases,
        "total": total,
        "status": float(answer.status),
        "size": float(len(answer.body)),
    }
    if exchange.seen is not None:
        values |= exchange.seen.values
    return values


async def _tls_failed(error: ssl.SSLError, exchange: Exchange, options: Options) -> Finding:
    word, text = fault(error)
    values: dict[str, float] = {}
    if isinstance(error, ssl.SSLCertVerificationError) and exchange.target is not None:
        name = options.server_name or _parsed(options.url).raw_host or ""
        seen = await read_unverified(exchange.target, name.partition("%")[0])
        values = seen.values if seen else {}
    return failed(word, clean(text), path_up=True, **values)


def _broken_off(error: aiohttp.ClientError | OSError) -> Finding:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return failed("closed", "hung up without an answer", path_up=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        return failed("cut_short", clean(str(error)), path_up=True)
    if isinstance(error, OSError):
        return of_mishap(mishap.raised(error))
    return failed("bad_response", clean(str(error)), path_up=True)


@functools.lru_cache(maxsize=4096)
def _parsed(url: str) -> URL:
    return URL(url).with_fragment(None)


@functools.lru_cache(maxsize=4096)
def _accepts(statuses: str, status: int) -> bool:
    return any(word in (str(status), f"{status // 100}xx") for word in statuses.split(","))
