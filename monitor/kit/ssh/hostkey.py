"""Keys of servers, and whether a signature was made with one (RFC 4253, 5656, 8332, 8709)."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from monitor.kit.ssh.wire import Fields, SshError, spoilt

_MOST_BITS = 8192
"""Of an RSA key: a longer one only costs us time."""
_MOST_EXPONENT = 32


def verify(algorithm: str, key: bytes, signature: bytes, data: bytes) -> None:
    """Return if *signature* of *data* was made with *key*. Raises SshError if it was not."""
    fields = Fields(signature)
    if fields.string() != algorithm.encode():
        raise spoilt("the signature is of another kind than agreed upon")
    name, check = ALGORITHMS[algorithm]
    parts = Fields(key)
    if parts.string() != name.encode():
        raise spoilt("the key is of another kind than agreed upon")
    try:
        check(parts, fields.string(), data)
    except InvalidSignature as error:
        raise SshError("bad_signature", "the signature was not made with the key shown") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise spoilt(f"a key that is none: {error}") from error


Check = Callable[[Fields, bytes, bytes], None]


def _ed25519(key: Fields, signature: bytes, data: bytes) -> None:
    ed25519.Ed25519PublicKey.from_public_bytes(key.string()).verify(signature, data)


def _ecdsa(curve: ec.EllipticCurve, digest: hashes.HashAlgorithm) -> Check:
    def check(key: Fields, signature: bytes, data: bytes) -> None:
        key.string()  # the curve's name once more
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.string())
        numbers = Fields(signature)
        der = utils.encode_dss_signature(numbers.number(), numbers.number())
        point.verify(der, data, ec.ECDSA(digest))

    return check


def _rsa(digest: hashes.HashAlgorithm) -> Check:
    def check(key: Fields, signature: bytes, data: bytes) -> None:
        exponent, modulus = key.number(), key.number()
        if modulus.bit_length() > _MOST_BITS or exponent.bit_length() > _MOST_EXPONENT:
            raise ValueError("an RSA key of excessive size")
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        public.verify(signature, data, padding.PKCS1v15(), digest)

    return check


ALGORITHMS: dict[str, tuple[str, Check]] = {
    "ssh-ed25519": ("ssh-ed25519", _ed25519),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256", _ecdsa(ec.SECP256R1(), hashes.SHA256())),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384", _ecdsa(ec.SECP384R1(), hashes.SHA384())),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521", _ecdsa(ec.SECP521R1(), hashes.SHA512())),
    "rsa-sha2-512": ("ssh-rsa", _rsa(hashes.SHA512())),
    "rsa-sha2-256": ("ssh-rsa", _rsa(hashes.SHA256())),
    "ssh-rsa": ("ssh-rsa", _rsa(hashes.SHA1())),  # noqa: S303 - what old routers have
}
"""The kind of key that each signs with, and how; the best first."""
