"""What is said of a subject while it is worked on: not that it is broken, if nothing else is."""

from dataclasses import replace

from monitor.core.health import Health, Status


def said(found: Status, before: Status | None, now: float) -> Status:
    """Return what is to be said at wall time *now* of a subject that was *found* so, and *before* said so.

    What is wrong only because it is worked on is under maintenance.
    """
    if not found.planned or found.health is Health.UP:
        return found
    since = found.since
    if before is not None and before.health is Health.MAINTENANCE:
        since = before.since
    elif before is not None and found.since <= before.since:
        since = now  # it was wrong already, and said to be
    return replace(found, health=Health.MAINTENANCE, reason="planned", since=since)


def found_when(status: Status) -> Status:
    """Return what may have been found when this was said: how a thing under maintenance was is not known."""
    if status.health is not Health.MAINTENANCE:
        return status
    return replace(status, health=Health.UNKNOWN, planned=False)
