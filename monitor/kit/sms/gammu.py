"""The tables of gammu-smsd in SQLite (docs.gammu.org, "SMSD Database Structure", version 17).

Its folders would not do: only in the tables it writes down whether a message has arrived. A message stands
in `outbox` until it was sent, then in `sentitems`; `CreatorID` is its name, and word that was passed on is
marked there with a plus.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.kit.sms.spool import FEW, PREFIX, Arrived, Found, Heard, Parcel, Stage

PATIENCE = 5.0
"""Seconds for which another's lock is waited for."""
_LONG_AGO = "1970-01-01 00:00:00"
"""From when on a message may be sent: the tables' default is UTC, but smsd compares it with local time."""
_FAILED = frozenset({"SendingError", "Error"})

_WAITS = "SELECT SendingTimeOut >= datetime('now', 'localtime') FROM outbox WHERE CreatorID = ?"
_WENT = "SELECT Status, StatusCode FROM sentitems WHERE CreatorID IN (?, ? || '+') ORDER BY ID DESC LIMIT 1"
_LAY = (
    "INSERT INTO outbox (DestinationNumber, TextDecoded, Coding, DeliveryReport, CreatorID, Priority,"
    " SendingDateTime, SendingTimeOut) VALUES (?, ?, 'Unicode_No_Compression', ?, ?, ?, ?, ?)"
)
_WITHDRAW = "DELETE FROM outbox WHERE CreatorID = ? AND SendingTimeOut < datetime('now', 'localtime')"
_WORD = (
    "SELECT ID, CreatorID, Status = 'DeliveryOK' FROM sentitems WHERE CreatorID LIKE ? || '%'"
    " AND CreatorID NOT LIKE '%+' AND Status IN ('DeliveryOK', 'DeliveryFailed') ORDER BY ID LIMIT ?"
)
_HEARD = "SELECT ID, SenderNumber, TextDecoded FROM inbox WHERE Processed = 'false' ORDER BY ID LIMIT ?"
_FORGET = {
    "sentitems": "UPDATE sentitems SET CreatorID = CreatorID || '+' WHERE ID = ?",
    "inbox": "UPDATE inbox SET Processed = 'true' WHERE ID = ?",
}


class GammuSpool:
    """Rows in the tables of *database*."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def lay(self, parcel: Parcel) -> Found:
        """Write a row down; one of the same name that was not given up is enough."""
        with self._opened() as tables:
            tables.execute("BEGIN IMMEDIATE")
            found = _found(tables, parcel.name)
            if found.stage not in {Stage.GONE, Stage.FAILED}:
                return found
            report, priority = "yes" if parcel.report else "no", int(parcel.urgent)
            row = (f"+{parcel.number}", parcel.text, report, parcel.name, priority, _LONG_AGO, _LONG_AGO)
            tables.execute(_LAY, row)
        return Found(Stage.WAITING)

    def find(self, name: str) -> Found:
        """Return where the row is."""
        with self._opened() as tables:
            return _found(tables, name)

    def withdraw(self, name: str) -> bool:
        """Remove the row unless smsd has taken hold of it."""
        with self._opened() as tables:
            return tables.execute(_WITHDRAW, (name,)).rowcount > 0

    def back(self) -> Sequence[Arrived | Heard]:
        """Return word of our messages, and what came in."""
        with self._opened() as tables:
            words = tables.execute(_WORD, (PREFIX, FEW)).fetchall()
            heard = tables.execute(_HEARD, (FEW,)).fetchall()
        return [
            *(Arrived(f"sentitems/{row}", name, bool(arrived)) for row, name, arrived in words),
            *(Heard(f"inbox/{row}", sender, text) for row, sender, text in heard),
        ]

    def forget(self, token: str) -> None:
        """Mark the row."""
        table, _, row = token.partition("/")
        with self._opened() as tables:
            tables.execute(_FORGET[table], (int(row),))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Lend the tables for one transaction; it is undone if the block breaks off. Makes no file."""
        try:
            opened = sqlite3.connect(
                f"{self._database.absolute().as_uri()}?mode=rw", uri=True, timeout=PATIENCE
            )
            opened.text_factory = _legible
            with contextlib.closing(opened), opened:
                yield opened
        except sqlite3.Error as error:
            raise OSError(f"{self._database}: {error}") from error


def _legible(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _found(tables: sqlite3.Connection, name: str) -> Found:
    if (row := tables.execute(_WAITS, (name,)).fetchone()) is not None:
        return Found(Stage.SENDING if row[0] else Stage.WAITING)
    if (row := tables.execute(_WENT, (name, name)).fetchone()) is None:
        return Found(Stage.GONE)
    status, code = row
    if status in _FAILED:
        return Found(Stage.FAILED, f"{status} {code}")
    return Found(Stage.SENT)
