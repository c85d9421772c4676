"""Object identifiers as people write them, and tables read a stretch at a time."""

from collections.abc import Generator, Iterable

from monitor.kit.snmp import ber
from monitor.kit.snmp.ber import Oid, Value
from monitor.kit.snmp.pdu import Bind, Question

STRETCH = 20
"""Rows asked for at a time: some kilobytes at most."""
MOST_ROWS = 4096

_LEAST_ARCS = 2
_MOST_ARCS = 100


def named(text: str) -> Oid:
    """Return the object identifier written as `1.3.6.1…`; raises ValueError for anything else."""
    parts = text.removeprefix(".").split(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= len("4294967295") for part in parts):
        raise ValueError("an object identifier is numbers with dots between them")
    found = tuple(map(int, parts))
    if not _LEAST_ARCS <= len(found) <= _MOST_ARCS or found[0] > 2 or max(found) >= 1 << 32:  # noqa: PLR2004
        raise ValueError("this is no object identifier")
    return found


def dotted(oid: Iterable[int]) -> str:
    """Return an object identifier as people write it."""
    return ".".join(map(str, oid))


def columns(root: Oid) -> Generator[Question, tuple[Bind, ...], dict[Oid, Value]]:
    """Read everything below *root*, by what follows *root* in its name; at most `MOST_ROWS`.

    An agent whose names do not grow would have us walk for ever, and ends the walk.
    """
    found: dict[Oid, Value] = {}
    latest = root
    while len(found) < MOST_ROWS:
        answer = yield Question((latest,), STRETCH)
        for bind in answer:
            inside = bind.oid[: len(root)] == root
            if not inside or bind.oid <= latest or bind.value.tag in ber.MISSING:
                return found
            found[bind.oid[len(root) :]] = bind.value
            latest = bind.oid
        if not answer:
            return found
    return found
