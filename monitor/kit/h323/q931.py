"""Q.931 messages in TPKT frames: call signalling of H.225.0 over TCP (RFC 1006; H.225.0, section 7)."""

import struct
from typing import NamedTuple

from monitor.kit.head import BadMessageError

TPKT = struct.Struct(">BBH")
"""Version 3, nothing, and the length of the whole."""
LONGEST = 8192
"""Octets of a message that are read at most."""

SETUP, RELEASE_COMPLETE = 0x05, 0x5A
TYPES = {
    0x01: "Alerting",
    0x02: "Call Proceeding",
    0x03: "Progress",
    0x05: "Setup",
    0x07: "Connect",
    0x0D: "Setup Acknowledge",
    0x5A: "Release Complete",
    0x62: "Facility",
    0x6E: "Notify",
    0x75: "Status Inquiry",
    0x7B: "Information",
    0x7D: "Status",
}
NORMAL_CLEARING = 16

_Q931 = 0x08
_TO_ORIGINATOR = 0x8000
"""Flag of the call reference in all that comes from the called side."""
_BEARER, _CAUSE, _USER_USER = 0x04, 0x08, 0x7E
_UNRESTRICTED = bytes.fromhex("8893a5")
"""Unrestricted digital information, packet mode, H.221 and H.242 (section 7.2.2.1)."""
_SINGLE = 0x80
_X680 = 0x05
"""What stands before a user-user field in ASN.1."""


class Message(NamedTuple):
    """One message of call signalling."""

    type: int
    reference: int
    answers: bool
    """It comes from the side that was called."""
    cause: int = 0
    """Why the call was cleared (Q.850); 0: not said."""
    user: bytes = b""
    """The user-user field, in PER."""

    @property
    def name(self) -> str:
        """What people call it."""
        return TYPES.get(self.type, f"message 0x{self.type:02x}")


def packed(message: Message) -> bytes:
    """Return a message of ours in its frame."""
    elements = b""
    if message.type == SETUP:
        elements += bytes([_BEARER, len(_UNRESTRICTED)]) + _UNRESTRICTED
    if message.cause:
        elements += bytes([_CAUSE, 2, _SINGLE, _SINGLE | message.cause])
    elements += struct.pack(">BHB", _USER_USER, len(message.user) + 1, _X680) + message.user
    reference = message.reference | (_TO_ORIGINATOR if message.answers else 0)
    whole = struct.pack(">BBHB", _Q931, 2, reference, message.type) + elements
    return TPKT.pack(3, 0, TPKT.size + len(whole)) + whole


def length(head: bytes) -> int:
    """Return how many octets follow the head of a frame; none are a sign of life. Raises BadMessageError."""
    version, _, size = TPKT.unpack(head)
    if version != 3 or not TPKT.size <= size <= LONGEST:  # noqa: PLR2004 - RFC 1006, section 6
        raise BadMessageError(f"{head.hex(' ')} is no head of TPKT")
    return int(size) - TPKT.size


def parse(data: bytes) -> Message:
    """Read a message without its frame. Raises BadMessageError."""
    if len(data) < 5 or data[:2] != bytes([_Q931, 2]):  # noqa: PLR2004 - with a reference of two octets
        raise BadMessageError(f"{data[:8].hex(' ')} is no message of Q.931")
    reference = int.from_bytes(data[2:4])
    cause, user = 0, b""
    for kind, content in _elements(data[5:]):
        if kind == _CAUSE:
            cause = _cause(content)
        elif kind == _USER_USER and content[:1] == bytes([_X680]):
            user = content[1:]
    answers = bool(reference & _TO_ORIGINATOR)
    return Message(data[4], reference & ~_TO_ORIGINATOR, answers, cause, user)


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & _SINGLE:
            continue
        width = 2 if kind == _USER_USER else 1
        size = int.from_bytes(data[at : at + width])
        at += width
        if at + size > len(data):
            raise BadMessageError("an information element breaks off")
        found.append((kind, data[at : at + size]))
        at += size
    return found


def _cause(content: bytes) -> int:
    """Return the value; before it, one or two octets say where it comes from (Q.931, section 4.5.12)."""
    at = 1 if content[:1] and content[0] & _SINGLE else 2
    return content[at] & 0x7F if len(content) > at else 0
