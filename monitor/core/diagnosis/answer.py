"""The answer: which components are broken, how sure that is, what else fits, what speaks for and against."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp

from monitor.core.diagnosis.evidence import Evidence, Facts, Tuning, Weights
from monitor.core.diagnosis.problem import Block, Suspect, blocks
from monitor.core.diagnosis.search import Answer, Found, search
from monitor.core.topology import Topology

RIVALS = 12
"""So many other answers are told at most."""
DOUBTS = 2
"""Observations that the answer has to call wrong, from which the inventory is the likelier culprit."""
TUNING = Tuning()


@dataclass(frozen=True, slots=True)
class Cause:
    """A component that is broken, or one of a group that no evidence tells apart."""

    component: str
    """The likeliest of the group."""
    group: tuple[str, ...]
    """All that it may be as well, itself first, the likeliest before the others."""
    confidence: float
    """Probability that one of the group is broken."""
    explains: tuple[str, ...]
    """Observations that look down because of it."""
    against: tuple[str, ...]
    """Observations that look up though it should make them look down."""
    planned: bool = False
    """It is being worked on."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another answer that fits almost as well."""

    instead_of: tuple[str, ...]
    """Causes of the best answer that it does without."""
    causes: tuple[str, ...]
    """What it blames in their place; nobody: the looks are wrong."""
    behind: float
    """How much worse it is, nats."""
    confidence: float
    """Its probability."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An observation that the answer has to call wrong."""

    observation: str
    component: str | None
    """The cause that should have made it look down; None: it looks down, and nobody is to blame."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The likeliest set of broken components, given what all vantages see."""

    causes: tuple[Cause, ...] = ()
    confidence: float = 1.0
    """Probability of the whole answer."""
    rivals: tuple[Rival, ...] = ()
    """What else fits, within five nats, the likeliest first."""
    doubts: tuple[Doubt, ...] = ()
    failing: int = 0
    """Observations that look down."""
    exact: bool = True
    """No better answer exists. If not, it is the best one that was found in the time allowed."""

    @property
    def components(self) -> tuple[str, ...]:
        """What is broken, one component for each cause."""
        return tuple(cause.component for cause in self.causes)

    @property
    def inventory_doubtful(self) -> bool:
        """Several observations are at odds with it at once: something is not wired as it is declared."""
        return len(self.doubts) >= DOUBTS


def diagnose(
    topology: Topology,
    evidence: Mapping[str, Evidence],
    *,
    since: float | None = None,
    planned: Collection[str] = (),
    tuning: Tuning = TUNING,
) -> Diagnosis:
    """Return what is broken, given the *evidence* by observation id; what is not in it is missing, not good.

    *since*: the first miss; good looks that were sent before it are a tie-break only. *planned*: components
    that are being worked on. Unknown observations are passed over, so that an old word does no harm.
    """
    facts = Facts(topology, evidence, since, tuning)
    if not facts.bad:
        return Diagnosis()
    weights = Weights(topology, frozenset(planned), tuning)
    problems, inexplicable = blocks(topology, facts, weights)
    parts = [_Part(block, search(block, tuning.effort), weights, topology) for block in problems]
    return _Report(topology, facts, parts, inexplicable, tuning).diagnosis(frozenset(planned))


class _Part:
    """One block, solved."""

    def __init__(self, block: Block, found: Found, weights: Weights, topology: Topology) -> None:
        self.block = block
        self.exact = found.exact
        self.best = found.answers[0]
        self.others = found.answers[1:]
        self._weights = weights
        self._topology = topology
        self._total = sum(exp(self.best.cost - answer.cost) for answer in found.answers)
        self._answers = found.answers

    def chance(self, answer: Answer) -> float:
        """Return the probability of one answer among those within the window."""
        return exp(self.best.cost - answer.cost) / self._total

    def confidence(self, position: int) -> float:
        """Return the probability that one suspect is broken, whoever else is."""
        return min(1.0, sum(self.chance(one) for one in self._answers if one.suspects >> position & 1))

    def blamed(self, suspects: int) -> list[tuple[int, Suspect]]:
        """Return the suspects of a bit mask with their positions."""
        return [(n, suspect) for n, suspect in enumerate(self.block.suspects) if suspects >> n & 1]

    def group(self, suspect: Suspect) -> tuple[str, ...]:
        """Return whom a suspect stands for, the likeliest first."""
        names = [name for number in suspect.classes for name in self._topology.classes[number]]
        return tuple(sorted(names, key=self._weights.of))

    def names(self, suspects: int) -> tuple[str, ...]:
        """Return the likeliest component of each suspect of a bit mask."""
        return tuple(self.group(suspect)[0] for _, suspect in self.blamed(suspects))

    def rivals(self) -> Iterable[Rival]:
        """Give the other answers."""
        for answer in self.others:
            instead_of = self.names(self.best.suspects & ~answer.suspects)
            causes = self.names(answer.suspects & ~self.best.suspects)
            yield Rival(instead_of, causes, answer.cost - self.best.cost, self.chance(answer))


class _Report:
    """Puts the parts into words that others can use."""

    def __init__(
        self,
        topology: Topology,
        facts: Facts,
        parts: Sequence[_Part],
        inexplicable: Sequence[int],
        tuning: Tuning,
    ) -> None:
        self._topology = topology
        self._facts = facts
        self._parts = parts
        self._inexplicable = inexplicable
        self._weighty = tuning.slack / 2
        broken = [suspect.classes[0] for part in parts for _, suspect in part.blamed(part.best.suspects)]
        self._broken = frozenset(broken)

    def diagnosis(self, planned: frozenset[str]) -> Diagnosis:
        causes = [cause for part in self._parts for cause in self._causes(part, planned)]
        confidence = 1.0
        for part in self._parts:
            confidence *= part.chance(part.best)
        rivals = sorted((rival for part in self._parts for rival in part.rivals()), key=_by_likelihood)
        return Diagnosis(
            tuple(sorted(causes, key=lambda cause: (-len(cause.explains), cause.component))),
            confidence,
            tuple(rivals[:RIVALS]),
            tuple(dict.fromkeys([*self._unexplained(), *self._spoilt(causes)])),
            len(self._facts.bad),
            all(part.exact for part in self._parts),
        )

    def _causes(self, part: _Part, planned: frozenset[str]) -> Iterable[Cause]:
        for position, suspect in part.blamed(part.best.suspects):
            group, number = part.group(suspect), suspect.classes[0]
            down = [row for row in self._topology.touching[number] if self._is_down(row)]
            yield Cause(
                group[0],
                group,
                part.confidence(position),
                self._names(row for row in down if row in self._facts.bad),
                self._names(row for row in down if self._facts.good(row) >= self._weighty),
                group[0] in planned,
            )

    def _is_down(self, row: int) -> bool:
        return all(not self._broken.isdisjoint(one) for one in self._topology.rows[row].alternatives)

    def _names(self, rows: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._topology.seen[row] for row in rows))

    def _unexplained(self) -> Iterable[Doubt]:
        for row, cost in self._facts.bad.items():
            if cost >= self._weighty and not self._is_down(row):
                yield Doubt(self._topology.seen[row], None)

    def _spoilt(self, causes: Iterable[Cause]) -> Iterable[Doubt]:
        return (Doubt(name, cause.component) for cause in causes for name in cause.against)


def _by_likelihood(rival: Rival) -> tuple[float, tuple[str, ...]]:
    return -rival.confidence, rival.causes
