"""List the device profiles: what such equipment is called, how it is looked at, and what a failure means.

Those beside the inventory come first, then those that are shipped; of the same name the nearer one counts.
Exit code 2: one of them is wrong, and all that is wrong with it is told.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.cli.planned import UNBOUNDED
from monitor.cli.status import language_of
from monitor.config import Profile, load_profile, profile_paths
from monitor.config.looks import named
from monitor.config.schema import LookFile
from monitor.core.inventory import Name
from monitor.core.sentence import WORDS, called
from monitor.core.world import Json
from monitor.errors import ConfigError, Problem
from monitor.probes import load_kinds
from monitor.settings import load_settings

HELP = "list the device profiles and what they look at"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--json", action="store_true", help="print one object for each")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Show them, and what is wrong with them."""
    console = Console(highlight=False)
    language = args.language or language_of(os.environ, console.encoding)
    inventory = load_settings(args.settings).inventory
    profiles, problems = _read(inventory)
    if args.json:
        for name, profile in profiles.items():
            print(json.dumps(_facts(name, profile), ensure_ascii=False))
    else:
        if not console.is_terminal:
            console.width = UNBOUNDED
        console.print(_table(profiles, language))
    if problems:
        sys.stderr.write(f"{ConfigError(problems=problems)}\n")
    return 2 if problems else 0


def _read(inventory: Path) -> tuple[dict[str, Profile], list[Problem]]:
    """Return the profiles by name, and what is wrong with the others."""
    kinds, found, problems = load_kinds(), dict[str, Profile](), list[Problem]()
    for name, path in sorted(profile_paths(inventory).items()):
        try:
            found[name] = load_profile(path, kinds)
        except ConfigError as error:
            problems += error.problems
    return found, problems


def _facts(name: str, profile: Profile) -> dict[str, Json]:
    file = profile.file
    title = named(file.name, Name(name, name))
    looks: list[Json] = [
        {"name": key, "kind": look.kind, "period": look.period, "means": _both(_means(look))}
        for key, look in file.looks.items()
    ]
    variables: dict[str, Json] = dict(file.variables.items())
    return {
        "profile": name,
        "file": profile.node.place.file,
        "name": _both(title),
        "looks": looks,
        "variables": variables,
    }


def _means(look: LookFile) -> Name:
    """Return what a failure means; empty where nobody has said it."""
    return Name("", "") if look.means is None else named(look.means, Name("", ""))


def _both(name: Name) -> Json:
    return {"zh": name.zh, "en": name.en}


def _table(profiles: dict[str, Profile], language: str) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    for name, profile in profiles.items():
        for row in _rows(name, profile, language):
            table.add_row(*row)
    return table


def _rows(name: str, profile: Profile, language: str) -> Iterator[tuple[Text, ...]]:
    first = Text(name, "bold"), Text(called(named(profile.file.name, Name(name, name)), language), "bold")
    for number, (key, look) in enumerate(profile.file.looks.items()):
        own = Text(key), Text(look.kind or "", "dim"), Text(called(_means(look), language))
        yield (*(first if number == 0 else (Text(""), Text(""))), *own)
