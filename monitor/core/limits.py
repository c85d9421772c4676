"""Limits of what a look measures: where a value is poor though all works, and where it has failed.

A look knows only itself. That a value swings around its limit is for `Streak` to bear: poor is told after a
few looks in a row, and so is its end.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.observation import Finding, Outcome, failed, ok, poor
from monitor.core.quality import Decline, Severity

IN_A_ROW = 3
"""Looks that must agree before a value counts as poor, and before it counts as good again."""
_FINE = "ok"


@dataclass(frozen=True, slots=True)
class Limit:
    """One measured value, and how far it may go; a value at its limit is still good."""

    reason: str
    """The stable word for its being beyond."""
    label: str
    """What people call the value; it opens the detail: `offset 0.25 s, limit 0.1 s`."""
    value: float
    warn: float | None = None
    fail: float | None = None
    unit: str = ""
    """As people write it: `s`, `°C`, `%`; nothing of a mere number."""
    low: bool = False
    """It is the low values that are bad."""

    def beyond(self, limit: float | None) -> bool:
        """Say whether the value is beyond *limit*; none is boundless, and what is no number is beyond any."""
        if limit is None:
            return False
        return not (self.value >= limit if self.low else self.value <= limit)

    def told(self, limit: float | None) -> str:
        """Return the value and the limit that it is beyond, for people."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.label} {self.value:.6g}{unit}, limit {limit:.6g}{unit}"


def judged(limits: Iterable[Limit], detail: str = "", /, **values: float) -> Finding:
    """Return what a look that was answered found: the first failed limit, or the first poor one, or all well.

    *detail* is what is said where all is well.
    """
    limits = tuple(limits)
    for limit in limits:
        if limit.beyond(limit.fail):
            return failed(limit.reason, limit.told(limit.fail), path_up=True, **values)
    for limit in limits:
        if limit.beyond(limit.warn):
            return poor(limit.reason, limit.told(limit.warn), **values)
    return ok(detail, **values)


class Streak:
    """Counts the looks that disagree with what is told, until there are enough of them in a row. Mutable."""

    __slots__ = ("_next", "_run", "_since", "decline")

    def __init__(self, decline: Decline | None = None) -> None:
        """Go on from what was told before."""
        self.decline = decline
        """What is poor, and since when."""
        self._next = _FINE
        self._run = 0
        self._since = 0.0

    @property
    def idle(self) -> bool:
        """Nothing is poor: a good look changes nothing."""
        return self.decline is None and self._run == 0

    def weigh(self, finding: Finding, at: float, *, enough: int = IN_A_ROW) -> None:
        """Take in one more look *at* that wall time; only an answer says anything about values.

        *enough* looks in a row are believed.
        """
        if finding.outcome is not Outcome.OK:
            return
        told = self.decline.reason if self.decline is not None else _FINE
        if finding.reason == told:
            self._run = 0
            return
        if self._run == 0 or (self.decline is not None and finding.reason != self._next):
            self._run, self._since = 0, at
        self._next = finding.reason
        self._run += 1
        if self._run >= enough:
            self._run = 0
            self.decline = self._told(finding)

    def _told(self, finding: Finding) -> Decline | None:
        if finding.reason == _FINE:
            return None
        return Decline(finding.reason, Severity.WARN, since=self._since, detail=finding.detail)
