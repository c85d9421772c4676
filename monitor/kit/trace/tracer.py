"""One trace from beginning to end."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from monitor.kit.icmp.channel import is_local
from monitor.kit.icmp.sockets import PingForbiddenError
from monitor.kit.icmp.targets import way_to
from monitor.kit.mishap import Mishap, at_once
from monitor.kit.sockets import Target
from monitor.kit.trace.flows import Flow, Icmp, Udp
from monitor.kit.trace.path import Bounds, Path
from monitor.kit.trace.tcp import Tcp
from monitor.kit.trace.window import Window

Method = Literal["auto", "icmp", "udp", "tcp"]

UDP_PORT = 33_434
"""Where nobody listens, by the custom of traceroute."""
TCP_PORT = 443


class Asked(NamedTuple):
    """Whom to trace, with what, and from where."""

    host: str
    """Literal address."""
    method: Method = "auto"
    """`auto` is ICMP, or UDP where this process may open no ICMP socket."""
    port: int | None = None
    source: str | None = None
    interface: str | None = None


class TraceError(Exception):
    """Nothing could be sent: our own trouble, which `mishap` explains."""

    def __init__(self, mishap: Mishap) -> None:
        super().__init__(mishap.text)
        self.mishap = mishap


async def trace(asked: Asked, bounds: Bounds | None = None) -> Path:
    """Trace once, within the bounds. Raises TraceError, or ValueError where there is no one host to trace."""
    bounds = bounds or Bounds()
    woken = asyncio.Event()
    method, flow = _flow(asked, woken.set)
    if method == "tcp":
        bounds = bounds._replace(window=1)
    host, way = way_to(asked.host, asked.source, asked.interface)
    window = Window(host, bounds)
    until = time.monotonic() + bounds.within
    try:
        while not window.over and (now := time.monotonic()) < until:
            _send_due(flow, window, now)
            await _until_woken(woken, min(window.wake_at, until))
            for heard in flow.hear():
                window.heard(heard)
            window.expire(time.monotonic())
    finally:
        flow.close()
    return _without_us(window.path(method, cut_short=not window.over), way.family)


def _without_us(path: Path, family: socket.AddressFamily) -> Path:
    """Leave this host itself out, which says in its gateway's place that it gets no answer from that."""
    if path.reached or path.by == "" or not is_local(family, path.by):
        return path
    return path._replace(hops=tuple(hop for hop in path.hops if hop.address != path.by))


def _flow(asked: Asked, wake: Callable[[], None]) -> tuple[str, Flow]:
    host, way = way_to(asked.host, asked.source, asked.interface)
    try:
        if asked.method in {"auto", "icmp"}:
            try:
                return "icmp", Icmp(host, way, wake)
            except PingForbiddenError:
                if asked.method == "icmp":
                    raise
        if asked.method == "tcp":
            return "tcp", Tcp(Target(host, asked.port or TCP_PORT, None, way.interface), way.source, wake)
        return "udp", Udp(Target(host, asked.port or UDP_PORT, way.source, way.interface), wake)
    except OSError as error:
        raise _trouble(error) from error


def _send_due(flow: Flow, window: Window, now: float) -> None:
    while (number := window.next(now)) is not None:
        try:
            flow.send(number)
        except OSError as error:
            raise _trouble(error) from error
        window.sent(number, now)


def _trouble(error: OSError) -> TraceError:
    if isinstance(error, PingForbiddenError):
        return TraceError(Mishap("not_permitted", str(error.strerror), ours=True))
    return TraceError(at_once(error.errno))


async def _until_woken(woken: asyncio.Event, until: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            await woken.wait()
    woken.clear()
