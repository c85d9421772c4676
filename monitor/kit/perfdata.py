"""What a monitoring plugin says: a line for people, and performance data behind a bar.

    DISK OK - 79716 MiB free|/=25354567680B;27055;13527;0;270552530944 'in use'=34%

Format: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Performance data". Further
lines may follow, in which a second bar begins more performance data up to the end.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

MOST = 256
"""Values that are taken of one output at most."""
_LONGEST = 40
"""Characters of a value."""
_DATA = 16_384
"""Characters of performance data that are looked at."""

_WORD, _SPACE = re.compile(r"\S"), re.compile(r"\s")
_ITEM = re.compile(
    r"(?:'(?P<quoted>(?:[^']|''){1,120})'|(?P<plain>[^\s='|]{1,120}))=(?P<value>[^\s;]*)(?:;\S*)?"
)
_VALUE = re.compile(r"(?P<number>[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d{1,3})?)(?P<unit>[^\d\s]*)")
_UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1.0),
    "c": ("count", 1.0),
    "%": ("ratio", 0.01),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "ns": ("seconds", 1e-9),
    "b": ("bytes", 1.0),
}
_PREFIXES = "kmgtp"


class Measured(NamedTuple):
    """One value of the performance data."""

    number: float
    unit: str
    """`seconds`, `bytes`, `ratio`, `count` (it only grows), or empty: none is told."""


class Told(NamedTuple):
    """What a plugin said."""

    line: str
    """The first line, without its performance data."""
    values: dict[str, Measured]
    """By label; the first of a label counts."""


def read(output: str) -> Told:
    """Return what *output* says; whatever is not as it should be is passed over."""
    first, _, rest = output.partition("\n")
    line, _, data = first.partition("|")
    _, _, more = rest.partition("|")
    values: dict[str, Measured] = {}
    for label, measured in _items(f"{data}\n{more}"[:_DATA]):
        values.setdefault(label, measured)
        if len(values) == MOST:
            break
    return Told(line.strip(), values)


def _items(data: str) -> Iterator[tuple[str, Measured]]:
    at = 0
    while (word := _WORD.search(data, at)) is not None:
        item = _ITEM.match(data, word.start())
        if item is None:
            space = _SPACE.search(data, word.start())
            at = len(data) if space is None else space.start()
            continue
        at = item.end()
        label = item["plain"] if item["quoted"] is None else item["quoted"].replace("''", "'").strip()
        measured = measured_in(item["value"])
        if measured is not None and label:
            yield label, measured


def measured_in(text: str) -> Measured | None:
    """Return a value in base units: seconds, bytes, a ratio; None if it is none, or `U` (not known).

    Of bytes `KB` counts 1000 of them and `KiB` 1024. A unit that is not in the guidelines is left away.
    """
    found = _VALUE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    unit, factor = _unit(found["unit"].lower())
    number = float(found["number"].replace(",", ".")) * factor
    return Measured(number, unit) if math.isfinite(number) else None


def _unit(word: str) -> tuple[str, float]:
    if word in _UNITS:
        return _UNITS[word]
    prefix, rest = word[:1], word[1:]
    if prefix in _PREFIXES and rest in {"b", "ib"}:
        return "bytes", (1000.0 if rest == "b" else 1024.0) ** (_PREFIXES.index(prefix) + 1)
    return "", 1.0
