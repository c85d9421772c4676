"""Opens a TCP connection and, if you say so, listens for the right words."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.resolver import ResolveError, literal, shared
from monitor.kit.sockets import Family, Host, Interface, Target, clash, find_target
from monitor.kit.tcp import ConnectError, Connects, connect, round_trip
from monitor.kit.text import clean, unescape
from monitor.ports import BatchEngine, ProbeOptions, Sink
from monitor.ports.findings import of_mishap

REASONS = {
    **mishap.PEERS,
    "unexpected_answer": "the peer talked, and did not say what was expected",
    "closed": "the peer hung up without a word",
    "name_resolution": "the name has no address, or the name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the handshake, as the kernel measured it"),
    "answer": ("seconds", "from the beginning of the look to the words expected"),
}

MOST = 65_536
"""Bytes of the peer's talk that are read at most."""
PAUSE = 1.0
"""Seconds of silence after some talk that count as its end."""
_PATIENCE = 3600.0
"""Longer than any deadline: that is the runner's affair."""


class Options(ProbeOptions):
    """Where to knock; `send` and `expect` if an open port is not enough."""

    host: Host = Field(description="Name or address of the peer.")
    port: int = Field(ge=1, le=65535, description="TCP port.")
    send: str | None = Field(
        default=None,
        max_length=4096,
        description=r"What to send first, with \r \n \t \0 \\ \xHH; needs `expect`.",
    )
    expect: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="What the peer must say within its first 64 KiB, same escapes.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @field_validator("send", "expect")
    @classmethod
    def _escapes_are_known(cls, text: str | None) -> str | None:
        unescape(text or "")
        return text

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if self.send is not None and self.expect is None:
            raise ValueError("send needs expect: words without an answer prove nothing more")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Open one connection, have the conversation if there is one to have, hang up."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    if options.expect is None:
        return await _connect(target)
    return await _talk(target, unescape(options.send or ""), unescape(options.expect))


def engine(sink: Sink) -> BatchEngine:
    """Return the batch form, for plain connects to literal addresses."""
    return _Engine(sink)


class _Engine:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._connects: Connects | None = None

    def prepare(self, options: Options) -> Target | None:
        """Return whom to connect to; None for a conversation or a name, which the other form looks at."""
        if options.expect is not None or literal(options.host) is None:
            return None
        source = str(options.source) if options.source else None
        return Target(options.host, options.port, source, options.interface)

    def send(self, due: Sequence[tuple[Any, object, float]]) -> None:
        """Begin one connection each."""
        if self._connects is None:
            self._connects = Connects(
                stands=self._sink.answered, broke=self._broke, silent=self._silent, late=self._sink.late
            )
        self._connects.start(due)

    def close(self) -> None:
        """Give up what is under way."""
        if self._connects is not None:
            self._connects.close()

    def _broke(self, key: object, sent_at: float, trouble: mishap.Mishap) -> None:
        self._sink.found(key, sent_at, of_mishap(trouble))

    def _silent(self, key: object, sent_at: float) -> None:
        self._sink.found(key, sent_at, failed("timeout", "no answer to the connection request"))


class _One:
    """The sink of a single look."""

    def __init__(self) -> None:
        self.finding: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()

    def answered(self, _key: object, _sent_at: float, rtt: float) -> None:
        """Take an open connection for the finding."""
        self.found(None, 0.0, ok(rtt=rtt))

    def found(self, _key: object, _sent_at: float, finding: Finding) -> None:
        """Take the first finding, and no other."""
        if not self.finding.done():
            self.finding.set_result(finding)

    def late(self, _key: object, _sent_at: float, _rtt: float) -> None:
        """Nobody waits any more."""


async def _connect(target: Target) -> Finding:
    sink = _One()
    batch = _Engine(sink)
    batch.send([(target, None, _PATIENCE)])
    try:
        return await sink.finding
    finally:
        batch.close()


async def _talk(target: Target, words: bytes, wanted: bytes) -> Finding:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        sock = await connect(target)
    except ConnectError as error:
        return of_mishap(error.mishap)
    with sock:
        rtt = round_trip(sock) or loop.time() - began
        try:
            await loop.sock_sendall(sock, words)
            heard = await _listen(sock, wanted)
        except OSError as error:
            return of_mishap(mishap.raised(error))
        return _judge(heard, wanted, rtt, loop.time() - began)


async def _listen(sock: socket.socket, wanted: bytes) -> bytes:
    """Return what the peer says, until it has said *wanted*, hung up, paused or said too much."""
    loop = asyncio.get_running_loop()
    heard = bytearray()
    while len(heard) < MOST:
        try:
            async with asyncio.timeout(PAUSE if heard else None):
                more = await loop.sock_recv(sock, min(4096, MOST - len(heard)))
        except TimeoutError:
            break
        heard += more
        if not more or heard.find(wanted, max(0, len(heard) - len(more) - len(wanted))) >= 0:
            break
    return bytes(heard)


def _judge(heard: bytes, wanted: bytes, rtt: float, answer: float) -> Finding:
    if wanted in heard:
        return ok(rtt=rtt, answer=answer)
    if not heard:
        return failed("closed", "hung up without a word", path_up=True, rtt=rtt)
    return failed("unexpected_answer", f"said {clean(heard[:400], 150)!r}", path_up=True, rtt=rtt)
