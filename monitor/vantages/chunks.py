"""Events cut into portions that fit into a message."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from monitor.core.world import Event, Json
from monitor.vantages.wire import ENTRIES, Chunk, Entry

FEW = 16
"""Values kept of data that is too large, at most."""
SHORT = 64
"""Characters of a text kept of data that is too large, at most."""


class Portion(NamedTuple):
    """What goes into one chunk."""

    upto: int
    """Position of the last event of it."""
    events: int
    """How many events it is made of."""
    entries: tuple[bytes, ...]
    """Those events in words; fewer than *events* if some cannot be put into any."""
    cut: int
    """How many of them say less than the event did."""


def portion(events: Sequence[Event], room: int, most: int) -> Portion:
    """Return as many of *events*, at least one, as fit into *room* bytes; each of them has *most* at most."""
    entries: list[bytes] = []
    count, cut, size = 0, 0, 0
    for event in events[:ENTRIES]:
        entry, whole = encode(event, most)
        if count and size + len(entry) > room:
            break
        count += 1
        size += len(entry) + 1
        cut += not whole
        if entry:
            entries.append(entry)
    return Portion(events[count - 1].position, count, tuple(entries), cut)


def encode(event: Event, most: int) -> tuple[bytes, bool]:
    """Return an event in at most *most* bytes, and whether nothing of it is missing.

    Without any bytes it cannot be put into words.
    """
    for data in (event.data, _gist(event.data), {"too_large": True}):
        entry = _entry(event, data)
        if entry and len(entry) <= most:
            return entry, data is event.data
    return b"", False


def spliced(chunk: Chunk, entries: Iterable[bytes]) -> bytes:
    """Return the payload of *chunk*, which has no entries yet, with these; each event is encoded but once."""
    return chunk.payload().removesuffix(b"]}") + b",".join(entries) + b"]}"


def _entry(event: Event, data: Mapping[str, Json]) -> bytes:
    try:
        entry = Entry(
            boot=event.boot,
            seq=event.seq,
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            data=dict(data),
        )
        return entry.payload()
    except ValueError:
        return b""


def _gist(data: Mapping[str, Json]) -> dict[str, JsonValue]:
    """Return what is short of *data*: what happened can mostly be told by it."""
    short = {key: value for key, value in data.items() if _is_short(key) and _is_short(value)}
    return {"too_large": True} | dict(list(short.items())[:FEW])


def _is_short(value: Json) -> bool:
    return len(value) <= SHORT if isinstance(value, str) else isinstance(value, int | float | None)
