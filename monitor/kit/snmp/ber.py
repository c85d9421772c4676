"""The encoding of SNMP: the Basic Encoding Rules as RFC 3417, section 8, narrows them. Pure, and bounded.

An element is a tag, a length and as many bytes. Of the forms that BER allows, an indefinite length and tags
of several bytes are not allowed here; what is shorter than it says, or says more than there is, is a
ValueError.
"""

from typing import NamedTuple

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
ADDRESS, COUNTER32, GAUGE, TICKS, OPAQUE, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46
NO_OBJECT, NO_INSTANCE, END = 0x80, 0x81, 0x82
"""Tags of RFC 2578 and of the exceptions of RFC 3416."""

MISSING = frozenset({NULL, NO_OBJECT, NO_INSTANCE, END})
NUMBERS = frozenset({INTEGER, COUNTER32, GAUGE, TICKS, COUNTER64})
_BYTES = frozenset({OCTETS, ADDRESS, OPAQUE})
_LONGEST_INTEGER = 9
"""Bytes: 64 bits without a sign, and one zero in front."""
_MOST_ARCS = 128
_HIGHEST_ARC = 0xFFFFFFFF
_SHORT = 0x80
_LONGEST_LENGTH = 4

Oid = tuple[int, ...]


class Value(NamedTuple):
    """One value of an agent: what type it is of, and what it is."""

    tag: int
    content: int | bytes | Oid | None
    """A number, bytes (text, an address) or an object identifier; None where there is nothing."""

    @property
    def number(self) -> int | None:
        """The number that it is, None if it is something else."""
        return self.content if isinstance(self.content, int) else None

    @property
    def text(self) -> bytes | None:
        """The bytes that it is, None if it is something else."""
        return self.content if isinstance(self.content, bytes) else None


def element(tag: int, content: bytes) -> bytes:
    """Return an element whole."""
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _SHORT | len(length))) + length + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """Return a whole number as an element."""
    return element(tag, number.to_bytes(number.bit_length() // 8 + 1, signed=True))


def octets(content: bytes) -> bytes:
    """Return bytes as an element."""
    return element(OCTETS, content)


def sequence(*parts: bytes) -> bytes:
    """Return elements as one."""
    return element(SEQUENCE, b"".join(parts))


def oid(arcs: Oid) -> bytes:
    """Return an object identifier as an element."""
    found = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        rest, group = arc >> 7, [arc & 0x7F]
        while rest:
            group.append(rest & 0x7F | 0x80)
            rest >>= 7
        found += bytes(reversed(group))
    return element(OID, bytes(found))


def head(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return tag, start and end of the content of the element at *at*, which must lie before *end*."""
    if at + 2 > end:
        raise ValueError("an element is cut short")
    tag, size = data[at], data[at + 1]
    at += 2
    if size >= _SHORT:
        count = size & 0x7F
        if not 0 < count <= _LONGEST_LENGTH or at + count > end:
            raise ValueError("a length cannot be read")
        size = int.from_bytes(data[at : at + count])
        at += count
    if at + size > end:
        raise ValueError("an element is longer than what it lies in")
    return tag, at, at + size


def expect(tag: int, data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return start and end of the content of the element at *at*, which must have that tag."""
    found, start, stop = head(data, at, end)
    if found != tag:
        raise ValueError(f"type {found:#04x} where {tag:#04x} is expected")
    return start, stop


def read_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the whole number at *at*, and where what follows begins."""
    start, stop = expect(INTEGER, data, at, end)
    return _number(data, start, stop), stop


def read_octets(data: bytes, at: int, end: int, longest: int = 1 << 16) -> tuple[bytes, int]:
    """Return the bytes at *at*, at most *longest*, and where what follows begins."""
    start, stop = expect(OCTETS, data, at, end)
    if stop - start > longest:
        raise ValueError("a text is too long")
    return data[start:stop], stop


def read_oid(data: bytes, at: int, end: int) -> tuple[Oid, int]:
    """Return the object identifier at *at*, and where what follows begins."""
    start, stop = expect(OID, data, at, end)
    return _arcs(data, start, stop), stop


def read_value(data: bytes, at: int, end: int) -> tuple[Value, int]:
    """Return the value at *at*, and where what follows begins."""
    tag, start, stop = head(data, at, end)
    if tag in NUMBERS:
        number = _number(data, start, stop)
        if tag != INTEGER and number < 0:  # some agents forget the zero in front
            number += 1 << 8 * (stop - start)
        return Value(tag, number), stop
    if tag in _BYTES:
        return Value(tag, data[start:stop]), stop
    if tag == OID:
        return Value(tag, _arcs(data, start, stop)), stop
    if tag in MISSING and start == stop:
        return Value(tag, None), stop
    raise ValueError(f"a value of the unknown type {tag:#04x}")


def _number(data: bytes, start: int, stop: int) -> int:
    if not 0 < stop - start <= _LONGEST_INTEGER:
        raise ValueError("a number cannot be read")
    return int.from_bytes(data[start:stop], signed=True)


def _arcs(data: bytes, start: int, stop: int) -> Oid:
    found: list[int] = []
    arc = 0
    for byte in data[start:stop]:
        arc = arc << 7 | byte & 0x7F
        if arc > _HIGHEST_ARC:
            raise ValueError("an object identifier has an arc that is too large")
        if byte < _SHORT:
            found.append(arc)
            arc = 0
    if not found or arc or len(found) >= _MOST_ARCS or data[stop - 1] >= _SHORT:
        raise ValueError("an object identifier cannot be read")
    first = min(found[0] // 40, 2)
    return (first, found[0] - 40 * first, *found[1:])
