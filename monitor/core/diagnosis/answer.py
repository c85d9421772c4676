"""The answer: which components are broken, how sure that is, what else fits, what speaks for and against."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.diagnosis.evidence import Evidence, Facts, Tuning, Weights
from monitor.core.diagnosis.part import Part, Rival
from monitor.core.diagnosis.problem import blocks
from monitor.core.diagnosis.search import searched
from monitor.core.topology import Kind, Topology

SHARED = frozenset({Kind.CARRIER, Kind.DUCT, Kind.EQUIPMENT})
RIVALS = 12
"""So many other answers are told at most."""
DOUBTS = 2
"""Observations that the answer has to call wrong, from which the inventory is the likelier culprit."""
TUNING = Tuning()


@dataclass(frozen=True, slots=True)
class Cause:
    """A component that is broken, or one of a group that no evidence tells apart."""

    component: str
    """The likeliest, with the other causes; of equals the first by name."""
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
    solved = zip(problems, searched(problems, tuning.effort), strict=True)
    parts = [Part(block, found, weights, topology) for block, found in solved]
    return _Report(topology, facts, parts, tuning).diagnosis(frozenset(planned))


class _Report:
    """Puts the parts into words that others can use."""

    def __init__(
        self,
        topology: Topology,
        facts: Facts,
        parts: Sequence[Part],
        tuning: Tuning,
    ) -> None:
        self._topology = topology
        self._facts = facts
        self._parts = parts
        self._weighty = tuning.slack / 2
        broken = frozenset(part.representative(n) for part in parts for n in part.blamed())
        self._down = frozenset(
            row
            for row in frozenset().union(*(topology.touching[number] for number in broken))
            if not any(map(broken.isdisjoint, topology.rows[row].alternatives))
        )
        """Rows that are down because of those who are blamed."""

    def diagnosis(self, planned: frozenset[str]) -> Diagnosis:
        """Return the causes, with what else fits; what is *planned* is marked so."""
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

    def _causes(self, part: Part, planned: frozenset[str]) -> Iterable[Cause]:
        for position in part.blamed():
            group, number = part.group(position), part.representative(position)
            down = sorted(self._down.intersection(self._topology.touching[number]))
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

    def _names(self, rows: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._topology.seen[row] for row in rows))

    def _unexplained(self) -> Iterable[Doubt]:
        for row, cost in self._facts.bad.items():
            if cost >= self._weighty and row not in self._down:
                yield Doubt(self._topology.seen[row], None)

    def _spoilt(self, causes: Iterable[Cause]) -> Iterable[Doubt]:
        return (Doubt(name, cause.component) for cause in causes for name in cause.against)


def _by_likelihood(rival: Rival) -> tuple[float, tuple[str, ...], tuple[str, ...]]:
    return -round(rival.confidence, 9), rival.causes, rival.instead_of
