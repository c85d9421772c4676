"""Who may be to blame, less those whom the good looks acquit.

Nothing here loses an answer within `WINDOW` of the best. A class of components is acquitted

- alone, if the good looks that only it would have spoilt outweigh all bad ones that it could explain, or
- outright, if the good looks that only its quarter would have spoilt, and it has, cost more than some
answer to all that is bad in its quarter, or - as superfluous, if another one is broken for sure and explains
all that it could explain;

either way each answer with it is worse by more than `WINDOW` than one without.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.core.diagnosis.evidence import WINDOW, Facts, Weights
from monitor.core.topology import Topology
from monitor.core.topology.model import Row

MUCH = 20.0
"""Nats that a part of the network may cost before it is taken apart further."""
FRUITLESS = 20
"""One acquitted in so many is not worth another look at the others."""
FEW = 3
"""With so few left it is not either."""
LEADERS = 2
"""So many of a quarter are tried at most for being broken for sure, those first that explain most."""
NARROW = 40
"""One that is suspected alone and that so few looks cross is left to the search, which is as quick."""
WIDE = 8
"""Bad rows from which it is worth the effort to ask that."""


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
        self.alive = set().union(*(topology.rows[row].crossed for row in self.bad))
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
        touching = self.topology.touching
        if len(quarter.members) == 1 and all(len(touching[number]) <= NARROW for number in quarter.members):
            return False
        bound = self._bound(quarter)
        order = sorted(quarter.members, key=lambda number: (-len(touching[number]), number))
        least = len(touching[order[0]]) / 2
        leaders = [number for number in order if len(touching[number]) >= least]
        if bound > MUCH and self._acquit_some(leaders, quarter, bound):
            return True
        if self._overshadow(quarter):
            return True
        acquitted = self._acquit_some(order, quarter, bound)
        return acquitted * FRUITLESS > len(order) and len(quarter.members & self.alive) > FEW

    def _quarters(self, rows: Iterable[int]) -> Iterator[_Quarter]:
        """Take bad rows apart into those that hang together by their suspects."""
        crossing, alive = self.topology.rows, self.alive
        left = {row: crossing[row].crossed & alive for row in rows}
        failing: dict[int, list[int]] = {}
        for row, suspects in left.items():
            for number in suspects:
                failing.setdefault(number, []).append(row)
        while left:
            row, suspects = left.popitem()
            found, members, todo = [row], set(suspects), [*suspects]
            while todo:
                for other in failing[todo.pop()]:
                    if other in left:
                        more = left.pop(other) - members
                        found.append(other)
                        if more:
                            todo += more
                            members |= more
            yield _Quarter(found, members, failing)

    def _bound(self, quarter: _Quarter) -> float:
        """Return what some answer to a quarter costs: it blames, by row, whose looks fail most often."""
        topology, many, alive = self.topology, self.many, self.alive
        share = {}
        for number in quarter.members:
            count = sum([many[row] for row in quarter.failing[number]])
            share[number] = (min(count / topology.breadth[number], 1.0), count, number)
        blamed: set[int] = set()
        for row in quarter.rows:
            for one in topology.rows[row].alternatives:
                if one.isdisjoint(blamed):
                    blamed.add(max(one & alive, key=share.__getitem__))
        cost = sum([self.weight[number] for number in blamed]) + self._spoilt_by(blamed)
        return min(cost, sum([self.bad[row] for row in quarter.rows]))

    def _spoilt_by(self, blamed: set[int]) -> float:
        """Return what the good looks cost that would be bad if all these were broken."""
        rows, good = self.topology.rows, self.facts.good
        touched = set().union(*(self.topology.touching[number] for number in blamed))
        return sum([good[row] for row in touched if not any(map(blamed.isdisjoint, rows[row].alternatives))])

    def _overshadow(self, quarter: _Quarter) -> int:
        """Acquit whom one suspect that is broken for sure leaves nothing to explain; return how many."""
        rows_of = quarter.failing
        wide = [n for n in quarter.members if len(rows_of[n]) >= WIDE and n in self.alive]
        leaders = sorted(wide, key=lambda number: (-len(rows_of[number]), number))[:LEADERS]
        return next(filter(None, (self._shadowed(first, quarter) for first in leaders)), 0)

    def _shadowed(self, first: int, quarter: _Quarter) -> int:
        """Acquit those in the shadow of *first*, who explain nothing else, if it is broken for sure.

        It is if any answer without it would be better with it and without those in its shadow: rows that
        nobody else can explain cost more than it does. Beside it those in its shadow are superfluous.
        """
        rows, alive, failing = self.topology.rows, self.alive, quarter.failing
        own = {row for row in failing[first] if first in rows[row].pinned}
        beside = set().union(*(rows[row].crossed for row in own)) & alive
        shadow = {n for n in beside if n == first or own.issuperset(failing[n])}
        alone = [row for row in own if rows[row].crossed & alive <= shadow]
        shadow.discard(first)
        worth = self._toll(alone, shadow) - self.weight[first] - WINDOW
        others = alive - shadow
        for row in self.topology.touching[first] if worth >= 0.0 else ():
            if (cost := self.facts.good[row]) and _is_closed_by(first, rows[row], others):
                worth -= cost
                if worth < 0.0:
                    break
        if worth < 0.0:
            return 0
        superfluous = {n for n in shadow if self.weight[n] >= WINDOW}
        self.alive -= superfluous
        return len(superfluous)

    def _toll(self, bad: Collection[int], shadow: set[int]) -> float:
        """Return what it costs at least to explain these rows by those in a shadow, or to deny them."""
        many = Counter(n for row in bad for n in self.topology.rows[row].crossed & shadow)
        price = {n: self.weight[n] / count for n, count in many.items()}
        return sum(
            min([self.bad[row], *(price[n] for n in self.topology.rows[row].crossed & shadow)]) for row in bad
        )

    def _acquit_some(self, numbers: Iterable[int], quarter: _Quarter, bound: float) -> int:
        """Acquit of these classes whom one can; return how many. *bound*: what the quarter costs at most."""
        found = [
            number
            for number in numbers
            if number in self.alive and self._is_acquitted(number, quarter, bound)
        ]
        return len(found)

    def _is_acquitted(self, number: int, quarter: _Quarter, bound: float) -> bool:
        weight, gain = self.weight[number], sum([self.bad[row] for row in quarter.failing[number]])
        acquitted = gain + WINDOW <= weight
        if not acquitted:
            acquitted = self._outweighed(number, gain + WINDOW - weight, bound + WINDOW - weight, quarter)
        if acquitted:
            self.alive.discard(number)
        return acquitted

    def _outweighed(self, number: int, alone: float, outright: float, quarter: _Quarter) -> bool:
        """Tell whether the good looks outweigh *alone* for a class, or *outright* for it and its quarter."""
        rows, alive, good, members = self.topology.rows, self.alive, self.facts.good, quarter.members
        own = spoilt = 0.0
        for row in self.topology.touching[number]:
            cost = good[row]
            if not cost:
                continue
            crossed = rows[row]
            if number in crossed.pinned:
                suspects = crossed.crossed & alive
                if suspects <= members:
                    spoilt += cost
                if len(suspects) == 1 or _leaves_just(number, crossed, alive):
                    own += cost
                if own >= alone or spoilt >= outright:
                    return True
        return False

    def _explicable(self, rows: Iterable[int]) -> list[int]:
        """Return the bad rows that have suspects in every alternative; set the others aside."""
        kept, alive, crossing = [], self.alive, self.topology.rows
        for row in rows:
            if any(map(alive.isdisjoint, crossing[row].alternatives)):
                del self.bad[row]
            else:
                kept.append(row)
        return kept


def _is_closed_by(number: int, row: Row, others: set[int]) -> bool:
    """Tell whether a row may be down because of one class, and not because of some of *others* alone."""
    its = [one for one in row.alternatives if number in one]
    common = frozenset.intersection(*its)
    return all(number in one or not others.isdisjoint(one - common) for one in row.alternatives)


def _leaves_just(number: int, row: Row, alive: set[int]) -> bool:
    """Tell whether an alternative of a row has nobody but one class left that may be to blame."""
    return len(row.alternatives) > 1 and any(one & alive == {number} for one in row.alternatives)
