"""Show the incidents, one for each root cause: what is broken, what that means, whom to call.

Exit code 0: none is open; 1: some are.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from monitor.board.columns import GAP, hanging
from monitor.board.teller import SIGNS, Teller
from monitor.board.troubles import incident_lines
from monitor.cli.events import moment_of
from monitor.cli.incidents import sources
from monitor.cli.incidents.sources import Known, Source
from monitor.cli.status import language_of
from monitor.core.incident import Stage
from monitor.core.sentence import WORDS
from monitor.errors import MonitorError

UNBOUNDED = 10_000
"""Columns where nobody looks on: a line for each incident, for whatever reads it."""
HELP = "show what is broken: one incident for each root cause, and those that are over"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    parser.add_argument(
        "--since", metavar="T", help="also those that were open then or later: `2026-11-24 08:13`, `2h` ago"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also all that are over, suspicions that did not come true, and what other vantages told",
    )
    sources.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show them; return 1 if some are open."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = UNBOUNDED
    source = sources.source_of(args)
    language = args.language or language_of(os.environ, console.encoding)
    open_, over, now = _found(source, args)
    if args.json:
        for known in (*over, *open_):
            print(json.dumps(known.document(), ensure_ascii=False))
    else:
        teller = Teller(WORDS[language], source.zone, now)
        for line in _lines(open_, over, teller, console.width):
            console.print(line)
    return 1 if open_ else 0


def _found(source: Source, args: argparse.Namespace) -> tuple[list[Known], list[Known], float]:
    """Return the open incidents, those that are over as far as they were asked for, and the time."""
    past = args.all or args.since is not None
    if past and source.log is None:
        where = "with --url only open ones are known" if args.url else "there is none; see `state_dir`"
        raise MonitorError(f"what is over stands in the log of events: {where}")
    zone = source.zone
    since = moment_of(args.since, zone, time.time()) if args.since is not None and zone is not None else None
    status = sources.asked(source)
    written = sources.recorded(source) if past or status is None else []
    if status is None:
        open_ = [known for known in written if known.is_open and known.vantage == source.vantage]
    else:
        open_ = sources.open_in(status)
    named = {known.name for known in open_}
    over = [
        replace(known, is_open=False)
        for known in written
        if past and known.name not in named and (since is None or known.turns[-1].at >= since)
        if args.all or (known.vantage == source.vantage and not known.facts.withdrawn)
    ]
    return open_, over, sources.now_of(status)


def _lines(open_: list[Known], over: list[Known], teller: Teller, width: int) -> Iterator[Text]:
    label = teller.words.label
    if over:
        yield Text(f"{label['past_incidents']} ({len(over)})", "bold")
        for known in over:
            yield from _past(known, teller, width)
    if open_:
        yield Text(f"{label['incidents']} ({len(open_)})", "bold")
        for known in open_:
            yield from incident_lines(known.facts.model_dump(mode="json"), teller, width)
    else:
        yield Text(f"{SIGNS['up'][0]} {label['no_incidents']}", "green")


def _past(known: Known, teller: Teller, width: int) -> Iterator[Text]:
    """Give the last sentence of an incident that is over, and its id."""
    facts = known.facts
    ended = ("-", "dim") if facts.unproven else SIGNS["up"]
    sign = ended if facts.stage is Stage.CLOSED else SIGNS["unknown"]  # nobody saw its end
    told = Text(facts.sentence.told(teller.words.language))
    told.append(f"{GAP}{facts.incident} {known.vantage}", "dim")
    return hanging(Text(*sign), told, width)
