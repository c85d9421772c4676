"""One HTTP exchange over one new connection, with every phase timed; the one place of aiohttp's client.

A session is made for each exchange: that costs 35 µs of some 400, and nothing is shared, pooled or left
to be closed. We connect ourselves, so that the connection is pinned, only one address is tried, and an
error says whose it is; aiohttp speaks the protocol.
"""

import asyncio
import contextlib
import re
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any

import aiohttp
from aiohttp import ClientRequest, ClientTimeout, DummyCookieJar
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from monitor.kit.resolver import Resolver
from monitor.kit.sockets import Family, Target, find_target
from monitor.kit.tcp import connect, round_trip
from monitor.kit.tls import Seen, examine

MOST = 65_536
"""Bytes of a body that are read at most, and at most after decompression."""
PHASES = ("resolve", "connect", "tls", "first_byte", "transfer")
USER_AGENT = "command-monitor"

_CHUNK = 16_384
_HOST = re.compile(r"[^\s/@]{1,253}")
_CHARSETS = frozenset({"utf-8", "gbk", "gb2312", "gb18030", "big5", "iso-8859-1", "us-ascii", "utf-16"})
"""Those that are read; Python knows others that are no charsets at all."""
_NO_TIMEOUT = ClientTimeout(total=None, sock_connect=None)
"""The deadline belongs to whoever looks."""


class RedirectRefusedError(Exception):
    """The server sends us where no server may; the message says where."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to connect; the same for every hop of an exchange."""

    family: Family = "any"
    source: object = None
    interface: str | None = None
    settings: ssl.SSLContext | None = None
    """For https."""
    server_name: str | None = None
    """Name to verify at the first host instead of its own."""


@dataclass(slots=True)
class Exchange:
    """What one look saw on its way, filled as it goes; still there if it breaks off."""

    way: Way
    phases: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    """Seconds, summed over the hops."""
    rtt: float = 0.0
    seen: Seen | None = None
    """Of the last TLS handshake."""
    target: Target | None = None
    first_host: str | None = None
    local_allowed: bool = False
    """The first host is one of this machine's own addresses, so a redirect may lead to another."""
    handler: ResponseHandler | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, bounded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """At most MOST bytes, decompressed."""

    @property
    def text(self) -> str:
        """Return the body as text, in the charset that the server names if we know it, else as UTF-8."""
        _, _, charset = self.headers.get("Content-Type", "").lower().partition("charset=")
        charset = charset.split(";")[0].strip(" \"'")
        return self.body.decode(charset if charset in _CHARSETS else "utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None


async def fetch(resolver: Resolver, exchange: Exchange, ask: Ask) -> Answer:
    """Make one request over a new connection and read the answer; no redirect is followed.

    Raises ResolveError, ConnectError, RedirectRefusedError, ssl.SSLError, OSError and
    aiohttp.ClientError for what the peer does wrong after it was connected to.
    """
    clock = asyncio.get_running_loop().time
    connector = _Connector(resolver, exchange)
    async with _session(connector) as session:
        try:
            response = await session.request(
                ask.method, ask.url, headers=dict(ask.headers), data=ask.body, allow_redirects=False
            )
            arrived = clock()
            exchange.phases["first_byte"] += arrived - connector.ready_at
            with contextlib.closing(response):
                body = await _body(response)
            exchange.phases["transfer"] += clock() - arrived
            return Answer(response.status, response.headers, body)
        except aiohttp.ClientOSError as error:
            if isinstance(error.__cause__, ssl.SSLError):  # aiohttp keeps of it what looks like an errno
                raise error.__cause__ from None
            raise
        finally:
            if exchange.handler is not None:
                exchange.handler.close()


def _session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=_NO_TIMEOUT,
        skip_auto_headers={"Accept-Encoding", "Content-Type"},
        headers={"User-Agent": USER_AGENT},
    )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    while len(raw) < MOST and (data := await response.content.read(min(_CHUNK, MOST - len(raw)))):
        raw += data
    return inflate(bytes(raw), response.headers.get("Content-Encoding", ""))


