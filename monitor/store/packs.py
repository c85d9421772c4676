"""Recorded events that are rarely looked at again, kept small: some at a time, as JSON that is compressed."""

import json
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.core.world import Event
from monitor.store.rows import written

LARGEST = 4 << 20
"""Bytes of them, as they are kept; beyond that the oldest go."""
_LEVEL = 3
"""Of zlib: a tenth is left of events with sentences; more effort gains little."""


@dataclass(frozen=True, slots=True)
class _Pack:
    """Neighbouring events."""

    first: int
    last: int
    count: int
    packed: bytes

    def events(self) -> list[Event]:
        """Unpack them."""
        return [Event(*fields) for fields in json.loads(zlib.decompress(self.packed))]


class Packs:
    """Events in order, each as the log would give it: what JSON does not know was replaced."""

    def __init__(self) -> None:
        self.count = 0
        """How many events are here."""
        self.size = 0
        """Bytes that they take."""
        self._packs: deque[_Pack] = deque()

    def add(self, events: Sequence[Event]) -> None:
        """Keep *events*, at least one, which come after all that are here."""
        text = written([_fields(event) for event in events])
        packed = zlib.compress(text.encode(), _LEVEL)
        self._packs.append(_Pack(events[0].position, events[-1].position, len(events), packed))
        self.count += len(events)
        self.size += len(packed)

    def walk(self, first: int, last: int) -> Iterator[Event]:
        """Give the events from position *first* to *last*; only what is asked for is unpacked."""
        for pack in [pack for pack in self._packs if pack.last >= first and pack.first <= last]:
            yield from (event for event in pack.events() if first <= event.position <= last)

    def trim(self, most: int) -> int:
        """Forget the oldest beyond *most* events and `LARGEST`; return the last position gone, 0 without."""
        gone = 0
        while self._packs and (self.count - self._packs[0].count >= most or self.size > LARGEST):
            oldest = self._packs.popleft()
            self.count -= oldest.count
            self.size -= len(oldest.packed)
            gone = oldest.last
        return gone


def _fields(event: Event) -> list[object]:
    e = event
    return [e.vantage, e.boot, e.seq, e.at, e.kind, e.subject, dict(e.data), e.position, e.received_at]
