"""NTP packets of a client (RFC 5905, section 7.3), and what they say of two clocks."""

import ctypes
import secrets
import struct
from dataclasses import dataclass

_PACKET = struct.Struct("!BBbbII4sQQQQ")
_CLIENT, _SERVER, _VERSION = 3, 4, 4
_UNIX = 2_208_988_800
"""Seconds from the beginning of NTP time, 1900, to that of Unix time."""
_SECOND = 1 << 32
_ERA = 1 << 64
_TIMEX = 512
"""Bytes that are enough for `struct timex` of linux/timex.h."""
_TIME_ERROR = 5

UNSYNCHRONISED = 3
"""Leap indicator of a server that has no time itself."""
HIGHEST_STRATUM = 15


@dataclass(frozen=True, slots=True)
class Reply:
    """What a time server said."""

    leap: int
    """0: no leap second today, 1: one is inserted, 2: one is left out, 3: not synchronised."""
    stratum: int
    """Steps from a reference clock, 1 to 15; 0 and 16: not synchronised; 0 may be a kiss of death, too."""
    root_delay: float
    """Round trip to the reference clock, seconds."""
    root_dispersion: float
    """Error against the reference clock that has gathered on the way, seconds."""
    reference: bytes
    """Four bytes: of a kiss of death its code, of stratum 1 the kind of clock."""
    received: int
    """When the server took the question in, 64-bit NTP time."""
    sent: int
    """When it sent its answer, likewise."""

    @property
    def kiss(self) -> str:
        """Return the code of a kiss of death (section 7.4); empty if it is none."""
        code = self.reference.rstrip(b"\0")
        return code.decode() if not self.stratum and code.isalpha() and code.isupper() else ""

    def offset(self, asked_at: float, heard_at: float) -> float:
        """Return by how many seconds the server's clock is ahead of ours, which read so (Unix seconds)."""
        there = _apart(self.received, _ntp(asked_at))
        back = _apart(self.sent, _ntp(heard_at))
        return (there + back) / 2

    def delay(self, asked_at: float, heard_at: float) -> float:
        """Return the seconds that question and answer were on the way, never less than none."""
        return max(0.0, heard_at - asked_at - _apart(self.sent, self.received))


class Request:
    """One question. It tells nothing of us: in the place of our time stand bits that nobody can guess."""

    def __init__(self) -> None:
        self._nonce = secrets.randbits(64) or 1
        self.wire = _PACKET.pack(_VERSION << 3 | _CLIENT, 0, 0, 0, 0, 0, b"\0\0\0\0", 0, 0, 0, self._nonce)

    def reply(self, data: bytes) -> Reply | None:
        """Return what *data* says; None if it is no server's answer to this very question."""
        if len(data) < _PACKET.size:
            return None
        head, stratum, _, _, *root, reference, _, origin, received, sent = _PACKET.unpack_from(data)
        if head & 7 != _SERVER or not head >> 3 & 7 or origin != self._nonce:
            return None
        if 0 < stratum <= HIGHEST_STRATUM and not (received and sent):
            return None
        delay, dispersion = (value / 65_536 for value in root)
        return Reply(head >> 6, stratum, delay, dispersion, reference, received, sent)


def synchronised() -> bool:
    """Say whether our own kernel's clock is kept by anybody (adjtimex(2))."""
    libc = ctypes.CDLL(None)
    return int(libc.adjtimex(ctypes.create_string_buffer(_TIMEX))) not in {-1, _TIME_ERROR}


def _ntp(at: float) -> int:
    seconds = int(at)
    return ((seconds + _UNIX) * _SECOND + int((at - seconds) * _SECOND)) % _ERA


def _apart(one: int, other: int) -> float:
    """Return the seconds from *other* to *one*, whatever era each is of (section 6): at most 68 years."""
    apart = (one - other) % _ERA
    return (apart - _ERA if apart >= _ERA // 2 else apart) / _SECOND
