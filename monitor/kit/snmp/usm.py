"""Keys, digests and encryption of SNMP version 3: the User-based Security Model. Pure.

RFC 3414 (keys and HMAC-SHA-96), RFC 7860 (HMAC-SHA-256-192), RFC 3826 (AES-128 in CFB mode). MD5 and DES are
not spoken: equipment that knows nothing better is asked by version 2c, which at least does not pretend.
"""

import functools
import hashlib
import hmac
from typing import Literal, NamedTuple

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

Digest = Literal["sha", "sha256"]
KEPT: dict[str, int] = {"sha": 12, "sha256": 24}
"""Bytes of each digest that are sent."""
SHORTEST = 8
"""Characters that a password has at least (RFC 3414, section 11.2)."""
_HASHES = {"sha": "sha1", "sha256": "sha256"}
_STRETCHED = 1 << 20
_KEY = 16
_SALT = 8


class User(NamedTuple):
    """Who asks, and what proves it."""

    name: bytes
    digest: Digest
    auth: bytes
    privacy: bytes

    def __repr__(self) -> str:
        return f"User({self.name!r}, {self.digest!r}, ***)"


class Keys(NamedTuple):
    """What one user proves himself with to one agent."""

    digest: Digest
    auth: bytes
    privacy: bytes

    def __repr__(self) -> str:
        return "Keys(***)"


@functools.lru_cache(maxsize=256)
def _stretched(password: bytes, digest: Digest) -> bytes:
    """Return the key of a password, RFC 3414, appendix A.2: takes about two milliseconds."""
    repeated = password * (_STRETCHED // len(password) + 1)
    return hashlib.new(_HASHES[digest], repeated[:_STRETCHED]).digest()


def localized(password: bytes, digest: Digest, engine: bytes) -> bytes:
    """Return the key of a password for one agent, RFC 3414, section 2.6."""
    key = _stretched(password, digest)
    return hashlib.new(_HASHES[digest], key + engine + key).digest()


def keys_of(user: User, engine: bytes) -> Keys:
    """Return the keys of *user* for the agent *engine*."""
    auth = localized(user.auth, user.digest, engine)
    return Keys(user.digest, auth, localized(user.privacy, user.digest, engine)[:_KEY])


def sign(keys: Keys, message: bytes) -> bytes:
    """Return the digest of a message in which zeros stand in its place."""
    return hmac.digest(keys.auth, message, _HASHES[keys.digest])[: KEPT[keys.digest]]


def genuine(keys: Keys, message: bytes, at: int, digest: bytes) -> bool:
    """Tell whether *digest*, found at *at*, is the right one for this message."""
    size = KEPT[keys.digest]
    if len(digest) != size:
        return False
    blank = message[:at] + bytes(size) + message[at + size :]
    return hmac.compare_digest(sign(keys, blank), digest)


def encrypt(keys: Keys, boots: int, time: int, salt: bytes, plain: bytes) -> bytes:
    """Return *plain* encrypted; *salt* is eight bytes that are never used twice with one key."""
    return _cipher(keys, boots, time, salt).encryptor().update(plain)


def decrypt(keys: Keys, boots: int, time: int, salt: bytes, hidden: bytes) -> bytes:
    """Return what was encrypted; raises ValueError if the salt is none."""
    if len(salt) != _SALT:
        raise ValueError("a salt of the wrong length")
    return _cipher(keys, boots, time, salt).decryptor().update(hidden)


def _cipher(keys: Keys, boots: int, time: int, salt: bytes) -> "Cipher[CFB]":
    start = boots.to_bytes(4) + time.to_bytes(4) + salt
    return Cipher(AES(keys.privacy), CFB(start))
