"""Copies of the log: made while it is written, looked through before they count, put back with a new name."""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from monitor.store.files import BESIDE, beside, owned_like, stamp, sync_folder
from monitor.store.migration import shapes
from monitor.store.tables import APPLICATION
from monitor.store.trouble import StoreError, diagnose

STEP = 256
"""Pages that are copied at once."""
FLUSH = 4
"""Steps after which the copy is flushed: all of it at the end would hold up the writer's commits."""
PAUSE = 0.005
"""Seconds between two steps that belong to everybody else who needs the disk."""
SPARE = 64 << 20
"""Bytes that must be left free after a copy: it must not fill the disk of the log."""
DAY = 86_400.0
_STAMP = r"\d{8}T\d{6}Z"
_PARTIAL = ".partial"
_NOTHING_BESIDE = (
    sqlite3.SQLITE_READONLY_DIRECTORY,
    sqlite3.SQLITE_READONLY_CANTINIT,
    sqlite3.SQLITE_CANTOPEN,
)


class BackupError(StoreError):
    """A copy of the log could not be made or used; the message says why."""


def never() -> bool:
    """Give nothing up."""
    return False


def path_for(folder: Path, name: str, at: float) -> Path:
    """Return where the backup of the log *name*, made at Unix time *at*, belongs."""
    return folder / f"{name}-{stamp(at)}.db"


def make(source: Path, target: Path, *, given_up: Callable[[], bool] = never) -> None:
    """Copy the log *source*, in use or not, to *target*: complete and sound, or not at all.

    The copy holds what was committed when it began. The writer is not held up, but its write-ahead log cannot
    shrink meanwhile. It is one file, mode 0600, flushed and looked through before it gets its name.
    *given_up* is asked several times a second. Blocks for as long as it takes, about a second per 100 MiB.
    Raises BackupError; nothing of the attempt is left then.
    """
    with _told_of(target), _alone(target.parent, like=source.parent):
        if target.exists():
            raise BackupError(f"{target} exists already; name another file, or take it away first")
        _clear(target)
        _make_room_sure(source, target, SPARE)
        partial = target.with_name(target.name + _PARTIAL)
        try:
            _copy(source, partial, given_up)
            if trouble := verify(partial):
                raise BackupError(f"the copy of {source} is not sound: {trouble}")
            partial.replace(target)
        finally:
            _remove(partial)
        sync_folder(target.parent)


