"""One daemon per log: a lock that ends with its process, however that ends."""

import contextlib
import fcntl
import os
from pathlib import Path

from monitor.store.files import owned_like
from monitor.store.trouble import StoreError

_LONGEST = 32
"""Bytes of the file that are looked at."""


class LockedError(StoreError):
    """Another process uses this log: end that one first, or leave it to it."""


class Lock:
    """The right to write one log, for as long as the process lives or until it is released."""

    def __init__(self, handle: int) -> None:
        """Hold what the open file *handle* has locked."""
        self._handle = handle

    def release(self) -> None:
        """Let others have it. The file stays: one that was taken away could be locked twice."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
            os.close(handle)


def claim(path: Path) -> Lock:
    """Take the lock of a log, `log-city.lock` beside `log-city.db`; either may be given as *path*.

    The kernel keeps it (flock(2)) and gives it back when the process ends, even by SIGKILL; the number in the
    file is for people. Raises LockedError if another process has it, OSError if the file cannot be made.
    """
    file = path.with_suffix(".lock")
    handle = _locked(file)
    while not _is(file, handle):  # somebody took the file away in between
        os.close(handle)
        handle = _locked(file)
    with contextlib.suppress(OSError):  # a full or read-only disk is no reason not to watch
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        owned_like(file, file.parent)
    return Lock(handle)


def _locked(file: Path) -> int:
    handle = _opened(file)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, _LONGEST, 0).decode("ascii", "replace").strip()
        os.close(handle)
        who = f"process {holder}" if holder.isdigit() else "another process"
        raise LockedError(f"{file} is held by {who}: only one may use this log at a time") from None
    except OSError:
        os.close(handle)
        raise
    return handle


def _opened(file: Path) -> int:
    """Open the file, if need be only for reading: a file on a read-only disk can be locked, too."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        with contextlib.suppress(OSError):
            return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        raise


def _is(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
