"""Show the log of events: what happened, when, and from where it was seen. The daemon may run meanwhile.

An event of another vantage that came late is shown with both times: when it happened, when we heard of it.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Engine, Row, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from monitor.cli.backup import moment
from monitor.cli.status import language_of
from monitor.config.words import nearest
from monitor.core.account import account
from monitor.core.checks import checks_of
from monitor.core.coverage import known_paths
from monitor.core.lateness import is_late
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.core.world import Event, EventKind
from monitor.errors import ConfigError, MonitorError
from monitor.kit.text import clean
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_settings
from monitor.store import log_file
from monitor.store.backup import reading
from monitor.store.rows import event_of
from monitor.store.tables import events

HELP = "show the log of events"

LATEST = 100
"""Events that are shown if nothing else is asked for."""
PAGE = 1000
"""Events that are read at once: a long look at the log must not keep it from being tidied."""
LONGEST = 600
"""Characters of one event's sentence."""
_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")

Condition = ColumnElement[bool]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    when = "`2026-11-24 08:13`, `08:13` of today, `2h` ago"
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--subject", metavar="S", help="only of this subject and what belongs to it")
    parser.add_argument("--since", metavar="T", help=f"only what happened from then on: {when}")
    parser.add_argument("--until", metavar="T", help="only what happened before")
    parser.add_argument("--vantage", metavar="V", help="only what this vantage saw")
    parser.add_argument("--kind", choices=get_args(EventKind), help="only of this kind")
    parser.add_argument(
        "--limit",
        type=_count,
        default=LATEST,
        metavar="N",
        help="the N recorded last, in the order in which they happened (%(default)s); 0: all, as recorded",
    )
    parser.add_argument("--json", action="store_true", help="print one object per event")
    parser.add_argument(
        "--language", "--lang", choices=sorted(WORDS), help="language of the sentences (from LANG, else zh)"
    )


def run(args: argparse.Namespace) -> int:
    """Show what was asked for."""
    settings = load_settings(args.settings)
    zone = ZoneInfo(settings.timezone)
    log = log_file(settings.state_dir, settings.vantage)
    if not log.exists():
        raise MonitorError(f"{log}: no log there; see `state_dir` and `vantage` in the settings")
    language = args.language or language_of(os.environ, sys.stdout.encoding)
    show = as_json if args.json else lambda row: as_text(event_of(row), zone, language)
    try:
        if not _show(log, _wanted(args, zone), args.limit, show, WORDS[language]) and args.subject:
            _check_subject(args.subject.rstrip("/"), log, settings)
    except DBAPIError as error:
        raise MonitorError(f"{log}: {error.orig}") from error
    return 0


def moment_of(text: str, zone: ZoneInfo, now: float) -> float:
    """Return the Unix time that *text* means: a date, a time of day or both, or how long ago."""
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds()
        if _TIME.fullmatch(text):
            text = f"{datetime.fromtimestamp(now, zone):%Y-%m-%d} {text if text[2] == ':' else f'0{text}'}"
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        known = "`2026-11-24 08:13:05`, `2026-11-24`, `08:13`, `30m`, `2h` or `7d`"
        raise MonitorError(f"{clean(text, 40)!r} is no time; say {known}") from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def as_text(event: Event, zone: ZoneInfo, language: str) -> str:
    """Return one line: when, seen from where, what; and when we heard of it, if that was late."""
    told = f"{moment(event.at, zone)}  {event.vantage}  "
    if event.received_at is not None and is_late(event, {}):
        told += f"[{WORDS[language].label['received']} {moment(event.received_at, zone)}]  "
    return told + clean(account(event, language), LONGEST)


def as_json(row: Row[Any]) -> str:
    """Return everything about one event on one line."""
    return json.dumps({**row._mapping, "data": json.loads(row.data)}, ensure_ascii=False)  # noqa: SLF001 - public, in spite of its name


def _wanted(args: argparse.Namespace, zone: ZoneInfo) -> list[Condition]:
    """Return what an event must be to be shown."""
    now, wanted = time.time(), list[Condition]()
    if args.subject:
        wanted.append(_about(args.subject.rstrip("/")))
    if args.since:
        wanted.append(events.c.at >= moment_of(args.since, zone, now))
    if args.until:
        wanted.append(events.c.at < moment_of(args.until, zone, now))
    if args.vantage:
        wanted.append(events.c.vantage == args.vantage)
    if args.kind:
        wanted.append(events.c.kind == args.kind)
    return wanted


def _about(subject: str) -> Condition:
    """Return what an event must be to be of a subject, or of what belongs to it."""
    return (events.c.subject == subject) | events.c.subject.startswith(f"{subject}/", autoescape=True)


def _check_subject(subject: str, log: Path, settings: Settings) -> None:
    """Raise MonitorError if neither the log nor the inventory knows a subject: it is misspelt."""
    if _latest(log, [_about(subject)], 1):
        return
    try:
        inventory = load_declared(settings, load_kinds())
    except ConfigError:
        known: set[str] = set()
    else:
        checks = checks_of(inventory, inventory.vantages[settings.vantage])
        known = {
            *known_paths(inventory),
            *checks,
            *inventory.vantages,
            *(f"planned/{x}" for x in inventory.planned),
        }
    if subject not in known:
        hint = nearest(subject, known)
        meant = f"; did you mean {hint}?" if hint else ""
        raise MonitorError(f"{clean(subject)}: neither the log nor the inventory knows it{meant}")


def _show(
    log: Path, wanted: list[Condition], limit: int, show: Callable[[Row[Any]], str], words: Words
) -> bool:
    """Show what is wanted; tell whether there was anything."""
    rows: Iterable[Row[Any]] = every(log, wanted)
    if limit:
        latest = _latest(log, wanted, limit + 1)
        if len(latest) > limit:
            print(words.label["only_latest"].format(count=limit), file=sys.stderr)
        rows = sorted(latest[:limit], key=lambda row: (row.at, row.position))
    any_ = False
    for row in rows:
        print(show(row))
        any_ = True
    return any_


def _latest(log: Path, wanted: list[Condition], limit: int) -> list[Row[Any]]:
    query = select(events).where(*wanted).order_by(events.c.position.desc()).limit(limit)
    with _engine(log).connect() as connection:
        return list(connection.execute(query))


def every(log: Path, wanted: list[Condition]) -> Iterator[Row[Any]]:
    """Give every event of a log that is as *wanted*, in the order of the log. Raises DBAPIError."""
    engine, after = _engine(log), 0
    while True:
        query = select(events).where(events.c.position > after, *wanted).order_by(events.c.position)
        with engine.connect() as connection:
            page = list(connection.execute(query.limit(PAGE)))
        if not page:
            return
        yield from page
        after = page[-1].position


def _engine(log: Path) -> Engine:
    return create_engine("sqlite+pysqlite://", creator=lambda: reading(log), poolclass=NullPool)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number from 0 on")
    return int(text)
