"""The answer: which components are broken, how sure that is, what else fits, what speaks for and against."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import exp
from operator import or_

from monitor.core.diagnosis.evidence import Evidence, Facts, Tuning, Weights
from monitor.core.diagnosis.problem import Block, Suspect, blocks
from monitor.core.diagnosis.search import Answer, Found, search
from monitor.core.topology import Kind, Topology

SHARED = frozenset({Kind.CARRIER, Kind.DUCT, Kind.EQUIPMENT})
RIVALS = 12
"""So many other answers are told at most."""
DOUBTS = 2
"""Observations that the answer has to call wrong, from which the inventory is the likelier culprit."""
SAME = 1e-6
"""Nats below which two answers are as good as each other."""
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
    beside: str | None = None
    """Of a circuit: another cause, shared by circuits like it, that it is not declared to share. Perhaps it
    does, and is well itself."""


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
        """Something is not wired as it is declared.

        Several observations are at odds with the answer at once, or a circuit fails together with what it is
        not declared to share.
        """
        return len(self.doubts) >= DOUBTS or any(cause.beside for cause in self.causes)


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
    problems = blocks(topology, facts, weights)
    parts = [_Part(block, search(block, tuning.effort), weights, topology) for block in problems]
    return _Report(topology, facts, parts, tuning).diagnosis(frozenset(planned))


class _Part:
    """One block, solved.

    Answers that differ from the best one only in who of several is to blame, none of them any better in the
    light of the evidence, are the best answer's *variants*: those several are one group, and no rivals.
    """

    def __init__(self, block: Block, found: Found, weights: Weights, topology: Topology) -> None:
        self.exact = found.exact
        self.best = found.answers[0]
        self._suspects = block.suspects
        self._answers = found.answers
        self._weights = weights
        self._topology = topology
        self._total = sum(exp(self.best.cost - answer.cost) for answer in found.answers)
        self._groups = {position: self._alike(position) for position in _positions(self.best.suspects)}

    def _alike(self, position: int) -> int:
        """Return, as bits, the suspects that may stand for one of the best answer as far as is seen."""
        found = own = 1 << position
        for answer in self._answers:
            added = answer.suspects & ~self.best.suspects
            if self.best.suspects & ~answer.suspects == own and added.bit_count() == 1:
                found |= added if self._seen(answer) else 0
        return found

    def _seen(self, answer: Answer) -> bool:
        """Tell whether the evidence speaks for an answer as it does for the best one."""
        priors = [sum(self._suspects[n].prior for n in _positions(a.suspects)) for a in (answer, self.best)]
        return abs((answer.cost - priors[0]) - (self.best.cost - priors[1])) < SAME

    def _is_variant(self, answer: Answer) -> bool:
        removed, added = self.best.suspects & ~answer.suspects, answer.suspects & ~self.best.suspects
        alike = reduce(or_, (self._groups[position] for position in _positions(removed)), 0)
        return removed.bit_count() == added.bit_count() and not added & ~alike and self._seen(answer)

    def _chance(self, answer: Answer) -> float:
        """Return the probability of one answer among those within the window."""
        return exp(self.best.cost - answer.cost) / self._total

    @property
    def confidence(self) -> float:
        """The probability of the best answer, whoever of its groups is to blame."""
        return min(1.0, sum(self._chance(answer) for answer in self._answers if self._is_variant(answer)))

    def blamed(self) -> list[int]:
        """Return the positions of those whom the best answer blames."""
        return list(self._groups)

    def representative(self, position: int) -> int:
        """Return the class by which a suspect is known."""
        return self._suspects[position].classes[0]

    def group(self, position: int) -> tuple[str, ...]:
        """Return whom one of the best answer's suspects stands for, the likeliest first."""
        suspects = [self._suspects[n] for n in _positions(self._groups[position])]
        names = [
            name for one in suspects for number in one.classes for name in self._topology.classes[number]
        ]
        return tuple(sorted(names, key=self._likelihood))

    def surety(self, position: int) -> float:
        """Return the probability that one of a group is broken, whoever else is."""
        group = self._groups[position]
        return min(1.0, sum(self._chance(answer) for answer in self._answers if answer.suspects & group))

    def rivals(self) -> Iterable[Rival]:
        """Give the other answers."""
        for answer in self._answers:
            if not self._is_variant(answer):
                instead_of = self._names(self.best.suspects & ~answer.suspects)
                causes = self._names(answer.suspects & ~self.best.suspects)
                yield Rival(instead_of, causes, answer.cost - self.best.cost, self._chance(answer))

    def _names(self, suspects: int) -> tuple[str, ...]:
        """Return the likeliest component of each suspect."""
        names = (self._likeliest(self._suspects[position]) for position in _positions(suspects))
        return tuple(names)

    def _likeliest(self, suspect: Suspect) -> str:
        names = [name for number in suspect.classes for name in self._topology.classes[number]]
        return min(names, key=self._likelihood)

    def _likelihood(self, component: str) -> tuple[float, str]:
        return self._weights.of(component), component


def _positions(bits: int) -> list[int]:
    return [position for position in range(bits.bit_length()) if bits >> position & 1]


class _Report:
    """Puts the parts into words that others can use."""

    def __init__(
        self,
        topology: Topology,
        facts: Facts,
        parts: Sequence[_Part],
        tuning: Tuning,
    ) -> None:
        self._topology = topology
        self._facts = facts
        self._parts = parts
        self._weighty = tuning.slack / 2
        self._broken = frozenset(part.representative(n) for part in parts for n in part.blamed())

    def diagnosis(self, planned: frozenset[str]) -> Diagnosis:
        causes = [cause for part in self._parts for cause in self._causes(part, planned)]
        shared = [cause for cause in causes if self._kind(cause) in SHARED]
        causes = [replace(cause, beside=self._beside(cause, shared)) for cause in causes]
        confidence = 1.0
        for part in self._parts:
            confidence *= part.confidence
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
        for position in part.blamed():
            group, number = part.group(position), part.representative(position)
            down = sorted(row for row in self._topology.touching[number] if self._is_down(row))
            yield Cause(
                group[0],
                group,
                part.surety(position),
                self._names(row for row in down if row in self._facts.bad),
                self._names(row for row in down if self._facts.is_telling(row)),
                group[0] in planned,
            )

    def _beside(self, cause: Cause, shared: Sequence[Cause]) -> str | None:
        """Return the shared cause that a circuit may be wired to, though it is not declared to be."""
        if not shared or self._kind(cause) is not Kind.CIRCUIT:
            return None
        networks, own = self._networks(cause), self._topology.rows_of([cause.component])
        near = (other.component for other in shared if networks & self._networks(other))
        return next((name for name in near if own.isdisjoint(self._topology.rows_of([name]))), None)

    def _networks(self, cause: Cause) -> set[str]:
        """Return the networks of the circuits that fail because of a cause."""
        lines = (self._topology.observations[name].line for name in cause.explains)
        return {line.split("/")[1] for line in lines if line}

    def _kind(self, cause: Cause) -> Kind:
        return self._topology.components[cause.component].kind

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
