"""The HTTP output: metrics, health and the API, read from the world as it is when somebody asks."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from monitor.board.alarms import ALARMS, ANSWER, AlarmDesk, Carry
from monitor.board.api import pieces
from monitor.board.ring import Ring
from monitor.core.vitals import OutputVitals, Vitals
from monitor.errors import ConfigError
from monitor.kit.http import EVENT_STREAM, JSON, CannotListenError, Handler, Limits, Request, Response, serve
from monitor.ports import Feed, Intake, Taken

HEARTBEAT = "/api/v1/heartbeat/"
"""What the paths begin with where things report; the check's path follows."""
STATUS = {
    Taken.TAKEN: 200,
    Taken.STRANGER: 401,
    Taken.UNCLEAR: 400,
    Taken.TOO_OFTEN: 429,
    Taken.UNREADY: 503,
}
"""What a report is answered (RFC 9110, section 15; RFC 6585, section 4)."""
MOST_STREAMS = 50
"""Clients that may follow events at a time; they hold their connection for hours."""


class BoardOptions(BaseModel):
    """Where the daemon serves HTTP."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    listen: str = Field(
        default="127.0.0.1",
        description="Address to listen on, no name: `127.0.0.1` for this machine only, `0.0.0.0` or `::` "
        "for all networks. There is no login: keep it to a management network, or put a proxy before it.",
    )
    port: int = Field(default=9770, ge=0, le=65535, description="TCP port; 0 takes any free one.")
    connections: int = Field(
        default=200,
        ge=10,
        le=10_000,
        description="Connections at a time; beyond that the longest idle one makes room.",
    )

    answer_token_file: Path | None = Field(
        default=None,
        description="File with the token that answers to alarms must bring (`POST /api/v1/alarms/answer`), "
        "16 characters at least; without one, the systemd credential `http-answer-token`. Neither: none are "
        "taken.",
    )

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return str(ip_address(value))


class Renderer(Protocol):
    """Writes the metrics page."""

    def __call__(self, accept: str) -> tuple[str, AsyncGenerator[bytes, None]]:
        """Give the content type that *accept*, an Accept header, likes best, and the page in slices."""


class Board:
    """A `monitor.ports.Output` that is asked instead of telling."""

    name = "http"
    durable = False

    def __init__(
        self,
        options: BoardOptions,
        metrics: Renderer,
        vitals: Vitals,
        wall: Callable[[], float] = time.time,
        *,
        zone: str | None = None,
        intake: Intake | None = None,
        carry: Carry | None = None,
    ) -> None:
        """Serve what there is to know; *zone* is that in which times are to be told, a name of IANA's.

        *intake* takes in what things report; *carry* carries out orders about alarms, and shows them.
        """
        self._options = options
        self._metrics = metrics
        self._vitals = vitals
        self._wall = wall
        self._zone = zone
        self._intake = intake
        self._alarms = None if carry is None else AlarmDesk(carry, options.answer_token_file)
        self._ring = Ring()
        self._streams = 0
        self.address: tuple[str, int] | None = None
        """Where it listens, once it does."""
        self.listening = asyncio.Event()

    async def run(self, feed: Feed) -> None:
        """Serve until cancelled. Raises ConfigError if the address cannot be listened on."""
        options = self._options
        own = self._vitals.outputs.setdefault(self.name, OutputVitals())
        limits = Limits(connections=options.connections)
        self._ring.begin(self._vitals.store.position)
        try:
            async with serve(
                self._routes(feed), host=options.listen, port=options.port, limits=limits, takes=self._takes()
            ) as self.address:
                own.connected = True
                self.listening.set()
                await self._follow(feed, own)
        except CannotListenError as error:
            raise ConfigError(
                f"http: {error}; choose another listen or port, or stop the program that has it"
            ) from error
        finally:
            own.connected = False

    async def _follow(self, feed: Feed, own: OutputVitals) -> None:
        while True:
            news = await feed.news()
            own.delivered += len(news.events)
            own.dropped += news.dropped
            self._ring.add(news.events, feed.world.agents, dropped=news.dropped)

    def _routes(self, feed: Feed) -> Mapping[str, Handler]:
        async def status(_: Request) -> Response:
            page = pieces(feed.world, self._vitals, self._wall(), self._zone)
            return Response(_resting(page), content_type=JSON)

        async def events(request: Request) -> Response:
            return self._events(request, feed.world.boot)

        alarms = {} if self._alarms is None else {ALARMS: self._alarms.show}
        return {
            **alarms,
            "/metrics": self._page,
            "/-/healthy": _healthy,
            "/-/ready": self._ready,
            "/api/v1/status": status,
            "/api/v1/events": events,
        }

    def _takes(self) -> Mapping[str, Handler]:
        takes = {} if self._intake is None else {HEARTBEAT: self._hear}
        return takes if self._alarms is None else {**takes, ANSWER: self._alarms.answer}

    async def _hear(self, request: Request) -> Response:
        """Take in what a thing reports of itself."""
        if self._intake is None:
            return Response(b"not found\n", status=404)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        shown = token.strip() if scheme.lower() == "bearer" else None
        taken, words = self._intake.hear(
            request.path.removeprefix(HEARTBEAT), request.body, via="http", token=shown
        )
        headers = {"Retry-After": "1"} if taken is Taken.TOO_OFTEN else {}
        return Response(f"{words}\n".encode(), status=STATUS[taken], headers=headers)

    async def _page(self, request: Request) -> Response:
        content_type, page = self._metrics(request.headers.get("Accept", ""))
        return Response(page, content_type=content_type)

    async def _ready(self, _: Request) -> Response:
        return Response(b"ready\n") if self._vitals.ready else Response(b"starting\n", status=503)

    def _events(self, request: Request, boot: str) -> Response:
        try:
            after = _number(request.headers.get("Last-Event-ID") or request.query.get("after"))
            seconds = _number(request.query.get("timeout"))
        except ValueError as error:
            return Response(f"{error}\n".encode(), status=400)
        if self._streams >= MOST_STREAMS:
            return Response(b"too many follow already\n", status=503, headers={"Retry-After": "10"})
        stream = self._counted(self._ring.follow(after, boot, seconds))
        return Response(stream, content_type=EVENT_STREAM, endless=True)

    async def _counted(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        self._streams += 1
        try:
            async with aclosing(stream):
                async for piece in stream:
                    yield piece
        finally:
            self._streams -= 1


async def _healthy(_: Request) -> Response:
    return Response(b"healthy\n")


async def _resting(pieces_: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Let the event loop have its turn after every piece."""
    for piece in pieces_:
        yield piece
        await asyncio.sleep(0)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError("after, timeout and Last-Event-ID are whole numbers")
    return int(text)
