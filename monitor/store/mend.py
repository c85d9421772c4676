"""What is done about a damaged log: the newest backup takes its place, with all that can still be read.

The new file is made beside the damaged one and takes its place in one step; killed at any moment, a restart
either finds the damaged file and begins again, or finds the new one complete.
"""

import contextlib
import errno
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select

from monitor.store import backup, salvage, tables
from monitor.store.database import bare, connect
from monitor.store.files import BESIDE, beside, stamp, sync_folder
from monitor.store.migration import migrate


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a damaged log."""

    aside: Path | None
    """Where it is now; None: there was no file at all."""
    restored_from: Path | None
    """The backup that took its place; None: there was none, the log begins anew."""
    salvaged: int
    """Events that could be brought over from the damaged file."""

    def told(self, path: Path, why: str) -> str:
        """Say what was done about the log at *path*, which was damaged: *why*."""
        where = f"is now {self.aside}" if self.aside else "left nothing behind"
        if self.restored_from is not None:
            instead = f"the backup {self.restored_from} has taken its place"
        else:
            instead = "there was no backup, so the log begins anew"
        return (
            f"{path} was damaged ({why}) and {where}; {instead}, with {self.salvaged} events brought over; "
            "please look into it."
        )


def mend(path: Path, backups: Path) -> Mended:
    """Replace the damaged log at *path* by the newest backup in *backups* and what can be salvaged.

    Nobody may have it open. Raises BackupError, OSError and what SQLAlchemy raises; then it is where it was.
    """
    new, ready = path.with_name(f"{path.stem}.mending{path.suffix}"), ready_for(path)
    for file in (new, ready):
        _remove(file)
    if _size(beside(path, "-wal")):
        path.touch()  # what was committed last is still there
    source = backup.newest(backups, path.stem)
    try:
        if source is not None:
            backup.restore(source, new)
        salvaged = _fill(new, path)
    except BaseException:
        _remove(new)
        raise
    new.replace(ready)
    aside = salvage.set_aside(path, stamp(time.time())) if path.exists() else None
    _take_place(ready, path)
    return Mended(aside, source, salvaged)


def finish(path: Path) -> None:
    """Complete what was interrupted after the damaged file had been set aside."""
    ready = ready_for(path)
    if ready.exists() and not path.exists():
        _take_place(ready, path)


def ready_for(path: Path) -> Path:
    """Return where a new file waits, complete, until it takes the place of *path*."""
    return path.with_name(f"{path.stem}.mended{path.suffix}")


def _fill(new: Path, broken: Path) -> int:
    """Bring *new* to its latest shape, and into it all that can be read of *broken*; leave one file."""
    engine = connect(new, writes=True, create=True)
    try:
        migrate(engine, new, lambda: None)
        salvaged = _salvage(engine, broken) if broken.exists() else 0
        with bare(engine) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        engine.dispose()
    if beside(new, "-wal").exists():
        raise OSError(errno.EIO, "the write-ahead log could not be brought into the file", str(new))
    return salvaged


def _salvage(engine: Engine, broken: Path) -> int:
    with engine.begin() as connection:
        after = connection.execute(select(func.max(tables.events.c.position))).scalar() or 0
        return salvage.salvage(broken, connection, after)


def _take_place(ready: Path, path: Path) -> None:
    for suffix in BESIDE:  # of the file that was here before: SQLite would take it for this one's
        beside(path, suffix).unlink(missing_ok=True)
    ready.replace(path)
    sync_folder(path.parent)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _remove(path: Path) -> None:
    for file in (path, *(beside(path, suffix) for suffix in BESIDE)):
        with contextlib.suppress(OSError):
            file.unlink()
