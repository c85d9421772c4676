"""The acts of one file brought over into another: what people did outlasts the file in which it was written.

A backup is a beginning of the same chain. What came after it is taken from the log that gives way to it, row
by row as it was written: nothing is numbered or chained anew, so what cannot be read is seen to be missing.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from monitor.store import carve
from monitor.store.audit import ANCHOR, HEAD, START, Link, digest, head, link_of, put
from monitor.store.files import beside
from monitor.store.tables import audit
from monitor.store.walk import select_all

MOST = 1_000_000
"""Acts that are looked for one by one where the tree that leads to them is torn."""
_WIDTH = len(audit.c)

Row = carve.Row


class Carrying:
    """Acts on their way out of one file and into another, which has the chain up to some place."""

    def __init__(self, into: Connection) -> None:
        self._into = into
        self._after = head(into)
        self._rows: dict[int, Row] = {}
        self._anchor = self._head = START
        self._is_strange, self._is_torn = False, True

    def by_the_tree(self, source: sqlite3.Connection) -> None:
        """Take what SQLite can read; tolerates whatever is in the file."""
        factory, source.text_factory = source.text_factory, lambda raw: raw.decode(errors="replace")
        known = False
        try:
            with contextlib.suppress(sqlite3.Error):
                self._head, self._anchor = _noted(source, HEAD), _noted(source, ANCHOR)
                known = True
            self._is_strange = _is_strange(source, self._after)
            self._rows = {
                int(str(row[0])): row for row in _read(source, self._after.number, self._head.number)
            }
        finally:
            source.text_factory = factory
        begin = max(self._after.number, self._anchor.number)
        self._is_torn = not known or len(self._rows) < self._head.number - begin

    def by_the_pages(self, broken: Path, page_size: int) -> None:
        """Take what lies in pages to which nothing leads any more, if its hash says that it is whole."""
        if not self._is_torn:
            return
        with contextlib.suppress(OSError):
            self._add_carved(carve.rows_of_file(broken, page_size, self._is_wanted, _WIDTH))
        with contextlib.suppress(OSError):
            self._add_carved(carve.rows_of_wal(beside(broken, "-wal"), broken, self._is_wanted, _WIDTH))

    def write(self) -> int:
        """Write them, in order; return how many. Another chain, or none, leaves the file as it is."""
        if self._is_strange:
            return 0
        last = self._pass_anchor()
        count = 0
        for number in sorted(self._rows):
            if number > last.number and self._insert(self._rows[number]):
                last = Link(number, str(self._rows[number][-1]))
                count += 1
        if count or self._head.number > last.number:
            put(self._into, HEAD, self._head if self._head.number >= last.number else last)
        return count

    def _pass_anchor(self) -> Link:
        """Do without what the other file had cut off, with right, so that what comes now follows on it."""
        if self._anchor.number <= self._after.number:
            return self._after
        put(self._into, ANCHOR, self._anchor)
        self._into.execute(audit.delete().where(audit.c.number <= self._anchor.number))
        return self._anchor

    def _insert(self, row: Row) -> bool:
        places = ", ".join("?" for _ in row)
        try:
            with self._into.begin_nested():
                self._into.exec_driver_sql(f"INSERT INTO audit VALUES ({places})", row)  # noqa: S608
        except DBAPIError:
            return False  # torn into what the file does not take
        return True

    def _is_wanted(self, number: int) -> bool:
        return self._after.number < number <= self._after.number + MOST and number not in self._rows

    def _add_carved(self, found: Iterable[tuple[int, Row]]) -> None:
        # In a record the number is NULL: it is the rowid that stands before it.
        for number, row in found:
            whole = (number, *row[1:])
            said = dict(zip(audit.c.keys(), whole, strict=True))
            if row[0] is None and number > self._anchor.number and digest(said) == said["hash"]:
                self._rows[number] = whole


def carry(source: sqlite3.Connection, into: Connection) -> int:
    """Bring over into *into*, in a transaction of the caller's, what *source* has besides; say how many."""
    carrying = Carrying(into)
    carrying.by_the_tree(source)
    return carrying.write()


def _noted(source: sqlite3.Connection, key: str) -> Link:
    found = source.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return (link_of(str(found[0])) if found else None) or START


def _is_strange(source: sqlite3.Connection, after: Link) -> bool:
    """Tell whether *source* holds another act where the chain of the other file ends."""
    with contextlib.suppress(sqlite3.Error):
        found = source.execute("SELECT hash FROM audit WHERE number = ?", (after.number,)).fetchone()
        return found is not None and found[0] != after.hash
    return False


def _read(source: sqlite3.Connection, after: int, end: int) -> Iterator[Row]:
    """Give the rows after number *after*; where some cannot be read, those around them one by one."""
    query = f"{select_all(audit)} WHERE number > ? ORDER BY number"
    try:
        for row in source.execute(query, (after,)):
            after = row[0]
            yield row
    except sqlite3.Error:
        one = f"{select_all(audit)} WHERE number = ?"
        for number in range(after + 1, min(end, after + MOST) + 1):
            with contextlib.suppress(sqlite3.Error):
                yield from source.execute(one, (number,))
