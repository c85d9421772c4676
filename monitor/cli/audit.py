"""Show what people did: who, when, by which way, to what; the newest last. The daemon may run meanwhile.

Telephone numbers are shown masked. Whether anything was changed or taken away is said by `verify-audit`.
"""

import argparse
import json
import math
import os
import re
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.cli.backup import moment
from monitor.cli.events import moment_of
from monitor.cli.status import language_of
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.errors import MonitorError
from monitor.kit.text import clean, masked
from monitor.settings import load_settings
from monitor.store import log_file
from monitor.store.audit_check import acts

HELP = "show what people did"

LATEST = 100
"""Acts that are shown if nothing else is asked for."""
LONGEST = 600
"""Characters of one act."""
_PHONE = re.compile(
    r"(?<![\w.])(?:\+?86[- ]?)?(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?![\w.])"
)
_TIMES = ("from", "to", "until")

Row = Mapping[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument(
        "--since", metavar="T", help="only from then on: `2026-11-24 08:13`, `08:13` of today, `2h` ago"
    )
    parser.add_argument("--who", metavar="NAME", help="only of this person, or of this user by number")
    parser.add_argument(
        "--limit", type=_count, default=LATEST, metavar="N", help="the latest N (%(default)s); 0: all"
    )
    parser.add_argument("--json", action="store_true", help="print one object per act")
    parser.add_argument("--language", "--lang", choices=sorted(WORDS), help="language (from LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Show what was asked for."""
    log, zone = log_of(args.settings)
    words = WORDS[args.language or language_of(os.environ, sys.stdout.encoding)]
    since = -math.inf if args.since is None else moment_of(args.since, zone, time.time())
    found = _latest(log, since, args.who, args.limit)
    if args.limit and len(found) > args.limit:
        print(words.label["only_latest"].format(count=args.limit), file=sys.stderr)
        found.popleft()
    for row in found:
        print(json.dumps(facts_of(row), ensure_ascii=False) if args.json else line_of(row, zone, words))
    if not found and not args.json:
        print(words.audit["none"])
    return 0


def line_of(row: Row, zone: tzinfo, words: Words) -> str:
    """Return one line about an act, whatever stands in its row."""
    says, facts = words.audit, facts_of(row)
    uid = "" if facts["uid"] is None else f" (uid {facts['uid']})"
    parts = (
        moment_told(facts["at"], zone),
        f"{facts['who'] or says['nobody']}{uid}",
        says.get(f"via_{facts['via']}", facts["via"]),
        says.get(facts["act"], facts["act"]),
        facts["subject"],
        words.semicolon.join(_told(facts["data"], zone, words)),
    )
    return "  ".join(filter(None, (clean(str(part), LONGEST) for part in parts)))


def facts_of(row: Row) -> dict[str, Any]:
    """Return all that is recorded of an act, telephone numbers masked."""
    shown = {key: _masked(value) for key, value in row.items()}
    return shown | {"data": _data(shown["data"])}


def log_of(settings_file: Path | None, file: Path | None = None) -> tuple[Path, ZoneInfo]:
    """Return *file*, or the log that the settings name, and the zone of the settings. Raises MonitorError."""
    settings = load_settings(settings_file)
    log = file or log_file(settings.state_dir, settings.vantage)
    if not log.exists():
        raise MonitorError(f"{log}: no log there; see `state_dir` and `vantage` in the settings")
    return log, ZoneInfo(settings.timezone)


def _latest(log: Path, since: float, who: str | None, limit: int) -> deque[Row]:
    """Return the latest acts that are wanted, and one more if there are more."""
    try:
        found = (row for row in acts(log) if _is_since(row, since) and _is_by(row, who))
        return deque(found, maxlen=limit + 1 if limit else None)
    except sqlite3.Error as error:
        raise MonitorError(f"{log}: {error}") from error


def _is_since(row: Row, since: float) -> bool:
    at = row["at"]
    return not isinstance(at, int | float) or at >= since


def _is_by(row: Row, who: str | None) -> bool:
    return who is None or who in (row["who"], str(row["uid"]))


def moment_told(at: object, zone: tzinfo) -> str:
    """Return a moment in words, whatever stands there."""
    try:
        return moment(at, zone) if isinstance(at, int | float) else "?"
    except (ValueError, OverflowError, OSError):
        return "?"


def _masked(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the row
    if isinstance(value, str):
        return _PHONE.sub(lambda found: masked(found[0]), value)
    odd = isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value))
    return repr(value) if odd else value


def _data(text: object) -> Mapping[str, Any]:
    try:
        data = json.loads(str(text))
    except (ValueError, RecursionError):
        return {"unreadable": str(text)[:200]}
    return data if isinstance(data, dict) else {"unreadable": str(text)[:200]}


def _told(data: Mapping[str, Any], zone: tzinfo, words: Words) -> Iterator[str]:
    """Say what else is known of an act, without what is empty."""
    for key, value in data.items():
        if value not in ("", None, [], {}):
            shown = moment_told(value, zone) if key in _TIMES else _short(value, words)
            yield f"{words.audit.get(f'fact_{key}', key)} {shown}"


def _short(value: object, words: Words) -> str:
    if isinstance(value, list):
        return words.comma.join(_short(one, words) for one in value)
    if isinstance(value, dict):
        return words.comma.join(f"{key} {str(one)[:12]}" for key, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number from 0 on")
    return int(text)
