"""Look whether the record of what people did is whole; the daemon may run meanwhile.

Every act holds the hash of the one before, so what was changed, taken away or put in is named. Exit code 1:
something was. With --head it is also compared with what was noted elsewhere.
"""

import argparse
import json
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

from monitor.cli.audit import Row, facts_of, line_of, log_of, moment_told
from monitor.cli.status import language_of
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.errors import MonitorError
from monitor.store.audit import Link
from monitor.store.audit_check import Break, Checked, check_file

HELP = "look whether the record of what people did is whole"

_AGREES = {True: "head_agrees", False: "head_differs", None: "head_gone"}
_HEAD = re.compile(r"(\d{1,15})[: ]([0-9a-f]{64})")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--file", type=Path, metavar="DB", help="look at this database, or backup of one")
    parser.add_argument(
        "--head", type=_head, metavar="N:HASH", help="where the record ended at another time, as told then"
    )
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Look, and say what was found."""
    log, zone = log_of(args.settings, args.file)
    words = WORDS[args.language or language_of(os.environ, sys.stdout.encoding)]
    try:
        found = check_file(log, args.head)
    except sqlite3.Error as error:
        raise MonitorError(f"{log}: {error}") from error
    if found is None:
        raise MonitorError(f"{log}: {words.audit['old']}")
    if args.json:
        print(json.dumps(_facts(found), ensure_ascii=False))
    else:
        for line in _lines(found, args.head, zone, words):
            print(line)
    return 0 if found.whole else 1


def _lines(found: Checked, head: Link | None, zone: tzinfo, words: Words) -> Iterator[str]:
    says = words.audit
    if found.first is None or found.last is None:
        yield says["none"]
    else:
        first, last = (moment_told(row["at"], zone) for row in (found.first, found.last))
        known = {"count": found.count, "first": first, "last": last, "breaks": len(found.breaks)}
        yield says["broken" if found.breaks else "whole"].format(**known)
    for one in found.breaks:
        row = "" if one.row is None else line_of(one.row, zone, words)
        yield "  " + says[f"why_{one.why}"].format(number=one.number, count=one.count, row=row)
    if found.cut:
        yield says["cut"].format(count=found.cut)
    if head is not None:
        yield says[_AGREES[found.agrees]].format(number=head.number)
    yield says["head"].format(number=found.head.number, hash=found.head.hash)


def _facts(found: Checked) -> dict[str, Any]:
    """Return everything as programs want it."""
    return {
        "whole": found.whole,
        "count": found.count,
        "cut": found.cut,
        "first": _shown(found.first),
        "last": _shown(found.last),
        "head": found.head._asdict(),
        "agrees": found.agrees,
        "breaks": [_broken(one) for one in found.breaks],
    }


def _broken(one: Break) -> dict[str, Any]:
    return {"number": one.number, "why": str(one.why), "count": one.count, "row": _shown(one.row)}


def _shown(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else facts_of(row)


def _head(text: str) -> Link:
    if not (found := _HEAD.fullmatch(text)):
        raise argparse.ArgumentTypeError("must be the number of an act and its hash: `17:9f86d0…`")
    return Link(int(found[1]), found[2])
