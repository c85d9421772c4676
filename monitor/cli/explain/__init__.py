"""Explain an incident: its course, what speaks for and against it, what else fits, what it means, what to do.

ID is that of the incident or its ending, which is the time of day of its first miss: `091407`; or what is
broken: `danjiangkou/province/primary`, of which the latest incident is meant.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from monitor.cli.explain.telling import Telling
from monitor.cli.incidents import sources
from monitor.cli.incidents.sources import Known, Source
from monitor.cli.status import language_of
from monitor.errors import MonitorError
from monitor.kit.text import clean

HELP = "explain one incident: evidence for and against, what else fits, what to do"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be told."""
    parser.add_argument("incident", metavar="ID", help="an incident's id or its ending, or what is broken")
    sources.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Explain it."""
    console = Console(highlight=False)
    source = sources.source_of(args)
    status = sources.asked(source)
    known = _chosen(_all(source, status), args.incident, source.vantage)
    if args.json:
        print(json.dumps(known.document(), ensure_ascii=False))
    else:
        language = args.language or language_of(os.environ, console.encoding)
        Telling(known, console, language, sources.zone_of(source, status)).tell()
    return 0


def _all(source: Source, status: Mapping[str, Any] | None) -> Sequence[Known]:
    """Return all that is known: from the log, and, as they are now, the open ones."""
    written, open_ = sources.recorded(source), sources.open_in(status)
    now = {known.name: known.facts for known in open_}
    for known in written:
        known.facts = now.get(known.name, known.facts)
    names = {known.name for known in written}
    return [*written, *(known for known in open_ if known.name not in names)]


def _chosen(known: Sequence[Known], wanted: str, vantage: str) -> Known:
    """Return the incident that is meant. Raises MonitorError if there is none, or if it may be another."""
    found = _named([one for one in known if one.vantage == vantage], wanted) or _named(known, wanted)
    if not found:
        raise MonitorError(f"no incident {clean(wanted, 60)!r}; `command-monitor incidents --all` lists them")
    if len(found) > 1:
        ids = ", ".join(one.facts.incident for one in found[-5:])
        raise MonitorError(f"{clean(wanted, 60)!r} may be any of {len(found)} incidents: {ids}")
    return found[0]


def _named(known: Sequence[Known], wanted: str) -> list[Known]:
    """Return those that are meant: by the whole id, by its ending, or the latest of what is broken."""
    whole = [one for one in known if one.facts.incident == wanted]
    ending = [one for one in known if wanted and one.facts.incident.endswith(wanted)]
    return whole or ending or [one for one in known if one.facts.component == wanted][-1:]
