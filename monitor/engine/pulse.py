"""Whether the daemon moves: not that it runs, but that looks are made and events recorded.

A broker, a receiver or a disk that is away is no standstill: starting anew would mend none of them, and
nobody would watch meanwhile.
"""

from monitor.core.vitals import Vitals

PATIENCE = 60.0
"""Seconds in which a look must be made, and something recorded, though the shortest period be longer."""
PERIODS = 3
"""The same in periods of the check that is looked at most often."""


class Pulse:
    """Compares the vitals with those of earlier."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals
        self._ticks = -1
        self._looks = self._commits = -1
        self._looked_at: float | None = None
        self._recorded_at: float | None = None

    def standstill(self, now: float, shortest: float | None) -> str:
        """Say what stands still at *now* (monotonic seconds); empty if nothing does.

        *shortest*: the shortest period of all checks, seconds; None: there is nothing to look at.
        """
        beats = self._vitals.ticks != self._ticks
        self._ticks = self._vitals.ticks
        if self._vitals.looks != self._looks or self._looked_at is None:
            self._looks, self._looked_at = self._vitals.looks, now
        store = self._vitals.store
        if store.commits != self._commits or store.trouble or self._recorded_at is None:
            self._commits, self._recorded_at = store.commits, now
        if not beats:
            return "the beat of the looks"
        if shortest is not None and now - self._looked_at > max(PATIENCE, PERIODS * shortest):
            return "the looks"
        return "the log of events" if now - self._recorded_at > PATIENCE else ""
