"""The engine: looks under way, the one timer, and what became of each."""

import asyncio
import os
import secrets
import time
from array import array
from collections.abc import Callable, Sequence

from monitor.kit.icmp import packets, targets
from monitor.kit.icmp.channel import Channel, Told, is_local
from monitor.kit.icmp.clock import Clock
from monitor.kit.icmp.deadlines import SLOTS, Deadlines
from monitor.kit.icmp.pool import Pool
from monitor.kit.icmp.reasons import OVERFLOW, Miss, refused, silence
from monitor.kit.icmp.sockets import PingForbiddenError
from monitor.kit.icmp.targets import Target
from monitor.kit.stamps import SECOND, SPACE, halves_of

LATE = 3.0
"""Seconds after the deadline for which an answer is still waited for and told as late."""

_PERIOD = 0.015
"""Seconds from one reading of the sockets to the next while looks are under way."""
_BLOCK = 256
"""Pings sent before the answers are read in between."""
_MOST = 20_000
"""Packets read from a socket at one go, lest a flood keep us for ever."""
_LANES = 4
_PATIENCE = 10
"""Misses in a row after which a target's pings take the next lane: another socket with another ident, so that
a stale session of some NAT or firewall, which our pings keep alive, is left behind and expires."""
_BUFFER = 8 << 20
_SEQUENCES = 1 << 16

Look = tuple[Target, Channel, object, int, float, float]
"""Target, channel it went through, the caller's key, sequence, monotonic time sent, deadline in seconds."""

_READ = 256
"""Bytes read of a message: the longest headers, tag and nonce fit in."""


