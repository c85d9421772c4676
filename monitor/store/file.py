"""The file as the writer's thread knows it: opened, written, tended and closed there, nowhere else."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, StaticPool, Table, create_engine, func, select
from sqlalchemy.exc import OperationalError

from monitor.core.alarm import Alarm, Notice
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.planned import Work
from monitor.core.record import Kept
from monitor.kit import crash
from monitor.store import audit, backup, lock, mend, retention, tables
from monitor.store.alarm_rows import alarm_of, notice_of
from monitor.store.batch import Batch, Run, write
from monitor.store.database import bare, connect, quick_check, revision
from monitor.store.files import BESIDE, beside
from monitor.store.migration import STEPS, migrate
from monitor.store.rows import incident_of, kept_of, planned_of, status_of
from monitor.store.trouble import DamagedError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found in the file when it was opened."""

    identity: str
    last: int
    """Position of the latest event; 0: there is none."""
    places: dict[str, int] = field(default_factory=dict)
    checks: dict[str, Kept] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    planned: dict[str, Work] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    seen_at: float = 0.0
    """Wall time of the latest sign of life; 0: there was none."""
    unclean: bool = False
    """The latest run did not close the log."""
    act: str = ""
    """Name of the latest act of a person; empty: there is none."""


class LogFile:
    """The database of one log; every method blocks and belongs to the writer's thread."""

    def __init__(self, path: Path, backups: Path, steps: Path = STEPS) -> None:
        self.path = path
        self._steps = steps
        self.backups = backups
        """Folder of the backups."""
        self._engine: Engine | None = None
        self._lock: lock.Lock | None = None
        self._inodes: dict[Path, int] = {}
        """Of the file, and of what SQLite keeps beside it."""
        self._replaced = False
        self._wal = 0
        """Bytes of the write-ahead log when we last wrote."""

    def open(self, *, verify: bool) -> Opened:
        """Open the file, make it if there never was one, and read what earlier runs left.

        With *verify* every page is looked at, and what was committed is brought into the file anew: after the
        disk has failed, what seems to be written may be in memory only. Raises DamagedError for a file that
        is not sound or has vanished, LockedError, NewerError, and what the disk and SQLAlchemy raise.
        """
        self.close()
        if self._lock is None:
            self._lock = lock.claim(self.path)
        self._see_that_it_is_there()
        engine = self._engine = connect(self.path, writes=True, create=True)
        try:
            self._see_that_it_is_not_empty(engine)
            migrate(engine, self.path, self._keep, self._steps)
            if verify:
                self._verify(engine)
            with engine.connect() as connection:
                return self._load(connection)
        except BaseException:
            self.close()
            raise
        finally:
            files = (self.path, *(beside(self.path, suffix) for suffix in BESIDE))
            self._inodes = {file: _inode(file) for file in files}
            self._note_wal()
            _keep_private(files)

    def peek(self) -> Opened:
        """Read what earlier runs left in a file that cannot be opened for writing. Raises sqlite3.Error."""
        with contextlib.closing(backup.reading(self.path)) as connection:
            engine = create_engine("sqlite+pysqlite://", creator=lambda: connection, poolclass=StaticPool)
            with engine.connect() as peeking:
                return self._load(peeking)

    def commit(self, batch: Batch) -> float:
        """Write *batch* in one transaction; return the seconds that it took. Raises as `batch.write`."""
        engine = self._opened()
        self._see_that_it_is_ours(engine)
        began = time.perf_counter()
        crash.point("before_begin")
        with engine.begin() as connection:
            write(connection, batch)
            crash.point("before_commit")
        crash.point("after_commit")
        self._note_wal()
        return time.perf_counter() - began

    def last(self) -> int:
        """Return the position of the latest event in the file."""
        with self._opened().connect() as connection:
            return _last(connection)

    def prune(self, before: float) -> bool:
        """Take away some of the events recorded before wall time *before*; tell whether there are more."""
        with self._opened().begin() as connection:
            more = retention.prune(connection, before) == retention.CHUNK
        self._note_wal()
        return more

    def checkpoint(self, *, truncate: bool) -> None:
        """Bring what was committed from the write-ahead log into the file, as far as readers let us."""
        crash.point("in_checkpoint")
        with bare(self._opened()) as connection:
            connection.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if truncate else 'PASSIVE'})").fetchall()
        self._note_wal()
        crash.point("in_checkpoint")

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of the database and of its write-ahead log."""
        return _size(self.path), _size(beside(self.path, "-wal"))

    def end(self, run: Run | None) -> None:
        """Note that *run* ended well, and close."""
        if self._engine is None:
            return
        crash.point("in_shutdown")
        if run is not None:
            with self._engine.begin() as connection:
                write(connection, Batch(run=run))
        self.checkpoint(truncate=True)
        crash.point("in_shutdown")
        self.close()

    def leave(self) -> None:
        """Let others use the log."""
        self.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def close(self) -> None:
        """Let go of the file."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
        if self._replaced:
            self._replaced = False
            self._take_away_what_was_beside()

    def _opened(self) -> Engine:
        if self._engine is None:
            raise DamagedError("it is not open")
        return self._engine

    def _see_that_it_is_there(self) -> None:
        """Never begin anew in silence where there was a log before."""
        mend.finish(self.path)
        if self.path.exists():
            return
        if self._has_backup():
            raise DamagedError("it is gone, though there are backups of it")
        if _size(beside(self.path, "-wal")):
            raise DamagedError("it is gone, though its write-ahead log is there")

    def _see_that_it_is_not_empty(self, engine: Engine) -> None:
        with engine.connect() as connection:
            if revision(connection) is None and self._has_backup():
                raise DamagedError("it is empty, though there are backups of it")

    def _has_backup(self) -> bool:
        return bool(backup.every(self.backups, self.path.stem))

    def _see_that_it_is_ours(self, engine: Engine) -> None:
        """Notice a file that was moved or deleted under us: SQLite would go on writing into the void.

        What is deleted is still open here, and is written anew from there.
        """
        found = _inode(self.path)
        if not found:
            self._write_anew(engine)
            raise DamagedError("it was deleted while it was in use, and has been written anew")
        if found != self._inodes[self.path]:
            self._replaced = True
            raise DamagedError("another file was put in its place while it was in use")
        if _size(beside(self.path, "-wal")) < self._wal:
            raise DamagedError("its write-ahead log was cut short while it was in use")

    def _note_wal(self) -> None:
        self._wal = _size(beside(self.path, "-wal"))

    def _take_away_what_was_beside(self) -> None:
        """Take away what belongs to the file that was here before: SQLite would apply it to this one."""
        for file, inode in self._inodes.items():
            if file != self.path and inode and _inode(file) == inode:
                file.unlink(missing_ok=True)

    def _write_anew(self, engine: Engine) -> None:
        ready = mend.ready_for(self.path)
        ready.unlink(missing_ok=True)
        with bare(engine) as connection, contextlib.closing(sqlite3.connect(ready)) as copy:
            copy.execute("PRAGMA synchronous = FULL")
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        self.close()  # takes its write-ahead log away, which must not be taken for the new file's
        mend.finish(self.path)

    def _keep(self) -> None:
        backup.make(self.path, backup.path_for(self.backups, self.path.stem, time.time()))

    def _verify(self, engine: Engine) -> None:
        if found := quick_check(engine):
            raise DamagedError(found)
        self.checkpoint(truncate=True)

    def _load(self, connection: Connection) -> Opened:
        try:
            return _load(connection)
        except OperationalError as error:
            if "no such" in str(error.orig):
                raise DamagedError(str(error.orig)) from error
            raise


