"""What one transaction writes, and the writing of it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import Insert, insert

from monitor.core.alarm import Alarm, Notice
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.planned import Work
from monitor.core.record import Kept
from monitor.core.world import Event
from monitor.kit import crash
from monitor.store import tables
from monitor.store.alarm_rows import alarm_row, notice_row
from monitor.store.audit import Entry, enter
from monitor.store.rows import Values, check_row, event_row, incident_row, planned_row, status_row, written

MOST_QUARANTINED = 1000
"""Rows of the quarantine; the oldest of more go."""
MOST_BOOTS = 100
"""Boots remembered of another vantage."""


class ClashError(Exception):
    """A position is taken by another event: something else has written to the log."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of another vantage's log that was taken in."""

    vantage: str
    log: str
    """Identity of that log."""
    upto: int
    boots: tuple[str, ...]
    """The boots of the events in it, in order."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of this daemon, as far as the log knows it; wall times."""

    boot: str
    started_at: float
    alive_at: float
    ended_at: float | None = None


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    events: list[Event] = field(default_factory=list)
    checks: dict[str, Kept | None] = field(default_factory=dict)
    statuses: dict[str, Status | None] = field(default_factory=dict)
    incidents: dict[str, Incident | None] = field(default_factory=dict)
    planned: dict[str, Work | None] = field(default_factory=dict)
    alarms: dict[str, Alarm | None] = field(default_factory=dict)
    notices: dict[str, Notice | None] = field(default_factory=dict)
    acts: list[Entry] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """Saved places of readers."""
    taken: list[Taken] = field(default_factory=list)
    quarantined: list[Values] = field(default_factory=list)
    run: Run | None = None
    again: bool = False
    """It holds all that is in memory, some of it in the log already; the six states are complete."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        states = (self.checks, self.statuses, self.incidents, self.planned, self.alarms, self.notices)
        return any((self.events, *states, self.acts, self.places, self.taken, self.quarantined, self.run))


def _upsert(table: Table) -> Insert:
    statement = insert(table)
    key = next(iter(table.primary_key))
    update = {column.name: statement.excluded[column.name] for column in table.c if column is not key}
    return statement.on_conflict_do_update(index_elements=[key], set_=update)


_ADD_EVENTS = insert(tables.events).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
_STATES = (
    tables.checks, tables.statuses, tables.incidents, tables.planned, tables.alarms, tables.notices,
)  # fmt: skip
_PUT = {
    table: _upsert(table) for table in (*_STATES, tables.readers, tables.runs, tables.gathered, tables.meta)
}
_DROP = {table: delete(table).where(next(iter(table.primary_key)) == bindparam("gone")) for table in _STATES}


def write(connection: Connection, batch: Batch) -> None:
    """Write all of *batch* in the transaction under way.

    Raises ClashError if a position is taken, what SQLAlchemy raises, or what Python's sqlite3 raises for a
    value that it cannot take.
    """
    _write_events(connection, batch)
    enter(connection, batch.acts)
    crash.point("in_tx")
    if batch.again:
        for table in _STATES:
            connection.execute(delete(table))
    _write_state(
        connection, tables.checks, {n: check_row(n, k) if k else None for n, k in batch.checks.items()}
    )
    _write_state(
        connection, tables.statuses, {n: status_row(s) if s else None for n, s in batch.statuses.items()}
    )
    _write_state(
        connection, tables.incidents, {n: incident_row(i) if i else None for n, i in batch.incidents.items()}
    )
    _write_state(
        connection, tables.planned, {n: planned_row(w) if w else None for n, w in batch.planned.items()}
    )
    _write_state(connection, tables.alarms, {n: alarm_row(a) if a else None for n, a in batch.alarms.items()})
    _write_state(
        connection, tables.notices, {n: notice_row(one) if one else None for n, one in batch.notices.items()}
    )
    places = [{"name": name, "position": position} for name, position in batch.places.items()]
    _put(connection, tables.readers, places)
    for taken in batch.taken:
        _write_taken(connection, taken)
    if batch.quarantined:
        _quarantine(connection, batch.quarantined)
    if (run := batch.run) is not None:
        row = {"boot": run.boot, "started_at": run.started_at, "alive_at": run.alive_at}
        _put(connection, tables.runs, [row | {"ended_at": run.ended_at}])
    if not batch:  # a try whether the disk takes anything
        _put(connection, tables.meta, [{"key": "tried_at", "value": str(time.time())}])


def _write_events(connection: Connection, batch: Batch) -> None:
    if not batch.events:
        return
    now = time.time()
    rows = [event_row(event, now) for event in batch.events]
    if connection.execute(_ADD_EVENTS, rows).rowcount != len(rows):
        _look_for_clash(connection, batch.events)


def _look_for_clash(connection: Connection, events: list[Event]) -> None:
    """Tell events that were there already, from a commit that seemed to fail, from others in their place."""
    t = tables.events
    missing = {(e.vantage, e.boot, e.seq): e.position for e in events}
    between = t.c.position.between(events[0].position, events[-1].position)
    for row in connection.execute(select(t.c.vantage, t.c.boot, t.c.seq).where(between)):
        missing.pop(tuple(row), None)
    for (vantage, boot, seq), position in missing.items():
        elsewhere = select(t.c.position).where(t.c.vantage == vantage, t.c.boot == boot, t.c.seq == seq)
        if connection.execute(elsewhere).scalar() is None:
            raise ClashError(f"position {position} is taken by another event")


def _put(connection: Connection, table: Table, rows: list[Values]) -> None:
    if rows:
        connection.execute(_PUT[table], rows)


def _write_state(connection: Connection, table: Table, rows: Mapping[str, Values | None]) -> None:
    _put(connection, table, [row for row in rows.values() if row is not None])
    gone = [{"gone": name} for name, row in rows.items() if row is None]
    if gone:
        connection.execute(_DROP[table], gone)


def _write_taken(connection: Connection, taken: Taken) -> None:
    t = tables.gathered
    before = connection.execute(select(t).where(t.c.vantage == taken.vantage)).one_or_none()
    boots = dict.fromkeys(json.loads(before.boots) if before else ())
    upto = taken.upto
    if before and before.log == taken.log:
        upto = max(upto, before.position)
    boots |= dict.fromkeys(taken.boots)
    row = {"vantage": taken.vantage, "log": taken.log, "position": upto}
    _put(connection, t, [row | {"boots": written(list(boots)[-MOST_BOOTS:])}])


def _quarantine(connection: Connection, rows: list[Values]) -> None:
    t = tables.quarantine
    connection.execute(insert(t), rows)
    newest = select(t.c.id).order_by(t.c.id.desc()).limit(MOST_QUARANTINED)
    connection.execute(delete(t).where(t.c.id.not_in(newest)))
