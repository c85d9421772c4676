"""One block of the problem, solved: its best answer, all that comes to the same, and what else fits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import exp
from operator import or_
from typing import NamedTuple

from monitor.core.diagnosis.evidence import Weights
from monitor.core.diagnosis.problem import Block, Suspect
from monitor.core.diagnosis.search import Answer, Found
from monitor.core.topology import Topology

SAME = 1e-6
"""Nats below which two answers are as good as each other."""
ALIKE = 0.5
"""Nats below which the evidence does not tell two answers apart; looks older than the fault weigh less."""
EQUALS = 16
"""So many answers are compared at most that are as good as the best."""
NEAR = 1.1
"""Nats by which rates are but guesses, a factor of three: for so little more a narrower one is named."""


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


class _Reading(NamedTuple):
    """One of the best answers, with all that comes to the same."""

    best: Answer
    groups: Mapping[int, int]
    """By position of a suspect that it blames: as bits, all that may stand for that one as far as is seen."""
    confidence: float
    """The probability of the answer, whoever of its groups is to blame."""


class Part:
    """One block, solved.

    Answers that differ from the best one only in who of several is to blame, none of them any better in the
    light of the evidence, are the best answer's *variants*: those several are one group, and no rivals. Of
    equals that one is the best whose groups hold most of the others, and then the first by name. It is told
    by that variant against which old looks speak least, and which takes least away: what is silent alone in
    its center is called by its own name, though the center's power breaks more often.
    """

    def __init__(self, block: Block, found: Found, weights: Weights, topology: Topology) -> None:
        self.exact = found.exact
        self._suspects = block.suspects
        self._answers = found.answers
        self._weights = weights
        self._topology = topology
        self._evidence = {answer.suspects: self._against(answer) for answer in found.answers}
        """By the suspects of an answer: what the looks alone make of it, nats."""
        self._total = sum(exp(found.answers[0].cost - answer.cost) for answer in found.answers)
        reading = max(map(self._read, self._equals()), key=lambda one: round(one.confidence, 9))
        self.best = self._narrowest(reading)
        self._reading = reading if self.best == reading.best else self._read(self.best)

    def _equals(self) -> list[Answer]:
        """Return the best answers, the first few by name."""
        least = self._answers[0].cost
        equals = [answer for answer in self._answers if answer.cost < least + SAME]
        if len(equals) > 1:
            equals.sort(key=lambda answer: sorted(map(self._likelihood, self._names(answer.suspects))))
        return equals[:EQUALS]

    def _narrowest(self, reading: _Reading) -> Answer:
        """Return the variant against which the looks speak least, those older than the fault included."""
        most = reading.best.cost + NEAR
        known = (one for one in self._answers if one.cost <= most and self._is_variant(one, reading))
        return min(
            known, key=lambda one: (round(self._evidence[one.suspects], 2), one is not reading.best, one.cost)
        )

    def _read(self, best: Answer) -> _Reading:
        reading = _Reading(best, {n: self._alike(best, n) for n in _positions(best.suspects)}, 0.0)
        variants = (answer for answer in self._answers if self._is_variant(answer, reading))
        return reading._replace(confidence=min(1.0, sum(map(self._chance, variants))))

    def _alike(self, best: Answer, position: int) -> int:
        """Return, as bits, the suspects that may stand for one of *best* as far as is seen."""
        found = own = 1 << position
        for answer in self._answers:
            added = answer.suspects & ~best.suspects
            if best.suspects & ~answer.suspects == own and added.bit_count() == 1:
                found |= added if self._seen(answer, best) else 0
        return found

    def _seen(self, one: Answer, other: Answer) -> bool:
        """Tell whether the evidence speaks for two answers alike."""
        return abs(self._evidence[one.suspects] - self._evidence[other.suspects]) < ALIKE

    def _against(self, answer: Answer) -> float:
        return answer.cost - sum([self._suspects[n].prior for n in _positions(answer.suspects)])

    def _is_variant(self, answer: Answer, reading: _Reading) -> bool:
        best = reading.best
        if answer.suspects == best.suspects:
            return True
        removed, added = best.suspects & ~answer.suspects, answer.suspects & ~best.suspects
        alike = reduce(or_, (reading.groups[position] for position in _positions(removed)), 0)
        return removed.bit_count() == added.bit_count() and not added & ~alike and self._seen(answer, best)

    def _chance(self, answer: Answer) -> float:
        """Return the probability of one answer among those within the window."""
        return exp(self._answers[0].cost - answer.cost) / self._total

    @property
    def confidence(self) -> float:
        """The probability of the best answer, whoever of its groups is to blame."""
        return self._reading.confidence

    def blamed(self) -> list[int]:
        """Return the positions of those whom the best answer blames."""
        return list(self._reading.groups)

    def representative(self, position: int) -> int:
        """Return the class by which a suspect is known: that of its likeliest component."""
        return self._topology.class_of[self._likeliest(self._suspects[position])]

    def group(self, position: int) -> tuple[str, ...]:
        """Return whom one of the best answer's suspects stands for: its own likeliest, then all others."""
        first = self._likeliest(self._suspects[position])
        names = [
            name
            for n in _positions(self._reading.groups[position])
            for name in self._members(self._suspects[n])
        ]
        return tuple(sorted(names, key=lambda name: (name != first, *self._likelihood(name))))

    def surety(self, position: int) -> float:
        """Return the probability that one of a group is broken, whoever else is."""
        group = self._reading.groups[position]
        return min(1.0, sum(self._chance(answer) for answer in self._answers if answer.suspects & group))

    def rivals(self) -> Iterable[Rival]:
        """Give the other answers."""
        for answer in self._answers:
            if not self._is_variant(answer, self._reading):
                instead_of = self._names(self.best.suspects & ~answer.suspects)
                causes = self._names(answer.suspects & ~self.best.suspects)
                yield Rival(instead_of, causes, answer.cost - self._answers[0].cost, self._chance(answer))

    def _names(self, suspects: int) -> tuple[str, ...]:
        """Return the likeliest component of each suspect, in the order of their names."""
        return tuple(sorted(self._likeliest(self._suspects[position]) for position in _positions(suspects)))

    def _likeliest(self, suspect: Suspect) -> str:
        return min(self._members(suspect), key=self._likelihood)

    def _members(self, suspect: Suspect) -> list[str]:
        return [name for number in suspect.classes for name in self._topology.classes[number]]

    def _likelihood(self, component: str) -> tuple[float, int, str]:
        return self._weights.of(component), self._topology.needed.get(component, 0), component


def _positions(bits: int) -> list[int]:
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found
