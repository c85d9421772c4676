"""The tables of docs/probes.md, made from the kinds themselves.

python -m tests.probes.reference        write them anew; the prose around them stays
"""

import re
from pathlib import Path

from monitor.config.reference import options
from monitor.engine.runner import REASONS
from monitor.probes import load_kinds

DOCUMENT = Path(__file__).parents[2] / "docs" / "probes.md"
_PLACE = re.compile(r"(<!-- tables of (\w+) -->\n).*?(<!-- end of tables -->)", re.DOTALL)


def renewed(text):
    """Return *text* with the tables as they should be."""
    return _PLACE.sub(lambda place: f"{place[1]}{tables(place[2])}{place[3]}", text)


def named(text):
    """Return the names of the tables that *text* has a place for."""
    return [place[2] for place in _PLACE.finditer(text)]


def tables(name):
    """Return the tables of a kind, or those of every kind (`any`)."""
    if name == "any":
        return f"\n{reasons(REASONS)}\n"
    kind = load_kinds()[name]
    parts = [kind.summary, options(kind.options, frozenset()), values(kind.values), reasons(kind.reasons)]
    return "\n" + "\n".join(f"{part.rstrip()}\n" for part in parts) + "\n"


def values(told):
    rows = [f"| `{name}` | {unit} | {meaning} |" for name, (unit, meaning) in told.items()]
    return "\n".join(["| value | unit | meaning |", "|---|---|---|", *rows, ""])


def reasons(told):
    rows = [f"| `{word}` | {meaning} |" for word, meaning in told.items()]
    return "\n".join(["| reason | meaning |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
