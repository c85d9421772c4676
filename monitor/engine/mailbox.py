"""Where reports wait for the look that reads them: the latest one of each check that we are told of.

Bounded by what is declared. Ages are taken from the monotonic clock, so that a step of the wall clock makes
nobody silent; and whatever kept us from hearing, a late event loop or a broker that is away, is not held
against those who could not be heard.
"""

from collections.abc import Callable
from math import inf

from monitor.core.report import Report, Standing

SAVE_EVERY = 30.0
"""Seconds after which a report that says the same as the one recorded is recorded in its place."""
AT_ONCE = 10
"""Reports of one check that are taken in a row; after that one each second."""
ALWAYS_OPEN = frozenset({"", "http", "socket"})
"""Ways that need nobody else: they are open for as long as the daemon runs."""


class Attention:
    """A clock that stands still while nothing can be heard."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lost = 0.0
        self._closed_at: float | None = None

    def now(self) -> float:
        """Return the seconds for which we have listened, from no particular beginning."""
        return (self._clock() if self._closed_at is None else self._closed_at) - self._lost

    def close(self) -> None:
        """Hear nothing from now on."""
        if self._closed_at is None:
            self._closed_at = self._clock()

    def open(self) -> None:
        """Hear again."""
        if self._closed_at is not None:
            self._lost += self._clock() - self._closed_at
            self._closed_at = None


class Slot:
    """The latest report of one check. Mutable, in the event loop alone."""

    __slots__ = ("_allowed", "_allowed_at", "_box", "_heard_at", "_listened_from", "_saved", "report")

    def __init__(self, box: "Mailbox", report: Report | None, age: float, listened: float) -> None:
        """Begin with what an earlier run left, *age* seconds old; *listened*: of these, while it ran."""
        self._box = box
        self.report = report
        self._saved = report
        self._heard_at = box.clock() - age
        self._listened_from = self._attention.now() - listened
        self._allowed, self._allowed_at = float(AT_ONCE), -inf

    @property
    def unsaved(self) -> bool:
        """The report is to be recorded."""
        now, before = self.report, self._saved
        if now is None or now is before:
            return False
        same = before is not None and (now.state, now.note) == (before.state, before.note)
        return not same or before is None or now.at - before.at >= SAVE_EVERY

    def saved(self) -> Report | None:
        """Return the report to record it."""
        self._saved = self.report
        return self.report

    def may_take(self) -> bool:
        """Tell whether another report may be taken now, and count it."""
        now = self._box.clock()
        self._allowed = min(float(AT_ONCE), self._allowed + now - self._allowed_at)
        self._allowed_at = now
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True

    def take(self, report: Report) -> None:
        """Put a report in place of the one before."""
        self.report = report
        self._heard_at = self._box.clock()
        self.spare()

    def spare(self) -> None:
        """Count silence from now on: the way to us was cut, or a report has come."""
        self._listened_from = self._attention.now()

    def standing(self) -> Standing:
        """Return how things stand now."""
        age = max(0.0, self._box.clock() - self._heard_at)
        return Standing(self.report, age, max(0.0, self._attention.now() - self._listened_from))

    @property
    def _attention(self) -> Attention:
        return self._box.way("" if self.report is None else self.report.via)


class Mailbox:
    """Makes slots, and knows by which ways we hear."""

    def __init__(self, clock: Callable[[], float], lost: Callable[[], float]) -> None:
        """Take *clock* for the time, monotonic seconds; *lost*: those of them that we slept through."""
        self.clock = clock
        self._ways: dict[str, Attention] = {}
        self._attentive = lambda: clock() - lost()

    def way(self, via: str) -> Attention:
        """Return how attentive we are to what comes by this way; what needs a broker is closed at first."""
        found = self._ways.get(via)
        if found is None:
            found = self._ways[via] = Attention(self._attentive)
            if via not in ALWAYS_OPEN:
                found.close()
        return found

    def slot(self, report: Report | None = None, *, now: float = 0.0, seen_at: float = 0.0) -> Slot:
        """Return a slot with the *report* that an earlier run left, if there is one.

        *now*: wall time; *seen_at*: that at which the earlier run was last alive. A later report than the one
        that was recorded may have come in the last seconds before.
        """
        if report is None:
            return Slot(self, None, 0.0, 0.0)
        listened = seen_at - report.at - SAVE_EVERY
        return Slot(self, report, max(0.0, now - report.at), max(0.0, listened))
