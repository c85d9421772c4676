"""The channels in use: made when they are first asked for, gone with the last target that uses them."""

import secrets
import select
from collections.abc import Iterator
from weakref import WeakValueDictionary

from monitor.kit.icmp.channel import Channel
from monitor.kit.icmp.sockets import Way


class Pool:
    """Holds one channel for each way and lane, weakly, and knows which have something to be read."""

    def __init__(self, *, raw: bool | None, buffer: int) -> None:
        self._raw, self._buffer = raw, buffer
        self._poll = select.epoll()
        self._channels: WeakValueDictionary[tuple[Way, int], Channel] = WeakValueDictionary()
        self._by_fd: WeakValueDictionary[int, Channel] = WeakValueDictionary()

    def channel(self, way: Way, lane: int) -> Channel:
        """Return the channel for a way; lanes differ in their ident only."""
        channel = self._channels.get((way, lane))
        if channel is None:
            channel = Channel(
                way,
                ident=secrets.randbelow(1 << 16),
                raw=self._raw,
                buffer=self._buffer,
                poll=self._poll,
                by_fd=self._by_fd,
            )
            self._channels[way, lane] = channel
        return channel

    def ready(self) -> Iterator[tuple[Channel, bool]]:
        """Give the channels that have something to be read, and whether errors are queued."""
        for fd, what in self._poll.poll(0, max(1, len(self._by_fd))):
            channel = self._by_fd.get(fd)
            if channel is not None:
                yield channel, bool(what & select.EPOLLERR)

    def close(self) -> None:
        """Close all sockets."""
        for channel in list(self._channels.values()):
            channel.close()
        self._poll.close()
