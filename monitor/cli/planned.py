"""Show planned work, enter some, or end it: what is worked on may be down without anybody being alarmed.

The running daemon is asked, over a socket in its state folder: whoever may write there may do this. Exit code
1: it refuses, and says why. What is known beforehand or recurs belongs into the inventory.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.board.teller import SIGNS
from monitor.cli.backup import user
from monitor.cli.events import moment_of
from monitor.cli.status import language_of
from monitor.core.planned import Span
from monitor.core.planned_news import moments
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.engine.orders import control_socket
from monitor.errors import MonitorError, PeerError
from monitor.kit.local import ask
from monitor.kit.text import clean
from monitor.settings import Settings, load_settings

HELP = "show planned work, enter some, or end it"

UNBOUNDED = 10_000
"""Columns where nobody looks on."""
LONGEST = 2000
"""Characters of a sentence that are shown."""
_LASTS = re.compile(r"\+?(\d{1,4})(m|min|h|d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")

Facts = Mapping[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|add|end")
    show = verbs.add_parser("list", help="show what is planned")
    show.add_argument("--json", action="store_true", help="print one object for each")
    add = verbs.add_parser("add", help="enter planned work")
    add.add_argument(
        "--what", nargs="+", action="extend", required=True, metavar="PATH",
        help="what is worked on: `danjiangkou`, `danjiangkou/city/primary`, `network/province` …",
    )  # fmt: skip
    when = "`2026-11-24 22:00`, or `22:00`"
    add.add_argument("--from", dest="begin", metavar="T", help=f"when it begins: {when} of today (now)")
    add.add_argument(
        "--to", dest="end", required=True, metavar="T",
        help=f"when it ends: {when} as it comes next, or how long it takes, `90m`, `6h`",
    )  # fmt: skip
    add.add_argument("--document", default="", metavar="N", help="number of the document that orders it")
    add.add_argument("--note", default="", metavar="TEXT", help="what is done")
    add.add_argument("--id", help="what to call it (its date and time)")
    end = verbs.add_parser("end", help="end planned work before its time, or call it off")
    end.add_argument("id", metavar="ID", help="as `planned list` shows it")
    for verb in (add, end):
        verb.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")
    for verb in (show, add, end):
        verb.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
        verb.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Ask the daemon, and show its answer."""
    settings, console = load_settings(args.settings), Console(highlight=False)
    zone = ZoneInfo(settings.timezone)
    words = WORDS[args.language or language_of(os.environ, console.encoding)]
    if args.verb == "list":
        answer = asked(settings, {"order": "planned/list"})
        _show(answer, console, zone, words, as_json=args.json)
        return 0
    answer = asked(settings, _order(args, zone, time.time()))
    if "refused" in answer:
        sys.stderr.write(f"{clean(answer['refused'], LONGEST)}\n")
        return 1
    print(f"{clean(answer['window'])}  {clean(answer['sentence'][words.language], LONGEST)}")
    if not answer["recorded"]:
        sys.stderr.write("The disk has not taken it yet: it holds for this run of the daemon.\n")
    return 0


def span_of(begin: str | None, end: str, zone: ZoneInfo, now: float) -> Span:
    """Return from when to when, Unix seconds; raises MonitorError for what is no time."""
    first = now if begin is None else moment_of(begin, zone, now) if not _LASTS.fullmatch(begin) else None
    if first is None:
        raise MonitorError(f"{clean(begin or '', 40)!r} is no time at which something begins; say `22:00`")
    if lasts := _LASTS.fullmatch(end):
        return Span(first, first + timedelta(**{_UNITS[lasts[2]]: int(lasts[1])}).total_seconds())
    if clock := _CLOCK.fullmatch(end):
        return Span(first, _next(int(clock[1]), int(clock[2]), zone, first))
    return Span(first, moment_of(end, zone, now))


def _next(hour: int, minute: int, zone: ZoneInfo, after: float) -> float:
    """Return when a clock shows a time of day next."""
    start = datetime.fromtimestamp(after, zone)
    try:
        today = start.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        raise MonitorError(f"{hour}:{minute:02} is no time of day") from None
    found = today if today.timestamp() > after else today + timedelta(days=1)
    return found.timestamp()


def _order(args: argparse.Namespace, zone: ZoneInfo, now: float) -> dict[str, object]:
    if args.verb == "end":
        return {"order": "planned/end", "id": args.id, "who": args.who}
    span = span_of(args.begin, args.end, zone, now)
    told = {"what": args.what, "document": args.document, "note": args.note, "who": args.who, "id": args.id}
    begin = None if args.begin is None else span.begin
    return {"order": "planned/add", **told, "begin": begin, "end": span.end}


def asked(settings: Settings, order: Mapping[str, object]) -> Facts:
    """Return the daemon's answer to an order. Raises PeerError if there is none."""
    path = control_socket(settings.state_dir, settings.vantage)
    try:
        answer = ask(path, order)
    except (FileNotFoundError, ConnectionRefusedError):
        raise PeerError(
            f"no daemon takes orders at {path}; is it running, and with these settings?"
        ) from None
    except PermissionError:
        raise PeerError(f"{path} is not for this user; who runs the daemon may do it, and root") from None
    except (OSError, ValueError) as error:
        raise PeerError(f"no answer at {path}: {error}") from error
    if not isinstance(answer, dict):
        raise PeerError(f"what answers at {path} is no daemon that this program understands")
    return answer


def _show(answer: Facts, console: Console, zone: ZoneInfo, words: Words, *, as_json: bool) -> None:
    planned, says = answer["planned"], words.planned
    if as_json:
        for one in planned:
            print(json.dumps(one, ensure_ascii=False))
        return
    if not planned:
        console.print(says["none"])
        return
    if not console.is_terminal:
        console.width = UNBOUNDED
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_row(*(Text(says[key], "bold") for key in ("id", "what", "when", "state", "papers")))
    for one in planned:
        table.add_row(*_row(one, zone, words))
    console.print(table)


def _row(one: Facts, zone: ZoneInfo, words: Words) -> Iterator[Text]:
    says = words.planned
    begin, end = ("—", "—") if one["from"] is None else moments(Span(one["from"], one["to"]), zone)
    sign, colour = SIGNS["maintenance"] if one["state"] == "under_way" else ("", "dim")
    names = words.comma.join(name[words.language] for name in one["names"])
    papers = words.semicolon.join(filter(None, (one["document"], one["note"], one["who"])))
    yield Text(clean(one["id"]))
    yield Text(clean(names, LONGEST))
    yield Text(_weekly(one["weekly"], words) if one["weekly"] else _both(begin, end, words))
    yield Text(f"{sign} {says[_STATES[one['state']]].format(begin=begin, end=end)}".strip(), colour)
    yield Text(clean(papers, LONGEST))


_STATES = {"under_way": "under_way", "waiting": "next", "over": "over"}


def _both(begin: str, end: str, words: Words) -> str:
    return words.planned["from_to"].format(begin=begin, end=end)


def _weekly(weekly: Facts, words: Words) -> str:
    says = words.planned
    days = words.comma.join(says[f"day_{day}"] for day in weekly["days"])
    return says["weekly"].format(days=days, at=weekly["at"], minutes=f"{weekly['minutes']:g}")
