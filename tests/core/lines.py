"""Lines that lose packets in known ways, and what a judge makes of them: by enumeration and by living it.

The models are those of continuous time: losses one by one with probability g, and bursts of mean length B for
a share pi of the time, in which a packet is lost with probability b.
"""

import random
from dataclasses import dataclass
from math import ceil, inf, log

from monitor.core.detection import YEAR, Belief, Verdict, next_gap, revise
from monitor.core.judge import FINE, Judge
from monitor.core.learning import Learned
from monitor.core.loss import LossModel
from monitor.core.observation import failed
from monitor.core.world import Reading

MISS = failed("timeout")
WAIT = 0.25
"""Seconds after which an answer is given up."""
RTT = 0.01
FAR = 1e12

LINES = {
    "iid 0.1 %": LossModel(0.001, 1.0, 0.0, 0.5),
    "iid 1 %": LossModel(0.01, 1.0, 0.0, 0.5),
    "iid 5 %": LossModel(0.05, 1.0, 0.0, 0.5),
    "A": LossModel(0.001, 0.3, 0.3 / 3600, 1.0),
    "B": LossModel(0.001, 1.0, 1.0 / 3600, 1.0),
    "C": LossModel(0.001, 1.0, 0.02, 0.5),
    "D": LossModel(0.001, 3.0, 3.0 / 86_400, 1.0),
    "E": LossModel(0.003, 5.0, 0.02, 0.5),
}
"""A, B: black-outs of 0.3 and 1 s each hour; C: 1 s at 50 % for 2 % of the time; D: 3 s each day; E: a mobile
one."""


def false_alarms(how, model, line, least=1e-13):
    """Return the alarms per year that a judge who assumes *model* raises on a healthy *line*.

    Exact: all histories of an episode are enumerated, each with its chance, down to the chance *least*.
    """

    def walk(belief, sent, clear, burst):
        if clear + burst < least:
            return 0.0
        gap = max(next_gap(belief, how), WAIT)
        stays, comes = line.in_burst(1.0, gap), line.in_burst(0.0, gap)
        clear, burst = clear * (1 - comes) + burst * (1 - stays), clear * comes + burst * stays
        total = 0.0
        for finding, g, b in ((MISS, line.isolated, line.inside), (FINE, 1 - line.isolated, 1 - line.inside)):
            now = revise(belief, finding, sent=sent + gap, at=0.0, how=how, model=model)
            if now.verdict is Verdict.DOWN:
                total += clear * g + burst * b
            elif now.doubt is not None:
                total += walk(now, sent + gap, clear * g, burst * b)
        return total

    first = revise(Belief(Verdict.UP), MISS, sent=0.0, at=0.0, how=how, model=model)
    return YEAR / how.period * walk(first, 0.0, (1 - line.share) * line.isolated, line.share * line.inside)


class Line:
    """A line whose packets are lost by chance; asked at times that only grow."""

    def __init__(self, model, seed):
        self.model = model
        self.random = random.Random(seed)  # noqa: S311 - a simulation
        self._rate = model.share / (1 - model.share) / model.burst
        self._begins = self._ends = 0.0
        self._due = False
        """The next look is lost, outside any burst."""
        self._next_burst(0.0)

    def loses(self, at):
        """Tell whether a packet sent *at* that time is lost."""
        self._pass(at)
        if self._due:
            self._due = False
            return True
        share = self.model.inside if at >= self._begins else self.model.isolated
        return self.random.random() < share

    def calm_for(self, at, period):
        """Return how many looks from *at* on are answered; the one after them is to be asked for."""
        self._pass(at)
        until_burst = max(0, ceil(min(self._begins - at, FAR) / period))
        g = self.model.isolated
        until_loss = int(log(1 - self.random.random()) / log(1 - g)) if g else until_burst
        self._due = until_loss < until_burst
        return min(until_loss, until_burst)

    def _pass(self, at):
        while at >= self._ends:
            self._next_burst(self._ends)

    def _next_burst(self, after):
        self._begins = after + (self.random.expovariate(self._rate) if self._rate else inf)
        self._ends = self._begins + self.random.expovariate(1 / self.model.burst)


@dataclass
class Life:
    """What became of a line that was watched."""

    judge: Judge
    verdicts: list
    """Each change of verdict: time, verdict."""
    looks: int = 0

    def first(self, verdict):
        """Return when *verdict* was first held; infinite if never."""
        return next((at for at, held in self.verdicts if held is verdict), inf)


def watch(how, line, seconds, *, learned=Learned(), at=0.0, until=None):  # noqa: B008 - frozen
    """Live through *seconds* of looks at *line*; good looks of a calm judge are skipped, not made."""
    life = Life(Judge(how, Belief(Verdict.UP), learned, Reading()), [])
    judge, sent, end = life.judge, at, at + seconds
    while sent < end:
        if judge.calm:
            calm = min(line.calm_for(sent, how.period), int((end - sent) / how.period) + 1)
            judge.calm_looks += calm
            life.looks += calm
            sent += calm * how.period
            if sent >= end:
                break
        lost = line.loses(sent)
        was = judge.belief.verdict
        judge.take(MISS if lost else FINE, sent, sent)
        life.looks += 1
        if judge.belief.verdict is not was:
            life.verdicts.append((sent, judge.belief.verdict))
        if until is not None and until(judge.belief):
            return life
        gap = judge.gap()
        sent += max(how.period if gap is None else gap, WAIT if lost else RTT)
    judge.learn()
    return life
