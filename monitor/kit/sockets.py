"""Sockets that are pinned: to a source address, to an interface, to one family of addresses."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from monitor.kit.mishap import listen_for_icmp
from monitor.kit.resolver import Resolver, literal

Family = Literal["any", "ipv4", "ipv6"]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s/@]+$")]
Interface = Annotated[str, Field(min_length=1, max_length=15, pattern=r"^[^\s/]+$")]
FAMILIES: dict[str, int] = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}

_IP_BIND_ADDRESS_NO_PORT = 24
"""From linux/in.h: choose the port at connect, by the whole four-tuple, so that ports do not run out."""


class Wanted(Protocol):
    """What the options of a kind say about its target."""

    @property
    def host(self) -> str:
        """Name or literal address."""

    @property
    def port(self) -> int:
        """Port of the peer."""

    @property
    def family(self) -> Family:
        """Which address of a name will do."""

    @property
    def source(self) -> object:
        """Address of ours to send from; its `str` counts."""

    @property
    def interface(self) -> str | None:
        """Interface of ours to send over."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port of it, reached as the machine likes unless told otherwise."""

    host: str
    port: int
    family: Family = "any"
    source: object = None
    interface: str | None = None


class Target:
    """A literal address to knock at, and how the socket must be pinned."""

    __slots__ = ("address", "family", "interface", "source")

    def __init__(self, host: str, port: int, source: str | None = None, interface: str | None = None) -> None:
        self.family = literal(host) or socket.AF_INET
        self.address: tuple[str, int] | tuple[str, int, int, int] = (host, port)
        if self.family == socket.AF_INET6:
            plain, _, zone = host.partition("%")
            self.address = (plain, port, 0, _scope(zone))
        self.source = source
        self.interface = interface.encode() if interface else None

    def open(self, kind: int) -> socket.socket:
        """Return a new non-blocking socket of *kind*, pinned. Raises OSError if it cannot be."""
        made = socket.socket(self.family, kind | socket.SOCK_NONBLOCK)
        try:
            listen_for_icmp(made)
            self._pin(made, kind)
        except BaseException:
            made.close()
            raise
        return made

    def _pin(self, made: socket.socket, kind: int) -> None:
        if self.interface is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface)
        if self.source is not None:
            if kind == socket.SOCK_STREAM:
                with contextlib.suppress(OSError):  # a kernel before 4.2
                    made.setsockopt(socket.SOL_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            made.bind((self.source, 0))


async def find_target(resolver: Resolver, wanted: Wanted) -> Target:
    """Return the target, a name resolved to its first address of the wanted family. Raises ResolveError.

    Only one address is tried: one that tries all of them in turn hides a service that is half dead.
    """
    family = FAMILIES[wanted.family]
    source = str(wanted.source) if wanted.source else None
    if family == socket.AF_UNSPEC and source:
        family = literal(source) or family
    address = (await resolver.resolve(wanted.host, family))[0]
    return Target(address, wanted.port, source, wanted.interface)


async def readable(sock: socket.socket) -> None:
    """Wait until there is something to read, or an error to hear."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)


async def writable(sock: socket.socket) -> None:
    """Wait until a connect has come to an end, or there is room to write."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(sock)


def clash(host: str, family: Family, source: object) -> str | None:
    """Say what is contradictory about the three, None if they go together."""
    kinds = {literal(host), literal(str(source)) if source else None, FAMILIES[family] or None} - {None}
    return "host, family and source must be of one family, IPv4 or IPv6" if len(kinds) > 1 else None


def _scope(zone: str) -> int:
    if not zone:
        return 0
    try:
        return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:
        return 0
