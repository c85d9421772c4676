"""Writes a message into a system log: of this machine, or over UDP, TCP or TLS into another's.

A log gives no answer. Over TCP and TLS a message counts as taken when the receiver has read it to its end and
hangs up; over UDP when it was sent and no ICMP message came back at once; on the socket of this machine when
it lies in it.
"""

import asyncio
import contextlib
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from monitor.core.alarm import Address, Message, Severity
from monitor.kit import tls
from monitor.kit.courier import Fate, Receipt
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Host, Place, find_target, readable
from monitor.kit.stream import TooMuchError, conversation
from monitor.kit.syslog import Entry, Facility, framed
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean
from monitor.ports import ChannelOptions, OneWay

ADDRESS = Address.NONE
AT_ONCE = 2
REPORTS = False

PORTS = {"udp": 514, "tcp": 514, "tls": 6514}
"""RFC 5426, section 3.3; RFC 5425, section 4.1; TCP by custom."""
LISTENING = 0.2
"""Seconds for which a word of ICMP is waited for after a datagram."""
_LEVELS = {Severity.CRITICAL: 2, Severity.WARNING: 4, Severity.INFO: 6}
"""Severities of RFC 5424, section 6.2.1: critical, warning, informational."""
_DATAGRAM, _STREAM = 2048, 8000
"""Octets of a message: what every receiver should take (RFC 5424, section 6.1), and what most do."""


class Options(ChannelOptions):
    """Which log to write into, and how."""

    transport: Literal["unix", "udp", "tcp", "tls"] = Field(
        default="unix",
        description="`unix`: this machine's; another's by `udp` (RFC 5426), `tcp` (RFC 6587) or "
        "`tls` (RFC 5425).",
    )
    host: Host | None = Field(
        default=None, description="Name or address of the receiver; for all but `unix`."
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; left out: 514 for udp and tcp, 6514 for tls."
    )
    socket: Path = Field(
        default=Path("/dev/log"), description="The socket of this machine's log; for `unix`."
    )
    ca: Path | None = Field(default=None, description="PEM file of who may vouch for it; none: the system's.")
    facility: Facility = Field(default="local0", description="Under which facility.")
    app: str = Field(
        default="command-monitor",
        pattern=r"^[!-~]{1,48}$",
        description="Under which name, printable ASCII without spaces.",
    )

    @model_validator(mode="after")
    def _has_a_receiver(self) -> "Options":
        if (self.transport == "unix") != (self.host is None):
            raise ValueError("expected `host` with `transport: udp`, `tcp` or `tls`, and only with them")
        return self


class SyslogChannel(OneWay):
    """Makes one connection, or sends one datagram, for each attempt."""

    def __init__(self, options: Options) -> None:
        self._options = options

    async def send(self, message: Message) -> Receipt:
        """Write *message* into the log."""
        options, given = self._options, _Given()
        try:
            async with asyncio.timeout(options.timeout):
                await self._write(self._entry(message), given)
        except TimeoutError:
            return Receipt(given.fate, f"not taken within {options.timeout:g} s")
        except (ResolveError, ConnectError, TooMuchError, EOFError, OSError) as error:
            return Receipt(given.fate, clean(f"{type(error).__name__}: {error}"))
        return Receipt(Fate.TAKEN)

    def _entry(self, message: Message) -> Entry:
        facts = {
            name: str(value) for name, value in message.facts.items() if isinstance(value, str | int | float)
        }
        return Entry(
            facility=self._options.facility,
            level=_LEVELS[message.severity],
            at=datetime.now(UTC),
            host=socket.gethostname(),
            app=self._options.app,
            process=os.getpid(),
            name="alarm",
            facts=facts
            | {"key": message.key, "severity": message.severity, "unsure": str(message.unsure).lower()},
            text=clean(message.text, _STREAM),
        )

    async def _write(self, entry: Entry, given: "_Given") -> None:
        match self._options.transport:
            case "unix":
                await _into_socket(str(self._options.socket), entry.local(time.localtime(), _DATAGRAM))
            case "udp":
                await self._by_datagram(entry.wire(_DATAGRAM))
            case _:
                await self._by_stream(framed(entry.wire(_STREAM)), given)

    async def _by_datagram(self, words: bytes) -> None:
        target = await find_target(shared(), self._place())
        with target.open(socket.SOCK_DGRAM) as sock:
            sock.connect(target.address)
            sock.send(words)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LISTENING):
                    await readable(sock)
            if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))

    async def _by_stream(self, words: bytes, given: "_Given") -> None:
        options, target = self._options, await find_target(shared(), self._place())
        settings = (
            tls.context(str(options.ca) if options.ca else None) if options.transport == "tls" else None
        )
        async with conversation(target, settings, options.host or "") as stream:
            given.fate = Fate.UNSURE
            await stream.say(words)
            await stream.finish()

    def _place(self) -> Place:
        options = self._options
        return Place(options.host or "", options.port or PORTS[options.transport])


class _Given:
    """What follows if an attempt ends now."""

    fate = Fate.LATER


def open(options: Options) -> SyslogChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; nothing is connected until there is something to say."""
    return SyslogChannel(options)


async def _into_socket(path: str, words: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect(path)
        await asyncio.get_running_loop().sock_sendall(sock, words)
