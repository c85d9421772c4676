"""Whether the chain of acts is whole, and where it is not: every break is named by the row that is at fault.

A row is at fault if its hash is not that of its content. One that was rewritten with a hash to match is given
away by the row after it, which holds the hash that it had; the last row by the head that is noted.
"""

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from monitor.store.audit import ANCHOR, HEAD, START, Link, digest, link_of
from monitor.store.backup import reading
from monitor.store.tables import audit
from monitor.store.walk import select_all

MOST = 100
"""Breaks that are told; of more it is only known that there are more."""

Row = Mapping[str, Any]


class Why(StrEnum):
    """What is wrong with a row."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    NO_HEAD = "no_head"
    """Nothing says where the chain ends: whatever came after this row may be missing."""


@dataclass(frozen=True, slots=True)
class Break:
    """One place at which the chain does not hold."""

    number: int
    why: Why
    row: Row | None = None
    """What stands there now; None: nothing."""
    count: int = 1
    """Rows that are missing in a row."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look through the chain has shown."""

    count: int
    """Acts that are there."""
    first: Row | None
    last: Row | None
    head: Link
    """Where the chain ends, to be compared with what was noted elsewhere."""
    cut: int
    """Acts that have gone with time."""
    breaks: tuple[Break, ...]
    agrees: bool | None = None
    """The hash that was noted elsewhere is here; None: none was given, or that act has gone."""

    @property
    def whole(self) -> bool:
        """Tell whether nothing speaks against the record."""
        return not self.breaks and self.agrees is not False


def acts(path: Path) -> Iterator[Row]:
    """Give the rows of the log at *path*, in use or not, in order; a version that kept none leaves none.

    Raises sqlite3.Error.
    """
    with _looking(path) as connection:
        yield from _rows(connection) or ()


def end_of(path: Path) -> Link:
    """Return where the chain in the log at *path* ends, as it is noted. Raises sqlite3.Error."""
    with _looking(path) as connection:
        found = connection.execute("SELECT value FROM meta WHERE key = ?", (HEAD,)).fetchone()
        return (link_of(found[0]) if found else None) or START


def check_file(path: Path, noted: Link | None = None) -> Checked | None:
    """Look through the log at *path*, in use or not; None: it is of a version that kept no acts.

    *noted*: where it ended once, as it was told then; it has to be a part of what is there now. Raises
    sqlite3.Error.
    """
    with _looking(path) as connection:
        rows = _rows(connection)
        if rows is None:
            return None
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        head, anchor = link_of(meta.get(HEAD)), link_of(meta.get(ANCHOR))
        found = check(rows, head=head, anchor=anchor)
        return found if noted is None else replace(found, agrees=_is_there(connection, noted, anchor))


