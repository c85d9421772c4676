"""Hostile text made fit for people: bounded, on one line, and showing what it is."""

import unicodedata

_ELLIPSIS = "…"
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Controls (C0, C1), formats (bidirectional overrides, zero-width marks), surrogates, unassigned."""


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
