"""How mistakes are worded: what was found, what would be right, which valid word is nearest."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

LONGEST = 60
"""A found text longer than this is cut."""
MOST_WORDS, MOST_KEYS = 14, 40
"""So many valid words, or keys, are listed; of more, only the nearest is named."""


def shown(value: object) -> str:
    """Return *value* as it would stand in the file, short enough for one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")
    if isinstance(value, dict):
        return f"a mapping ({_some(value)})" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return str(value)[:LONGEST]


def one_of(words: Collection[str], what: str) -> str:
    """Return the words to choose from as a sentence part; *what* names the kind of thing."""
    if not words:
        return f"{what} (none is declared)"
    if len(words) > (MOST_KEYS if what == "a key" else MOST_WORDS):
        return f"{what} that is declared"
    return f"{what}: {' | '.join(sorted(words))}"


def nearest(word: object, words: Iterable[str]) -> str:
    """Return the valid word that *word* was probably meant to be, or nothing."""
    known = {candidate.lower(): candidate for candidate in words}
    matches = get_close_matches(str(word).lower(), known, n=1)
    return known[matches[0]] if matches else ""


def _some(mapping: dict[object, object]) -> str:
    keys = [str(key) for key in mapping]
    return ", ".join(keys[:3]) + (", …" if len(keys) > 3 else "")  # noqa: PLR2004 - a taste of it
