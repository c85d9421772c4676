"""What keeps the log from being written, in one clear sentence: which file, why, and what to do."""

import errno
import os
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError

from monitor.errors import MonitorError


class StoreError(MonitorError):
    """The log cannot be used by this daemon; the message says what to do."""


class NewerError(StoreError):
    """The log was written by a newer version: install that again, or restore a backup."""


class DamagedError(Exception):
    """The database is not what it should be, and will not become so by itself."""


class Kind(StrEnum):
    """What is the matter."""

    LOCKED = "locked"
    FULL = "full"
    READ_ONLY = "read_only"
    IO = "io"
    DAMAGED = "damaged"
    UNWRITABLE = "unwritable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be recorded now."""

    kind: Kind
    sentence: str


BROKEN = (DBAPIError, sqlite3.Error, OSError, DamagedError, MonitorError)
"""What reading or writing the file may raise for reasons of the disk."""


_KINDS = {
    sqlite3.SQLITE_BUSY: Kind.LOCKED,
    sqlite3.SQLITE_LOCKED: Kind.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Kind.LOCKED,
    sqlite3.SQLITE_FULL: Kind.FULL,
    sqlite3.SQLITE_READONLY: Kind.READ_ONLY,
    sqlite3.SQLITE_IOERR: Kind.IO,
    sqlite3.SQLITE_CORRUPT: Kind.DAMAGED,
    sqlite3.SQLITE_NOTADB: Kind.DAMAGED,
    sqlite3.SQLITE_CANTOPEN: Kind.UNWRITABLE,
    sqlite3.SQLITE_PERM: Kind.UNWRITABLE,
    sqlite3.SQLITE_AUTH: Kind.UNWRITABLE,
}
_OS_KINDS = {
    errno.ENOSPC: Kind.FULL,
    errno.EDQUOT: Kind.FULL,
    errno.EROFS: Kind.READ_ONLY,
    errno.EIO: Kind.IO,
}
_ADVICE = {
    Kind.LOCKED: "locked by another program; find it (`fuser {path}`) and end it",
    Kind.FULL: "no space left on the disk; make room in {folder} or on its disk",
    Kind.READ_ONLY: "may only be read; see why it or its disk became read-only (`dmesg`, `ls -l {path}`)",
    Kind.IO: "the disk fails ({detail}); look at it (`dmesg`, `smartctl`)",
    Kind.DAMAGED: "damaged ({detail}); it is looked through, and gives way to the newest backup if need be",
    Kind.UNWRITABLE: "cannot be opened ({detail}); see that {folder} is there and may be written by us",
    Kind.OTHER: "cannot be written ({detail})",
}


def diagnose(error: Exception, path: Path) -> Trouble:
    """Return what *error*, met at the database in *path*, means."""
    if isinstance(error, MonitorError):
        return Trouble(Kind.OTHER, str(error))
    kind = _refined(_kind(error), path)
    advice = _ADVICE[kind].format(path=path, folder=path.parent, detail=detail(error))
    return Trouble(kind, f"{path}: {advice}")


def detail(error: Exception) -> str:
    """Return what *error* says, without what SQLAlchemy adds to it."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause) or type(cause).__name__


def is_unreadable(error: Exception) -> bool:
    """Tell whether the disk does not give back what was written, which waiting seldom mends."""
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorcode", None)
    return code in (
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    )


def refuses(error: Exception) -> bool:
    """Tell whether *error* lies in what was to be written, not in the disk."""
    if isinstance(error, DBAPIError):
        return isinstance(error, IntegrityError | DataError | InterfaceError | ProgrammingError)
    return isinstance(error, TypeError | ValueError | ArithmeticError)


def _kind(error: Exception) -> Kind:
    if isinstance(error, DamagedError):
        return Kind.DAMAGED
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _KINDS.get(code & 0xFF, Kind.OTHER)
    return _kind_of_os_error(cause) if isinstance(cause, OSError) else Kind.OTHER


def _kind_of_os_error(error: OSError) -> Kind:
    return _OS_KINDS.get(error.errno or 0, Kind.UNWRITABLE)


def _refined(kind: Kind, path: Path) -> Kind:
    """Say full or read-only where SQLite only knows that it could not open or write."""
    if kind not in (Kind.IO, Kind.UNWRITABLE):
        return kind
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return kind
    if disk.f_flag & os.ST_RDONLY:
        return Kind.READ_ONLY
    return Kind.FULL if disk.f_bavail == 0 else kind