class Engine:
    """Pings in batches and tells by callback how each ended.

    For each look just one of `answered(key, sent_at, rtt)` and `missed(key, sent_at, miss)` is called, some
    20 ms after its deadline or, if thousands end at once, soon; after a timeout perhaps `late(key, sent_at,
    rtt)`. Times are monotonic seconds. Callbacks run in the loop, must not raise, may be called by `send`.
    """

    def __init__(
        self,
        answered: Callable[[object, float, float], object],
        missed: Callable[[object, float, Miss], object],
        late: Callable[[object, float, float], object],
        *,
        raw: bool | None = None,
        buffer: int = _BUFFER,
    ) -> None:
        """Make an engine; sockets are opened at the first ping.

        *raw* None takes raw sockets where allowed and ping sockets otherwise; *buffer* is what each socket
        may hold unread, bytes.
        """
        self._answered, self._missed, self._late = answered, missed, late
        self._tag = int.from_bytes(secrets.token_bytes(8))
        self._sequence = secrets.randbelow(_SEQUENCES)
        self._clock = Clock()
        self._pool = Pool(raw=raw, buffer=buffer)
        self._outstanding: dict[int, Look] = {}
        self._given_up: dict[int, Look] = {}
        self._by_sequence = array("Q", bytes(8 * _SEQUENCES))  # all the memory of its nonces at once
        self._deadlines = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def prepare(
        self,
        host: str,
        *,
        source: str | None = None,
        interface: str | None = None,
        size: int = 56,
        ttl: int | None = None,
        dscp: int = 0,
    ) -> Target:
        """Return what to ping with again and again; opens nothing.

        *host* and *source* are literal addresses (link-local ones with their zone, `fe80::1%eth0`), *size*
        is the payload in bytes. Raises ValueError for anything else. An address or interface that this host
        does not have (yet) is told by the look.
        """
        address, way = targets.way_to(host, source, interface, ttl, dscp)
        return Target(address, way, self._pool.channel(way, 0), size)

    def send(self, due: Sequence[tuple[Target, object, float]]) -> None:
        """Ping all: (target, key, seconds until it is given up). Needs a running loop; never raises."""
        for start in range(0, len(due), _BLOCK):
            self._turn()
            if self._closed:
                return
            self._send_block(due[start : start + _BLOCK] if len(due) > _BLOCK else due)
        self._wind()

    def close(self) -> None:
        """Forget what is under way and close all sockets."""
        self._closed = True
        self._wind()
        self._outstanding.clear()
        self._given_up.clear()
        self._pool.close()

    def _send_block(self, due: Sequence[tuple[Target, object, float]]) -> None:
        clock, pack, tag, sequence = time.monotonic, packets.pack_echo, self._tag, self._sequence
        outstanding, by_sequence = self._outstanding, self._by_sequence
        current: Channel | None = None
        base = ident = echo = slot_now = 0
        slot: list[int] = []
        for (target, key, deadline), nonce in zip(due, array("Q", os.urandom(8 * len(due))), strict=True):
            channel = target.channel
            if channel is not current:
                channel.open()
                current, ident, echo = channel, channel.ident, channel.echo
                base = packets.checksum_base(echo, ident, tag)
            sequence = (sequence + 1) & 0xFFFF
            checksum = 0xFFFF - (base + sequence + nonce) % 0xFFFF
            packet = pack(echo, 0, checksum, ident, sequence, tag, nonce) + target.padding
            sent = clock()
            try:
                channel.sendto(packet, target.address)
            except OSError as error:
                miss = self._try_again(channel, packet, target, error)
                if miss is not None:
                    self._missed(key, sent, miss)
                    if self._closed:
                        return
                    continue
            outstanding[nonce] = (target, channel, key, sequence, sent, deadline)
            by_sequence[sequence] = nonce
            number = int((sent + deadline) * SLOTS) + 1
            if number != slot_now:
                slot_now, slot = number, self._deadlines.slot(number)
            slot.append(nonce)
        self._sequence = sequence

    def _try_again(self, channel: Channel, packet: bytes, target: Target, error: OSError) -> Miss | None:
        """Send once more if the first error was not about this packet; return why it cannot be sent."""
        if isinstance(error, PingForbiddenError):
            return Miss("no_permission", str(error.strerror), ours=True)
        if channel.renewed() or not channel.raw:  # a ping socket tells of others' errors at the next send
            self._read_errors(channel)
            try:
                channel.sendto(packet, target.address)
            except OSError as again:
                error = again
            else:
                return None
        source = channel.way.source
        return refused(error, homeless=source is not None and not is_local(channel.way.family, source))

    def _tick(self) -> None:
        try:
            self._turn()
        finally:
            self._wind()

    def _wind(self) -> None:
        """Set the one timer anew; while `send` is called every few ms it never has to wake anybody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._closed and (self._outstanding or self._given_up):
            pause = 0.0 if self._deadlines.behind else _PERIOD
            self._timer = asyncio.get_running_loop().call_later(pause, self._tick)

    def _turn(self) -> None:
        """Read all that has come, then give up what is overdue: being late ourselves makes no loss."""
        now = time.monotonic()
        if self._closed or not (self._outstanding or self._given_up):
            self._deadlines.clear()
            return
        self._clock.refresh()
        for channel, has_errors in self._pool.ready():
            if has_errors:
                self._read_errors(channel)
            self._read(channel)
            channel.check_drops(time.monotonic())
        self._sweep(now)

    def _read(self, channel: Channel) -> None:
        outstanding, answered, recvmsg = self._outstanding, self._answered, channel.recvmsg
        reply, ident, tag = channel.reply, channel.ident, self._tag
        parse, shortest = channel.parse, channel.shortest
        offset, now = self._clock.offset, time.monotonic()
        for _ in range(_MOST):
            try:
                data, notes, _, peer = recvmsg(_READ, SPACE)
            except BlockingIOError:
                return
            except OSError:  # a ping socket tells of an error that is in its error queue
                if self._closed:  # by a callback
                    return
                self._read_errors(channel)
                continue
            if len(data) < shortest or not notes:
                continue
            kind, its_ident, sequence, its_tag, nonce = parse(data)
            seconds, nanoseconds = halves_of(notes[0][2])
            stamp = seconds * SECOND + nanoseconds
            look = outstanding.get(nonce)
            if look is not None:
                target, _, key, its_sequence, sent, deadline = look
                rtt = (stamp - offset) * 1e-9 - sent
                if (
                    kind == reply
                    and its_ident == ident
                    and its_tag == tag
                    and its_sequence == sequence
                    and target.host == peer[0]
                    and 0.0 <= rtt <= deadline
                    and sent + rtt <= now
                ):
                    del outstanding[nonce]
                    target.misses = 0
                    answered(key, sent, rtt)
                    continue
            self._uncommon(channel, data, stamp, peer[0])
        channel.overflowed_at = time.monotonic()

    def _uncommon(self, channel: Channel, data: bytes, stamp: int, host: str) -> None:
        """Deal with whatever is not the plain answer in time: late, forged, twice, an error, odd headers."""
        message = packets.without_ip(data) if channel.with_ip else data
        if message is None:
            return
        if message[0] != channel.reply:
            self._hear(channel, channel.told(message, host))
        elif len(message) >= packets.REPLY_LENGTH:
            self._reply(channel, packets.reply_of(message), stamp, host)

    def _reply(self, channel: Channel, reply: tuple[int, int, int, int, int], stamp: int, host: str) -> None:
        _, ident, sequence, tag, nonce = reply
        look = self._outstanding.get(nonce) or self._given_up.get(nonce)
        if look is None or tag != self._tag or ident != channel.ident:
            return
        target, _, key, its_sequence, sent, deadline = look
        if sequence != its_sequence or host != target.host:
            return
        rtt = self._clock.since(sent, stamp)
        if self._outstanding.pop(nonce, None) is None:
            del self._given_up[nonce]
            self._late(key, sent, rtt)
        elif rtt <= deadline:
            target.misses = 0
            self._answered(key, sent, rtt)
        else:
            self._missed(key, sent, silence(deadline))
            self._late(key, sent, rtt)

    def _read_errors(self, channel: Channel) -> None:
        for error in channel.queued_errors():
            self._hear(channel, error)

    def _hear(self, channel: Channel, error: Told | None) -> None:
        """End the look that an ICMP error is about, if it is one of ours."""
        if error is None or error.ident != channel.ident or error.tag not in {None, self._tag}:
            return
        nonce = self._by_sequence[error.sequence] if error.nonce is None else error.nonce
        look = self._outstanding.get(nonce)
        if look is None:
            return
        target, _, key, sequence, sent, _ = look
        if sequence == error.sequence and target.host == error.destination:
            del self._outstanding[nonce]
            self._count_miss(target)
            self._missed(key, sent, error.miss(target.host))

    def _sweep(self, now: float) -> None:
        outstanding, given_up = self._outstanding, self._given_up
        for nonce in self._deadlines.overdue(now):
            look = outstanding.pop(nonce, None)
            if look is None:
                given_up.pop(nonce, None)
            else:
                given_up[nonce] = look
                self._deadlines.slot(int((now + LATE) * SLOTS)).append(nonce)
                self._give_up(look)

    def _give_up(self, look: Look) -> None:
        target, channel, key, _, sent, deadline = look
        if sent <= channel.overflowed_at:
            self._missed(key, sent, OVERFLOW)
        else:
            self._count_miss(target)
            self._missed(key, sent, silence(deadline))

    def _count_miss(self, target: Target) -> None:
        target.misses += 1
        if target.misses % _PATIENCE == 0:
            target.lane = (target.lane + 1) % _LANES
            target.channel = self._pool.channel(target.way, target.lane)