def inflate(raw: bytes, encoding: str) -> bytes:
    """Return at most MOST bytes of *raw* decompressed; as it is if we know no *encoding*, or it is none."""
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return raw
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, MOST)
    except zlib.error:
        return raw


class _Handler(ResponseHandler):
    """Breaks off where aiohttp would say goodbye: that could take as long as the peer likes.

    It must be the first to close, too: in Python 3.11.2 a TLS transport that was closed twice has no abort.
    """

    def close(self) -> None:
        """End the connection at once; a second time changes nothing."""
        self.abort()


class _Connector(aiohttp.BaseConnector):
    """Connects as the exchange says and writes down what it saw."""

    def __init__(self, resolver: Resolver, exchange: Exchange) -> None:
        super().__init__(force_close=True, limit=0)
        self._of_names = resolver
        self._exchange = exchange
        self.ready_at = 0.0

    async def _create_connection(self, req: ClientRequest, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ANN401, ARG002, ASYNC109 - aiohttp's shape
        url, exchange, clock = req.url, self._exchange, self._loop.time
        began = clock()
        target = exchange.target = await self._find(url)
        resolved = clock()
        sock = await connect(target)
        connected = clock()
        exchange.phases["resolve"] += resolved - began
        exchange.phases["connect"] += connected - resolved
        exchange.rtt = round_trip(sock) or connected - resolved
        secure = url.scheme == "https"
        transport, handler = await self._loop.create_connection(
            lambda: _Handler(self._loop),
            sock=sock,
            ssl=exchange.way.settings if secure else None,
            server_hostname=self._name(url) if secure else None,
        )
        exchange.handler = handler
        self.ready_at = clock()
        if secure:
            exchange.phases["tls"] += self.ready_at - connected
            exchange.seen = examine(transport.get_extra_info("ssl_object"))
        return handler

    async def _find(self, url: URL) -> Target:
        host, exchange = url.raw_host or "", self._exchange
        target = await find_target(self._of_names, _Hop(host, url.port or 0, exchange.way))
        local = not_for_peers(target.address[0])
        if exchange.first_host is None:
            exchange.first_host, exchange.local_allowed = host, local
        elif local and not exchange.local_allowed:
            raise RedirectRefusedError(f"{host[:100]} is {target.address[0]}")
        return target

    def _name(self, url: URL) -> str:
        host = (url.raw_host or "").partition("%")[0]
        if self._exchange.way.server_name and host == self._exchange.first_host:
            return self._exchange.way.server_name
        return host


@dataclass(frozen=True, slots=True)
class _Hop:
    host: str
    port: int
    way: Way

    @property
    def family(self) -> Family:
        """The address family that is asked for."""
        return self.way.family

    @property
    def source(self) -> object:
        """The address that is spoken from."""
        return self.way.source

    @property
    def interface(self) -> str | None:
        """The interface that is spoken over."""
        return self.way.interface


def onward(url: URL, answer: Answer) -> URL:
    """Return where a redirect leads. Raises RedirectRefusedError if to no page, or back to plain HTTP."""
    location = answer.headers.get("Location", "")
    try:
        there = url.join(URL(location)).with_fragment(None)
        usable = bool(location and there.port and _HOST.fullmatch(there.host or ""))
    except ValueError:
        usable = False
    if not usable or there.scheme not in {"http", "https"} or there.user or there.password:
        raise RedirectRefusedError(f"to {location[:200]!r}")
    if url.scheme == "https" and there.scheme == "http":
        raise RedirectRefusedError(f"from https back to plain {location[:200]!r}")
    return there


def not_for_peers(address: str) -> bool:
    """Say whether no peer has any business to send us to *address*: this machine, its link, a group."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast
