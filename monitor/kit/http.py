"""Serves HTTP on a management network: GET, small POSTs where they are wanted, bounded in every direction.

With `http_requests` the one place where `aiohttp.web` is met. A client that dribbles its request, reads its
answer slowly or opens connections without end costs a place for some seconds and nothing else: a request has
a deadline, so has every answer, and when all places are taken the longest idle connection makes room.
"""

import asyncio
import logging
import socket
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import structlog
from aiohttp import web

from monitor.kit.http_requests import body_of, refusal_of_a_get, refusal_of_a_post

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "command-monitor",
}
"""Sent with every answer; a route may replace them by its own."""

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"
EVENT_STREAM = "text/event-stream; charset=utf-8"
_SWEEP_EVERY = 0.5
_log = structlog.get_logger()
_silence = logging.getLogger(f"{__name__}.strangers")
_silence.setLevel(logging.CRITICAL + 1)  # a stranger's bad request is no log line of ours


class CannotListenError(OSError):
    """The address cannot be listened on; the message names it and the reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may ask of us; times in seconds, sizes in bytes."""

    connections: int = 200
    head: float = 10.0
    """For the first request to arrive whole, counted from the connection."""
    idle: float = 75.0
    """Between two requests on one connection."""
    answer: float = 30.0
    """For an answer to be taken whole; streams without end are excepted."""
    stall: float = 10.0
    """For one piece of a stream to be taken."""
    body: int = 16 * 1024
    """Bytes of a POST."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By name, in any case."""
    body: bytes = b""
    """What came with a POST."""


@dataclass(frozen=True, slots=True)
class Response:
    """What it is answered: all at once, or in pieces."""

    body: bytes | AsyncGenerator[bytes, None] = b""
    status: int = 200
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)
    endless: bool = False
    """A stream: never compressed, and bounded per piece instead of as a whole."""


Handler = Callable[[Request], Awaitable[Response]]
"""Answers one route."""
NOTHING: Mapping[str, Handler] = MappingProxyType({})


@asynccontextmanager
async def serve(
    routes: Mapping[str, Handler],
    *,
    host: str,
    port: int,
    limits: Limits | None = None,
    takes: Mapping[str, Handler] = NOTHING,
) -> AsyncIterator[tuple[str, int]]:
    """Serve *routes* (exact paths) while the block runs, and give the address listened on.

    *takes*: who answers POSTs, by what their paths begin with. *host* is a literal address. Raises
    CannotListenError.
    """
    door = _Door(routes, takes, limits or Limits())
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener = await asyncio.get_running_loop().create_server(door.admit, sock=bound)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while ")[0]  # what follows is the address again
        raise CannotListenError(f"cannot listen on {host} port {port}: {reason}") from error
    try:
        yield listener.sockets[0].getsockname()[:2]
    finally:
        listener.close()
        await door.close()


class _Refusal(asyncio.Protocol):
    """What a connection meets when every place is taken by work."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up at once."""
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Door:
    """Lets connections in, and those out that only take up room."""

    def __init__(self, routes: Mapping[str, Handler], takes: Mapping[str, Handler], limits: Limits) -> None:
        self._routes = routes
        self._takes = takes
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._server = web.Server(
            self._answer,
            handler_cancellation=True,
            keepalive_timeout=limits.idle,
            lingering_time=0,
            access_log=None,
            logger=_silence,
            auto_decompress=False,
        )
        self._until: dict[web.RequestHandler, float] = {}
        """Connections without a request under way, and when each has to be gone."""
        self._served: set[web.RequestHandler] = set()
        """Those of them that were answered before: one without a transport is gone, not yet to come."""
        self._busy: set[web.RequestHandler] = set()
        self._timer = self._loop.call_later(_SWEEP_EVERY, self._sweep)

    def admit(self) -> asyncio.BaseProtocol:
        """Make the protocol of a new connection; if all places are taken, the longest idle one goes."""
        if self._full() and not self._make_room():
            return _Refusal()
        handler = self._server()
        self._until[handler] = self._loop.time() + self._limits.head
        return handler

    async def close(self) -> None:
        """Break off every connection and wait until their handlers have ended."""
        self._timer.cancel()
        for handler in self._server.connections:
            _abort(handler)
        await asyncio.sleep(0)
        await self._server.shutdown(timeout=1.0)

    def _full(self) -> bool:
        return len(self._until) + len(self._busy) >= self._limits.connections

    def _make_room(self) -> bool:
        self._clear()
        if not self._full():
            return True
        for handler in self._until:
            if handler.transport is not None:
                self._forget(handler)
                return True
        return False

    def _sweep(self) -> None:
        self._timer = self._loop.call_later(_SWEEP_EVERY, self._sweep)
        self._clear()

    def _clear(self) -> None:
        """Forget those that are gone, and end those whose time is over."""
        now = self._loop.time()
        self._busy &= set(self._server.connections)
        for handler, until in list(self._until.items()):
            came = handler in self._served or until - now < self._limits.head - 1
            if now > until or (came and handler.transport is None):
                self._forget(handler)

    def _forget(self, handler: web.RequestHandler) -> None:
        del self._until[handler]
        self._served.discard(handler)
        _abort(handler)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = request.protocol
        self._until.pop(handler, None)
        self._served.discard(handler)
        self._busy.add(handler)
        try:
            return await self._send(request, await self._respond(request))
        finally:
            self._busy.discard(handler)
            if handler.transport is not None:
                self._until[handler] = self._loop.time() + self._limits.idle
                self._served.add(handler)

    async def _respond(self, request: web.BaseRequest) -> Response:
        takes = (handler for begin, handler in self._takes.items() if request.path.startswith(begin))
        taker = next(takes, None)
        refused = refusal_of_a_get(request) if taker is None else refusal_of_a_post(request)
        if refused is not None:
            return Response(refused.words, status=refused.status, headers=refused.headers)
        route = taker or self._routes.get(request.path)
        if route is None:
            return Response(b"not found\n", status=404)
        try:
            async with asyncio.timeout(self._limits.head):
                body = await body_of(request, self._limits.body)
            if body is None:
                return Response(b"too much\n", status=413)
            async with asyncio.timeout(self._limits.answer):
                return await route(Request(request.path, request.query, request.headers, body))
        except TimeoutError:
            return Response(b"took too long\n", status=503)
        except Exception:  # noqa: BLE001 - a fault of one route must not take the others along
            _log.exception("http.route_failed", path=request.path)
            return Response(b"internal error\n", status=500)

    async def _send(self, request: web.BaseRequest, response: Response) -> web.StreamResponse:
        sent = web.StreamResponse(status=response.status, headers=_headers(response))
        if response.status == 413:  # noqa: PLR2004 - a body that we will not read is still on its way
            sent.force_close()
        try:
            async with asyncio.timeout(None if response.endless else self._limits.answer):
                await self._send_body(request, response, sent)
        except (ConnectionError, TimeoutError):
            _abort(request.protocol)
        except Exception:  # noqa: BLE001 - the answer has begun: breaking off is all that is left
            _log.exception("http.answer_failed", path=request.path)
            _abort(request.protocol)
        return sent

    async def _send_body(
        self, request: web.BaseRequest, response: Response, sent: web.StreamResponse
    ) -> None:
        whole = isinstance(response.body, bytes)
        squeeze = not whole and not response.endless and _takes_gzip(request)
        if squeeze:
            sent.headers["Content-Encoding"] = "gzip"
        if isinstance(response.body, bytes):
            sent.content_length = len(response.body)
        await sent.prepare(request)
        if isinstance(response.body, bytes):
            pieces = _one(response.body)
        else:
            pieces = _gzip(response.body) if squeeze else response.body
        async with aclosing(pieces):
            if request.method != "HEAD":
                async for piece in pieces:
                    async with asyncio.timeout(self._limits.stall):
                        await sent.write(piece)
        await sent.write_eof()


def _headers(response: Response) -> dict[str, str]:
    vary = {"Vary": "Accept, Accept-Encoding"}
    return {**SECURITY_HEADERS, **vary, "Content-Type": response.content_type, **response.headers}


def _takes_gzip(request: web.BaseRequest) -> bool:
    for offer in request.headers.get("Accept-Encoding", "").split(","):
        name, _, weight = offer.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


async def _one(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _gzip(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Compress piece by piece (RFC 1952), so that no piece holds up the event loop."""
    press = zlib.compressobj(level=1, wbits=31)
    async with aclosing(pieces):
        async for piece in pieces:
            if squeezed := press.compress(piece):
                yield squeezed
    yield press.flush()


def _abort(handler: web.RequestHandler) -> None:
    if isinstance(handler.transport, asyncio.Transport):
        handler.transport.abort()
