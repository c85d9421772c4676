"""Examine an installation, whether the daemon runs or not: what is well, what is not, and what to do.

Exit code 1: something keeps the daemon from doing its work. To be run as the user that runs the daemon.
"""

import argparse
import asyncio
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.cli.doctor.examinations import Found, Grade, examine
from monitor.cli.doctor.texts import TEXTS
from monitor.cli.status import language_of

HELP = "examine an installation, and say what to do"

SIGNS = {Grade.WELL: ("✔", "green"), Grade.POOR: ("▲", "yellow"), Grade.BAD: ("✘", "red")}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--language", "--lang", choices=sorted(TEXTS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Examine everything and show what was found."""
    console = Console(highlight=False)
    found = asyncio.run(examine(args.settings, time.time()))
    texts = TEXTS[args.language or language_of(os.environ, console.encoding)]
    if args.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _show(found, console, texts)
    return 1 if any(one.grade is Grade.BAD for one in found) else 0


def _show(found: list[Found], console: Console, texts: dict[str, str]) -> None:
    shown = Table.grid(padding=(0, 2), pad_edge=False)
    for one in found:
        sign, colour = SIGNS[one.grade]
        words = texts[f"{one.what}_{one.grade}"].format(**one.facts)
        shown.add_row(Text(sign, colour), Text(texts[one.what], "bold"), Text(words))
        if cure := texts.get(f"{one.what}_{one.grade}_cure"):
            shown.add_row("", "", Text(f"→ {cure.format(**one.facts)}", colour))
    console.print(shown)
