"""Where incidents are known: the open ones by the daemon, those that are over by its log of events."""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import JsonValue
from sqlalchemy.exc import DBAPIError

from monitor.board.client import daemon_at
from monitor.cli.events import every
from monitor.cli.incidents.facts import IncidentFacts, facts_of
from monitor.core.incident import Stage
from monitor.core.sentence import WORDS
from monitor.errors import MonitorError, PeerError
from monitor.settings import Settings, load_settings
from monitor.store import log_file
from monitor.store.rows import event_of
from monitor.store.tables import events

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here
"""Where to find on this machine what listens on all its addresses."""


@dataclass(frozen=True, slots=True)
class Source:
    """One daemon, and its log if that is at hand."""

    url: str
    log: Path | None = None
    vantage: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of an incident, as its event told it."""

    at: float
    facts: IncidentFacts


@dataclass(slots=True)
class Known:
    """What is known of one incident."""

    vantage: str
    facts: IncidentFacts
    """The latest."""
    is_open: bool
    turns: list[Turn] = field(default_factory=list)
    """Its changes, as far as the log was read."""

    @property
    def name(self) -> tuple[str, str]:
        """Return what names it everywhere: who told it, and its id."""
        return self.vantage, self.facts.incident

    def document(self) -> Mapping[str, JsonValue]:
        """Return it as one object of JSON."""
        told: dict[str, Any] = self.facts.model_dump(mode="json")
        return {"vantage": self.vantage, "open": self.is_open, **told}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how to say whom to ask, and in which language to answer."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    where.add_argument("--url", help="the daemon's API, if it is not on this machine; its log is not read")
    parser.add_argument("--json", action="store_true", help="print one object per incident")
    parser.add_argument(
        "--language", "--lang", choices=sorted(WORDS), help="language of the answer (from LANG, else zh)"
    )


def source_of(args: argparse.Namespace) -> Source:
    """Return whom to ask."""
    if args.url is not None:
        return Source(args.url)
    settings = load_settings(args.settings)
    log = log_file(settings.state_dir, settings.vantage)
    return Source(
        _url(settings), log if log.exists() else None, settings.vantage, ZoneInfo(settings.timezone)
    )


def _url(settings: Settings) -> str:
    host = EVERYWHERE.get(settings.http.listen, settings.http.listen)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http.port}"


def asked(source: Source) -> Mapping[str, Any] | None:
    """Return the daemon's status; None, with a word to the user, if only its log can be read.

    Raises PeerError where there is no log either.
    """
    try:
        return asyncio.run(_status(source.url))
    except PeerError as error:
        if source.log is None:
            raise
        sys.stderr.write(f"{error}\nThis is what its log says.\n")
        return None


async def _status(url: str) -> Mapping[str, Any]:
    async with daemon_at(url) as daemon:
        return await daemon.status()


def open_in(status: Mapping[str, Any] | None) -> list[Known]:
    """Return the open incidents of a status document, the oldest first."""
    if status is None:
        return []
    read = (facts_of(told) for told in status.get("incidents", ()))
    return [Known(status["vantage"]["id"], facts, is_open=True) for facts in read if facts is not None]


def zone_of(source: Source, status: Mapping[str, Any] | None) -> ZoneInfo | None:
    """Return the zone in which times are told; None: this machine's."""
    if source.zone is not None or status is None:
        return source.zone
    try:
        return ZoneInfo(status["timezone"])
    except (KeyError, ValueError, OSError):
        return None


def recorded(source: Source) -> list[Known]:
    """Return what the log tells of incidents, the oldest first; open is what it did not see closed.

    Raises MonitorError.
    """
    if source.log is None:
        return []
    found: dict[tuple[str, str], Known] = {}
    try:
        for row in every(source.log, [events.c.kind == "incident"]):
            _note(found, event_of(row).vantage, row.at, facts_of(event_of(row).data))
    except DBAPIError as error:
        raise MonitorError(f"{source.log}: {error.orig}") from error
    return sorted(found.values(), key=lambda known: (known.facts.since, known.facts.incident))


def _note(found: dict[tuple[str, str], Known], vantage: str, at: float, facts: IncidentFacts | None) -> None:
    if facts is None:
        return
    known = found.setdefault((vantage, facts.incident), Known(vantage, facts, is_open=True))
    known.facts = facts
    known.is_open = facts.stage is not Stage.CLOSED
    known.turns.append(Turn(at, facts))


def now_of(status: Mapping[str, Any] | None) -> float:
    """Return the time by which ages are reckoned: the daemon's own, if it answered."""
    return time.time() if status is None else float(status["at"])
