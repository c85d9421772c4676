"""Secrets are files: read when they are needed, again when they change, and never shown."""

import functools
import re
from pathlib import Path

_LINE = re.compile(r"[\t\x20-\x7e]*")
_LONGEST = 8192


def one_line(file: str) -> str:
    """Return the only line of *file*, without the space around it.

    Raises OSError if it cannot be read, or holds anything but one line of printable ASCII; the message
    never quotes the content.
    """
    return _read(file, Path(file).stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read(file: str, _changed: int) -> str:
    with Path(file).open("rb") as opened:
        text = opened.read(_LONGEST).decode("ascii", "replace").strip()
    if not _LINE.fullmatch(text):
        raise OSError(f"{file} does not hold one line of plain text")
    return text
