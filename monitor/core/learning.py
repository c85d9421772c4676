"""What a path teaches of itself while it is healthy: how it loses packets, and in what bursts.

A spell begins with a missed look and lasts until the path is surely out of any burst. What is expected of the
hidden bursts, given all looks of the spell, is carried forward look by look together with the filter (the
sufficient statistics of EM, forward only: Mongillo and Deneve, Neural Computation 20, 2008, applied to a
chain in continuous time), and at its end becomes pseudo-counts beside those of the prior.
"""

from dataclasses import astuple, dataclass, replace
from math import exp, expm1, inf, sqrt

from monitor.core.loss import LossModel

DAY = 86_400.0

LEARNING_WEIGHT = 100.0
"""How many looks the prior share of isolated losses is worth."""
LEARNING_MEMORY = 50_000.0
"""Looks after which what was learned of isolated losses has lost half its weight."""
BURST_MEMORY = 30 * DAY
"""Seconds after which what was learned of bursts has lost half its weight."""
SHARE_WEIGHT = DAY
"""How many seconds the prior share of time in bursts is worth."""
BURSTS_WEIGHT = 10.0
"""How many bursts their prior length is worth: one long black-out must not make a line slow to judge."""
INSIDE_WEIGHT = 20.0
"""How many looks the prior loss inside bursts is worth."""
CAUTION = 2.5
"""Standard errors by which bursts are taken to be longer, and denser, than they were on average."""

MOST_ISOLATED = 0.3
"""No path counts as healthy that loses more than this."""
LEAST_SHARE = 1e-5
LEAST_BURST = 0.3
INSIDE = (0.55, 0.999)
"""Bounds of what may be lost inside a burst."""

