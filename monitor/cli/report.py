"""Enter how a roll-call went, by radio or telephone; without SUBJECT: show the latest ones.

The running daemon is told, over a socket in its state folder: whoever may write there may do this. Exit code
1: it refuses, and says why; without SUBJECT: one is due, or the latest one failed.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from monitor.board.reports import report_line
from monitor.board.teller import Teller
from monitor.cli.backup import user
from monitor.cli.planned import LONGEST, UNBOUNDED, Facts, asked
from monitor.cli.status import language_of
from monitor.core.report import State
from monitor.core.sentence import WORDS
from monitor.errors import MonitorError
from monitor.kit.text import clean
from monitor.settings import load_settings

HELP = "enter how a roll-call went, or show which are due"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be entered."""
    parser.add_argument("subject", metavar="SUBJECT", nargs="?", help="what was called: `danjiangkou/radio`")
    parser.add_argument(
        "state",
        metavar="ok|degraded|failed",
        nargs="?",
        choices=[*State],
        help="whether it answered, and how",
    )
    parser.add_argument("--note", default="", metavar="TEXT", help="what is worth knowing besides")
    parser.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")
    parser.add_argument("--json", action="store_true", help="without SUBJECT: print one object for each")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Tell the daemon, or ask it."""
    settings, console = load_settings(args.settings), Console(highlight=False)
    language = args.language or language_of(os.environ, console.encoding)
    if args.subject is None:
        answer = asked(settings, {"order": "report/list"})
        return _show(answer, console, ZoneInfo(settings.timezone), language, as_json=args.json)
    if args.state is None:
        raise MonitorError("say how it went: ok, degraded or failed")
    told = {"subject": args.subject, "state": args.state, "note": args.note, "who": args.who}
    answer = asked(settings, {"order": "report/enter", **told})
    if "refused" in answer:
        sys.stderr.write(f"{clean(answer['refused'], LONGEST)}\n")
        return 1
    print(clean(answer["sentence"][language], LONGEST))
    if not answer["recorded"]:
        sys.stderr.write("The disk has not taken it yet: it holds for this run of the daemon.\n")
    return 0


def _show(answer: Facts, console: Console, zone: ZoneInfo, language: str, *, as_json: bool) -> int:
    reports = answer["reports"]
    teller = Teller(WORDS[language], zone, answer["at"])
    width = console.width if console.is_terminal else UNBOUNDED
    for facts in reports:
        if as_json:
            print(json.dumps(facts, ensure_ascii=False))
        else:
            for line in report_line(facts, teller, width):
                console.print(line, soft_wrap=True)
    if not reports and not as_json:
        console.print(WORDS[language].report["none"])
    return 1 if any(facts["due"] or facts["state"] == State.FAILED for facts in reports) else 0
