"""Whether something that is not down has become worse than it used to be: a sequential test of its own.

A CUSUM (Page 1954) adds up ln P(what was seen | worse) - ln P(what was seen | healthy) and begins anew
whenever the sum falls to zero. Healthy is the path's own Gilbert-Elliott model, so that a burst of the kind
it is used to explains itself and adds next to nothing. Worse is a share of bad looks of at least `least`,
estimated from what was seen of the run before each look; since the estimate never looks ahead, a look at a
healthy path begins a run that reaches h with probability at most e^-h (Robbins and Siegmund 1974, Lorden and
Pollak 2005), however often one looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Any

from monitor.core.loss import LossModel
from monitor.core.voice import BEST

MEMORY = 100.0
"""Looks that the share of bad looks speaks of once it is known to be worse."""
SOON = 0.25
"""Share of a threshold from which it is looked at more often, so that it is decided soon."""
FORGIVEN = 16
"""Latest bad looks that may still turn out to have been answered late."""


class Severity(StrEnum):
    """How much is lost by it."""

    MINOR = "minor"
    """It is worse than it used to be, but hardly anybody will notice."""
    WARN = "warn"
    CRITICAL = "critical"


LOSS = {Severity.CRITICAL: 0.3, Severity.WARN: 0.05}
"""Share of looks lost from which it is so severe."""
LATE = {Severity.CRITICAL: BEST - 50.0, Severity.WARN: BEST - 70.0}
"""What delay takes off the rating of a call from which it is so severe: many users are dissatisfied with less
than 70, and less than 50 is not recommended (ITU-T G.109)."""
EASED = 0.8
"""Share of such a limit below which it is so severe no more."""


def severity_of(loss: float, rating: float, was: Severity) -> Severity:
    """Say how severe a share of looks lost is, and the delay behind a call's *rating*; *was*: until now."""
    for severity in (Severity.CRITICAL, Severity.WARN):
        eased = EASED if was in (severity, Severity.CRITICAL) else 1.0
        if loss >= eased * LOSS[severity] or BEST - rating > eased * LATE[severity]:
            return severity
    return Severity.MINOR


@dataclass(frozen=True, slots=True)
class Decline:
    """How much worse something is than it used to be: as it was when it was told, not from look to look."""

    reason: str
    """`loss`, `slow`, or `intermittent` of a service; of a value beyond its limit the word of the look."""
    severity: Severity
    since: float
    """Wall time of the first bad look of the run that proved it, Unix seconds."""
    loss: float = 0.0
    """Estimated share of looks that get no answer, 0 to 1."""
    rtt: float | None = None
    """Of what is slow: round-trip time, seconds."""
    usual: float | None = None
    """Of what is slow: round-trip time below which 95 % of answers come when all is well, seconds."""
    detail: str = ""
    """Of a value beyond its limit: both of them, for people."""

    @property
    def poor(self) -> bool:
        """A value is beyond its limit: it says nothing about the way, and nothing of earlier times."""
        return not self.loss and self.rtt is None


def rank(decline: Decline | None) -> int:
    """Return a number that is larger the more severe it is; 0 without any."""
    return 0 if decline is None else 1 + [*Severity].index(decline.severity)


def worst(declines: Iterable[Decline | None]) -> Decline | None:
    """Return the most severe of several, the first of its equals; None if there is none."""
    return max(declines, key=rank, default=None)


@dataclass(frozen=True, slots=True)
class Worse:
    """From where on something counts as worse."""

    least: float
    """Smallest share of bad looks that it is tested for."""
    most: float
    """Largest one."""
    worth: float
    """Looks that `least` is worth when the share is estimated during a run."""
    answered: bool
    """A bad look is an answer all the same. If not, only a good one decides: what answers nothing is down."""


LOSSY = Worse(least=0.1, most=0.6, worth=50.0, answered=False)
SLOW = Worse(least=0.5, most=0.95, worth=4.0, answered=True)


