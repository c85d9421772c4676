"""How long events are kept, and how the oldest go: a few at a time, so that nobody waits."""

import datetime as dt

from sqlalchemy import Connection, delete, func, select

from monitor.store.audit import cut
from monitor.store.batch import MOST_QUARANTINED
from monitor.store.tables import events, quarantine, runs

LEAST_DAYS = 180
"""Days for which the log has to be kept, whatever the settings say."""
CHUNK = 1000
"""Events that go in one transaction."""
DAY = 86_400.0
_FIRST = dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp()
"""A clock before this was never set: the program is younger."""
_JUMP = 30 * DAY


def horizon(now: float, keep_days: int, last_alive: float) -> float | None:
    """Return the wall time before which recorded events may go; None: the clock is not to be trusted.

    *last_alive* is what the clock said at the latest sign of life, 0 if there was none. A clock that is more
    than 30 days away from it, or before 2024, may be wrong: then nothing goes, for what is gone does not come
    back when the clock does. Unix seconds. Raises ValueError for less than LEAST_DAYS.
    """
    if keep_days < LEAST_DAYS:
        raise ValueError(f"events are kept for at least {LEAST_DAYS} days, not {keep_days}")
    if now < _FIRST or (last_alive and abs(now - last_alive) > _JUMP):
        return None
    return now - keep_days * DAY


def prune(connection: Connection, before: float, chunk: int = CHUNK) -> int:
    """Take away the oldest events recorded before *before*, at most *chunk*, and say how many there were.

    For one short transaction of the caller's; fewer than *chunk* means that it is done. The latest event
    stays however old it is: the next one is numbered after it.
    """
    latest = select(func.max(events.c.position)).scalar_subquery()
    oldest = (
        select(events.c.position)
        .where(events.c.recorded_at < before, events.c.position < latest)
        .order_by(events.c.recorded_at)
        .limit(chunk)
    )
    gone = connection.execute(delete(events).where(events.c.position.in_(oldest))).rowcount
    if gone < chunk:
        _prune_the_rest(connection, before)
    return gone


def _prune_the_rest(connection: Connection, before: float) -> None:
    """Take away what is old or too much besides events; it is little, and goes at once."""
    kept = select(quarantine.c.id).order_by(quarantine.c.id.desc()).limit(MOST_QUARANTINED)
    connection.execute(delete(quarantine).where((quarantine.c.at < before) | quarantine.c.id.not_in(kept)))
    cut(connection, before - DAY)  # the file judges by its own clock whether that is long enough ago
    latest = select(func.max(runs.c.alive_at)).scalar_subquery()
    connection.execute(delete(runs).where(runs.c.alive_at < before, runs.c.alive_at < latest))
