"""Test packets as bytes: RFC 8762 sections 4.2.1 and 4.3.1; TLVs as in RFC 8972 section 4.

Times are NTP stamps of 64 bits (RFC 5905 section 6): differences are taken modulo, so no era ever ends.
"""

import struct
from typing import NamedTuple

BASE = 44
"""Bytes of a packet without TLVs, either way."""
SHORTEST_ANSWER = 41
"""Bytes of an answer of TWAMP Light (RFC 5357 section 4.2.1), which has no padding of its own."""
SHORTEST = BASE + 8
"""Bytes of our own questions: with the class of service."""

_QUESTION = struct.Struct(">IQH")
_ANSWER = struct.Struct(">IQHHQIQHHB")
_TLV = struct.Struct(">BBH")
_SERVICE = struct.Struct(">HH")
_UNRECOGNISED, _MALFORMED = 0x80, 0x40
_PADDING, _CLASS = 1, 4
_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
_ERROR_ESTIMATE = 0x1A01
"""Clock not synchronised as far as we know, NTP format, 2^26 / 2^32 s: 16 ms (RFC 4656 section 4.1.2)."""


class Answer(NamedTuple):
    """What a reflector says."""

    sequence: int
    """Its own count of what it has reflected; a stateless one repeats ours."""
    sent: int
    """Its stamp at sending."""
    received: int
    """Its stamp at receipt of our packet."""
    our_sequence: int
    our_stamp: int
    ttl: int
    """What was left of the hops of our packet."""
    dscp: int | None
    """Code point that our packet had when it arrived there; None: the reflector does not say."""


def stamp(nanoseconds: int) -> int:
    """Return the NTP stamp of a wall time, Unix nanoseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return (((seconds + _EPOCH) << 32) | ((rest << 32) // 1_000_000_000)) & 0xFFFF_FFFF_FFFF_FFFF


def elapsed(earlier: int, later: int) -> float:
    """Return the seconds between two stamps, negative if the second is the earlier one."""
    return ((later - earlier + (1 << 63)) % (1 << 64) - (1 << 63)) / (1 << 32)


def question(sequence: int, sent: int, dscp: int, length: int = SHORTEST) -> bytes:
    """Return a packet of *length* bytes that asks for its own code point on the way back, too."""
    head = _QUESTION.pack(sequence, sent, _ERROR_ESTIMATE).ljust(BASE, b"\0")
    packet = head + _TLV.pack(_UNRECOGNISED, _CLASS, _SERVICE.size) + _SERVICE.pack(dscp << 10, 0)
    room = length - len(packet) - _TLV.size
    return packet if room < 0 else packet + _TLV.pack(_UNRECOGNISED, _PADDING, room) + bytes(room)


def read_answer(data: bytes) -> Answer | None:
    """Return what *data* says; None if it is too short to be an answer."""
    if len(data) < SHORTEST_ANSWER:
        return None
    sequence, sent, _, _, received, ours, our_stamp, _, _, ttl = _ANSWER.unpack_from(data)
    return Answer(sequence, sent, received, ours, our_stamp, ttl, _dscp_seen(data))


def _dscp_seen(data: bytes) -> int | None:
    """Return the code point that the reflector saw, if it knows the TLV, which is the first of ours."""
    if len(data) < SHORTEST:
        return None
    flags, kind, length = _TLV.unpack_from(data, BASE)
    if flags or kind != _CLASS or length != _SERVICE.size:
        return None
    service, _ = _SERVICE.unpack_from(data, BASE + _TLV.size)
    return int(service >> 4 & 0x3F)


def answer(asked: bytes, sequence: int, received: int, now: int, ttl: int, tos: int) -> tuple[bytes, int]:
    """Return the answer to a packet and its DSCP; it is exactly as long as the packet, *tos* is what it had.

    Raises ValueError for a packet that is too short to be answered without being outdone.
    """
    if len(asked) < BASE:
        raise ValueError(f"{len(asked)} bytes are no test packet")
    theirs, their_stamp, their_error = _QUESTION.unpack_from(asked)
    (session,) = struct.unpack_from(">H", asked, _QUESTION.size)
    head = _ANSWER.pack(
        sequence, now, _ERROR_ESTIMATE, session, received, theirs, their_stamp, their_error, 0, ttl
    )
    packet = bytearray(head.ljust(BASE, b"\0") + asked[BASE:])
    dscp = _fill_in(packet, tos)
    return bytes(packet), dscp


def _fill_in(packet: bytearray, tos: int) -> int:
    """Answer the TLVs of *packet* in place and return the DSCP that is wanted for the way back."""
    at, dscp = BASE, tos >> 2
    while at + _TLV.size <= len(packet):
        _, kind, length = _TLV.unpack_from(packet, at)
        body = at + _TLV.size
        if body + length > len(packet):
            packet[at] = _MALFORMED
            break
        packet[at] = 0 if kind == _PADDING else _UNRECOGNISED
        if kind == _CLASS and length == _SERVICE.size:
            service, _ = _SERVICE.unpack_from(packet, body)
            dscp = service >> 10
            _SERVICE.pack_into(packet, body, dscp << 10 | (tos >> 2) << 4 | (tos & 3) << 2, 0)
            packet[at] = 0
        at = body + length
    return dscp
