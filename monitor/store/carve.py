"""Rows of a table out of the pages of a damaged database, without the tree that leads to them.

A table's rows lie in leaf pages that can be told by their first byte; what leads to them only makes finding
them fast. So whatever page is lost, the rows in all others can be read. After "Database File Format" of the
SQLite project: 1.6 (b-tree pages, cells, overflow), 2.1 (records), 4.1 (write-ahead log).
"""

import io
import itertools
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Value = int | float | str | bytes | None
Row = tuple[Value, ...]
Wanted = Callable[[int], bool]
"""Whether the row of this rowid is looked at any further."""

PAGE_SIZES = tuple(1 << bits for bits in range(9, 17))
HEADER = 100
"""Bytes of the first page before its b-tree page."""
_LEAF = 0x0D
_LEAF_HEADER = 8
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_INTEGERS = (0, 1, 2, 3, 4, 6, 8)
"""Bytes of an integer, by serial type."""
_REAL, _ZERO, _ONE, _FIRST_BLOB = 7, 8, 9, 12
_VARINT = 9
"""Bytes of the longest number of variable length."""
_LONGEST = 1 << 20
"""Bytes of one row; a longer one is none of ours."""


class _TornError(Exception):
    """What was read is no row."""


def rows_of_file(path: Path, page_size: int, wanted: Wanted, width: int) -> Iterator[tuple[int, Row]]:
    """Give rowid and values of every row of *width* values and a rowid that is wanted, in no order.

    A row may come more than once, or be one that was deleted. Pages that cannot be read are left out.
    """
    with path.open("rb", buffering=0) as file:
        pages = _Pages(file, page_size, {})
        for number in range(1, file.seek(0, io.SEEK_END) // page_size + 1):
            yield from _rows(pages, pages.get(number), HEADER if number == 1 else 0, wanted, width)


def rows_of_wal(wal: Path, database: Path, wanted: Wanted, width: int) -> Iterator[tuple[int, Row]]:
    """Give the same of every page in a write-ahead log, whatever its checksums say."""
    with wal.open("rb", buffering=0) as log, database.open("rb", buffering=0) as file:
        header = _read(log, 0, _WAL_HEADER)
        size = int.from_bytes(header[8:12], "big")
        if int.from_bytes(header[:4], "big") not in _WAL_MAGIC or size not in PAGE_SIZES:
            return
        places = range(_WAL_HEADER + _FRAME_HEADER, log.seek(0, io.SEEK_END), _FRAME_HEADER + size)
        numbers = [int.from_bytes(_read(log, place - _FRAME_HEADER, 4), "big") for place in places]
        latest = {number: (log, place) for number, place in zip(numbers, places, strict=True)}
        pages = _Pages(file, size, latest)
        for number, place in zip(numbers, places, strict=True):
            yield from _rows(pages, _read(log, place, size), HEADER if number == 1 else 0, wanted, width)


class _Pages:
    """The pages of a database by number, some of them from elsewhere."""

    def __init__(self, file: io.FileIO, size: int, elsewhere: Mapping[int, tuple[io.FileIO, int]]) -> None:
        self._file, self.size, self._elsewhere = file, size, elsewhere

    def get(self, number: int) -> bytes:
        """Return a page; short or empty where the disk does not give it."""
        file, place = self._elsewhere.get(number, (self._file, (number - 1) * self.size))
        return _read(file, place, self.size)


def _read(file: io.FileIO, place: int, size: int) -> bytes:
    """Return what is there: less than asked for at the end, nothing where the disk does not give it."""
    try:
        file.seek(place)
        return file.read(size) or b""
    except OSError:
        return b""


def _rows(pages: _Pages, page: bytes, start: int, wanted: Wanted, width: int) -> Iterator[tuple[int, Row]]:
    if len(page) < start + _LEAF_HEADER or page[start] != _LEAF:
        return
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    first = start + _LEAF_HEADER
    for (place,) in struct.iter_unpack(">H", page[first : min(first + 2 * count, len(page) & ~1)]):
        try:
            length, at = _varint(page, place)
            rowid, at = _varint(page, at)
            if wanted(rowid) and length <= _LONGEST:
                row = _record(_payload(pages, page, at, length), width)
                if row is not None:
                    yield rowid, row
        except (_TornError, UnicodeDecodeError, struct.error):
            continue


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length at *at* and the place after it."""
    value = 0
    for index, byte in enumerate(data[at : at + _VARINT], 1):
        if index == _VARINT:
            value = value << 8 | byte
            return value - (1 << 64) if value >= 1 << 63 else value, at + index
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
            return value, at + index
    raise _TornError


def _payload(pages: _Pages, page: bytes, at: int, length: int) -> bytes:
    """Return the payload of a cell: what is in its page and what lies in overflow pages."""
    usable = pages.size  # we reserve nothing at the end of pages
    most = usable - 35
    if length <= most:
        return page[at : at + length]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (length - least) % (usable - 4)
    local = local if local <= most else least
    parts = [page[at : at + local]]
    following, missing = int.from_bytes(page[at + local : at + local + 4], "big"), length - local
    while missing > 0:
        more = pages.get(following) if following else b""
        if len(more) < usable:
            raise _TornError
        parts.append(more[4 : 4 + missing])
        following, missing = int.from_bytes(more[:4], "big"), missing - (usable - 4)
    return b"".join(parts)


def _record(payload: bytes, width: int) -> Row | None:
    """Return the values of a record; None: it has another number of them."""
    size, at = _varint(payload, 0)
    kinds = []
    while at < size:
        kind, at = _varint(payload, at)
        kinds.append(kind)
        if len(kinds) > width:
            return None
    if len(kinds) != width:
        return None
    ends = list(itertools.accumulate(map(_size, kinds), initial=size))
    if ends[-1] != len(payload):
        raise _TornError
    return tuple(_value(k, payload[a:b]) for k, a, b in zip(kinds, ends, ends[1:], strict=False))


def _size(kind: int) -> int:
    if 0 <= kind < len(_INTEGERS):
        return _INTEGERS[kind]
    if kind >= _FIRST_BLOB:
        return (kind - _FIRST_BLOB) // 2
    if kind == _REAL:
        return 8
    if kind in (_ZERO, _ONE):
        return 0
    raise _TornError


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind < len(_INTEGERS):
        return int.from_bytes(raw, "big", signed=True)
    if kind == _REAL:
        (real,) = struct.unpack(">d", raw)
        return float(real)
    if kind in (_ZERO, _ONE):
        return kind - _ZERO
    return raw.decode() if kind % 2 else raw
