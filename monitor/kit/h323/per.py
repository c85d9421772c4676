"""The aligned variant of the Packed Encoding Rules (X.691), as far as H.225.0 needs it."""

from monitor.kit.head import BadMessageError

_SHORT = 0x80
"""Lengths below it take one octet (section 11.9.3.6)."""
_LONG = 0x4000


class Writer:
    """Writes bits, and octets at the boundaries where the rules want them."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def bits(self, value: int, count: int) -> None:
        """Write *count* bits, the highest first."""
        self._bits += [value >> at & 1 for at in range(count - 1, -1, -1)]

    def octets(self, octets: bytes) -> None:
        """Write whole octets, from the next boundary on."""
        self._bits += [0] * (-len(self._bits) % 8)
        for octet in octets:
            self.bits(octet, 8)

    def sized(self, octets: bytes) -> None:
        """Write octets with their length before them."""
        size = len(octets)
        self.octets(size.to_bytes(1) if size < _SHORT else (size | _SHORT << 8).to_bytes(2))
        self.octets(octets)

    def done(self) -> bytes:
        """Return what was written, padded to whole octets."""
        self.octets(b"")
        packed = bytearray()
        for at in range(0, len(self._bits), 8):
            packed.append(int("".join(map(str, self._bits[at : at + 8])), 2))
        return bytes(packed)


class Reader:
    """Reads the same, and never beyond the end: BadMessageError then."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bits(self, count: int) -> int:
        """Read *count* bits, the highest first."""
        end = self._at + count
        if end > 8 * len(self._data):
            raise BadMessageError("the message breaks off")
        value = 0
        for at in range(self._at, end):
            value = value << 1 | self._data[at >> 3] >> (7 - (at & 7)) & 1
        self._at = end
        return value

    def flag(self) -> bool:
        """Read one bit."""
        return bool(self.bits(1))

    def octets(self, count: int) -> bytes:
        """Read whole octets, from the next boundary on."""
        self._at += -self._at % 8
        begin = self._at // 8
        if begin + count > len(self._data):
            raise BadMessageError("the message breaks off")
        self._at += 8 * count
        return self._data[begin : begin + count]

    def sized(self) -> bytes:
        """Read octets with their length before them; fragments, of 16 K and more, are none of ours."""
        size = self.octets(1)[0]
        if size >= _SHORT:
            size = (size << 8 | self.octets(1)[0]) - (_SHORT << 8)
        if size >= _LONG:
            raise BadMessageError("the message is in fragments")
        return self.octets(size)

    def choice(self, alternatives: int, *, names: tuple[str, ...]) -> str:
        """Read which of the *alternatives* of an extensible choice it is; what has no name is `other`."""
        if not self.flag():
            number = self.bits((alternatives - 1).bit_length())
        elif self.flag():
            return "other"
        else:
            number = alternatives + self.bits(6)
        return names[number] if number < len(names) else "other"
