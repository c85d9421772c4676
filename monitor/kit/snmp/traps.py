"""Hears what agents say unasked: traps and informs of version 2c, traps of version 3.

RFC 3416, sections 4.2.6 and 4.2.7. A trap is a hint, no more: it may be lost, replayed or, by version 2c,
forged by whoever has seen the community. So nothing is taken from it but whom to look at.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import NamedTuple

from monitor.kit.snmp import ber, pdu, usm, v3
from monitor.kit.snmp.ber import Oid
from monitor.kit.snmp.pdu import Pdu
from monitor.kit.snmp.usm import User

RATE = 500
"""Datagrams read in a second; of a storm the kernel drops the rest."""
_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_SECOND = 1.0

Heard = Callable[[str, Oid], object]
"""`heard(address, what)`: who has sent it, and the name of what has happened; must not raise."""


class Known(NamedTuple):
    """By what a trap shows that it comes from one of ours."""

    community: bytes | User | None = None
    user: bytes | User | None = None


class Receiver:
    """Listens for traps and tells of those that are genuine."""

    def __init__(
        self, listen: str, port: int, known: Callable[[], Known], heard: Heard, rate: int = RATE
    ) -> None:
        """Prepare; *known* is asked for every datagram and raises OSError while its files cannot be read."""
        self.port = port
        self.refused = 0
        """Datagrams that were no trap, or not a genuine one."""
        self._listen, self._known, self._heard = listen, known, heard
        self._rate = self._left = rate

    async def run(self) -> None:
        """Listen until cancelled; raises OSError if this host cannot."""
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self._listen else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.bind((self._listen, self.port))
            self.port = sock.getsockname()[1]
            try:
                while True:
                    self._left = self._rate
                    loop.add_reader(sock, self._read, sock, loop)
                    await asyncio.sleep(_SECOND)
            finally:
                loop.remove_reader(sock)

    def _read(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        try:
            data, peer = sock.recvfrom(v3.LONGEST + 1)
        except OSError:
            return
        self._left -= 1
        if self._left <= 0:
            loop.remove_reader(sock)
        try:
            told, answer = read_trap(data, self._known())
        except (ValueError, OSError):
            self.refused += 1
            return
        if answer is not None:
            with contextlib.suppress(OSError):
                sock.sendto(answer, peer)
        self._heard(peer[0], told)


def read_trap(data: bytes, known: Known) -> tuple[Oid, bytes | None]:
    """Return what a genuine trap is about, and the answer to an inform; raises ValueError for all else."""
    if len(data) > v3.LONGEST:
        raise ValueError("longer than any trap")
    start, stop = ber.expect(ber.SEQUENCE, data, 0, len(data))
    version, _ = ber.read_integer(data, start, stop)
    if version == pdu.V3:
        return _named(_read_v3(data, known.user), pdu.TRAP), None
    community, trap = pdu.read_v2c(data)
    if known.community is None or community != known.community:
        raise ValueError("another community")
    if trap.kind == pdu.INFORM:
        told = trap._replace(kind=pdu.RESPONSE)
        return _named(trap, pdu.INFORM), pdu.pack_v2c(community, pdu.pack_pdu(told))
    return _named(trap, pdu.TRAP), None


def _read_v3(data: bytes, user: bytes | User | None) -> Pdu:
    """Return a trap of version 3: its sender is the authority on time and keys (RFC 3412, 7.1.1)."""
    envelope = v3.read(data)
    if not isinstance(user, User) or envelope.user != user.name or not envelope.engine.id:
        raise ValueError("another user")
    return v3.opened(envelope, data, usm.keys_of(user, envelope.engine.id))


def _named(trap: Pdu, kind: int) -> Oid:
    if trap.kind != kind:
        raise ValueError("no trap")
    for bind in trap.binds:
        if bind.oid == _TRAP_OID and isinstance(bind.value.content, tuple):
            return bind.value.content
    raise ValueError("a trap that does not say what has happened")
