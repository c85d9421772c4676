"""A small disk that can be full: a tmpfs, mounted where it is wanted, gone with the lab whatever happens."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.topology import PREFIX

LABEL = f"{PREFIX}disk"
"""What the disks are called in the list of mounts, so that those of a crashed lab are found."""
FILLER = "filler"


class Disk:
    """One disk; what is started after it was mounted has its files on it."""

    def __init__(self, folder: Path, mebibytes: int) -> None:
        self.folder = folder
        self._size = mebibytes

    def mount(self) -> None:
        """Mount it, empty."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size}m,mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, LABEL, str(self.folder)], check=True)

    def unmount(self) -> None:
        """Unmount it, however busy it is."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    def fill(self) -> int:
        """Fill it to the last byte; return how many it took."""
        took = 0
        with (self.folder / FILLER).open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(_Full):
                    while True:
                        took += _write(file.fileno(), b"\0" * size)
        return took

    def free(self) -> None:
        """Give back what filled it."""
        (self.folder / FILLER).unlink(missing_ok=True)

    @property
    def left(self) -> int:
        """Bytes that are free."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize


class _Full(Exception):  # noqa: N818 - no error, the end of a loop
    """Nothing more goes on it."""


def _write(file: int, block: bytes) -> int:
    try:
        return os.write(file, block)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _Full from None
        raise


@contextlib.contextmanager
def mounted(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """Lend a disk."""
    disk = Disk(folder, mebibytes)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()