OVER = 1e-3
"""Probability of being in a burst still, below which a spell is over."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What spells taught; expected numbers, given all that was seen."""

    outside: float = 0.0
    """Looks outside bursts."""
    isolated: float = 0.0
    """Of these, the lost ones."""
    bursts: float = 0.0
    """Bursts that came to their end."""
    seconds: float = 0.0
    """Time in bursts from the first look in each of them."""
    looks: float = 0.0
    """Looks in bursts, the first ones of spells apart: those were lost, or there would have been no spell."""
    lost: float = 0.0
    """Of these, the lost ones."""

    def and_(self, other: "Lesson") -> "Lesson":
        """Return both lessons as one."""
        return Lesson(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


NOTHING = Lesson()


@dataclass(frozen=True, slots=True)
class Learned:
    """What a path has taught us; all of it fades."""

    looks: float = 0.0
    """Looks outside bursts."""
    isolated: float = 0.0
    """Of these, the lost ones."""
    seconds: float = 0.0
    """Time for which it was watched while it was healthy."""
    bursts: float = 0.0
    burst_seconds: float = 0.0
    burst_looks: float = 0.0
    burst_lost: float = 0.0
    rtts: bytes = b""
    """Counts of round-trip times by the buckets of `Sketch`, as it packs them."""

    @property
    def plausible(self) -> bool:
        """It may have been learned: nothing is beyond measure, or was lost more often than looked at."""
        counts = (self.seconds, self.bursts, self.burst_seconds)
        shares = ((self.isolated, self.looks), (self.burst_lost, self.burst_looks))
        return all(0.0 <= count < inf for count in counts) and all(
            0.0 <= some <= 1.001 * every < inf for some, every in shares
        )

    def model(self, prior: LossModel, period: float) -> LossModel:
        """Return *prior* revised by what was seen in looks *period* seconds apart.

        Bursts are taken to be somewhat longer and denser than they were seen to be, for an estimate from few
        of them must not break the budget of false alarms.
        """
        isolated = (LEARNING_WEIGHT * prior.isolated + self.isolated) / (LEARNING_WEIGHT + self.looks)
        weight = BURSTS_WEIGHT + self.bursts
        mean = (BURSTS_WEIGHT * prior.burst + self.burst_seconds) / weight
        burst = max(mean * exp(CAUTION * sqrt(self.bursts) / weight), LEAST_BURST)
        inside = self._inside(prior.inside)
        share = SHARE_WEIGHT * prior.share + self.bursts * mean / _hit(mean, period, inside)
        return LossModel(
            isolated=min(isolated, MOST_ISOLATED),
            burst=burst,
            share=max(share / (SHARE_WEIGHT + self.seconds), LEAST_SHARE),
            inside=inside,
        )

    def after(self, calm: int, period: float, lesson: Lesson = NOTHING) -> "Learned":
        """Return what is known after *calm* more looks outside spells, *period* apart, and a *lesson*."""
        fade = 0.5 ** (calm / LEARNING_MEMORY)
        slow = 0.5 ** (calm * period / BURST_MEMORY)
        return replace(
            self,
            looks=self.looks * fade + calm + lesson.outside,
            isolated=self.isolated * fade + lesson.isolated,
            seconds=self.seconds * slow + calm * period,
            bursts=self.bursts * slow + lesson.bursts,
            burst_seconds=self.burst_seconds * slow + lesson.seconds,
            burst_looks=self.burst_looks * slow + lesson.looks,
            burst_lost=self.burst_lost * slow + lesson.lost,
        )

    def _inside(self, prior: float) -> float:
        weight = INSIDE_WEIGHT + self.burst_looks
        inside = (INSIDE_WEIGHT * prior + self.burst_lost) / weight
        error = sqrt(inside * (1 - inside) * self.burst_looks) / weight
        return min(max(inside + CAUTION * error, INSIDE[0]), INSIDE[1])


def _hit(burst: float, period: float, inside: float) -> float:
    """Return the share of bursts of mean length *burst* in which looks *period* apart lose at least one."""
    lasts = exp(-period / burst)
    return burst / period * (1 - lasts) * inside / (1 - (1 - inside) * lasts)


class Spell:
    """A spell of misses under way: a forward filter that carries along what it expects of bursts. Mutable."""

    __slots__ = ("_answered", "_burst", "_clear", "_in_burst", "_model", "_sent")

    def __init__(self, model: LossModel, sent: float) -> None:
        """Begin with a look that was sent at *sent* (monotonic seconds) and missed."""
        self._model = model
        self._sent = sent
        self._answered = False
        self._in_burst = model.revised(model.share, lost=True)
        alone = 1 - self._in_burst
        self._clear = [alone, alone, 0.0, 0.0, 0.0, 0.0]
        """Expected numbers (those of a lesson), as far as the path is now outside bursts."""
        self._burst = [0.0] * 6
        """The same, as far as it is now in one."""

    @property
    def over(self) -> bool:
        """The path is surely out of the burst, if there was one."""
        return self._answered and self._in_burst <= max(OVER, self._model.share)

    def note(self, sent: float, *, lost: bool) -> None:
        """Take in one more look."""
        model, gap, was = self._model, max(0.0, sent - self._sent), self._in_burst
        self._sent, self._answered = max(sent, self._sent), not lost
        stays, comes = model.in_burst(1.0, gap), model.in_burst(0.0, gap)
        inside, outside = model.inside, model.isolated
        if not lost:
            inside, outside = 1 - inside, 1 - outside
        part = _part_of(gap, model.burst)
        hit = float(lost)
        q = model.lost(was * stays + (1 - was) * comes)
        total = q if lost else 1 - q
        into, out = inside / total, outside / total
        self._in_burst = (was * stays + (1 - was) * comes) * into
        burst, clear = self._burst, self._clear
        self._clear = _joined(
            (clear, (1 - comes) * out, (1 - was) * (1 - comes) * out, (1.0, hit, 0.0, 0.0, 0.0, 0.0)),
            (burst, (1 - stays) * out, was * (1 - stays) * out, (1.0, hit, 1.0, part, 0.0, 0.0)),
        )
        self._burst = _joined(
            (clear, comes * into, (1 - was) * comes * into, (0.0, 0.0, 0.0, gap - part, 1.0, hit)),
            (burst, stays * into, was * stays * into, (0.0, 0.0, 0.0, gap, 1.0, hit)),
        )

    def lesson(self) -> Lesson:
        """Return what it taught."""
        return Lesson(*(clear + burst for clear, burst in zip(self._clear, self._burst, strict=True)))


SHORT, LONG = 1e-6, 500.0
"""Gaps in mean bursts beyond which the formula has no digits left."""

_Way = tuple[list[float], float, float, tuple[float, ...]]
"""Expected numbers before, weight of the way from there, its probability, and what it adds."""


def _joined(one: _Way, other: _Way) -> list[float]:
    (a, wa, pa, da), (b, wb, pb, db) = one, other
    return [a[n] * wa + pa * da[n] + b[n] * wb + pb * db[n] for n in range(6)]


def _part_of(gap: float, burst: float) -> float:
    """Return how long a burst of mean length *burst* goes on that ends within *gap* seconds."""
    ratio = gap / burst
    if ratio < SHORT:
        return gap / 2
    return burst - gap / expm1(ratio) if ratio < LONG else burst
