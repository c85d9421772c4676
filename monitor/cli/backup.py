"""Copy the log of events to one file, while the daemon runs or not.

Without TARGET the copy goes where the daemon keeps its own, and counts as one of them.
"""

import argparse
import contextlib
import os
import pwd
import sqlite3
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.engine.orders import control_socket
from monitor.errors import MonitorError
from monitor.kit.local import ask
from monitor.settings import load_settings
from monitor.store import backup_folder, log_file
from monitor.store.backup import make, path_for, reading

HELP = "copy the log of events to a file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("target", metavar="TARGET", nargs="?", type=Path, help="file to make, or its folder")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Make the copy and say what it holds."""
    settings = load_settings(args.settings)
    log = log_file(settings.state_dir, settings.vantage)
    if not log.exists():
        raise MonitorError(f"{log}: no log there; see `state_dir` and `vantage` in the settings")
    target = args.target or backup_folder(log)
    if args.target is None or target.is_dir():
        target = path_for(target, log.stem, time.time())
    make(log, target)
    held = contents(target).told(ZoneInfo(settings.timezone))
    print(f"{target}: {target.stat().st_size / (1 << 20):.1f} MiB, {held}")
    _note(target, args.who, control_socket(settings.state_dir, settings.vantage))
    return 0


def _note(target: Path, who: str, daemon: Path) -> None:
    """Have the daemon note who has a copy now; without one nobody can."""
    try:
        noted = ask(daemon, {"order": "log/copied", "file": str(target.absolute()), "who": who})
    except (OSError, ValueError):
        noted = None
    if not isinstance(noted, dict) or not noted.get("recorded"):
        sys.stderr.write("No daemon has noted this copy in the audit log.\n")


class Contents(NamedTuple):
    """What a log or a backup of one holds."""

    events: int
    latest: float | None
    """Wall time at which its latest event was recorded, Unix seconds."""
    vantage: str | None
    """Whose log it is, as far as its events show."""

    def told(self, zone: tzinfo) -> str:
        """Return it in words; times are told in *zone*."""
        if self.latest is None:
            return "no events"
        return f"{counted(self.events)}, the latest recorded at {moment(self.latest, zone)}"


def user() -> str:
    """Return who runs this, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def contents(path: Path) -> Contents:
    """Return what the log at *path* holds. Raises MonitorError."""
    try:
        with contextlib.closing(reading(path)) as log:
            ((events,),) = log.execute("SELECT count(*) FROM events")
            ((latest,),) = log.execute("SELECT max(recorded_at) FROM events")
            own = "SELECT vantage FROM events WHERE received_at IS NULL ORDER BY position DESC LIMIT 1"
            found = log.execute(own).fetchone()
    except sqlite3.Error as error:
        raise MonitorError(f"{path}: {error}") from error
    return Contents(events, latest, found[0] if found else None)


def counted(events: int) -> str:
    """Return a number of events in words."""
    return f"{events:,} event{'' if events == 1 else 's'}"


def moment(at: float, zone: tzinfo) -> str:
    """Return date and time of day of Unix time *at*."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
