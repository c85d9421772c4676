"""Judges one check: what is believed of it, and all that this rests on and that it teaches.

The tests themselves stand elsewhere (`detection`, `quality`, `learning`); here they meet. A check that misses
nothing and is as quick as ever is calm: then a good look needs none of them.
"""

from dataclasses import replace
from math import inf, log

from monitor.core.detection import Belief, Manner, Verdict, next_gap, revise, settle
from monitor.core.learning import DAY, NOTHING, Learned, Spell
from monitor.core.limits import IN_A_ROW, Streak
from monitor.core.loss import LossModel
from monitor.core.observation import Finding, Outcome, ok
from monitor.core.quality import LOSSY, SLOW, Cusum, Decline, Severity, severity_of
from monitor.core.quantile import Sketch
from monitor.core.voice import BEST, rating
from monitor.core.world import Reading

FINE = ok()

LEAST_ISOLATED, MOST_ISOLATED = 1e-3, 0.03
"""Bounds of the isolated losses that are taken for healthy when loss is tested: no path is so good that one
per cent would be news, and none so bad that six would not be."""
LOSSIEST = 0.4
"""Loss up to which a path that is known to be lossy is given credit for it before it is called down."""
SLOWNESS = LossModel(isolated=0.05, burst=3.0, share=0.01, inside=0.9)
"""How often a healthy path is slower than its own 95th percentile, and for how long at a time."""

ENOUGH = 512
"""Round-trip times before we say what is usual."""
EVERY = 8.0
"""Seconds from one round-trip time that is learned from to the next, once there are enough."""
REFRESH = 128
"""Round-trip times after which what is usual is reckoned anew."""
YOUNG = (0.05, 1.0)
GROWN = (0.005, 0.25)
"""By how much an answer must be above the usual to be slow, seconds and share: in the first day, and then."""

QUICK, BRISK = 0.2, 1.0
"""Seconds between looks while loss, or slowness, is about to be decided."""


