"""Hostile text made fit for people: bounded, on one line, and showing what it is."""

import re
import unicodedata
from collections.abc import Iterable

_ELLIPSIS = "…"
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Controls (C0, C1), formats (bidirectional overrides, zero-width marks), surrogates, unassigned."""
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.|$)", re.DOTALL)
_HEX = re.compile(r"x[0-9a-fA-F]{2}")
_NUMBER = re.compile(r"[0-9]{7,}")
_TOLD = 4096
LONG_NUMBER = 10
"""Digits of a telephone number from which some of them may be shown."""
_LETTERS = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def clean(text: str | bytes, limit: int = 200) -> str:
    """Return *text* as one printable line of at most *limit* characters.

    Bytes are read as UTF-8 with replacement. Controls, line breaks, bidirectional and zero-width
    characters become spaces, runs of spaces become one; what was cut off is marked with an ellipsis.
    """
    raw = text[: limit * 8]
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "replace")
    plain = raw if raw.isascii() and raw.isprintable() else "".join(map(_shown, raw))
    line = " ".join(plain.split())
    if len(line) > limit or len(text) > limit * 8:
        return line[: limit - 1] + _ELLIPSIS
    return line


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    return " " if category in _REMOVED or category in _SPACES else character


def masked(number: str) -> str:
    """Return a telephone number that can be recognised by who knows it, `138****1234`, and by nobody else."""
    digits = re.sub(r"[^0-9]", "", number)
    if len(digits) < LONG_NUMBER:
        return "*" * len(digits)
    return f"{digits[:3]}{'*' * (len(digits) - 7)}{digits[-4:]}"


def discreet(text: str, hidden: Iterable[str]) -> str:
    """Return hostile *text* as `clean` does, with what is *hidden* and all long numbers masked."""
    told = text[:_TOLD]
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        told = told.replace(secret, "***")
    return clean(_NUMBER.sub(lambda found: masked(found[0]), told))


def contains(text: str, pattern: str) -> bool:
    """Say whether *pattern* occurs in *text*; `*` in it stands for anything in between, or nothing.

    Deliberately no regular expression: this takes linear time whatever a peer sends.
    """
    at = 0
    for part in pattern.split("*"):
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def unescape(text: str) -> bytes:
    r"""Return the bytes that *text* stands for: UTF-8, with `\r \n \t \0 \\ \xHH` as in most languages.

    Raises ValueError for any other escape.
    """
    parts = _ESCAPE.split(text)
    parts[1::2] = [_escaped(part) for part in parts[1::2]]
    return b"".join(part.encode("latin-1" if odd % 2 else "utf-8") for odd, part in enumerate(parts))


def _escaped(escape: str) -> str:
    if escape in _LETTERS:
        return _LETTERS[escape]
    if _HEX.fullmatch(escape):
        return chr(int(escape[1:], 16))
    raise ValueError(f"\\{escape} is no escape; known are \\r \\n \\t \\0 \\\\ \\xHH")
