"""The account: what a script made happen beside what the daemon recorded of it and what a consumer heard."""

import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.lab.ledger import Entry, entries
from tests.system.ear import ROOT

BELIEF, STATUS = "belief", "status"
HEAD = (
    f"{'':<34}{'expected':>9}{'got':>8}{'lost':>5}{'doubled':>8}"
    f"{'told':>9}{'lost':>5}{'doubled':>8}{'of':>5}{'recorded':>10}{'heard':>8}"
)


@dataclass(frozen=True)
class Book:
    """A log as it lies on the disk."""

    events: list[Entry]
    """Of the vantage itself, in the order of the log."""
    places: dict[str, int]
    """How far each reader is."""
    statuses: dict[str, tuple[str, float]]
    """Health and its beginning, by subject."""
    sound: str
    """What SQLite says of the file: `ok`."""
    notices: tuple[dict[str, Any], ...] = ()
    """What of alarms that are not settled has to be brought, or was."""


def book(file, vantage="city"):
    """Read a log whose daemon is dead, from a copy: who opens the file itself mends it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        for suffix in ("", "-wal"):
            if (left := file.with_name(file.name + suffix)).exists():
                shutil.copyfile(left, copy.with_name(copy.name + suffix))
        return _book(copy, vantage) if copy.exists() else Book([], {}, {}, "ok")


def _book(file, vantage):
    with closing(sqlite3.connect(file)) as log:
        (sound,) = log.execute("PRAGMA integrity_check").fetchone()
        tables = {name for (name,) in log.execute("SELECT name FROM sqlite_master")}
        if "readers" not in tables:  # it died before there was a log
            return Book([], {}, {}, sound)
        places = dict(log.execute("SELECT name, position FROM readers"))
        statuses = {
            name: (how, at) for name, how, at in log.execute("SELECT subject, health, since FROM statuses")
        }
        held = log.execute("SELECT data FROM notices").fetchall() if "notices" in tables else ()
        notices = tuple(json.loads(data) for (data,) in held)
    return Book(entries(file, vantage), places, statuses, sound, notices)


def changes(events, kind):
    """Return the changes of verdict or health, by subject, in the order of the log."""
    found = defaultdict(list)
    for entry in events:
        if entry.kind == kind and entry.data["was"] != entry.data["now"]:
            found[entry.subject].append(entry)
    return found


@dataclass(frozen=True)
class Recorded:
    """What a log has of what a script made happen."""

    expected: int
    got: int
    lost: int
    doubled: int
    worst: float
    """Seconds from a flip to the commit of what was believed of it, at most; outages included."""
    blemishes: tuple[str, ...]
    """What should not be, in words."""


def recorded(script, held, look="udp"):
    """Compare what happened with what a log (a `Book`) has of it.

    The latest flip of a circuit need not be in it before somebody said that it was seen and recorded.
    """
    wanted = defaultdict(list)
    for flip in script.flips:
        wanted[flip.circuit].append(flip)
    beliefs = changes(held.events, BELIEF)
    got = lost = doubled = 0
    worst, blemishes = 0.0, []
    for circuit in script.town.echoes:
        flips = wanted[circuit]
        # Not to know for a while is no change of the world.
        known = [e for e in beliefs[f"{circuit}/{look}"] if e.data["now"] != "unknown"]
        said = ["up", *(e.data["now"] for e in known)]
        seen = [e for e, (before, now) in zip(known, pairwise(said), strict=True) if before != now]
        missing = flips[len(seen) :]
        if missing and not script.is_seen(circuit):
            missing = missing[1:]
        got, lost = got + min(len(seen), len(flips)), lost + len(missing)
        doubled += max(0, len(seen) - len(flips))
        told, true = [e.data["now"] for e in seen], [flip.now for flip in flips]
        if told != true[: len(told)] or missing:
            blemishes.append(
                f"{circuit} was {true[-6:]} ({len(true)}), and is recorded as {told[-6:]} ({len(told)})"
            )
        delays = (e.recorded_at - flip.at for e, flip in zip(seen, flips, strict=False))
        worst = max(worst, *delays, 0.0)
    blemishes += [*_unchained(held.events), *_holes(held.events)]
    if held.sound != "ok":
        blemishes.append(f"the file is not sound: {held.sound}")
    return Recorded(got + lost, got, lost, doubled, worst, tuple(blemishes))


def _unchained(events):
    for kind in (BELIEF, STATUS):
        for subject, chain in changes(events, kind).items():
            for before, entry in pairwise(chain):
                if entry.data["was"] != before.data["now"]:
                    was, now = entry.data["was"], entry.data["now"]
                    yield f"{subject}: {before.data['now']} was followed by {was} → {now}"


def _holes(events):
    seqs = defaultdict(list)
    for entry in events:
        seqs[entry.boot].append(entry.seq)
    for boot, numbers in seqs.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"boot {boot}: recorded are {len(numbers)} events, numbered {numbers[:3]} … {numbers[-3:]}"


@dataclass(frozen=True)
class Told:
    """What a consumer heard of what a log has."""

    expected: int
    lost: int
    doubled: int
    unrecorded: int
    """Told, and not in the log: told first, because the disk was slow, then never recorded for a kill."""
    worst: float
    """Seconds from an event to its hearing, at most; outages included."""


def name(entry):
    return f"{entry.vantage}/{entry.boot}/{entry.seq}"


class Hearing:
    """The events that a consumer heard, read once each."""

    def __init__(self, heard):
        """Follow *heard*, a list that grows."""
        self._heard = heard
        self._read = 0
        self.at = {}
        """When each was heard first, by id; wall time."""
        self.times = Counter()
        """How often each was heard, by id."""

    def catch_up(self):
        """Read what has come since."""
        for heard in self._heard[self._read :]:
            if heard.topic == f"{ROOT}/event":
                told = json.loads(heard.payload)["id"]
                self.at.setdefault(told, heard.at)
                self.times[told] += 1
        self._read = len(self._heard)
        return self

    def before(self, moment):
        """Return the ids of what was heard before a wall time."""
        return {told for told, at in self.catch_up().at.items() if at < moment}

    def lacks(self, events):
        """Return the events that were not heard."""
        self.catch_up()
        return [entry for entry in events if name(entry) not in self.at]

    def told(self, events):
        """Compare what was heard with what a log has."""
        lost = len(self.lacks(events))
        delays = [self.at[name(e)] - e.at for e in events if name(e) in self.at]
        ids = {name(entry) for entry in events}
        doubled = sum(self.times[told] - 1 for told in ids if told in self.times)
        return Told(len(events), lost, doubled, len(self.at.keys() - ids), max(delays, default=0.0))


def line(title, recorded, told, in_flight):
    """Write an account as a row below `HEAD`."""
    return (
        f"{title:<34}{recorded.expected:>9}{recorded.got:>8}{recorded.lost:>5}{recorded.doubled:>8}"
        f"{told.expected:>9}{told.lost:>5}{told.doubled:>8}{in_flight:>5}"
        f"{recorded.worst:>8.2f} s{told.worst:>6.2f} s"
    )
