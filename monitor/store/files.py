"""What a file needs besides its content: to be on the disk, under its name, and its owner's."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, under the same name."""


def beside(database: Path, suffix: str) -> Path:
    """Return the file that SQLite keeps beside *database*."""
    return database.with_name(database.name + suffix)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in *folder* outlast a power failure, where the file system can be asked to."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def owned_like(path: Path, example: Path) -> None:
    """Give *path* to the owner of *example* where we may: what root makes, the daemon has to read."""
    wanted = example.stat()
    found = path.stat()
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(path, wanted.st_uid, wanted.st_gid)


def stamp(at: float) -> str:
    """Return Unix time *at* as it stands in the names of files, `20251124T190300Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
