"""Talks to a database server until it lets us in or asks who we are: then it takes clients."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.databases import OK, WORDS, Talk, Verdict, mysql, postgres, redis
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, clash, find_target
from monitor.kit.tcp import ConnectError, connect, round_trip
from monitor.kit.text import clean
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    **mishap.PEERS,
    **WORDS,
    "name_resolution": "the name has no address, or the name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip of the TCP handshake, as the kernel measured it"),
    "answer": ("seconds", "from the beginning of the look to the server's verdict on us"),
}

Protocol = Literal["postgres", "mysql", "redis"]
_TALKS: dict[Protocol, Callable[[str], Talk]] = {"postgres": postgres, "mysql": mysql, "redis": redis}
_MOST = 65_536


class Options(ProbeOptions):
    """Which server, and which protocol it speaks; no password is ever sent."""

    host: Host = Field(description="Name or address of the server.")
    protocol: Protocol = Field(
        description="`postgres` (Kingbase, openGauss, too), `mysql` (MariaDB, too) or `redis` (Valkey, too)."
    )
    port: int = Field(ge=1, le=65535, description="TCP port: usually 5432, 3306 or 6379.")
    user: str = Field(
        default="monitor",
        max_length=32,
        pattern=r"^[\w.-]+$",
        description="Name to ask for; it need not exist, and appears in the server's log. Not used by Redis.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to connect from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to connect over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Open one connection, talk as far as without a password, hang up."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        target = await find_target(shared(), options)
        sock = await connect(target)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    except ConnectError as error:
        return of_mishap(error.mishap)
    with sock:
        rtt = round_trip(sock) or clock() - began
        try:
            verdict = await _converse(sock, _TALKS[options.protocol](options.user))
        except OSError as error:
            return of_mishap(mishap.raised(error))
    if verdict.word == OK:
        return ok(clean(verdict.text), rtt=rtt, answer=clock() - began)
    return failed(verdict.word, clean(verdict.text), path_up=True, rtt=rtt)


async def _converse(sock: socket.socket, talk: Talk) -> Verdict:
    loop = asyncio.get_running_loop()
    words, read = next(talk), 0
    while read < _MOST:
        await loop.sock_sendall(sock, words)
        heard = await loop.sock_recv(sock, min(4096, _MOST - read))
        read += len(heard)
        try:
            words = talk.send(heard)
        except StopIteration as end:
            verdict: Verdict = end.value
            with contextlib.suppress(OSError):
                sock.send(verdict.farewell)
            return verdict
    talk.close()
    return Verdict("unexpected_answer", f"talks without end, more than {_MOST} bytes")