def _load(connection: Connection) -> Opened:
    meta, runs = tables.meta, tables.runs
    identity = connection.execute(select(meta.c.value).where(meta.c.key == "identity")).scalar()
    if not identity:
        raise DamagedError("it has no identity")
    last = _last(connection)
    places = {row.name: min(row.position, last) for row in connection.execute(select(tables.readers))}
    checks = {row.id: kept for row, kept in _read(connection, tables.checks, kept_of)}
    statuses = {row.subject: status for row, status in _read(connection, tables.statuses, status_of)}
    incidents = {row.id: incident for row, incident in _read(connection, tables.incidents, incident_of)}
    planned = {row.id: work for row, work in _read(connection, tables.planned, planned_of)}
    alarms = {row.id: alarm for row, alarm in _read(connection, tables.alarms, alarm_of)}
    notices = {row.id: notice for row, notice in _read(connection, tables.notices, notice_of)}
    latest = connection.execute(select(runs).order_by(runs.c.alive_at.desc()).limit(1)).one_or_none()
    seen_at, unclean = (latest.alive_at, latest.ended_at is None) if latest else (0.0, False)
    act = audit.latest(connection)
    states = (checks, statuses, incidents, planned, alarms, notices)
    return Opened(identity, last, places, *states, seen_at, unclean, act)


def _read(
    connection: Connection, table: Table, value_of: Callable[[Row[Any]], T]
) -> Iterator[tuple[Row[Any], T]]:
    """Give each row with its value; one with a word that we do not know is left out."""
    for row in connection.execute(select(table)):
        with contextlib.suppress(ValueError):
            yield row, value_of(row)


def _last(connection: Connection) -> int:
    return connection.execute(select(func.max(tables.events.c.position))).scalar() or 0


def _keep_private(files: Iterable[Path]) -> None:
    """Let nobody else read the log: it knows where the city is weak."""
    for file in files:
        with contextlib.suppress(OSError):
            file.chmod(0o600)


def _inode(path: Path) -> int:
    """Return what tells the file at *path* from another of the same name; 0: there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
