"""The ledger: what an agent recorded beside what a collecting daemon has of it, and beside what was done.

Logs are read from their files, read-only, while the daemons go on writing.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Key = tuple[str, str, int]

_COLUMNS = "position, vantage, boot, seq, at, received_at, recorded_at, kind, subject, data"
_SELECT = f"SELECT {_COLUMNS} FROM events WHERE vantage = ? AND position > ? ORDER BY position"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it stands in a log."""

    position: int
    vantage: str
    boot: str
    seq: int
    at: float
    received_at: float | None
    recorded_at: float | None
    kind: str
    subject: str
    data: dict[str, Any]

    @property
    def key(self) -> Key:
        """What names the event everywhere."""
        return self.vantage, self.boot, self.seq

    @property
    def content(self) -> str:
        """What the event says, and when it happened."""
        return json.dumps([self.at, self.kind, self.subject, self.data], sort_keys=True)


def entries(file: Path, vantage: str, after: int = 0) -> list[Entry]:
    """Return the events of *vantage* in a log, those after a position; none while there is no such log."""
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as log:
            found = log.execute(_SELECT, (vantage, after)).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error) or "unable to open" in str(error):
            return []  # it is just being made
        raise
    return [Entry(*row[:-1], json.loads(row[-1])) for row in found]


def end(file: Path, vantage: str) -> int:
    """Return the position of the latest event of *vantage* in a log; 0 without one."""
    return max((entry.position for entry in entries(file, vantage)), default=0)


@dataclass(frozen=True, slots=True)
class Ledger:
    """How what was sent and what is there compare."""

    expected: int = 0
    got: int = 0
    """Of the expected ones."""
    lost: tuple[Key, ...] = ()
    doubled: tuple[Key, ...] = ()
    """There twice, by name or by content."""
    invented: tuple[Key, ...] = ()
    """There, and never recorded by the agent."""
    disordered: tuple[Key, ...] = ()
    """There after an event that the agent recorded later."""
    altered: tuple[Key, ...] = ()
    """There with another time or content."""
    worst_delay: float = 0.0
    """Seconds from an event's time to its commit by the collecting daemon, at most."""

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(
            self.expected + other.expected,
            self.got + other.got,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.invented + other.invented,
            self.disordered + other.disordered,
            self.altered + other.altered,
            max(self.worst_delay, other.worst_delay),
        )

    @property
    def blemishes(self) -> tuple[str, ...]:
        """What should not be, in words; empty: all is as it should be."""
        found = {
            name: getattr(self, name) for name in ("lost", "doubled", "invented", "disordered", "altered")
        }
        return tuple(f"{len(keys)} {name}, {keys[0]} first" for name, keys in found.items() if keys)


def compare(sent: Sequence[Entry], copies: Sequence[Entry], *, after: int = 0) -> Ledger:
    """Compare an agent's log with the copies in a collecting daemon's; both in the order of their positions.

    Expected are those of *sent* after the position *after*; the others may be there, but nothing else may.
    """
    there = {copy.key: copy for copy in copies}
    wanted = [entry for entry in sent if entry.position > after]
    both = [(entry, there[entry.key]) for entry in wanted if entry.key in there]
    known = {entry.key for entry in sent}
    delays = [
        moment - entry.at
        for entry, copy in both
        if (moment := copy.recorded_at or copy.received_at) is not None
    ]
    return Ledger(
        expected=len(wanted),
        got=len(both),
        lost=tuple(entry.key for entry in wanted if entry.key not in there),
        doubled=tuple(_doubled(sent, copies)),
        invented=tuple(copy.key for copy in copies if copy.key not in known),
        disordered=tuple(_disordered(sent, copies)),
        altered=tuple(entry.key for entry, copy in both if copy.content != entry.content),
        worst_delay=max(delays, default=0.0),
    )


def _doubled(sent: Sequence[Entry], copies: Sequence[Entry]) -> Iterator[Key]:
    """Give the copies that stand there more often than in the agent's own log."""
    names, contents = Counter(copy.key for copy in copies), Counter(entry.content for entry in sent)
    seen: Counter[str] = Counter()
    for copy in copies:
        seen[copy.content] += 1
        if names[copy.key] > 1 or seen[copy.content] > max(1, contents[copy.content]):
            yield copy.key


