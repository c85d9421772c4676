"""The tables of docs/probes/, made from the kinds and the device profiles themselves.

python -m tests.probes.reference        write them anew; the prose around them stays
"""

import re
from pathlib import Path

import yaml

from monitor.config.reference import options
from monitor.config.shipped import shipped
from monitor.engine.runner import REASONS
from monitor.probes import load_kinds

FOLDER = Path(__file__).parents[2] / "docs" / "probes"
INDEX = FOLDER / "README.md"
_PLACE = re.compile(r"(<!-- (\w+) of (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def pages():
    """Return the page of each kind that has one, by kind."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.md")) if path != INDEX}


def renewed(text):
    """Return *text* with its generated parts as they should be."""
    return _PLACE.sub(lambda place: f"{place[1]}{PARTS[place[2]](place[3])}{place[4]}", text)


def named(text):
    """Return the generated parts that *text* has a place for: (part, of what)."""
    return [(place[2], place[3]) for place in _PLACE.finditer(text)]


def index(_):
    rows = [f"| [{name}]({name}.md) | {kind.summary} |" for name, kind in sorted(load_kinds().items())]
    return "\n" + "\n".join(["| kind | what it does |", "|---|---|", *rows, "", ""])


def summary(name):
    """Return what a kind does, and the shipped device profiles that look so."""
    users = [f"[{path.stem}](../../config/profiles/{path.name})" for path in profiles_with(name)]
    used = f" Device profiles with it: {', '.join(users)}." if users else ""
    return f"\n{load_kinds()[name].summary}{used}\n\n"


def profiles_with(name):
    for path in sorted((shipped() / "profiles").glob("*.yaml")):
        looks = yaml.safe_load(path.read_text(encoding="utf-8")).get("looks", {})
        if name in {look["kind"] for look in looks.values()}:
            yield path


def tables(name):
    """Return the tables of a kind, or those of every kind (`any`)."""
    if name == "any":
        return f"\n{reasons(REASONS)}\n"
    kind = load_kinds()[name]
    parts = [options(kind.options, frozenset()), values(kind.values), reasons(kind.reasons)]
    return "\n" + "\n".join(f"{part.rstrip()}\n" for part in parts) + "\n"


def values(told):
    rows = [f"| `{name}` | {unit} | {meaning} |" for name, (unit, meaning) in told.items()]
    return "\n".join(["| value | unit | meaning |", "|---|---|---|", *rows, ""])


def reasons(told):
    rows = [f"| `{word}` | {meaning} |" for word, meaning in told.items()]
    return "\n".join(["| reason | meaning |", "|---|---|", *rows, ""])


PARTS = {"index": index, "summary": summary, "tables": tables}


if __name__ == "__main__":
    for page in [INDEX, *pages().values()]:
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
