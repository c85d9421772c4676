"""When to believe that something is down: a sequential test, not a counter.

The test weighs each silence in nats: S = ln P(what was seen | down) - ln P(what was seen | a healthy
path that loses packets as this one does). A healthy path is a Gilbert-Elliott channel: isolated losses
with probability g, and bursts (share of time pi, mean length B) inside which a packet is lost with
probability b. By Wald's inequality (in Ville's form) a healthy path reaches S >= h in an episode with
probability at most e^-h, whatever the spacing of the looks; so a stated number of false alarms per
target-year fixes h, and nothing else has to be tuned.

What is not down may be worse than it used to be: `quality` tests that, and here it becomes a verdict.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp, inf, log

from monitor.core.inventory import Bearer
from monitor.core.loss import PRIORS, SERVICE, LossModel
from monitor.core.observation import Finding, Outcome
from monitor.core.quality import Decline

YEAR = 31_557_600.0
"""Seconds in a year."""

ANSWER_WHEN_DOWN = 1e-4
"""Probability that a subject that is down answers a look all the same."""

GOOD_TO_RECOVER = 3
RECOVERY_SPAN = 1.0
"""What was down is up again after three good looks in a row that span at least this many seconds."""

ENOUGH = 1e-3
"""Nats above the threshold that a deciding look aims at, so that rounding does not leave it just below."""

BLIND_PERIODS = 3
"""After so many periods without a look that tells anything, we no longer know."""


class Verdict(StrEnum):
    """What we hold true of a check."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Manner:
    """How one check is judged: its rhythm, its path's loss, its thresholds."""

    period: float
    """Seconds between looks while all is well."""
    gaps: tuple[float, ...]
    """Seconds between looks after the first miss, the last one for ever."""
    prior: LossModel
    suspect: float
    """S from which the check is shown as suspected (amber), nats."""
    confirm: float
    """S from which it is believed down, nats."""
    degrade: float
    """Score from which it is believed to be worse than it used to be, nats."""
    adaptive: bool
    """It is a path, not a service: an answer is given up by what its own round-trip times make likely, being
    slow is held against it, and it is looked at more often while it seems to have become worse."""
    told: bool = False
    """We are told how it is: that is no sample of a path that loses packets, so one word decides."""


CIRCUIT_GAPS = (0.0, 0.2, 0.2, 0.2, *[0.4] * 5, *[0.8] * 3, *[1.2] * 3, 2.0)
SERVICE_GAPS = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 5.0)


def threshold(period: float, false_per_year: float) -> float:
    """Return h for looks every *period* seconds and so many false alarms per target-year."""
    return log(YEAR / period / false_per_year)


