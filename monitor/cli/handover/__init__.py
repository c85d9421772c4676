"""Print on one page what whoever goes off duty leaves to whoever comes: what is open, muted, planned, broken.

With --sign both names and the SHA-256 of the page as it is printed go into the audit log, and the number of
that entry is told on standard error: keep the page (`… --sign > handover.txt`), and `sha256sum` shows later
that it is the one that was signed. Exit code 1: the daemon refuses, and says why.
"""

import argparse
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.board.teller import Teller
from monitor.cli.backup import user
from monitor.cli.handover.page import page
from monitor.cli.planned import LONGEST, asked
from monitor.cli.status import language_of
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.errors import MonitorError
from monitor.kit.text import clean
from monitor.settings import Settings, load_settings
from monitor.store import log_file
from monitor.store.audit_check import acts

HELP = "print what is handed over to the next on duty, and sign it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("--leaving", default="", metavar="NAME", help="who goes off duty")
    parser.add_argument("--coming", default="", metavar="NAME", help="who comes on duty")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--sign", action="store_true", help="note in the audit log that both have seen it")
    form.add_argument("--json", action="store_true", help="print it for programs")
    parser.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Print the page, and have it signed."""
    if args.sign and not (args.leaving.strip() and args.coming.strip()):
        raise MonitorError("whoever signs says who goes and who comes: --leaving NAME --coming NAME")
    settings = load_settings(args.settings)
    facts = asked(settings, {"order": "handover/show"})
    if "refused" in facts:
        sys.stderr.write(f"{clean(facts['refused'], LONGEST)}\n")
        return 1
    if args.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    words = WORDS[args.language or language_of(os.environ, sys.stdout.encoding)]
    teller = Teller(words, ZoneInfo(settings.timezone), facts["at"])
    text = page(facts, teller, args.leaving, args.coming)
    sys.stdout.write(text)
    sys.stdout.flush()
    return _sign(args, settings, text, words) if args.sign else 0


def _sign(args: argparse.Namespace, settings: Settings, text: str, words: Words) -> int:
    digest = hashlib.sha256(text.encode()).hexdigest()
    told = {"leaving": args.leaving, "coming": args.coming, "who": args.who}
    answer = asked(settings, {"order": "handover/sign", "sha256": digest, **told})
    if "refused" in answer:
        sys.stderr.write(f"{clean(answer['refused'], LONGEST)}\n")
        return 1
    number = number_of(settings, digest) if answer["recorded"] else None
    says = words.handover["signed" if number is not None else "not_recorded"]
    sys.stderr.write(says.format(number=number, sha256=digest) + "\n")
    return 0


def number_of(settings: Settings, digest: str) -> int | None:
    """Return the number of the latest entry of the audit log that signs this page; None: there is none."""
    log = log_file(settings.state_dir, settings.vantage)
    try:
        found = [
            row["number"] for row in acts(log) if row["act"] == "handover/sign" and digest in row["data"]
        ]
    except sqlite3.Error as error:
        raise MonitorError(f"{log}: {error}") from error
    return found[-1] if found else None