@contextmanager
def _looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Give one state of a log, though acts are added meanwhile; torn text is read as far as it goes."""
    with closing(reading(path)) as connection:
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        connection.execute("BEGIN")
        yield connection


def _rows(connection: sqlite3.Connection) -> Iterator[Row] | None:
    there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'audit'"
    if not connection.execute(there).fetchone()[0]:
        return None
    found = connection.execute(f"{select_all(audit)} ORDER BY number")
    return (dict(zip(audit.c.keys(), row, strict=True)) for row in found)


def _is_there(connection: sqlite3.Connection, noted: Link, anchor: Link | None) -> bool | None:
    if anchor is not None and noted.number <= anchor.number:
        return None if noted.number < anchor.number else noted.hash == anchor.hash
    there = connection.execute("SELECT hash FROM audit WHERE number = ?", (noted.number,)).fetchone()
    return there is not None and there[0] == noted.hash


def check(rows: Iterable[Row], *, head: Link | None, anchor: Link | None = None) -> Checked:
    """Look through *rows*, in the order of their numbers, from where the chain was cut to where it ends."""
    walk = _Walk(anchor or START, head)
    padded = itertools.chain(rows, [None])
    for row, following in itertools.pairwise(padded):
        if row is not None:
            walk.step(row, following)
    walk.end()
    return walk.told()


class _Walk:
    """One look through a chain, row by row."""

    def __init__(self, anchor: Link, head: Link | None) -> None:
        self._anchor, self._head = anchor, head
        self._at = anchor
        """The number reached, and the hash that the next row has to hold."""
        self._shift = 0
        """By how much later rows are numbered higher than when they were written."""
        self._count = 0
        self._first: Row | None = None
        self._last: Row | None = None
        self._breaks: list[Break] = []

    def step(self, row: Row, following: Row | None) -> None:
        """Look at *row*, knowing the one after it."""
        number = int(row["number"])
        if number <= self._at.number:
            self._blame(number, Why.INSERTED, row)  # before the place where the chain was cut
            return
        if number > self._at.number + 1:
            missing = number - self._at.number - 1
            self._blame(self._at.number + 1, Why.MISSING, None, missing)
            self._at = Link(number - 1, row["before"])
        sound = self._look_at(row, following)
        self._at = Link(number, row["hash"] if sound or following is None else following["before"])
        self._count += 1
        self._first, self._last = self._first or row, row

    def end(self) -> None:
        """Compare the end with what is noted of it."""
        head, last = self._head, self._last
        if head is None:
            if last is not None:
                self._blame(int(last["number"]), Why.NO_HEAD, last)
            return
        missing = head.number + self._shift - self._at.number
        if missing > 0:
            self._blame(self._at.number + 1, Why.MISSING, None, missing)
        elif missing < 0:
            self._blame(head.number + self._shift + 1, Why.INSERTED, last)
        elif last is not None and head.hash != last["hash"]:
            self._blame(int(last["number"]), Why.CHANGED, last)

    def told(self) -> Checked:
        """Return what was found."""
        breaks = tuple(sorted(self._breaks, key=lambda one: one.number))
        head = self._head or self._at
        return Checked(self._count, self._first, self._last, head, self._anchor.number, breaks)

    def _look_at(self, row: Row, following: Row | None) -> bool:
        """Tell whether *row* is what was written; if it is not, or gives another one away, say so."""
        number, last = int(row["number"]), self._last
        if not _is_whole(row, self._shift):
            if self._notice_shift(row, following):
                return True
            self._blame(number, Why.CHANGED, row)
            return False
        if row["before"] == self._at.hash:
            return True
        if not self._is_vouched_for(row, following) or last is None:
            self._blame(number, Why.CHANGED, row)
            return False
        why = Why.INSERTED if row["before"] == last["before"] else Why.CHANGED
        self._blame(int(last["number"]), why, last)
        return True

    def _is_vouched_for(self, row: Row, following: Row | None) -> bool:
        """Tell whether what comes after *row* holds its hash."""
        known = self._head and self._head.hash if following is None else following["before"]
        return bool(known == row["hash"])

    def _notice_shift(self, row: Row, following: Row | None) -> bool:
        """Tell whether from *row* on all is numbered anew, because of a row that came or went before it."""
        for by, why in ((1, Why.INSERTED), (-1, Why.MISSING)):
            shift = self._shift + by
            rows = (row,) if following is None else (row, following)
            if all(_is_whole(one, shift) for one in rows):
                self._shift = shift
                came = why is Why.INSERTED
                self._blame(self._at.number + (not came), why, self._last if came else None)
                return True
        return False

    def _blame(self, number: int, why: Why, row: Row | None, count: int = 1) -> None:
        if len(self._breaks) < MOST and all(one.number != number for one in self._breaks):
            self._breaks.append(Break(number, why, row, count))


def _is_whole(row: Row, shift: int) -> bool:
    """Tell whether the hash of *row* is that of its content, under the number that it had."""
    return bool(digest({**row, "number": int(row["number"]) - shift}) == row["hash"])
