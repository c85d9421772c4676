"""How the file is opened: real transactions, write-ahead log, every commit on the disk before it counts."""

import contextlib
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from monitor.store.tables import APPLICATION
from monitor.store.trouble import DamagedError, StoreError

BUSY = 1.0
"""Seconds that SQLite waits for another program's lock before it says so."""
WAL_KEPT = 16 * 1024 * 1024
"""Bytes to which the write-ahead log shrinks once it has been brought into the file."""
CACHE = 512
"""KiB of the file that each connection keeps: full after some hundred events; the system keeps the rest."""

_ALWAYS = {
    "foreign_keys": 1,
    "busy_timeout": round(BUSY * 1000),
    "trusted_schema": 0,
    "cache_size": -CACHE,
}
_WRITER = {
    "synchronous": 2,  # FULL: a commit has reached the disk when it returns
    "wal_autocheckpoint": 0,  # between commits instead, see `upkeep`
    "journal_size_limit": WAL_KEPT,
    "secure_delete": 0,
}
_READER = {"query_only": 1}


def connect(path: Path, *, writes: bool, create: bool = False) -> Engine:
    """Return an engine with one connection, for one thread at a time; the file is opened when it is used.

    A writer's transactions begin with `BEGIN IMMEDIATE`, so that none fails half-way for a lock. Raises
    DamagedError (at the first use) for a file that is not a log of ours.
    """
    pragmas = _ALWAYS | (_WRITER if writes else _READER)
    mode = "rwc" if create else "rw"
    uri = f"file:{quote(str(path))}?mode={mode}"

    def open_file() -> sqlite3.Connection:
        # Python's own handling of transactions commits before DDL; without it, ours are what they say.
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path, pragmas, writes=writes)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite+pysqlite://", creator=open_file, poolclass=QueuePool, pool_size=1, max_overflow=0
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare(connection: sqlite3.Connection, path: Path, pragmas: dict[str, int], *, writes: bool) -> None:
    """Set what must hold and see that it does; a setting that silently does not take has cost others data."""
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    connection.execute(f"PRAGMA busy_timeout = {_ALWAYS['busy_timeout']}")
    application = _asked(connection, "application_id")
    if application not in (APPLICATION, 0) or (application == 0 and _asked(connection, "schema_version")):
        raise DamagedError("it is not a log of command-monitor")
    if writes:
        mode = _asked(connection, "journal_mode = WAL")
        if mode != "wal":
            raise StoreError(
                f"{path}: its file system knows no write-ahead log (journal_mode is {mode}); use a local disk"
            )
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name} = {value}")
        if _asked(connection, name) != value:
            raise StoreError(
                f"{path}: SQLite does not take {name} = {value}; use a build of SQLite that does"
            )


def _asked(connection: sqlite3.Connection, pragma: str) -> object:
    row = connection.execute(f"PRAGMA {pragma}").fetchone()
    return row[0] if row else None


@contextlib.contextmanager
def bare(engine: Engine) -> Iterator[sqlite3.Connection]:
    """Give the connection itself, outside any transaction, for what SQLite does in none."""
    raw = engine.raw_connection()
    try:
        connection = raw.driver_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"{connection!r} is no connection of sqlite3")
        yield connection
    finally:
        raw.close()


def quick_check(engine: Engine) -> str:
    """Return what SQLite finds wrong with the file, in one line; empty: nothing."""
    with bare(engine) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    return "" if found == ["ok"] else "; ".join(" ".join(line.split()) for line in found)[:200]


def revision(connection: Connection) -> str | None:
    """Return the number of the latest migration of this file; None: there was none yet."""
    there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if not connection.exec_driver_sql(there).scalar():
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