class Cusum:
    """The test of one kind of bad look, and once it has decided, the test of its end. Mutable."""

    __slots__ = (
        "_burst",
        "_gains",
        "_hits",
        "_left",
        "_looks",
        "_model",
        "_relief",
        "_sent",
        "_worse",
        "alarm",
        "began",
        "clear",
        "score",
        "share",
        "tells",
    )  # fmt: skip

    def __init__(self, worse: Worse, model: LossModel, alarm: float, clear: float) -> None:
        """Test for *worse*, against *model* of the healthy path; thresholds in nats."""
        self._worse = worse
        self._left: dict[str, Any] = {}
        self.alarm = alarm
        """Score from which it is worse."""
        self.clear = clear
        """Score, of the test of its end, from which it is as it used to be."""
        self.tells = False
        """It is worse."""
        self.share = 0.0
        """Estimated share of bad looks, while it is worse."""
        self.begin(model)

    def begin(self, model: LossModel) -> None:
        """Begin anew: nothing speaks for its being worse; *model* is how the healthy path is known now."""
        self._model = model
        self.score = 0.0
        self.began = 0.0
        """Wall time of the first bad look of the run, Unix seconds."""
        self._burst = model.share
        self._sent = 0.0
        self._looks = self._hits = 0.0
        self._relief = 0.0
        self._gains: dict[float, float] = {}
        self.tells = False

    def resume(self, share: float) -> None:
        """Go on from an earlier run that knew it to be worse, by this share of bad looks."""
        self.tells, self.share = True, share
        self._looks = 1.0

    @property
    def idle(self) -> bool:
        """Nothing speaks for its being worse: a good look changes nothing."""
        return not self.tells and self.score == 0.0

    @property
    def urgent(self) -> bool:
        """A decision is near, so it is worth looking more often."""
        return self._relief > SOON * self.clear if self.tells else self.score > SOON * self.alarm

    def weigh(self, sent: float, at: float, *, bad: bool) -> None:
        """Take in one more look, sent at *sent* (monotonic) and *at* (wall time)."""
        if self.idle and not bad:
            return
        model = self._model
        burst = model.in_burst(self._burst, max(0.0, sent - self._sent)) if self._looks else model.share
        q = model.lost(burst)
        if self.tells:
            self._weigh_end(q, bad=bad)
        else:
            self._weigh_beginning(q, sent, at, bad=bad)
        if not self.idle:
            self._burst, self._sent = model.revised(burst, lost=bad), max(sent, self._sent)

    def forgive(self, sent: float) -> None:
        """Take back that the look that was sent at *sent* was a bad one: its answer came late."""
        gain = self._gains.pop(sent, None)
        if gain is None or self.tells:
            return
        self.score -= gain
        self._hits -= 1.0
        if self.score <= 0.0:
            self.begin(self._model)

    def leave(self) -> None:
        """Remember how it stands: what comes next may be an outage, and is not to count then."""
        self._left = {name: getattr(self, name) for name in _COURSE}

    def resume_left(self) -> None:
        """Go back to where it was left: it was an outage."""
        for name, value in self._left.items():
            setattr(self, name, value)
        self._gains.clear()

    def _weigh_beginning(self, q: float, sent: float, at: float, *, bad: bool) -> None:
        if self._looks == 0.0:
            self.began = at
        p = self._guess()
        self.tells = self.score >= self.alarm and (self._worse.answered or not bad)
        self._looks += 1.0
        self._hits += bad
        if self.tells:
            self.share = self._guess()
            self._gains.clear()
            return
        step = log(p / q) if bad else log((1 - p) / (1 - q))
        self.score += step
        if bad:
            self._gains[sent] = step
            if len(self._gains) > FORGIVEN:
                del self._gains[next(iter(self._gains))]
        elif self.score <= 0.0:
            self.begin(self._model)

    def _weigh_end(self, q: float, *, bad: bool) -> None:
        least = self._worse.least
        # A bad look never speaks for the end, however well a burst of the healthy path would explain it.
        step = min(0.0, log(q / least)) if bad else log((1 - q) / (1 - least))
        self._relief = max(0.0, self._relief + step)
        self._looks = min(self._looks + 1.0, MEMORY)
        self.share += (bad - self.share) / max(self._looks, self._worse.worth)
        if self._relief >= self.clear:
            self.begin(self._model)

    def _guess(self) -> float:
        """Estimate the share of bad looks from those of this run, with `least` as the prior."""
        worse = self._worse
        guess = (self._hits + worse.worth * worse.least) / (self._looks + worse.worth)
        return min(max(guess, worse.least), worse.most)


_COURSE = ("score", "began", "share", "tells", "_burst", "_sent", "_looks", "_hits", "_relief")
"""What changes in the course of a test."""
