"""The wire format of our pings: pure functions over bytes.

ICMP is RFC 792, ICMPv6 RFC 4443. Our payload begins with a tag that names the engine and a nonce that names
the look, 8 random bytes each; zeros fill it up. The numbers are kept as the machine holds them: nobody but us
reads them, and the Internet checksum does not mind the byte order as long as it is one (RFC 1071, 2.B).
"""

import struct
from typing import NamedTuple

ECHO4, REPLY4 = 8, 0
ECHO6, REPLY6 = 128, 129

SIZE_MIN = 16
"""Payload bytes that carry tag and nonce."""
SIZE_MAX = 65_507
"""Payload bytes that fit into one IPv4 packet."""

_ECHO = struct.Struct("=BBHHHQQ")
_FIELDS = "BxxxHHQQ"
reply_of = struct.Struct("=" + _FIELDS).unpack_from
"""Read (type, ident, sequence, tag, nonce) of a message that begins with its ICMP header."""
reply_after_ip_of = struct.Struct("=20x" + _FIELDS).unpack_from
"""Read the same of a message that begins with an IPv4 header without options."""
REPLY_LENGTH = _ECHO.size
PLAIN_IP_LENGTH = 20

_IP6_LENGTH = 40
_FRAGMENT = 44
_FRAGMENT_LENGTH = 8
_ICMP_LENGTH = 8
_IP4_PROTOCOL, _IP6_PROTOCOL = 1, 58

pack_echo = _ECHO.pack
"""Build a request without its padding: type, code, checksum, ident, sequence, tag, nonce."""


class Quote(NamedTuple):
    """What an ICMP error says of the request that it is about."""

    type: int
    code: int
    info: int
    """The last four bytes of the error's header: the MTU where a packet was too big."""
    source: bytes
    """Packed address that the request was sent from."""
    destination: bytes
    ident: int
    sequence: int
    tag: int | None
    """None where the router quoted only the eight bytes that RFC 792 demands."""
    nonce: int | None


def checksum_base(echo: int, ident: int, tag: int) -> int:
    """Sum up what is the same in all requests of one socket.

    The checksum of a request is `0xFFFF - (base + sequence + nonce) % 0xFFFF`: a one's complement sum of
    16-bit words is the number itself modulo 0xFFFF, however many words it is long (RFC 1071).
    """
    (first,) = struct.unpack("=H", bytes((echo, 0)))
    return int(first + ident + tag) % 0xFFFF


def without_ip(packet: bytes) -> bytes | None:
    """Return the ICMP message in an IPv4 packet, None if there is none."""
    if len(packet) < PLAIN_IP_LENGTH or packet[0] >> 4 != 4:  # noqa: PLR2004 - the version
        return None
    length = (packet[0] & 0x0F) * 4
    if length < PLAIN_IP_LENGTH or len(packet) < length + _ICMP_LENGTH or packet[9] != _IP4_PROTOCOL:
        return None
    return packet[length:]


def quoted4(message: bytes) -> Quote | None:
    """Read the request that an ICMP error quotes; None if it quotes no echo request."""
    inner = without_ip(message[_ICMP_LENGTH:])
    if inner is None or inner[0] != ECHO4:
        return None
    header = message[_ICMP_LENGTH:]
    if int.from_bytes(header[6:8]) & 0x1FFF:  # a later fragment: what follows is no ICMP header
        return None
    return _quote(message, header[12:16], header[16:20], inner)


def quoted6(message: bytes) -> Quote | None:
    """Read the request that an ICMPv6 error quotes; None if it quotes no echo request."""
    header, inner = message[_ICMP_LENGTH:], message[_ICMP_LENGTH + _IP6_LENGTH :]
    if len(inner) < _ICMP_LENGTH or header[0] >> 4 != 6:  # noqa: PLR2004 - the version
        return None
    protocol = header[6]
    if protocol == _FRAGMENT and not int.from_bytes(inner[2:4]) & 0xFFF8:
        protocol, inner = inner[0], inner[_FRAGMENT_LENGTH:]
    if protocol != _IP6_PROTOCOL or len(inner) < _ICMP_LENGTH or inner[0] != ECHO6:
        return None
    return _quote(message, header[8:24], header[24:40], inner)


def _quote(message: bytes, source: bytes, destination: bytes, inner: bytes) -> Quote:
    ident, sequence, tag, nonce = words(inner)
    info = int.from_bytes(message[4:8])
    return Quote(message[0], message[1], info, source, destination, ident, sequence, tag, nonce)


def words(request: bytes) -> tuple[int, int, int | None, int | None]:
    """Read (ident, sequence, tag, nonce) of a request that may be cut off behind its header."""
    if len(request) >= REPLY_LENGTH:
        _, ident, sequence, tag, nonce = reply_of(request)
        return ident, sequence, tag, nonce
    ident, sequence = struct.unpack_from("=HH", request, 4)
    return ident, sequence, None, None
