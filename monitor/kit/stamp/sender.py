"""One burst: numbered packets at a steady pace, and what comes of each."""

import asyncio
import errno
import secrets
import socket
import time
from collections import Counter
from typing import NamedTuple

from monitor.kit import mishap
from monitor.kit.icmp.clock import Clock
from monitor.kit.sockets import Target
from monitor.kit.stamp import packets, wire
from monitor.kit.stamp.tally import Seen

LARGE = 3
"""Packets of full size at the end of a burst; one that comes back is enough."""
_HEADERS: dict[int, int] = {socket.AF_INET: 28, socket.AF_INET6: 48}
"""Bytes of the IP and UDP headers."""
_ANSWERS = 4
"""Answers per packet that are counted at most: more are no doubles but a flood."""
_AT_ONCE = 256
"""Datagrams read at one go: what came while the loop was busy is read before it is given up."""
_NONCE = 10
"""Lowest bits of our stamps that are random, a quarter of a microsecond: nobody can guess a stamp."""


class Plan(NamedTuple):
    """What a burst consists of."""

    amount: int
    """Packets of usual size."""
    interval: float
    """Seconds between two packets."""
    wait: float
    """Seconds for which the last packets are waited for."""
    dscp: int = 0
    mtu: int | None = None
    """Bytes of the full-sized packets, IP header and all."""


class Burst:
    """A burst through a socket of its own; opened with `open`, run once, and closed."""

    def __init__(self, target: Target, plan: Plan) -> None:
        """Open the socket. Raises OSError."""
        self.answers: list[Seen] = []
        """Answers to the packets of usual size, in the order of arrival."""
        self.strays = 0
        """Datagrams that were no answer to anything we sent."""
        self.large = 0
        """Packets of full size that were answered."""
        self.too_big = ""
        """Who would not take a packet of full size, if somebody says so: this host, or a router."""
        self.trouble: mishap.Mishap | None = None
        """The latest error that came back."""
        self.dscp_out: int | None = None
        """Code point with which our packets arrive there, as the latest answer says."""
        self.dscp_back: int | None = None
        """Code point with which the latest answer to a known code point arrived here."""
        self._plan = plan
        self._sent: dict[int, tuple[int, float]] = {}
        self._left: set[int] = set()
        self._count: Counter[int] = Counter()
        self._news = asyncio.Event()
        self._clock = Clock()
        self._peer = target.address[0]
        self._room = (plan.mtu or 0) - _HEADERS[target.family]
        self._sock = target.open(socket.SOCK_DGRAM)
        try:
            wire.prepare(self._sock)
            wire.mark(self._sock, plan.dscp)
            self._sock.connect(target.address)
        except BaseException:
            self._sock.close()
            raise

    async def run(self) -> None:
        """Send all, wait for the answers, close. Raises OSError if a packet of usual size cannot be sent."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._sock, self._read)
        try:
            await self._send_all(loop.time())
            await self._until(loop.time() + self._plan.wait)
        finally:
            loop.remove_reader(self._sock)
            self._sock.close()

    async def _send_all(self, began: float) -> None:
        count = self._plan.amount
        for number in range(count + (LARGE if self._plan.mtu else 0)):
            if self._refused:
                return
            self._send(number, large=number >= count)
            await asyncio.sleep(max(0.0, began + (number + 1) * self._plan.interval - self._now()))

    def _send(self, number: int, *, large: bool) -> None:
        wall, sent = time.time_ns(), time.monotonic()
        stamp = packets.stamp(wall) >> _NONCE << _NONCE | secrets.randbits(_NONCE)
        length = self._room if large else packets.SHORTEST
        self._sent[number] = (stamp, sent)
        packet = packets.question(number, stamp, self._plan.dscp, length)
        try:
            try:
                self._sock.send(packet)
            except (
                OSError
            ) as error:  # perhaps what a router says of an earlier packet: told once, then forgotten
                self._note(error)
                self._sock.send(packet)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            self.too_big = self.too_big or "this host's own interface is too narrow"
        else:
            self._left.add(number)

    async def _until(self, deadline: float) -> None:
        while self._left and not self._only_trouble and (left := deadline - self._now()) > 0:
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    @property
    def _only_trouble(self) -> bool:
        return self.trouble is not None and not self.answers

    @property
    def _refused(self) -> bool:
        return self._only_trouble and self.trouble is not None and self.trouble.answered

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _read(self) -> None:
        self._clock.refresh()
        for _ in range(_AT_ONCE):
            try:
                data, notes, _, _ = self._sock.recvmsg(wire.LONGEST, wire.ROOM)
            except BlockingIOError:
                break
            except OSError as error:
                self._note(error)
                continue
            self._take(data, wire.notice(notes))
        self._news.set()

    def _note(self, error: OSError) -> None:
        trouble = mishap.heard(self._sock, error.errno, self._peer)
        if error.errno == errno.EMSGSIZE:
            self.too_big = trouble.text
        else:
            self.trouble = trouble

    def _take(self, data: bytes, noted: wire.Notice) -> None:
        said = packets.read_answer(data)
        ours = self._sent.get(said.our_sequence) if said is not None else None
        if said is None or ours is None or ours[0] != said.our_stamp:
            self.strays += 1
            return
        stamp, sent = ours
        self._left.discard(said.our_sequence)
        if said.our_sequence >= self._plan.amount:
            self.large += 1
            return
        self._count[said.our_sequence] += 1
        if self._count[said.our_sequence] > _ANSWERS:
            return
        took = self._clock.since(sent, noted.at)
        stay = packets.elapsed(said.received, said.sent)
        out = packets.elapsed(stamp, said.received)
        rtt = took - stay if 0.0 <= stay <= took else took
        self.answers.append(Seen(said.our_sequence, said.sequence, rtt, out, took - out - max(stay, 0.0)))
        if said.dscp is not None:
            self.dscp_out, self.dscp_back = said.dscp, noted.tos >> 2
