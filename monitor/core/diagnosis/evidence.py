"""What the vantages hold true of their looks, weighed: how much each costs an answer that denies it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

from monitor.core.detection import ANSWER_WHEN_DOWN, Belief, Manner, Verdict
from monitor.core.topology import Topology

WINDOW = 5.0
"""Answers within so many nats of the best one are told as what else fits."""


class Evidence(NamedTuple):
    """How one observation stands now; one that cannot tell is left out."""

    llr: float
    """ln P(what was seen | down) - ln P(what was seen | up), nats: positive looks down, negative looks up."""
    sent_at: float
    """When the latest look behind it was sent, seconds on the clock of `since`."""
    age: float = 0.0
    """Seconds since then; too old a look tells nothing."""
    path_up: bool = False
    """Of a bad one: the peer itself answered, if only to refuse; so the way to it works."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an answer costs, in nats."""

    window: float = 2.0
    """Hours for which a fault lasts; with it a rate per year becomes the odds of being broken right now."""
    slack: float = 12.0
    """The most that one observation can weigh: it may be wrong itself, or its way be declared wrongly."""
    stale: float = 1.0
    """The most that a good look weighs that was sent before the first miss: a tie-break."""
    planned: float = 1.0
    """What a component costs that is being worked on: it explains all behind it, silently. Far less than a
    fault, yet enough for one that explains all to be likelier than several that are worked on with it."""
    effort: int = 20_000
    """Lines that the search weighs in one block, about 0.1 s; then the best answer so far is given."""


HOURS = 8_766.0
"""Hours in a year."""


def llr_of(belief: Belief, how: Manner) -> float | None:
    """Return what a belief says for (positive) or against its subject being down, nats; None: it cannot tell.

    Of what is down and begins to answer nothing is said before it is up again.
    """
    if belief.verdict is Verdict.DOWN:
        return None if belief.good else how.confirm
    if belief.verdict is Verdict.UNKNOWN:
        return None
    if belief.doubt is not None:
        return belief.doubt.score
    return log(ANSWER_WHEN_DOWN / (1.0 - how.prior.isolated))


class _Good(dict[int, float]):
    """What it costs to call a row down that looks up, nats, else 0; weighed when it is asked for."""

    def __init__(
        self, topology: Topology, evidence: Mapping[str, Evidence], since: float | None, tuning: Tuning
    ) -> None:
        super().__init__()
        self.answered: set[int] = set()
        """Ways that are proven to work, for a peer has answered over them, if only to refuse."""
        self._topology = topology
        self._evidence = evidence
        self._since = since
        self._tuning = tuning

    def __missing__(self, row: int) -> float:
        cost = self[row] = self._weigh(row)
        return cost

    def _weigh(self, row: int) -> float:
        if row in self.answered:
            return self._tuning.slack
        topology, name = self._topology, self._topology.seen[row]
        cost = self.alone(name)
        if not cost:
            return 0.0
        observation = topology.observations[name]
        if row != (topology.proof_of if observation.proves else topology.row_of)[name]:
            return 0.0
        if observation.line:
            together = sum(self.alone(other) for other in topology.lines[observation.line])
            return cost * min(1.0, self._tuning.slack / together)
        return cost

    def alone(self, name: str) -> float:
        """Return what a good look would weigh if there were no others over its circuit, nats."""
        seen = self._evidence.get(name)
        if seen is None or seen.llr >= 0.0:
            return 0.0
        observation = self._topology.observations[name]
        if seen.age > observation.max_age or observation.told:
            return 0.0
        if self._since is not None and seen.sent_at < self._since:
            return min(-seen.llr, self._tuning.stale * exp(-seen.age / observation.period))
        return min(-seen.llr, self._tuning.slack)


class Facts:
    """The evidence of one moment."""

    def __init__(
        self, topology: Topology, evidence: Mapping[str, Evidence], since: float | None, tuning: Tuning
    ) -> None:
        self._topology = topology
        self._weighty = tuning.slack / 2
        self._good = _Good(topology, evidence, since, tuning)
        known, bad = topology.observations, {}
        for name in [name for name, seen in evidence.items() if seen[0] > 0.0]:  # of all looks: by position
            seen = evidence[name]
            if name in known and seen.age <= known[name].max_age:
                bad[topology.row_of[name]] = min(seen.llr, tuning.slack)
                if seen.path_up and name in topology.way_of:
                    self._good.answered.add(topology.way_of[name])
        self.bad: dict[int, float] = dict(sorted(bad.items()))
        """What it costs not to explain a row that looks down, nats, in the order of the rows."""
        self.good: Mapping[int, float] = self._good
        """What it costs to call a row down that looks up, nats; 0 for any other row."""
        self._good.update(dict.fromkeys(bad, 0.0))

    def is_telling(self, row: int) -> bool:
        """Tell whether a row looks up, and not by an old look or a doubtful one."""
        weighty = row in self._good.answered or self._good.alone(self._topology.seen[row]) >= self._weighty
        return weighty and self.good[row] > 0.0


class Weights:
    """-ln of the odds that a component is broken right now, by component and by class."""

    def __init__(self, topology: Topology, planned: frozenset[str], tuning: Tuning) -> None:
        self._topology = topology
        self._tuning = tuning
        self._planned = planned
        self._by_rate: dict[float, float] = {}
        self._classes = {topology.class_of[name] for name in planned if name in topology.class_of}

    def of(self, component: str) -> float:
        """Return the weight of a component, nats."""
        if component in self._planned:
            return self._tuning.planned
        return self._from_rate(self._topology.components[component].rate)

    def of_classes(self, numbers: Collection[int]) -> float:
        """Return the weight of one of several classes being broken, nats."""
        if not self._classes.isdisjoint(numbers):
            return self._tuning.planned
        rates = self._topology.rates
        return self._from_rate(sum([rates[number] for number in numbers]))

    def _from_rate(self, rate: float) -> float:
        weight = self._by_rate.get(rate)
        if weight is None:
            weight = max(-log(rate * self._tuning.window / HOURS), self._tuning.planned)
            self._by_rate[rate] = weight
        return weight
