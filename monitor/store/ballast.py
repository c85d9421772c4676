"""The reserve: space that is held while the disk has some, and given back when it has none.

On a full disk SQLite cannot even delete. What the reserve gives back lets the log be written on while a
person makes room.
"""

import contextlib
import errno
import os
from pathlib import Path

MIB = 1 << 20
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM}
_BLOCK = 512
"""Bytes of the unit in which `stat` counts, whatever the file system's own is."""


class Ballast:
    """A file of *mib* MiB that is good for nothing but its size; 0: none is wanted."""

    def __init__(self, path: Path, mib: int) -> None:
        """Look after the file at *path*; nothing is made before `renew`."""
        self._path = path
        self._size = mib * MIB

    @property
    def ready(self) -> bool:
        """Whether the whole reserve stands on the disk now."""
        return self._missing() == 0

    def release(self) -> None:
        """Give the space back at once; never raises, for the disk has trouble enough when this is called."""
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)  # frees even where a copy-on-write file system cannot unlink
        with contextlib.suppress(OSError):
            self._path.unlink()

    def renew(self) -> bool:
        """Take what is missing if at least twice as much is free; say whether the reserve stands.

        Never raises. Blocks for as long as the file system needs to find the space: milliseconds where it can
        be asked to reserve, as long as writing takes elsewhere.
        """
        missing = self._missing()
        try:
            if missing and self._free() >= 2 * missing:
                self._take()
            elif not missing:
                self._trim()
        except OSError:
            self.release()
        return self.ready

    def _missing(self) -> int:
        """Return how many bytes are not on the disk; a file with holes has only what its blocks hold."""
        try:
            found = self._path.lstat()
        except OSError:
            return self._size
        return max(0, self._size - min(found.st_size, found.st_blocks * _BLOCK))

    def _free(self) -> int:
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize

    def _take(self) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                self._reserve(handle)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                self._fill(handle)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _reserve(self, handle: int) -> None:
        os.posix_fallocate(handle, 0, self._size)

    def _trim(self) -> None:
        """Give back what is more than wanted: the settings have changed."""
        if not self._size:
            self._path.unlink(missing_ok=True)
        elif self._path.stat().st_size > self._size:
            os.truncate(self._path, self._size)

    def _fill(self, handle: int) -> None:
        """Write the space full, of what no file system can compress: zeros may take up none."""
        for place in range(0, self._size, MIB):
            os.pwrite(handle, os.urandom(MIB), place)
