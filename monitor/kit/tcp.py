"""TCP connects by the thousand: no task, no future and no timer for any of them.

All sockets hang on one epoll of our own, and that one descriptor on the event loop; deadlines lie in
10-ms slots swept by one timer, which first takes in everything that the kernel already knows, so a late
loop makes nobody late. The round-trip time is the kernel's own measure of the handshake (`tcpi_rtt`),
not when we woke up; only if it has none (the SYN was sent more than once) it is the time until we saw
the connection stand.
"""

import asyncio
import errno
import heapq
import resource
import select
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from monitor.kit.mishap import Mishap, at_once, heard, listen_for_icmp
from monitor.kit.sockets import Target, writable

POLITE = 16_384
"""Connections closed the clean way per minute, the others by reset.

A clean close (FIN) is what a service expects, and it leaves a socket of ours in TIME_WAIT for a minute
(RFC 9293, section 3.6.1); a reset leaves nothing, and some peers write it into their logs as a fault. So
we are polite as long as the TIME_WAIT sockets are few beside the kernel's limit, and thrifty beyond it.
"""
LATE = 2.0
"""Seconds for which a connect that was given up is still listened to: a SYN is repeated after 1 s."""
_SLOT = 0.01
_EVENTS = 512
_CLOSE_BY_RESET = struct.pack("ii", 1, 0)
_TCPI_RTT = struct.Struct("@I")
_TCPI_RTT_AT = 68
"""Offset of `tcpi_rtt`, microseconds, in `struct tcp_info` of linux/tcp.h."""


class ConnectError(Exception):
    """A connection did not come to stand; `mishap` says why."""

    def __init__(self, mishap: Mishap) -> None:
        super().__init__(mishap.text)
        self.mishap = mishap


async def connect(target: Target) -> socket.socket:
    """Return a connected non-blocking socket, for a conversation. Raises ConnectError."""
    try:
        sock = target.open(socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectError(at_once(error.errno)) from error
    try:
        mishap = await _connected(sock, target)
    except BaseException:
        sock.close()
        raise
    if mishap is not None:
        sock.close()
        raise ConnectError(mishap)
    return sock


async def _connected(sock: socket.socket, target: Target) -> Mishap | None:
    number = sock.connect_ex(target.address)
    if number != errno.EINPROGRESS:
        return at_once(number) if number else None
    await writable(sock)
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        return heard(sock, number, target.address[0])
    listen_for_icmp(sock, on=False)  # in a conversation TCP knows better than a passing ICMP message
    return None


class _Connect:
    __slots__ = ("given_up", "key", "peer", "sent_at", "sock")

    def __init__(self, sock: socket.socket, peer: str, key: object, sent_at: float) -> None:
        self.sock = sock
        self.peer = peer
        self.key = key
        self.sent_at = sent_at
        self.given_up = False


class Connects:
    """Connects to many targets at once and tells how each went, by callback."""

    def __init__(
        self,
        *,
        stands: Callable[[Any, float, float], None],
        broke: Callable[[Any, float, Mishap], None],
        silent: Callable[[Any, float], None],
        late: Callable[[Any, float, float], None],
    ) -> None:
        """Call back for a running loop, always with the key and the monotonic second of the SYN.

        *stands* and *late* add the round-trip time in seconds, *broke* what went wrong; *silent* means that
        the deadline has passed.
        """
        self._stands, self._broke, self._silent, self._late = stands, broke, silent, late
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._drain)
        self._flying: dict[int, _Connect] = {}
        self._slots: dict[int, list[_Connect]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._polite_until = 0.0
        self._polite = 0
        self._most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2

    def __len__(self) -> int:
        """Return how many connects are under way, those included that are only listened to."""
        return len(self._flying)

    def start(self, due: Sequence[tuple[Target, object, float]]) -> None:
        """Begin to connect to each (target, key, seconds until it is given up). Never raises."""
        for target, key, patience in due:
            self._start(target, key, patience)
        self._set_timer()

    def close(self) -> None:
        """Give everything up, silently."""
        if self._epoll.closed:
            return
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        if self._timer is not None:
            self._timer.cancel()
        for connect in self._flying.values():
            connect.sock.close()
        self._flying.clear()
        self._slots.clear()
        self._order.clear()

    def _start(self, target: Target, key: object, patience: float) -> None:
        sent_at = self._loop.time()
        if len(self._flying) >= self._most:
            self._broke(key, sent_at, at_once(errno.EMFILE))
            return
        try:
            sock = target.open(socket.SOCK_STREAM)
        except OSError as error:
            self._broke(key, sent_at, at_once(error.errno))
            return
        connect = _Connect(sock, target.address[0], key, sent_at)
        number = sock.connect_ex(target.address)
        if number == errno.EINPROGRESS:
            self._wait_for(connect, sent_at + patience)
        elif number:
            sock.close()
            self._broke(key, sent_at, at_once(number))
        else:
            self._finish(connect)

    def _wait_for(self, connect: _Connect, deadline: float) -> None:
        fd = connect.sock.fileno()
        self._flying[fd] = connect
        self._epoll.register(fd, select.EPOLLOUT)
        self._file(connect, deadline)

    def _file(self, connect: _Connect, deadline: float) -> None:
        number = int(deadline / _SLOT) + 1
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = []
            heapq.heappush(self._order, number)
        slot.append(connect)

    def _drain(self) -> None:
        while not self._epoll.closed:
            events = self._epoll.poll(0, _EVENTS)
            for fd, _ in events:
                if (connect := self._flying.pop(fd, None)) is not None:
                    self._finish(connect)
            if len(events) < _EVENTS:
                return

    def _finish(self, connect: _Connect) -> None:
        sock = connect.sock
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        rtt = 0.0 if number else round_trip(sock) or self._loop.time() - connect.sent_at
        trouble = heard(sock, number, connect.peer) if number else None
        self._hang_up(sock)
        if connect.given_up:
            if not number:
                self._late(connect.key, connect.sent_at, rtt)
        elif trouble is not None:
            self._broke(connect.key, connect.sent_at, trouble)
        else:
            self._stands(connect.key, connect.sent_at, rtt)

    def _hang_up(self, sock: socket.socket) -> None:
        now = self._loop.time()
        if now >= self._polite_until:
            self._polite_until, self._polite = now + 60.0, POLITE
        if self._polite > 0:
            self._polite -= 1
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_BY_RESET)
        sock.close()

    def _sweep(self) -> None:
        self._timer = None
        self._drain()
        now = self._loop.time()
        while self._order and self._order[0] * _SLOT <= now:
            for connect in self._slots.pop(heapq.heappop(self._order)):
                self._give_up(connect, now)
        self._set_timer()

    def _give_up(self, connect: _Connect, now: float) -> None:
        fd = connect.sock.fileno()
        if fd < 0:
            return
        if connect.given_up:
            del self._flying[fd]
            connect.sock.close()
            return
        connect.given_up = True
        self._file(connect, now + LATE)
        self._silent(connect.key, connect.sent_at)

    def _set_timer(self) -> None:
        if not self._order:
            return
        at = self._order[0] * _SLOT
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._sweep)


def round_trip(sock: socket.socket) -> float:
    """Return the kernel's round-trip time of a connected socket in seconds, 0 if it has none."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_RTT_AT + _TCPI_RTT.size)
    return float(_TCPI_RTT.unpack_from(info, _TCPI_RTT_AT)[0]) / 1e6