class Judge:
    """Holds what is believed of one check. Mutable; it need not be told of good looks while it is calm."""

    __slots__ = (
        "_fresh",
        "_lesson",
        "_loss",
        "_model",
        "_poor",
        "_reading",
        "_sampled",
        "_sketch",
        "_slow",
        "_spared_until",
        "_spell",
        "_told_at",
        "_usual",
        "belief",
        "calm_looks",
        "how",
        "learned",
        "relearned",
        "slow_above",
    )  # fmt: skip

    def __init__(self, how: Manner, belief: Belief, learned: Learned, reading: Reading) -> None:
        """Go on with what was believed and learned before; *reading* is what the check measures now."""
        self.belief = belief
        self.relearned = False
        """It has learned since this was last set to false."""
        self.calm_looks = 0
        """Good looks while all was calm that were not learned from yet."""
        self.slow_above = inf
        """Round-trip time from which an answer is slow, seconds."""
        self._reading = reading
        self._spared_until = -inf
        self._told_at = -inf
        """Wall time at which it was last found to lose more than it used to."""
        self._lesson = NOTHING
        self._spell: Spell | None = None
        self._sketch = Sketch(learned.rtts)
        # In memory of its own from the start: a daemon of thousands of checks must not grow as they learn.
        self.learned = replace(learned, rtts=self._sketch.counts)
        self._fresh = Sketch()
        """Round-trip times since it is slow."""
        self._sampled = 0
        self._usual: float | None = None
        self._poor = Streak(belief.decline if belief.decline is not None and belief.decline.poor else None)
        self._begin(how)

    def adopt(self, how: Manner) -> None:
        """Judge like that from now on; if it is another way, what was about to be decided is weighed anew."""
        if how != self.how:
            self._begin(how)

    def _begin(self, how: Manner) -> None:
        self.how = how
        self._model = self.learned.model(how.prior, how.period)
        clear = log(DAY / how.period)
        self._loss = Cusum(LOSSY, self._healthy(), how.degrade, clear)
        self._slow = Cusum(SLOW, SLOWNESS, how.degrade, clear)
        self._spell, self._lesson = None, NOTHING
        if (decline := self.belief.decline) is not None and not decline.poor:
            (self._slow if decline.reason == "slow" else self._loss).resume(decline.loss)
        self._reckon()

    @property
    def calm(self) -> bool:
        """A good look that is not slow changes nothing."""
        quiet = self._loss.idle and self._slow.idle and self._poor.idle
        return self.belief.steady and self._spell is None and quiet

    @property
    def _strained(self) -> bool:
        return (self._loss.urgent or self._slow.urgent) and not (self._loss.tells or self._slow.tells)

    @property
    def sample_every(self) -> int:
        """Good looks from one round-trip time that is learned from to the next."""
        return 1 if self._sketch.total < ENOUGH else max(1, round(EVERY / self.how.period))

    def take(self, finding: Finding, sent: float, at: float, rtt: float | None = None) -> None:
        """Take in one more look, sent at *sent* (monotonic) and *at* (wall time)."""
        was, lost = self.belief, finding.outcome is Outcome.FAILED
        if lost and sent < self._spared_until:
            return
        if lost and was.doubt is None and was.verdict is not Verdict.DOWN:
            self._brace()
        self._poor.weigh(finding, at, enough=1 if self.how.told else IN_A_ROW)
        belief = revise(was, finding, sent=sent, at=at, how=self.how, model=self._assumed())
        if belief.verdict is Verdict.DOWN:
            if was.verdict is not Verdict.DOWN:
                self._loss.resume_left()
                self._spell = None
        elif finding.outcome is not Outcome.UNKNOWN:
            self._compare(sent, at, rtt, lost=lost)
            if not lost:
                belief = settle(belief, self._decline(), at, strained=self._strained)
        self.belief = belief

    def late(self, sent: float, at: float, rtt: float) -> None:
        """Take in an answer to a look that was given up: nothing was lost, but it was slow."""
        self._loss.forgive(sent)
        if self.how.adaptive and self.belief.answers:
            self._slow.weigh(sent, at, bad=rtt > self.slow_above)
        belief = self.belief
        if not belief.steady:
            belief = revise(belief, FINE, sent=sent, at=at, how=self.how, model=self._assumed())
        self.belief = settle(belief, self._decline(), at, strained=self._strained)

    def gap(self) -> float | None:
        """Return the seconds from the latest look to the next; None: the period's own rhythm will do."""
        gap = next_gap(self.belief, self.how)
        if not self.how.adaptive or not self.belief.answers:
            return gap
        if self.belief.doubt is None and (self._loss.urgent or self._slow.urgent):
            quick = QUICK if self._loss.urgent else BRISK
            return min(gap if gap is not None else self.how.period, quick)
        return gap

    def forget(self, belief: Belief, now: float, since: float = inf) -> None:
        """Believe this instead, without any doubt, and `spare` it."""
        self.belief = belief
        self.spare(now, since)

    def spare(self, now: float, since: float = inf) -> None:
        """Hold no miss against it sent before *now* (monotonic): its way was cut *since* then (wall)."""
        self._spared_until = now
        self._spell = None
        if not self._loss.tells or self.misled(since):
            self._loss.begin(self._healthy())

    def misled(self, since: float) -> bool:
        """Tell whether it was found to be lossy only after wall time *since*, when the way to it was cut."""
        return self._loss.tells and self._told_at >= since

    def renew(self, at: float) -> None:
        """Take it for as good as it used to be, *at* that wall time, until it is seen that it is not."""
        self._loss.begin(self._healthy())
        self._slow.begin(SLOWNESS)
        self.belief = settle(self.belief, self._decline(), at, strained=False)

    def sample(self, rtt: float, at: float) -> None:
        """Learn from the round-trip time of a good look, seconds."""
        if not self.how.adaptive or not self.belief.answers or (self._slow.urgent and not self._slow.tells):
            return
        if self._slow.tells:
            self._fresh.add(rtt)
        else:
            self._fresh = Sketch() if self._fresh.total else self._fresh
            self._sketch.add(rtt)
        self._sampled += 1
        if self._sampled >= REFRESH:
            self._sampled = 0
            if self._slow.tells:
                self._settle_down(at)
            self.learn()

    def learn(self) -> None:
        """Learn from what was seen since the last time."""
        self.learned = self.learned.after(self.calm_looks, self.how.period, self._lesson)
        if self._sketch.total:
            self.learned = replace(self.learned, rtts=self._sketch.counts)
        self.calm_looks, self._lesson = 0, NOTHING
        self._model = self.learned.model(self.how.prior, self.how.period)
        self.relearned = True
        self._reckon()

    # How losses and round-trip times are compared with those of better times.

    def _brace(self) -> None:
        """Prepare for whatever begins with this miss."""
        if self._loss.idle:
            self.learn()
            self._loss.begin(self._healthy())
        self._loss.leave()

    def _compare(self, sent: float, at: float, rtt: float | None, *, lost: bool) -> None:
        knew = self._loss.tells
        self._loss.weigh(sent, at, bad=lost)
        if self._loss.tells and not knew:
            self._told_at = at
            self._loss.leave()  # the doubt in which it was told may end in an outage
        if rtt is not None and self.how.adaptive:
            self._slow.weigh(sent, at, bad=rtt > self.slow_above)
        if self._loss.tells or knew:
            self._spell, self._lesson, self.calm_looks = None, NOTHING, 0
            return
        if self._spell is not None:
            self._spell.note(sent, lost=lost)
        elif lost:
            self._spell = Spell(self._model, sent)
        else:
            self.calm_looks += 1
        if self._spell is not None and self._spell.over:
            self._lesson = self._lesson.and_(self._spell.lesson())
            self._spell = None
        if self._loss.idle and self._spell is None and self._lesson is not NOTHING:
            self.learn()

    def _assumed(self) -> LossModel:
        """Return how it loses packets while it is not down, as it is now."""
        if not self._loss.tells:
            return self._model
        return replace(self._model, isolated=min(max(self._model.isolated, self._loss.share), LOSSIEST))

    def _healthy(self) -> LossModel:
        isolated = min(max(self._model.isolated, LEAST_ISOLATED), MOST_ISOLATED)
        return replace(self._model, isolated=isolated)

    def _reckon(self) -> None:
        """Say anew which answers are slow; not before enough of them were seen."""
        if not self.how.adaptive or self._sketch.total < ENOUGH:
            return
        least, share = YOUNG if self.learned.seconds < DAY else GROWN
        self._usual = self._sketch.quantile(0.95)
        self.slow_above = self._usual + max(least, share * self._usual)

    def _settle_down(self, at: float) -> None:
        """Take for usual what has been so for a day: some detours are for good."""
        decline = self.belief.decline
        if decline is None or at - decline.since < DAY or self._fresh.total < ENOUGH:
            return
        self._sketch, self._fresh = self._fresh, Sketch()
        self._slow.begin(SLOWNESS)

    # How much worse it is.

    def _decline(self) -> Decline | None:
        if self._loss.tells:
            return self._told("loss" if self.how.adaptive else "intermittent", self._loss)
        if self._slow.tells:
            return self._told("slow", self._slow)
        return self._poor.decline

    def _told(self, reason: str, test: Cusum) -> Decline:
        """Return what was told before, unless the reason or the severity is another now."""
        before = self.belief.decline
        known = before if before is not None and before.reason == reason else None
        reading, slow = self._reading, reason == "slow"
        heard = rating(reading.srtt, reading.rttvar, 0.0) if reading.srtt else BEST
        lost = 0.0 if slow else test.share
        severity = severity_of(lost, heard, known.severity if known else Severity.MINOR)
        if known is not None and known.severity is severity:
            return known
        return Decline(
            reason,
            severity,
            since=known.since if known else test.began,
            loss=round(lost, 3),
            rtt=reading.srtt if slow else None,
            usual=self._usual if slow else None,
        )
