"""Show who is on duty now, who comes next, the shifts of a month, and the times for which nobody is there.

Exit code 1: within the next 30 days there is a time without anybody on duty. Telephone numbers are masked.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.cli.status import language_of
from monitor.config.roster import load_roster
from monitor.config.shift_lists import calendar, table
from monitor.core.planned import Span
from monitor.core.roster import AHEAD, Roster, Shift, duty, gaps, shifts
from monitor.core.sentence import WORDS, called
from monitor.core.words import Words
from monitor.errors import MonitorError
from monitor.kit.text import masked
from monitor.settings import load_settings

HELP = "show who is on duty, and when nobody will be"

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--roster", type=Path, metavar="FILE", help="a roster, instead of the settings' own")
    parser.add_argument("--month", metavar="YYYY-MM", help="whose shifts to show (this one)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="answer in JSON")
    form.add_argument("--csv", action="store_true", help="print the month's shifts as a spreadsheet")
    form.add_argument("--ical", action="store_true", help="print the month's shifts as a calendar")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Show it."""
    settings, console = load_settings(args.settings), Console(highlight=False)
    path = args.roster or settings.roster
    if path is None:
        raise MonitorError("no roster: name one in the settings (`roster: roster.yaml`), or with --roster")
    view = View(load_roster(path), ZoneInfo(settings.timezone), time.time())
    month = view.month(args.month)
    found = shifts(view.roster, *month, view.zone)
    if args.csv:
        sys.stdout.write(table(found, view.roster.officers, view.zone))
    elif args.ical:
        sys.stdout.write(calendar(found, view.roster.officers, view.zone, view.now))
    elif args.json:
        print(json.dumps(view.facts(found), ensure_ascii=False, indent=2))
    else:
        view.show(found, console, WORDS[args.language or language_of(os.environ, console.encoding)])
    return 1 if view.gaps else 0


class View:
    """A roster as it looks at one moment."""

    def __init__(self, roster: Roster, zone: ZoneInfo, now: float) -> None:
        """Look at *roster* at Unix time *now*."""
        self.roster = roster
        self.zone = zone
        self.now = now
        self.duty = duty(roster, now, zone)
        self.gaps = gaps(roster, now, now + AHEAD * 86_400.0, zone)

    def month(self, text: str | None) -> Span:
        """Return from when to when a month lasts. Raises MonitorError for what is none."""
        today = datetime.fromtimestamp(self.now, self.zone)
        named = f"{today:%Y-%m}" if text is None else text
        if not (parts := _MONTH.fullmatch(named)):
            raise MonitorError(f"{named!r} is no month; say `2026-12`")
        first = datetime(int(parts[1]), int(parts[2]), 1, tzinfo=self.zone)
        after = (first + timedelta(days=32)).replace(day=1)
        return Span(first.timestamp(), after.timestamp())

    def facts(self, found: list[Shift]) -> dict[str, object]:
        """Return everything as programs want it; times are Unix seconds."""
        until = self.duty.until
        then = None if until is None else asdict(duty(self.roster, until, self.zone))
        spans = [{"begin": gap.begin, "end": gap.end} for gap in self.gaps]
        return {
            "now": asdict(self.duty),
            "next": then,
            "gaps": spans,
            "shifts": [asdict(one) for one in found],
        }

    def show(self, found: list[Shift], console: Console, words: Words) -> None:
        """Print everything as people want it."""
        for line in self._head(words):
            console.print(line)
        console.print()
        shown = Table.grid(padding=(0, 2), pad_edge=False)
        shown.add_row(*(Text(words.duty[key], "bold") for key in ("day", "shift", "hours", "officer")))
        for one in found:
            shown.add_row(*self._row(one, words))
        console.print(shown)

    def _head(self, words: Words) -> Iterator[Text]:
        says, now = words.duty, self.duty
        ends = "" if now.until is None else says["until"].format(end=self._clock(now.until))
        yield Text(
            f"{says['vacant' if now.vacant else 'now']}  {self._people(now.officers, words)}  {ends}", "bold"
        )
        if now.until is not None:
            then = duty(self.roster, now.until, self.zone)
            people = says["nobody"] if then.vacant else self._people(then.officers, words)
            yield Text(f"{says['next']}  {people}  {says['from'].format(begin=self._clock(now.until))}")
        yield Text(
            says["gaps" if self.gaps else "no_gaps"].format(days=AHEAD), "red" if self.gaps else "green"
        )
        for gap in self.gaps:
            spoken = says["gap"].format(begin=self._clock(gap.begin), end=self._clock(gap.end))
            yield Text(f"  {spoken}", "red")
        until = self.roster.calendar.until
        if (
            until is not None
            and until < datetime.fromtimestamp(self.now + AHEAD * 86_400.0, self.zone).date()
        ):
            yield Text(says["calendar"].format(until=until), "yellow")

    def _people(self, officers: tuple[str, ...], words: Words) -> str:
        people = [self.roster.officers[one] for one in officers]
        return words.comma.join(f"{one.name} {masked(one.phone)}".strip() for one in people)

    def _row(self, one: Shift, words: Words) -> Iterator[Text]:
        begin, end = (datetime.fromtimestamp(edge, self.zone) for edge in (one.begin, one.end))
        names = {rota.id: called(rota.name, words.language) for rota in self.roster.rotas}
        current = "reverse" if one.begin <= self.now < one.end else ""
        yield Text(f"{begin:%m-%d} {words.duty['days'][begin.weekday()]}", current)
        yield Text(names.get(one.rota, one.rota))
        yield Text(f"{begin:%H:%M}–{end:%H:%M}")
        note = f"（{words.duty['changed']}）" if one.changed else ""
        yield Text(f"{self.roster.officers[one.officer].name}{note}", "yellow" if one.changed else "")

    def _clock(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at, self.zone):%m-%d %H:%M}"