def verify(path: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with a backup, in words; empty: it can be restored.

    Every page is read (`quick_check`); *thorough*: every index is compared with its table, too.
    """
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return "there is no such file" if not path.exists() else "it is no file with anything in it"
        with contextlib.closing(reading(path)) as connection:
            return _unsound(connection, thorough=thorough)
    except (OSError, sqlite3.Error) as error:
        return str(error) or type(error).__name__


def every(folder: Path, name: str) -> list[Path]:
    """Return the backups of the log *name*, newest first.

    One that says that it was made in the future was made while the clock was wrong, and comes last.
    """
    pattern = re.compile(rf"{re.escape(name)}-({_STAMP})\.db")
    present = stamp(time.time() + DAY)
    files = list(folder.iterdir()) if folder.is_dir() else []
    named = [(match[1], file) for file in files if (match := pattern.fullmatch(file.name))]
    return [file for _, _, file in sorted(((at <= present, at, file) for at, file in named), reverse=True)]


def newest(folder: Path, name: str) -> Path | None:
    """Return the newest backup of the log *name* that is sound; None: there is none."""
    try:
        return next((path for path in every(folder, name) if not verify(path)), None)
    except OSError:
        return None


def rotate(folder: Path, name: str, keep: int) -> None:
    """Take away all but the *keep* newest backups of the log *name*. Raises BackupError."""
    for path in every(folder, name)[max(1, keep) :]:
        with _told_of(path):
            _remove(path)


def restore(backup: Path, path: Path) -> str:
    """Put a copy of *backup* in place as the log *path* and return its new identity.

    It has to be another one: from here on the numbering differs from what others have acknowledged. There
    must be no log in that place (see `salvage.set_aside`) and nobody who uses it (see `lock.claim`). Raises
    BackupError; then nothing has changed.
    """
    with _told_of(path):
        if path.exists():
            raise BackupError(f"{path} exists; it has to be set aside first")
        if trouble := verify(backup):
            raise BackupError(f"{backup} cannot be restored: {trouble}")
        _make_room_sure(backup, path, 0)
        partial = path.with_name(path.name + _PARTIAL)
        try:
            _copy(backup, partial, never)
            identity = _renamed(partial)
            for suffix in BESIDE:  # of a log that is gone: SQLite would take it for this one's
                beside(path, suffix).unlink(missing_ok=True)
            partial.replace(path)
        finally:
            _remove(partial)
        sync_folder(path.parent)
    return identity


def reading(path: Path) -> sqlite3.Connection:
    """Open a log or a backup of one for reading only; it may be in use meanwhile. Raises sqlite3.Error."""
    try:
        return _opened(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NOTHING_BESIDE or _has_content(beside(path, "-wal")):
            raise
    # SQLite may not make its write-ahead log here, not even an empty one: so nobody writes to it, either.
    return _opened(path, "mode=ro&immutable=1")


def _opened(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("PRAGMA schema_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _unsound(connection: sqlite3.Connection, *, thorough: bool) -> str:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        return "it is not a log of command-monitor"
    check = "integrity_check" if thorough else "quick_check"
    (found,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    if found != "ok":
        return f"it is damaged ({' '.join(str(found).split())[:150]})"
    if connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone() is None:
        return "it has no identity"
    (shape,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if shape not in shapes():
        return f"it was written by a newer version of command-monitor (its shape is {shape})"
    connection.execute("SELECT max(position) FROM events").fetchone()
    return ""


def _copy(source: Path, target: Path, given_up: Callable[[], bool]) -> None:
    _remove(target)
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        owned_like(target, target.parent)
        with contextlib.closing(reading(source)) as log, contextlib.closing(_writing(target)) as copy:
            # What a reader sees stays as it is, so the copy need not begin anew whenever somebody commits.
            log.execute("BEGIN")
            log.execute("SELECT count(*) FROM sqlite_master").fetchone()
            log.backup(copy, pages=STEP, progress=_pacing(handle, given_up))
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, nothing beside it
        os.fsync(handle)
    finally:
        os.close(handle)


def _writing(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")  # it is flushed by us, and counts only then
    return connection


def _pacing(handle: int, given_up: Callable[[], bool]) -> Callable[[int, int, int], None]:
    steps = 0

    def stepped(_status: int, remaining: int, _total: int) -> None:
        nonlocal steps
        steps += 1
        if given_up():
            raise BackupError("the copy was given up before it was complete")
        if remaining:
            if steps % FLUSH == 0:
                os.fdatasync(handle)
            time.sleep(PAUSE)

    return stepped


def _renamed(path: Path) -> str:
    """Give the log in *path* a new identity and return it."""
    identity = secrets.token_hex(8)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'identity'", (identity,))
    return identity


def _make_room_sure(source: Path, target: Path, spare: int) -> None:
    wanted = source.stat().st_size + spare
    free = shutil.disk_usage(target.parent).free
    if free < wanted:
        raise BackupError(
            f"{target.parent} has {free >> 20} MiB free; a copy of {source} wants {wanted >> 20} MiB"
        )


def _clear(target: Path) -> None:
    """Take away what copies left that were killed while they were made."""
    name = re.sub(rf"-{_STAMP}\.db$", "", target.name)
    pattern = re.compile(rf"{re.escape(name)}-{_STAMP}\.db{re.escape(_PARTIAL)}")
    for path in target.parent.iterdir():
        if pattern.fullmatch(path.name):
            _remove(path)
    _remove(target.with_name(target.name + _PARTIAL))


def _remove(path: Path) -> None:
    for file in (path, *(beside(path, suffix) for suffix in BESIDE)):
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path, *, like: Path) -> Iterator[None]:
    """See that the folder is there and that nobody else copies into it meanwhile."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
        owned_like(folder, like)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another backup is being made in {folder}; wait for its end") from None
        except OSError:
            pass  # a file system without locks: then it is up to the person who named it
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Say what went wrong in words."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupError(diagnose(error, path).sentence) from error
