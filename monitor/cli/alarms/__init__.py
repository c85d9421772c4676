"""Show the alarms that are open, take them on, mute one, see how far each notice has got, or exercise.

The running daemon is asked, over a socket in its state folder: whoever may write there may do this. Exit code
1: it refuses, and says why. An alarm is named by its code, `0914`, or by its id.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.board.teller import Teller
from monitor.cli.alarms.shown import alarm_lines, alarm_table, line_of, notice_table, notices_of
from monitor.cli.backup import user
from monitor.cli.planned import LONGEST, UNBOUNDED, Facts, asked, span_of
from monitor.cli.status import language_of
from monitor.core.alarm import Severity
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.kit.text import clean
from monitor.settings import load_settings

HELP = "show alarms, take them on, mute one, or exercise"
SHOWING = ("list", "notices")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done; without a verb the alarms are listed."""
    _also(parser)
    parser.add_argument("--json", action="store_true", help="print one object for each")
    verbs = parser.add_subparsers(
        dest="verb", metavar="list|answer|mute|unmute|notices|drill|end-drill", required=False
    )
    parser.set_defaults(verb="list")
    lasts = "for how long: `4h`, `90m`, or until `23:00`"
    said = {
        "list": "show the open alarms",
        "notices": "show how far each notice has got",
        "answer": "take alarms on: nobody else is told until the answer is too old",
        "mute": "say nothing more of an alarm for a time, beside that it is over",
        "unmute": "speak of an alarm again",
        "drill": "open an alarm that only exercises, as if something were broken",
        "end-drill": "end an exercise",
    }
    made = {name: verbs.add_parser(name, help=text) for name, text in said.items()}
    made["answer"].add_argument("ids", nargs="+", metavar="CODE", help="codes, or `all`")
    for name in ("mute", "unmute", "end-drill"):
        made[name].add_argument("id", metavar="CODE", help="as `alarms` shows it")
    made["drill"].add_argument("subject", metavar="SUBJECT", help="what is supposed to be broken")
    made["drill"].add_argument(
        "--severity", choices=[*map(str, Severity)], default=str(Severity.WARNING), help="(%(default)s)"
    )
    made["answer"].add_argument("--for", dest="lasts", metavar="T", help=f"{lasts} (as the plan says)")
    made["mute"].add_argument("--for", dest="lasts", metavar="T", required=True, help=lasts)
    for name in ("answer", "mute", "unmute"):
        made[name].add_argument("--note", default="", metavar="TEXT", help="why, or what is done")
    for name, verb in made.items():
        _also(verb, argparse.SUPPRESS)
        if name in SHOWING:
            verb.add_argument(
                "--json", action="store_true", default=argparse.SUPPRESS, help="one object each"
            )
        else:
            verb.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")


def _also(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare what may stand before the verb or behind it."""
    parser.add_argument(
        "--settings", type=Path, default=default, metavar="FILE", help="the daemon's settings"
    )
    parser.add_argument(
        "--language", "--lang", choices=sorted(WORDS), default=default, help="language (from LANG, else zh)"
    )


def run(args: argparse.Namespace) -> int:
    """Ask the daemon, and show its answer."""
    settings, console = load_settings(args.settings), Console(highlight=False)
    zone, now = ZoneInfo(settings.timezone), time.time()
    words = WORDS[args.language or language_of(os.environ, console.encoding)]
    answer = asked(settings, _order(args, zone, now))
    if "refused" in answer:
        sys.stderr.write(f"{clean(answer['refused'], LONGEST)}\n")
        return 1
    if args.verb in SHOWING:
        _show(args, answer, console, Teller(words, zone, now))
        return 0
    for one in answer.get("alarms", ()):
        print(line_of(one, Teller(words, zone, now)))
    if not answer["recorded"]:
        sys.stderr.write("The disk has not taken it yet: it holds for this run of the daemon.\n")
    return 0


def _order(args: argparse.Namespace, zone: ZoneInfo, now: float) -> dict[str, object]:
    if args.verb in SHOWING:
        return {"order": "alarm/list"}
    told: dict[str, object] = {"who": args.who}
    match args.verb:
        case "answer":
            told |= {"ids": args.ids, "note": args.note, "seconds": _seconds(args.lasts, zone, now)}
        case "mute":
            told |= {"id": args.id, "note": args.note, "seconds": _seconds(args.lasts, zone, now)}
        case "unmute":
            told |= {"id": args.id, "note": args.note, "seconds": 0}
        case "drill":
            told |= {"subject": args.subject, "severity": args.severity}
        case _:
            told |= {"id": args.id}
    verb = "mute" if args.verb == "unmute" else args.verb
    return {"order": f"alarm/{verb}", **told}


def _seconds(lasts: str | None, zone: ZoneInfo, now: float) -> float | None:
    """Return how long; raises MonitorError for what is no time."""
    return None if lasts is None else span_of(None, lasts, zone, now).end - now


def _show(args: argparse.Namespace, answer: Facts, console: Console, teller: Teller) -> None:
    alarms, listing = answer["alarms"], args.verb == "list"
    found = alarms if listing else [*notices_of(alarms)]
    if args.json:
        for one in found:
            print(json.dumps(one, ensure_ascii=False))
        return
    if not console.is_terminal:
        console.width = UNBOUNDED
    if not found:
        console.print(_nothing(teller.words, listing=listing))
        return
    make = alarm_table if listing else notice_table
    table = make(found, answer["officers"], teller)
    if listing and _wide(table, console) > console.width:
        console.print(Text("\n").join(alarm_lines(found, answer["officers"], teller, console.width)))
    else:
        console.print(table)


def _wide(table: Table, console: Console) -> int:
    """Return the columns that the table takes if nothing is broken."""
    return console.measure(table, options=console.options.update(max_width=UNBOUNDED)).maximum


def _nothing(words: Words, *, listing: bool) -> str:
    return words.alarm["none" if listing else "no_notices"]
