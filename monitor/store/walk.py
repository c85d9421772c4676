"""A damaged log as far as SQLite can read it: what leads to an event must be whole, and so must its page."""

import contextlib
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator

from sqlalchemy import Table

from monitor.store.carve import Row
from monitor.store.tables import events

BATCH = 1000
"""Rows that are read and written at once."""
FINEST = 16
"""Positions at which a range that cannot be read is not halved any more: its pages are looked at instead."""
MOST_FAILURES = 20_000
"""Ranges that cannot be read after which nothing but the pages is looked at."""

Span = tuple[int, int]


class Missing:
    """Spans of positions, ascending, each without its beginning and with its end."""

    def __init__(self, spans: list[Span]) -> None:
        """Hold these spans, which are in order."""
        self._spans = spans

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __contains__(self, position: int) -> bool:
        at = bisect_left(self._spans, position, key=lambda span: span[1])
        return at < len(self._spans) and self._spans[at][0] < position


class Walk:
    """Reads events by ranges of positions, halving what cannot be read."""

    def __init__(self, damaged: sqlite3.Connection) -> None:
        """Read from *damaged*."""
        self._damaged = damaged
        self._query = (
            f"{select_all(events)} WHERE position > ? AND position <= ? ORDER BY position LIMIT {BATCH}"
        )
        self.failed: list[Span] = []
        """Spans that could not be read."""
        self._read = self._latest = 0

    def missing(self, low: int, high: int) -> Missing:
        """Return where events between *low* and *high* may be missing, after all `rows` were taken.

        A page that holds what belongs elsewhere looks sound; but then an index knows of more or fewer events.
        """
        query = (
            "SELECT count(*) FROM events INDEXED BY events_recorded_at "
            "WHERE recorded_at > -1e300 AND position > ? AND position <= ?"
        )
        if not self.failed:
            try:
                ((known,),) = self._damaged.execute(query, (low, high)).fetchall()
            except sqlite3.Error:
                known = None
            if known != self._read:
                return Missing([(low, high)])
        return Missing(self.failed)

    def rows(self, low: int, high: int) -> Iterator[Row]:
        """Give the events at positions above *low* up to *high*, as far as they can be read, in order."""
        ranges, failures = [(low, high)], 0
        while ranges:
            low, high = ranges.pop()
            try:
                rows = self._damaged.execute(self._query, (low, high)).fetchall()
            except (sqlite3.Error, UnicodeDecodeError):
                failures += 1
                if failures > MOST_FAILURES:
                    self.failed += [(low, high), *reversed(ranges)]
                    return
                if high - low > FINEST:
                    middle = (low + high) // 2
                    ranges += [(middle, high), (low, middle)]
                else:
                    self.failed.append((low, high))
                continue
            yield from self._ascending(rows)
            if len(rows) == BATCH and low < rows[-1][0] < high:
                ranges.append((rows[-1][0], high))

    def _ascending(self, rows: list[Row]) -> Iterator[Row]:
        """Leave out what comes from a page that stands in another's place."""
        for row in rows:
            position = row[0]
            if isinstance(position, int) and position > self._latest:
                self._latest = position
                self._read += 1
                yield row


def end_of(damaged: sqlite3.Connection) -> int | None:
    """Return the position of the latest event, by whichever way leads to it."""
    for way in (
        "SELECT max(position) FROM events",
        "SELECT position FROM events ORDER BY recorded_at DESC LIMIT 1",
    ):
        with contextlib.suppress(sqlite3.Error):
            found = damaged.execute(way).fetchone()
            return int(found[0] or 0) if found else 0
    return None


def select_all(table: Table) -> str:
    """Return the query for all columns of a table, in order."""
    columns = ", ".join(column.name for column in table.c)
    return f"SELECT {columns} FROM {table.name}"  # noqa: S608 - names of ours
