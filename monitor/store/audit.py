"""What people did, in a chain: each row holds the hash of the one before, so that none can be changed unseen.

The hash of a row is SHA-256 over the canonical JSON of all its other columns: keys sorted, no blanks, UTF-8.
Where the chain ends is kept in `meta`, and where it was cut, once the oldest part has gone.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from monitor.core.act import Act
from monitor.store.rows import Values, written
from monitor.store.tables import audit, meta

HEAD, ANCHOR = "audit_head", "audit_anchor"
"""What `meta` calls the end of the chain, and the latest row that has gone from its beginning."""
LATEST = 256
"""Acts that are kept in memory though they are recorded, and in the file however old they are."""
CHUNK = 1000
"""Acts that go in one transaction."""
NOTHING = "0" * 64
"""The hash before the first row."""


class Link(NamedTuple):
    """A place in the chain."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


START = Link(0, NOTHING)


@dataclass(frozen=True, slots=True)
class Entry:
    """An act under a name of its own: by it, what may have been written before is known again."""

    name: str
    act: Act


def enter(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add *entries* to the chain, in order, without those that are in it; in the caller's transaction."""
    fresh = [entry for entry in entries if not _is_there(connection, entry.name)]
    if not fresh:
        return
    last = head(connection)
    # A row that was smuggled in beyond the end must not keep us from going on; the chain will tell of it.
    highest = connection.execute(select(func.max(audit.c.number))).scalar() or 0
    rows = []
    for number, entry in enumerate(fresh, max(last.number, highest) + 1):
        row = _row(entry) | {"number": number, "before": last.hash}
        last = Link(number, digest(row))
        rows.append(row | {"hash": last.hash})
    connection.execute(insert(audit), rows)
    put(connection, HEAD, last)


def digest(row: Mapping[str, Any]) -> str:
    """Return the hash of a row, given by column; its own hash, if it has one, is left out."""
    content = {key: value for key, value in row.items() if key != "hash"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def head(connection: Connection) -> Link:
    """Return where the chain ends."""
    last = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    row = connection.execute(last).one_or_none()
    return noted(connection, HEAD) or (Link(*row) if row else noted(connection, ANCHOR)) or START


def noted(connection: Connection, key: str) -> Link | None:
    """Return the place that is noted as HEAD or ANCHOR; None: there is none, or none that can be read."""
    return link_of(connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar())


def link_of(text: str | None) -> Link | None:
    """Read a place in the chain as `meta` has it."""
    number, _, value = (text or "").partition(" ")
    return Link(int(number), value) if number.isascii() and number.isdigit() and value else None


def put(connection: Connection, key: str, link: Link) -> None:
    """Note a place as HEAD or ANCHOR."""
    row = upsert(meta).values(key=key, value=str(link))
    connection.execute(row.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": str(link)}))


def cut(connection: Connection, before: float, keep: int = LATEST) -> int:
    """Take away the oldest acts, all of them from before wall time *before*, and say how many.

    The hash of the last that goes stays as the anchor of the others; the *keep* newest stay in any case. No
    more than CHUNK go at once.
    """
    number = audit.c.number
    first, last = connection.execute(select(func.min(number), func.max(number))).one()
    young = connection.execute(select(func.min(number)).where(audit.c.at >= before)).scalar()
    upto = min((last or 0) - keep, (young or math.inf) - 1, (first or 0) + CHUNK - 1)
    end = select(number, audit.c.hash).where(number <= upto).order_by(number.desc()).limit(1)
    row = connection.execute(end).one_or_none()
    if row is None:
        return 0
    put(connection, ANCHOR, Link(*row))
    return connection.execute(delete(audit).where(number <= row.number)).rowcount


def latest(connection: Connection) -> str:
    """Return the name of the latest act; empty: there is none."""
    last = select(audit.c.name).order_by(audit.c.number.desc()).limit(1)
    return connection.execute(last).scalar() or ""


def given_up(entries: Iterable[Entry], name: str) -> Entry:
    """Return an act of nobody that says how many others are missing in its place."""
    acts = [entry.act for entry in entries]
    count = sum(int(str(act.data["count"])) if act.what == LOST else 1 for act in acts)
    data = {"count": count, "from": acts[0].at, "to": acts[-1].at}
    return Entry(name, Act(acts[-1].at, "", None, "daemon", LOST, "", data))


LOST = "audit/lost"


def _is_there(connection: Connection, name: str) -> bool:
    return connection.execute(select(audit.c.number).where(audit.c.name == name)).first() is not None


def _row(entry: Entry) -> Values:
    act = entry.act
    return {
        "name": entry.name,
        "at": float(act.at) if math.isfinite(act.at) else 0.0,
        "who": _text(act.who),
        "uid": act.uid,
        "via": _text(act.via),
        "act": _text(act.what),
        "subject": _text(act.subject),
        "data": written(dict(act.data)),
    }


def _text(text: str) -> str:
    """Return *text* as UTF-8 can hold it."""
    return text.encode(errors="replace").decode()
