"""Ways to agree on a secret: curves (RFC 5656, RFC 8731) and, for old equipment, fixed groups (RFC 8268)."""

import functools
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, x25519

from monitor.kit.ssh.wire import Fields, number, spoilt, string

_EXPONENT_BITS = 512


class Agreement(Protocol):
    """Our half of an exchange: what we send, and what follows from the peer's half."""

    @property
    def sent(self) -> bytes:
        """Return our half, as a field."""

    def secret(self, field: Fields) -> tuple[bytes, int]:
        """Take the peer's half and return it as a field, and the secret. Raises SshError, ValueError."""


class Curve25519:
    """The exchange of RFC 8731."""

    def __init__(self) -> None:
        self._key = x25519.X25519PrivateKey.generate()
        self.sent = string(self._key.public_key().public_bytes_raw())

    def secret(self, field: Fields) -> tuple[bytes, int]:
        """Take the peer's half."""
        theirs = field.string()
        shared = self._key.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
        return string(theirs), int.from_bytes(shared, "big")


class Nist:
    """The exchange of RFC 5656 over one of the curves of NIST."""

    def __init__(self, curve: ec.EllipticCurve) -> None:
        self._curve = curve
        self._key = ec.generate_private_key(curve)
        ours = self._key.public_key().public_numbers()
        size = (curve.key_size + 7) // 8
        self.sent = string(b"\4" + ours.x.to_bytes(size, "big") + ours.y.to_bytes(size, "big"))

    def secret(self, field: Fields) -> tuple[bytes, int]:
        """Take the peer's half."""
        theirs = field.string()
        point = ec.EllipticCurvePublicKey.from_encoded_point(self._curve, theirs)
        return string(theirs), int.from_bytes(self._key.exchange(ec.ECDH(), point), "big")


class Group:
    """The exchange of RFC 4253, section 8, in a group of so many bits."""

    def __init__(self, bits: int) -> None:
        self._prime = prime(bits)
        self._exponent = secrets.randbits(_EXPONENT_BITS) | 1 << (_EXPONENT_BITS - 1)
        self.sent = number(pow(2, self._exponent, self._prime))

    def secret(self, field: Fields) -> tuple[bytes, int]:
        """Take the peer's half."""
        theirs = field.number()
        if not 1 < theirs < self._prime - 1:
            raise spoilt("the peer's half of the exchange is out of range")
        return number(theirs), pow(theirs, self._exponent, self._prime)


_OFFSETS = {1024: 129_093, 2048: 124_476}


@functools.cache
def prime(bits: int) -> int:
    """Return the prime of a MODP group by its formula (RFC 2409, section 6.2, and RFC 3526, section 3)."""
    return (1 << bits) - (1 << bits - 64) - 1 + ((_pi(bits - 130) + _OFFSETS[bits]) << 64)


def _pi(bits: int) -> int:
    """Return pi times two to the power of *bits*, rounded down (Machin's formula)."""
    more = 64
    one = 1 << (bits + more)
    return 4 * (4 * _arccot(5, one) - _arccot(239, one)) >> more


def _arccot(of: int, one: int) -> int:
    term = one // of
    total, divisor, sign = term, 1, 1
    while term:
        term //= of * of
        divisor, sign = divisor + 2, -sign
        total += sign * (term // divisor)
    return total


@dataclass(frozen=True, slots=True)
class Method:
    """A way to agree on a secret, and the hash that goes with it."""

    begin: Callable[[], Agreement]
    hash: str

    def digest(self, data: bytes) -> bytes:
        """Return the hash of *data*."""
        return hashlib.new(self.hash, data, usedforsecurity=False).digest()


METHODS = {
    "curve25519-sha256": Method(Curve25519, "sha256"),
    "curve25519-sha256@libssh.org": Method(Curve25519, "sha256"),
    "ecdh-sha2-nistp256": Method(lambda: Nist(ec.SECP256R1()), "sha256"),
    "ecdh-sha2-nistp384": Method(lambda: Nist(ec.SECP384R1()), "sha384"),
    "ecdh-sha2-nistp521": Method(lambda: Nist(ec.SECP521R1()), "sha512"),
    "diffie-hellman-group14-sha256": Method(lambda: Group(2048), "sha256"),
    "diffie-hellman-group14-sha1": Method(lambda: Group(2048), "sha1"),
    "diffie-hellman-group1-sha1": Method(lambda: Group(1024), "sha1"),
}
"""By name, the best first."""
