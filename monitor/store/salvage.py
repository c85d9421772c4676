"""What can still be read of a damaged log, and the damaged log itself, kept for a person to look at."""

import contextlib
import json
import math
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Float, Integer, Table, Text

from monitor.store import carve
from monitor.store.audit_carry import Carrying
from monitor.store.backup import reading
from monitor.store.files import BESIDE, beside, sync_folder
from monitor.store.lending import lent
from monitor.store.tables import (
    alarms,
    checks,
    events,
    gathered,
    incidents,
    notices,
    planned,
    readers,
    runs,
    statuses,
)
from monitor.store.walk import BATCH, Missing, Walk, end_of, select_all

_WIDTH = len(events.c)
_LONGEST_NAME = 500
_HIGHEST = 1 << 40
"""Position beyond which there is no event of ours: what says so is torn."""

Row = carve.Row


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a log and what SQLite keeps beside it to `log-city.aside-<stamp>.db` and return its new place.

    Where the file system has links there is, at every moment, a whole log under one of the two names, even if
    we are killed: one without its write-ahead log looks sound and lacks what was committed last. Raises
    OSError. Nobody may have it open.
    """
    number, aside = 1, path.with_name(f"{path.stem}.aside-{stamp}{path.suffix}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.aside-{stamp}-{number}{path.suffix}")
    pairs = [(path, aside)]
    pairs += [(beside(path, s), beside(aside, s)) for s in BESIDE if beside(path, s).exists()]
    if _linked(pairs):
        for old, _ in pairs:
            old.unlink()
    else:
        for old, new in pairs:
            old.replace(new)
    sync_folder(path.parent)
    return aside


def _linked(pairs: list[tuple[Path, Path]]) -> bool:
    """Give every file its second name; if that cannot be done for all, for none."""
    try:
        for old, new in pairs:
            new.unlink(missing_ok=True)
            os.link(old, new)
    except OSError:
        for _, new in pairs:
            new.unlink(missing_ok=True)
        return False
    return True


def salvage(broken: Path, into: Connection, after: int) -> int:
    """Bring what can be read of a damaged log over into a sound one; return how many events that was.

    *into* is the newest backup of the same log, or a new log, in a transaction of the caller's; nobody has
    *broken* open. Events beyond position *after* are brought over, and what was kept of checks, statuses,
    readers and runs if it can be read. How far other vantages' logs were taken in is brought over only if no
    event is missing: what is missing is then sent again. Tolerates whatever is in the file, and lets through
    only what *into* does not take.
    """
    rescue = _Rescue(broken, into, after)
    try:
        with lent(into, broken), contextlib.closing(reading(broken)) as damaged:
            rescue.by_the_tree(damaged)
    except (sqlite3.Error, OSError):
        pass  # what was not read is missing; it may lie in the pages
    rescue.by_the_pages()
    rescue.hold_readers_back()
    return rescue.count


class _Rescue:
    """One salvage under way."""

    def __init__(self, broken: Path, into: Connection, after: int) -> None:
        self._broken, self._into, self._after = broken, into, after
        self._end = after
        """The position up to which SQLite knew of events, or after which all are wanted anyway."""
        self.count = 0
        self.missing = Missing([(after, _HIGHEST)])
        """The positions at which there may be events that were not read."""
        self._acts = Carrying(into)

    @property
    def complete(self) -> bool:
        """Tell whether SQLite could read all events that it knew of."""
        return not self.missing

    def by_the_tree(self, damaged: sqlite3.Connection) -> None:
        """Take what SQLite can read: with the write-ahead log, and without rows that were deleted."""
        damaged.execute("BEGIN")  # one state of it, for all tables
        end = end_of(damaged)
        if end is not None:
            walk = Walk(damaged)
            self._add(walk.rows(self._after, end))
            self.missing = walk.missing(self._after, end)
            self._end = max(self._after, end)
        for table in (checks, statuses, incidents, planned, alarms, notices):
            _replace(self._into, table, _all(damaged, table))
        for table in (readers, runs):
            _merge(self._into, table, _all(damaged, table) or [])
        if self.complete:
            _merge(self._into, gathered, _all(damaged, gathered) or [])
        self._acts.by_the_tree(damaged)

    def by_the_pages(self) -> None:
        """Take what lies in pages to which nothing leads any more."""
        size = int(self._into.exec_driver_sql("PRAGMA page_size").scalar_one())
        self._acts.by_the_pages(self._broken, size)
        self._acts.write()
        with contextlib.suppress(OSError):
            if not self.complete:
                self._add_carved(carve.rows_of_file(self._broken, size, self._wanted, _WIDTH))
        wal = beside(self._broken, "-wal")
        with contextlib.suppress(OSError):
            self._add_carved(carve.rows_of_wal(wal, self._broken, self._wanted, _WIDTH))

    def hold_readers_back(self) -> None:
        """See that no reader is ahead of the log: it would miss what is recorded next."""
        end = "(SELECT coalesce(max(position), 0) FROM events)"
        self._into.exec_driver_sql(f"UPDATE readers SET position = min(position, {end})")  # noqa: S608

    def _wanted(self, position: int) -> bool:
        return self._end < position <= _HIGHEST or position in self.missing

    def _add_carved(self, found: Iterable[tuple[int, Row]]) -> None:
        # In a record the position is NULL: it is the rowid that stands before it.
        self._add((rowid, *row[1:]) for rowid, row in found if row[0] is None)

    def _add(self, rows: Iterable[Row]) -> None:
        batch: list[Row] = []
        for row in rows:
            if _fits(events, row) and _is_event(row):
                batch.append(row)
            if len(batch) == BATCH:
                self._write(batch)
                batch = []
        self._write(batch)

    def _write(self, rows: list[Row]) -> None:
        before = self._changes()
        _insert(self._into, "INSERT OR IGNORE", events, rows)
        self.count += self._changes() - before

    def _changes(self) -> int:
        return int(self._into.exec_driver_sql("SELECT total_changes()").scalar_one())


def _all(damaged: sqlite3.Connection, table: Table) -> list[Row] | None:
    """Return the rows of a small table; None: it cannot be read as a whole."""
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        rows = damaged.execute(select_all(table)).fetchall()
        return [row for row in rows if _fits(table, row)]
    return None


def _replace(into: Connection, table: Table, rows: list[Row] | None) -> None:
    if rows is not None:
        into.exec_driver_sql(f"DELETE FROM {table.name}")  # noqa: S608 - a name of ours
        _insert(into, "INSERT OR REPLACE", table, rows)


def _merge(into: Connection, table: Table, rows: list[Row]) -> None:
    _insert(into, "INSERT OR REPLACE", table, rows)


def _insert(into: Connection, how: str, table: Table, rows: list[Row]) -> None:
    """Write rows as they are, without a detour by the types of Python."""
    if rows:
        places = ", ".join("?" for _ in table.c)
        columns = ", ".join(column.name for column in table.c)
        into.exec_driver_sql(f"{how} INTO {table.name} ({columns}) VALUES ({places})", rows)


def _fits(table: Table, row: Row) -> bool:
    """Tell whether every value is of its column's type: in a torn page anything may stand."""
    return all(
        _is(column.type, value) or (value is None and column.nullable)
        for column, value in zip(table.c, row, strict=True)
    )


def _is(kind: Any, value: carve.Value) -> bool:  # noqa: ANN401 - as SQLAlchemy has it
    if isinstance(kind, Text):
        return isinstance(value, str)
    if isinstance(kind, Integer):
        return isinstance(value, int)
    return isinstance(kind, Float) and isinstance(value, int | float) and math.isfinite(value)


def _is_event(row: Row) -> bool:
    said = dict(zip(events.c.keys(), row, strict=True))
    names = [str(said[key]) for key in ("vantage", "boot", "kind")]
    if not all(0 < len(name) <= _LONGEST_NAME and name.isprintable() for name in names):
        return False
    with contextlib.suppress(ValueError, RecursionError):
        return isinstance(json.loads(str(said["data"])), dict)
    return False
