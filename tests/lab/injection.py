"""One fault made in the lab and mended again, and what the city's log tells of it from first sign to end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.faults import Fault, Pieces, end_work, mend
from tests.lab.ledger import Entry, alarms
from tests.lab.levels import Levels

AFTER = 6.0
"""Seconds; a second incident would be confirmed within four."""
CLOSING = 300.0
"""Seconds within which all that was told must be closed; what has broken before is held for longer."""
BEAT = 0.1


@dataclass(frozen=True, slots=True)
class Told:
    """How one fault was told. Seconds count from just before it was made to the commit of the event."""

    fault: str
    center: str
    expected: int
    """Incidents that it should be, at most."""
    named: tuple[str, ...] = ()
    """What the incidents were called after when they were confirmed."""
    amber: float | None = None
    """Its first sign."""
    confirmed: tuple[float, ...] = ()
    """Each of its pieces that was told."""
    closed: float | None = None
    """From its mending to the end of its last incident."""
    withdrawn: int = 0
    """Suspicions that came to nothing."""
    renamed: int = 0
    """Incidents that were called after something else later."""
    events: int = 0
    """All that was said of incidents."""
    wrong: tuple[str, ...] = ()
    """What should not be, in words."""

    @property
    def extra(self) -> int:
        """Incidents beyond those expected."""
        return max(0, len(self.named) - self.expected)


def injected(levels: Levels, fault: Fault, center: str, *, after: float = AFTER) -> Told:
    """Make a fault, wait for what must be told, mend it, wait for its end; return what was told.

    It is mended *after* seconds from the last expected incident, in which a superfluous one may be confirmed.
    """
    watch = _Watch(levels, fault, center)
    fault.make(levels, center)
    watch.until(watch.is_told, fault.patience)
    time.sleep(after)
    mended = time.time()
    mend(levels)
    watch.until(watch.is_over, CLOSING)
    try:
        levels.settled(60)
    except AssertionError as error:
        watch.wrong.append(f"not well again: {error}"[:300])
    end_work(levels, fault, center)
    return watch.told(mended)


class _Watch:
    """Reads the city's log from before the fault on."""

    def __init__(self, levels: Levels, fault: Fault, center: str) -> None:
        self._city = levels.city
        self._fault = fault
        self._center = center
        self._pieces: Pieces = fault.pieces(center)
        self._mark = self._city.end()
        self._began = time.time()
        self.wrong: list[str] = []

    @staticmethod
    def until(wanted: Callable[[], bool], seconds: float) -> None:
        """Wait for something to be so, at most so long."""
        deadline = time.monotonic() + seconds
        while not wanted() and time.monotonic() < deadline:
            time.sleep(BEAT)

    def is_told(self) -> bool:
        """All that must be told is."""
        if self._fault.degrades:
            return self._worse() is not None
        least = len(self._pieces) if self._fault.least is None else self._fault.least
        return 0 < least <= len(self._first_sure())

    def is_over(self) -> bool:
        """All incidents are closed."""
        return not self._open()

    def told(self, mended: float) -> Told:
        """Judge what was told."""
        signs, sure = self._incidents(), self._first_sure()
        amber = min((e.recorded_at or e.at for e in signs), default=None)
        latest = {entry.data["incident"]: entry for entry in signs}
        hits = self._hits(list(sure.values()))
        return Told(
            self._fault.name,
            self._center,
            len(self._pieces),
            tuple(entry.data["component"] for entry in sure.values()),
            amber and amber - self._began,
            tuple(self._worse() or () if self._fault.degrades else hits),
            max((e.at - mended for e in signs if e.data["stage"] == "closed"), default=None),
            sum(e.data["confirmed_at"] is None and e.data["stage"] == "closed" for e in latest.values()),
            sum(bool(e.data["called"]) for e in latest.values()),
            len(signs),
            (*self.wrong, *self._complaints(hits)),
        )

    def _complaints(self, hits: list[float]) -> list[str]:
        sure = self._first_sure()
        least = len(self._pieces) if self._fault.least is None else self._fault.least
        found = [f"{len(hits)} of at least {least} told"] if len(hits) < least else []
        found += [
            f"wrongly named {entry.data['component']} ({'planned' if entry.data['planned'] else 'alarm'})"
            for entry in sure.values()
            if not any(self._names(entry, piece) for piece in self._pieces)
        ]
        if (extra := len(sure) - len(self._pieces)) > 0:
            found.append(f"{extra} incidents too many")
        later = {e.data["incident"]: e for e in self._incidents()}
        found += [
            f"{a.data['called']} became {a.data['component']}" for a in later.values() if a.data["called"]
        ]
        found += [f"{name} is not closed" for name in self._open()]
        if self._fault.degrades and self._worse() is None:
            found.append("not told to be degraded")
        touched = self._fault.touched(self._center)
        over = tuple(path for path in touched if path.endswith("/"))
        found += [
            f"{entry.subject} was said to be {entry.data['now']}"
            for entry in alarms(self._new(), self._began)
            if entry.subject not in touched and not (over and entry.subject.startswith(over))
        ]
        return found

    def _hits(self, sure: list[Entry]) -> list[float]:
        """Return when each piece was named, each by an incident of its own."""
        found, left = [], list(self._pieces)
        for entry in sure:
            piece = next((piece for piece in left if self._names(entry, piece)), None)
            if piece is not None:
                left.remove(piece)
                found.append((entry.recorded_at or entry.at) - self._began)
        return found

    def _names(self, entry: Entry, piece: set[str]) -> bool:
        data = entry.data
        return data["planned"] == self._fault.planned and not piece.isdisjoint(
            {data["component"], *data["group"]}
        )

    def _new(self) -> list[Entry]:
        return self._city.own(self._mark)

    def _incidents(self) -> list[Entry]:
        return [entry for entry in self._new() if entry.kind == "incident"]

    def _first_sure(self) -> dict[str, Entry]:
        """Return the event by which each incident was confirmed."""
        sure: dict[str, Entry] = {}
        for entry in self._incidents():
            if entry.data["stage"] == "confirmed":
                sure.setdefault(entry.data["incident"], entry)
        return sure

    def _open(self) -> list[str]:
        latest = {entry.data["incident"]: entry.data["stage"] for entry in self._incidents()}
        return [name for name, stage in latest.items() if stage != "closed"]

    def _worse(self) -> tuple[float] | None:
        """Return when a piece was said to be degraded."""
        for entry in alarms(self._new(), self._began):
            if entry.data["now"] == "degraded" and any(entry.subject in piece for piece in self._pieces):
                return ((entry.recorded_at or entry.at) - self._began,)
        return None
