"""Who may be to blame, less those whom the good looks acquit.

Nothing here loses an answer within `WINDOW` of the best. A class of components is acquitted

- alone, if the good looks that only it would have spoilt outweigh all bad ones that it could explain, or
- outright, if the good looks that only its quarter would have spoilt, and it has, cost more than some
answer to all that is bad in its quarter, or - as superfluous, if another one explains all that is bad in
its quarter and no few others could;

either way each answer with it is worse by more than `WINDOW` than one without.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.core.diagnosis.evidence import WINDOW, Facts, Weights
from monitor.core.topology import Topology

MUCH = 100.0
"""Nats that a part of the network may cost before it is taken apart further."""
FRUITLESS = 20
"""One acquitted in so many is not worth another look at the others."""


@dataclass(frozen=True, slots=True)
class _Quarter:
    """Suspects that share bad rows with each other and with nobody else."""

    rows: list[int]
    members: set[int]
    failing: Mapping[int, list[int]]
    """Bad rows by suspect."""


class Trial:
    """Finds the classes that may be to blame."""

    def __init__(self, topology: Topology, facts: Facts, weights: Weights) -> None:
        self.topology = topology
        self.facts = facts
        self.weights = weights
        self.bad: dict[int, float] = {}
        """What it costs not to explain a bad row and those that are crossed like it, nats."""
        self.many: dict[int, int] = {}
        """How many those are."""
        for row, cost in facts.bad.items():
            first = topology.like[row]
            self.bad[first] = self.bad.get(first, 0.0) + cost
            self.many[first] = self.many.get(first, 0) + 1
        self.alive = {number for row in self.bad for number in self._crossed(row)}
        self.weight = {number: weights.of_classes((number,)) for number in self.alive}

    def acquit(self) -> None:
        """Acquit whom the good looks acquit, until nobody is left to acquit: the far-reaching ones first."""
        todo = [list(self.bad)]
        while todo:
            for quarter in self._quarters(todo.pop()):
                again = self._clear(quarter)
                rows = self._explicable(quarter.rows)
                if again:
                    todo.append(rows)

    def _clear(self, quarter: _Quarter) -> bool:
        """Acquit whom one can of a quarter; tell whether that was worth another look at the rest.

        While much is bad in it only those are tried that hold it together: the bounds of its parts are
        tighter.
        """
        touching, bound = self.topology.touching, self._bound(quarter)
        self._overshadow(quarter, bound)
        order = sorted(quarter.members & self.alive, key=lambda number: (-len(touching[number]), number))
        if bound > MUCH:
            least = len(touching[order[0]]) / 2
            leaders = [number for number in order if len(touching[number]) >= least]
            if sum(self._acquits(number, quarter, bound) for number in leaders):
                return True
        acquitted = sum(self._acquits(number, quarter, bound) for number in order)
        return acquitted * FRUITLESS > len(order)

    def _crossed(self, row: int) -> frozenset[int]:
        alternatives = self.topology.rows[row].alternatives
        return alternatives[0] if len(alternatives) == 1 else alternatives[0].union(*alternatives[1:])

    def _quarters(self, rows: Iterable[int]) -> Iterator[_Quarter]:
        """Take bad rows apart into those that hang together by their suspects."""
        left = {row: self._crossed(row) & self.alive for row in rows}
        failing: dict[int, list[int]] = {}
        for row, suspects in left.items():
            for number in suspects:
                failing.setdefault(number, []).append(row)
        while left:
            row, suspects = left.popitem()
            quarter = _Quarter([row], set(suspects), failing)
            todo = [*suspects]
            while todo:
                for other in failing[todo.pop()]:
                    more = left.pop(other, None)
                    if more is not None:
                        todo += more - quarter.members
                        quarter.members.update(more)
                        quarter.rows.append(other)
            yield quarter

    def _bound(self, quarter: _Quarter) -> float:
        """Return what some answer to a quarter costs: it blames, by row, whose looks fail most often."""
        touching, breadth = self.topology.touching, self.topology.breadth
        counts = {n: sum(self.many[row] for row in quarter.failing[n]) for n in quarter.members}
        share = {n: (count / breadth[n], count, n) for n, count in counts.items()}
        blamed: set[int] = set()
        for row in quarter.rows:
            for one in self.topology.rows[row].alternatives:
                if one.isdisjoint(blamed):
                    blamed.add(max(one & self.alive, key=share.__getitem__))
        spoilt: set[int] = set()
        for number in blamed:
            if share[number][0] < 1.0:
                spoilt.update(touching[number])
        cost = sum(self.weight[number] for number in blamed) + sum(map(self.facts.good, spoilt))
        return min(cost, sum(self.bad[row] for row in quarter.rows))

    def _overshadow(self, quarter: _Quarter, bound: float) -> None:
        """Acquit of a quarter whom one suspect that explains all of it leaves nothing to explain.

        Beside that one they are superfluous, and in its place the few that an answer as cheap can afford
        would leave too much unexplained.
        """
        gains = {n: sum(self.bad[row] for row in quarter.failing[n]) for n in quarter.members}
        first, second = [*sorted(gains, key=lambda n: (-gains[n], n)), None][:2]
        rows = self.topology.rows
        if second is None or not all(first in rows[row].pinned for row in quarter.rows):
            return
        cheapest = min(self.weight[n] for n in quarter.members)
        if cheapest < WINDOW:
            return
        others = int((bound + WINDOW) / cheapest) - 1
        needed = sum(self.bad[row] for row in quarter.rows) - (bound + WINDOW) - others * gains[second]
        self.alive -= {n for n, gain in gains.items() if n != first and gain < needed}

    def _acquits(self, number: int, quarter: _Quarter, bound: float) -> bool:
        """Acquit a class if that can be done, and say so."""
        weight, gain = self.weight[number], sum(self.bad[row] for row in quarter.failing[number])
        acquitted = gain + WINDOW <= weight
        if not acquitted:
            acquitted = self._outweighed(number, gain + WINDOW - weight, bound + WINDOW - weight, quarter)
        if acquitted:
            self.alive.discard(number)
        return acquitted

    def _outweighed(self, number: int, alone: float, outright: float, quarter: _Quarter) -> bool:
        """Tell whether the good looks outweigh *alone* for a class, or *outright* for it and its quarter."""
        rows, alive, good, just = self.topology.rows, self.alive, self.facts.good, {number}
        own = spoilt = 0.0
        for row in self.topology.touching[number]:
            crossed = rows[row]
            if number in crossed.pinned and (cost := good(row)):
                if self._crossed(row) & alive <= quarter.members:
                    spoilt += cost
                if any(one & alive == just for one in crossed.alternatives):
                    own += cost
                if own >= alone or spoilt >= outright:
                    return True
        return False

    def _explicable(self, rows: Iterable[int]) -> list[int]:
        """Return the bad rows that have suspects in every alternative; set the others aside."""
        kept = []
        for row in rows:
            if any(self.alive.isdisjoint(one) for one in self.topology.rows[row].alternatives):
                del self.bad[row]
            else:
                kept.append(row)
        return kept