def _disordered(sent: Sequence[Entry], copies: Sequence[Entry]) -> Iterator[Key]:
    """Give the copies that come after one that the agent recorded later."""
    place = {entry.key: entry.position for entry in sent}
    latest = 0
    for copy in copies:
        position = place.get(copy.key, latest)
        if position < latest:
            yield copy.key
        latest = max(latest, position)


# What was done to the world, and what must therefore stand in a log.


@dataclass(frozen=True, slots=True)
class Turn:
    """Something in the world that broke or was mended, when nobody could fail to see it."""

    at: float
    """Wall time, Unix seconds."""
    subject: str
    now: str
    """`down` or `up`."""


SLACK = 1.0
"""Seconds by which what is noted here and what is noted there may differ."""


def untold(turns: Iterable[Turn], told: Sequence[Entry], *, patience: float) -> list[Turn]:
    """Return the turns that a log does not tell of: in order, each within *patience* seconds after it."""
    missed = []
    place: dict[str, int] = {}
    for turn in turns:
        began = place.get(turn.subject, 0)
        for index in range(began, len(told)):
            entry = told[index]
            if _tells(entry, turn) and -SLACK <= entry.at - turn.at <= patience:
                place[turn.subject] = index + 1
                break
        else:
            missed.append(turn)
    return missed


def _tells(entry: Entry, turn: Turn) -> bool:
    data = entry.data
    return (
        entry.kind == "status"
        and entry.subject == turn.subject
        and data.get("now") == turn.now
        and data.get("was") != turn.now
    )


def unexplained(told: Iterable[Entry], turns: Sequence[Turn]) -> list[Entry]:
    """Return the events that say of something that it went down though nothing was done to it before."""
    return [
        entry
        for entry in told
        if entry.kind == "status"
        and entry.data.get("now") == "down"
        and entry.data.get("was") != "down"
        and not _was_broken(entry, turns)
    ]


def _was_broken(entry: Entry, turns: Sequence[Turn]) -> bool:
    """Tell whether this subject, or something in it, was broken when the event was told or just before."""
    within = f"{entry.subject}/"
    broken: set[str] = set()
    for turn in turns:
        if turn.now == "up" and turn.at < entry.at - SLACK:
            broken.discard(turn.subject)
        elif turn.now == "down" and turn.at < entry.at + SLACK:
            broken.add(turn.subject)
    return any(subject == entry.subject or subject.startswith(within) for subject in broken)


RANK = {"up": 0, "on_backup": 1, "degraded": 2, "down": 3}
"""How bad it is; what is unknown or under maintenance is neither better nor worse."""


def alarms(told: Iterable[Entry], since: float, *, about: Collection[str] = ()) -> list[Entry]:
    """Return the status events from *since* on that say that something, or one of *about*, is worse."""
    return [
        entry
        for entry in told
        if entry.kind == "status"
        and entry.at >= since
        and _worse(entry)
        and (not about or entry.subject in about)
    ]


def _worse(entry: Entry) -> bool:
    was, now = (RANK.get(str(entry.data.get(word))) for word in ("was", "now"))
    return was is not None and now is not None and now > was


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario in the table."""

    name: str
    ledger: Ledger
    caught_up: float = 0.0
    """Seconds from the end of the fault until everything was there."""
    broken: tuple[str, ...] = ()
    """Promises that did not hold, in words."""
    remark: str = ""
    """What was seen besides, for people."""

    @property
    def blemishes(self) -> tuple[str, ...]:
        """All that should not be; empty: the scenario passed."""
        return (*self.ledger.blemishes, *self.broken)


HEAD = (
    f"{'scenario':34}{'expected':>9}{'got':>7}{'lost':>6}{'doubled':>9}{'disorder':>10}{'altered':>9}"
    f"{'worst delay':>13}{'caught up':>11}   seen besides"
)


def line(row: Row) -> str:
    """Return a scenario as one line of the table, what should not be below it."""
    ledger = row.ledger
    figures = (
        f"{row.name:34}{ledger.expected:>9}{ledger.got:>7}{len(ledger.lost):>6}{len(ledger.doubled):>9}"
        f"{len(ledger.disordered):>10}{len(ledger.altered):>9}{ledger.worst_delay:>11.2f} s"
        f"{row.caught_up:>9.2f} s   {row.remark}"
    )
    return "\n".join([figures.rstrip(), *(f"    ! {blemish}" for blemish in row.blemishes)])