def manner(
    period: float,
    bearer: Bearer | None,
    *,
    suspicions_per_year: float,
    false_alarms_per_year: float,
    degradations_per_year: float = 0.1,
    told: bool = False,
) -> Manner:
    """Return how to judge a look at a circuit on *bearer*, or at a service (None); *told*: by word alone."""
    return Manner(
        period=period,
        gaps=SERVICE_GAPS if bearer is None else CIRCUIT_GAPS,
        prior=SERVICE if bearer is None else PRIORS[bearer],
        suspect=threshold(period, suspicions_per_year),
        confirm=threshold(period, false_alarms_per_year),
        degrade=threshold(period, degradations_per_year),
        adaptive=bearer is not None,
        told=told,
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """An episode of misses that is not decided yet: the state of the forward filter."""

    model: LossModel
    began: float
    """Wall time of the first miss, Unix seconds."""
    sent: float
    """When the latest weighed look was sent, monotonic seconds."""
    score: float
    """S, nats."""
    burst: float
    """f: probability of being inside a burst, were the path healthy."""
    reason: str
    """Of the latest miss."""
    detail: str
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Belief:
    """What is held true of one check, and the doubt about it."""

    verdict: Verdict = Verdict.UNKNOWN
    since: float = 0.0
    """Wall time from which the verdict holds, Unix seconds; of a fault, that of its first miss."""
    reason: str = "not_looked_yet"
    detail: str = ""
    suspected: bool = False
    """Enough was missed to be shown (amber), not yet enough to be told."""
    doubt: Doubt | None = None
    good: int = 0
    """Good looks in a row since it was down."""
    good_at: float = 0.0
    """Wall time of the first of them."""
    blind_at: float = 0.0
    """Wall time since which no look told anything; 0 while they do."""
    strained: bool = False
    """It seems to have become worse; not enough to be told."""
    decline: Decline | None = None
    """Of a degraded check: how much worse it is than it used to be."""

    @property
    def steady(self) -> bool:
        """Up, undoubted and well in sight: another good look changes nothing."""
        return self.verdict is Verdict.UP and self.sound

    @property
    def sound(self) -> bool:
        """Up or degraded, undoubted and well in sight: the latest look was answered."""
        return self.answers and self.doubt is None and not self.blind_at

    @property
    def answers(self) -> bool:
        """Up, or degraded: the subject answers, however badly."""
        return self.verdict in (Verdict.UP, Verdict.DEGRADED)


def revise(
    belief: Belief, finding: Finding, *, sent: float, at: float, how: Manner, model: LossModel
) -> Belief:
    """Return what to believe after one more look, sent at *sent* (monotonic) and *at* (wall time).

    *model* is how the path loses packets while it is not down, as far as is known now.
    """
    if finding.outcome is Outcome.UNKNOWN:
        return _after_blindness(belief, finding, at, how)
    if belief.blind_at:
        belief = replace(belief, blind_at=0.0)
    if finding.outcome is Outcome.OK:
        return _after_answer(belief, sent, at)
    return _after_miss(belief, finding, sent, at, how, model)


def settle(belief: Belief, decline: Decline | None, at: float, *, strained: bool) -> Belief:
    """Return what to believe *at* that time (wall), given how much worse it is than it used to be.

    Down stays down, and what we do not know we do not know. After a miss it may be going down: do not ask.
    """
    if not belief.answers:
        return belief
    if strained is not belief.strained:
        belief = replace(belief, strained=strained)
    if decline == belief.decline:
        return belief
    if decline is None:
        return replace(belief, verdict=Verdict.UP, since=at, reason="ok", decline=None)
    since = belief.since if belief.decline is not None else max(decline.since, belief.since)
    return replace(
        belief,
        verdict=Verdict.DEGRADED,
        since=since,
        reason=decline.reason,
        detail=decline.detail,
        decline=decline,
    )


def next_gap(belief: Belief, how: Manner) -> float | None:
    """Return the seconds from the latest look to the next; None: the period's own rhythm will do.

    In an episode the gaps grow, but the look that can decide it comes as soon as it can decide.
    """
    if belief.doubt is not None:
        gap = how.gaps[min(belief.doubt.looks, len(how.gaps)) - 1]
        aim = how.confirm if belief.suspected else how.suspect
        return min(gap, max(_decisive_gap(belief.doubt, aim), min(how.gaps[1], gap)))
    if belief.verdict is Verdict.DOWN and belief.good:
        return min(how.period, RECOVERY_SPAN / (GOOD_TO_RECOVER - 1))
    return None


def silence(how: Manner, model: LossModel, wait: float) -> tuple[int, float]:
    """Return how much silence is believed: misses in a row, and seconds from the first to the verdict.

    *wait*: seconds after which each look is given up.
    """
    belief, miss = Belief(Verdict.UP), Finding(Outcome.FAILED, "timeout")
    looks, sent = 0, 0.0
    while belief.verdict is not Verdict.DOWN:
        belief = revise(belief, miss, sent=sent, at=0.0, how=how, model=model)
        looks += 1
        last, sent = sent, sent + max(next_gap(belief, how) or 0.0, wait)
    return looks, last + wait


def _after_blindness(belief: Belief, finding: Finding, at: float, how: Manner) -> Belief:
    if not belief.blind_at:
        return replace(belief, blind_at=at)
    if belief.verdict is Verdict.UNKNOWN:
        return replace(belief, reason=finding.reason, detail=finding.detail)
    if at - belief.blind_at < BLIND_PERIODS * how.period:
        return belief
    return Belief(Verdict.UNKNOWN, belief.blind_at, finding.reason, finding.detail, blind_at=belief.blind_at)


def _after_answer(belief: Belief, sent: float, at: float) -> Belief:
    if belief.verdict is Verdict.DOWN:
        good, good_at = belief.good + 1, belief.good_at if belief.good else at
        if good >= GOOD_TO_RECOVER and at - good_at >= RECOVERY_SPAN:
            return Belief(Verdict.UP, good_at, "ok")
        return replace(belief, good=good, good_at=good_at)
    if belief.doubt is not None:
        doubt = _weigh(belief.doubt, sent)
        if doubt.score > 0.0:
            return replace(belief, doubt=doubt)
    if belief.answers:
        return replace(belief, suspected=False, doubt=None)
    return Belief(Verdict.UP, at, "ok")


def _after_miss(
    belief: Belief, finding: Finding, sent: float, at: float, how: Manner, model: LossModel
) -> Belief:
    if belief.verdict is Verdict.DOWN:
        if (belief.reason, belief.detail, belief.good) == (finding.reason, finding.detail, 0):
            return belief
        return replace(belief, reason=finding.reason, detail=finding.detail, good=0)
    if belief.doubt is None:
        doubt = _first_miss(model, finding, sent, at)
    else:
        doubt = _weigh(belief.doubt, sent, miss=finding)
    if how.told or doubt.score >= how.confirm:
        return Belief(Verdict.DOWN, doubt.began, finding.reason, finding.detail)
    return replace(belief, doubt=doubt, suspected=belief.suspected or doubt.score >= how.suspect)


def _first_miss(model: LossModel, miss: Finding, sent: float, at: float) -> Doubt:
    score = log((1 - ANSWER_WHEN_DOWN) / model.lost(model.share))
    burst = model.revised(model.share, lost=True)
    return Doubt(model, at, sent, score, burst, miss.reason, miss.detail)


def _weigh(doubt: Doubt, sent: float, miss: Finding | None = None) -> Doubt:
    """Advance the two-state forward filter by one look: an answer, or a *miss*."""
    model, lost = doubt.model, miss is not None
    burst = model.in_burst(doubt.burst, max(0.0, sent - doubt.sent))
    q = model.lost(burst)
    step = log((1 - ANSWER_WHEN_DOWN) / q) if lost else log(ANSWER_WHEN_DOWN / (1 - q))
    return replace(
        doubt,
        sent=max(sent, doubt.sent),
        score=doubt.score + step,
        burst=model.revised(burst, lost=lost),
        looks=doubt.looks + 1,
        reason=doubt.reason if miss is None else miss.reason,
        detail=doubt.detail if miss is None else miss.detail,
    )


def _decisive_gap(doubt: Doubt, aim: float) -> float:
    """Return the shortest gap after which one more miss brings S to *aim*; infinite if one cannot."""
    g, b, pi = doubt.model.isolated, doubt.model.inside, doubt.model.share
    needed = (1 - ANSWER_WHEN_DOWN) * exp(doubt.score - aim - ENOUGH)
    f = (needed - g) / (b - g)
    if f <= pi:
        return inf
    if f >= doubt.burst:
        return 0.0
    return doubt.model.burst * (1 - pi) * log((doubt.burst - pi) / (f - pi))
