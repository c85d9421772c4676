"""The pages that say where each table begins, lent to a damaged log by a sound one of the same make.

They are the first page and, since the tables have become many, a few that it leads to. A backup has the same,
and so has a new log: the same steps made both. "Database File Format" of the SQLite project, 1.3 and 1.6.
"""

import contextlib
import io
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection

from monitor.store.backup import reading
from monitor.store.carve import HEADER

SMALL = 1024
"""Pages of a database that is read as a whole."""
_MAGIC = b"SQLite format 3\0"
_INNER, _INNER_HEADER = b"\x05", 12
_TREES = (b"\x02", _INNER, b"\x0a", b"\x0d")
"""How a page of a table or an index begins."""


@contextlib.contextmanager
def lent(into: Connection, broken: Path) -> Iterator[None]:
    """Lend *broken* those pages of *into* while its own cannot be read; afterwards it is as it was."""
    if _knows_its_tables(broken):
        yield
        return
    with broken.open("r+b", buffering=0) as file:
        size = broken.stat().st_size
        page_size = int(into.exec_driver_sql("PRAGMA page_size").scalar_one())
        own = {1: _read(file, 1, page_size)}
        pages = _pages(into, size // page_size, page_size)
        for number in _inner(pages.get(1, b"")):
            own[number] = _read(file, number, page_size)
        may = [number for number in pages if _may_lend(number, own, pages)]
        try:
            for number in may:
                _write(file, number, pages[number], page_size)
            yield
        finally:
            for number in may:
                _write(file, number, own[number], page_size)
            file.truncate(size)


def _knows_its_tables(broken: Path) -> bool:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(reading(broken)) as damaged:
        return bool(damaged.execute("SELECT count(*) FROM sqlite_master WHERE name = 'events'").fetchone()[0])
    return False


def _may_lend(number: int, own: Mapping[int, bytes], pages: Mapping[int, bytes]) -> bool:
    """Tell whether a page may be lent: what lies there instead must be no page of something else."""
    if number == 1:
        return True
    return own[number][:1] not in _TREES or _inner(own[1]) == _inner(pages[1])


def _pages(into: Connection, count: int, page_size: int) -> dict[int, bytes]:
    """Return the pages to lend to a file of *count* pages, by number; none if *into* has none itself yet."""
    read = _reader(into, page_size)
    first = bytearray(read(1))
    if not first.startswith(_MAGIC):
        return {}
    first[28:32] = count.to_bytes(4, "big")
    first[92:96] = first[24:28]  # or the size would not count
    first[32:40] = bytes(8)  # its free pages are not these
    return {1: bytes(first)} | {number: read(number) for number in _inner(bytes(first))}


def _inner(first: bytes) -> list[int]:
    """Return the pages to which the first page leads; none while all that it has to say stands in itself."""
    if first[HEADER : HEADER + 1] != _INNER:
        return []
    cells = int.from_bytes(first[HEADER + 3 : HEADER + 5], "big")
    begin = HEADER + _INNER_HEADER
    places = [int.from_bytes(first[n : n + 2], "big") for n in range(begin, begin + 2 * cells, 2)]
    return [int.from_bytes(first[at : at + 4], "big") for at in (*places, HEADER + 8)]


def _reader(into: Connection, page_size: int) -> Callable[[int], bytes]:
    """Return what reads a page of *into*: a new database has most in its write-ahead log still."""
    raw = into.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        count = int(into.exec_driver_sql("PRAGMA page_count").scalar_one())
        if count <= SMALL:
            whole = raw.serialize()
            return lambda number: whole[(number - 1) * page_size : number * page_size]
    where = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    path = Path(str(into.exec_driver_sql(where).scalar_one()))

    def read(number: int) -> bytes:
        with path.open("rb", buffering=0) as file:
            return _read(file, number, page_size)

    return read


def _read(file: io.FileIO, number: int, page_size: int) -> bytes:
    """Return a page, less at the end of the file; raises OSError: what cannot be read cannot be put back."""
    file.seek((number - 1) * page_size)
    return file.read(page_size) or b""


def _write(file: io.FileIO, number: int, page: bytes, page_size: int) -> None:
    file.seek((number - 1) * page_size)
    file.write(page)
