"""A client's answer to a challenge: Digest (RFC 7616, and RFC 2617 for old servers) or Basic (RFC 7617)."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from typing import NamedTuple

LONGEST = 4096
"""Characters of a challenge that are read; what is longer is passed over."""

_PART = re.compile(
    r"[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})"  # a scheme, or the name of a parameter
    r'(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*)))?'  # its value, with quotes or without
)
_ESCAPED = re.compile(r"\\(.)")
_HASHES: dict[str, tuple[Callable[[bytes], "hashlib._Hash"], int]] = {
    "MD5": (hashlib.md5, 1),
    "SHA-256": (hashlib.sha256, 2),
}
"""Each algorithm with its rank."""


class Credential(NamedTuple):
    """Who we are."""

    user: str
    password: str


class Challenge(NamedTuple):
    """What a server asks for: its scheme in small letters and its parameters, by name in small letters."""

    scheme: str
    told: dict[str, str]

    @property
    def algorithm(self) -> str:
        """Name of the algorithm, without the variant."""
        return self.told.get("algorithm", "MD5").upper().removesuffix("-SESS")

    @property
    def rank(self) -> int:
        """The higher the better; 0 for what cannot be answered."""
        if self.scheme == "basic":
            return 1
        qops = {word.strip().lower() for word in self.told.get("qop", "auth").split(",")}
        if self.scheme != "digest" or "nonce" not in self.told or "auth" not in qops:
            return 0
        return _HASHES[self.algorithm][1] + 1 if self.algorithm in _HASHES else 0


def challenges(values: Iterable[str]) -> list[Challenge]:
    """Read the values of `WWW-Authenticate`, each of which may hold several challenges; junk ends a value."""
    found: list[Challenge] = []
    for value in values:
        if len(value) <= LONGEST and value.isprintable():
            found += _read(value)
    return found


def answered(
    offers: Iterable[Challenge], credential: Credential, method: str, uri: str, *, basic: bool
) -> str | None:
    """Return the value of `Authorization` for the strongest offer, None if there is none that we can answer.

    Without *basic* no password is sent in the clear.
    """
    usable = [offer for offer in offers if offer.rank and (basic or offer.scheme != "basic")]
    if not usable:
        return None
    best = max(usable, key=lambda offer: offer.rank)
    if best.scheme == "basic":
        return "Basic " + base64.b64encode(":".join(credential).encode()).decode()
    return digest(best, credential, method, uri, secrets.token_hex(16))


def digest(offer: Challenge, credential: Credential, method: str, uri: str, ours: str) -> str:
    """Return the answer to a Digest challenge, *ours* being our own nonce (RFC 7616, section 3.4.1)."""
    told, count = offer.told, "00000001"
    realm, nonce = told.get("realm", ""), told["nonce"]

    def hashed(*parts: str) -> str:
        return _HASHES[offer.algorithm][0](":".join(parts).encode()).hexdigest()

    secret = hashed(credential.user, realm, credential.password)
    if told.get("algorithm", "").upper().endswith("-SESS"):
        secret = hashed(secret, nonce, ours)
    request = hashed(method, uri)
    parts = [
        f"username={_quoted(credential.user)}",
        f"realm={_quoted(realm)}",
        f"nonce={_quoted(nonce)}",
        f"uri={_quoted(uri)}",
    ]
    if "qop" in told:
        response = hashed(secret, nonce, count, ours, "auth", request)
        parts += ["qop=auth", f"nc={count}", f'cnonce="{ours}"']
    else:
        response = hashed(secret, nonce, request)
    parts.append(f'response="{response}"')
    if "algorithm" in told:
        parts.append(f"algorithm={told['algorithm']}")
    if "opaque" in told:
        parts.append(f"opaque={_quoted(told['opaque'])}")
    return "Digest " + ", ".join(parts)


def _read(value: str) -> list[Challenge]:
    found: list[Challenge] = []
    at = 0
    while (part := _PART.match(value, at)) is not None:
        at = part.end()
        name, quoted, plain = part.groups()
        if quoted is None and plain is None:
            found.append(Challenge(name.lower(), {}))
        elif found:
            text = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1].told.setdefault(name.lower(), text)
    return found


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
