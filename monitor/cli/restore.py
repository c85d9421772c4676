"""Put a backup in the place of the log; the daemon must be stopped. The log before it is kept beside.

With --check nothing is changed: every page and index of the backup is read, and it is told what restoring it
would lose. Exit code 1: it cannot be restored.
"""

import argparse
import contextlib
import os
import secrets
import sqlite3
import time
from datetime import tzinfo
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from monitor.cli.backup import Contents, contents, counted, moment, user
from monitor.core.act import Act
from monitor.core.world import Json
from monitor.errors import MonitorError
from monitor.kit.text import clean
from monitor.settings import Settings, load_settings
from monitor.store import log_file
from monitor.store.audit import Entry, enter
from monitor.store.audit_carry import carry
from monitor.store.backup import reading, restore, verify
from monitor.store.database import connect
from monitor.store.files import stamp
from monitor.store.lock import LockedError, claim
from monitor.store.mend import finish, ready_for
from monitor.store.migration import migrate
from monitor.store.salvage import set_aside

HELP = "put a backup in the place of the log of events"

_LOST = """
SELECT count(*), min(at), max(at) FROM events AS now WHERE NOT EXISTS (
    SELECT 1 FROM backup.events AS old
    WHERE old.vantage = now.vantage AND old.boot = now.boot AND old.seq = now.seq)
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("backup", metavar="BACKUP", type=Path, help="file made by `command-monitor backup`")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--who", default=user(), metavar="NAME", help="who you are (%(default)s)")
    parser.add_argument("--check", action="store_true", help="only look whether and what it would restore")


def run(args: argparse.Namespace) -> int:
    """Restore, or only look, and say what came of it."""
    settings = load_settings(args.settings)
    if trouble := verify(args.backup, thorough=True):
        print(f"{args.backup}: cannot be restored: {trouble}")
        return 1
    found, zone = contents(args.backup), ZoneInfo(settings.timezone)
    _see_whose(args.backup, found, settings)
    print(f"{args.backup}: sound, {found.told(zone)}")
    log = log_file(settings.state_dir, settings.vantage)
    if args.check:
        print(f"Restoring it now would lose {lost(log, args.backup, zone)}.")
    else:
        _restore(args.backup, log, zone, clean(args.who))
    return 0


def lost(log: Path, backup: Path, zone: tzinfo) -> str:
    """Say which events are in *log* and not in *backup*."""
    if not log.exists():
        return f"nothing: there is no {log}"
    try:
        with contextlib.closing(reading(log)) as connection:
            connection.execute("ATTACH ? AS backup", (f"file:{quote(str(backup.absolute()))}?mode=ro",))
            count, first, last = connection.execute(_LOST).fetchone()
    except sqlite3.Error as error:
        return f"what {log} holds besides, which cannot be counted ({error})"
    if not count:
        return f"nothing that is in {log}"
    return f"{counted(count)} of {log}, from {moment(first, zone)} to {moment(last, zone)}"


def _see_whose(backup: Path, found: Contents, settings: Settings) -> None:
    if found.vantage not in (None, settings.vantage):
        raise MonitorError(
            f"{backup} is the log of vantage {found.vantage}, and these settings are of {settings.vantage}"
        )


def _restore(backup: Path, log: Path, zone: tzinfo, who: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = claim(log)
    except LockedError as error:
        raise MonitorError(f"{error}; stop the daemon first") from error
    except OSError as error:
        raise MonitorError(f"{error.filename}: {error.strerror}") from error
    try:
        _replace(backup, log, zone, who)
    finally:
        lock.release()


def _replace(backup: Path, log: Path, zone: tzinfo, who: str) -> None:
    """Make the new log complete beside the present one before that is moved: one of them is always there."""
    what = lost(log, backup, zone)
    new = ready_for(log)
    new.unlink(missing_ok=True)
    identity = restore(backup, new)
    try:
        _bring_up_to_date(new)
        _enter(new, backup, log, what, who)
        aside = set_aside(log, stamp(time.time())) if log.exists() else None
        finish(log)
    except OSError as error:
        raise MonitorError(f"{error.filename}: {error.strerror}") from error
    print(f"{log}: restored, as the log {identity}. Lost: {what}.")
    if aside is not None:
        print(f"The log before it is now {aside}.")


def _enter(new: Path, backup: Path, log: Path, lost: str, who: str) -> None:
    """Bring over what people did since the backup was made, and add that somebody has restored it."""
    engine = connect(new, writes=True)
    try:
        with engine.begin() as connection:
            carried = _carry(log, connection)
            facts: dict[str, Json] = {"backup": str(backup.absolute()), "lost": lost, "carried": carried}
            act = Act(time.time(), who, os.getuid(), "cli", "log/restore", "", facts)
            enter(connection, [Entry(f"restore-{secrets.token_hex(8)}", act)])
    finally:
        engine.dispose()


def _carry(log: Path, into: Connection) -> int:
    try:
        with contextlib.closing(reading(log)) as before:
            return carry(before, into)
    except sqlite3.Error:
        return 0  # there is none, or nothing can be read of it


def _bring_up_to_date(new: Path) -> None:
    engine = connect(new, writes=True)
    try:
        migrate(engine, new, lambda: None)
    finally:
        engine.dispose()
