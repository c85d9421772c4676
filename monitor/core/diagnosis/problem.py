"""From evidence to small problems: who may be to blame, less those who cannot be, in parts that do not touch.

Nothing here loses an answer within `WINDOW` of the best. A class of components is acquitted

- alone, if the good looks that only it would have spoilt outweigh all bad ones that it could explain, or
- outright, if the good looks that only its quarter would have spoilt, and it has, cost more than some
answer to all that is bad in its quarter;

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

Sets = frozenset[frozenset[int]]
"""Alternatives, those left out that are open only when another is."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """What may be broken: one class, or several that cross the same looks that matter."""

    classes: tuple[int, ...]
    prior: float
    """-ln of the odds that it is broken, nats."""
    weight: float
    """What it costs to call it broken: that, and the good looks that only it spoils, nats."""
    hits: tuple[int, ...]
    """By alternative: the lines that it closes, as bits."""


@dataclass(frozen=True, slots=True)
class Block:
    """A problem on its own: which suspects explain its bad lines best. A line: rows crossed alike."""

    suspects: tuple[Suspect, ...]
    base: tuple[int, ...]
    """By alternative: the lines that have none such, and so nothing to close."""
    bad: int
    """Lines that look down; the others look up."""
    costs: tuple[float, ...]
    """By line: what it costs to deny it, nats."""
    rows: tuple[tuple[int, ...], ...]
    """By line: the rows that it stands for."""


def blocks(topology: Topology, facts: Facts, weights: Weights) -> tuple[list[Block], list[int]]:
    """Return the problems, and the bad rows that nobody is left to explain."""
    trial = _Trial(topology, facts, weights)
    trial.acquit()
    lines = _Lines(trial)
    return lines.blocks(), trial.inexplicable


@dataclass(frozen=True, slots=True)
class _Quarter:
    """Suspects that share bad rows with each other and with nobody else."""

    rows: list[int]
    members: set[int]
    failing: Mapping[int, list[int]]
    """Bad rows by suspect."""


class _Trial:
    """Finds the classes that may be to blame."""

    def __init__(self, topology: Topology, facts: Facts, weights: Weights) -> None:
        self.topology = topology
        self.facts = facts
        self.weights = weights
        self.bad = dict(facts.bad)
        self.inexplicable: list[int] = []
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
        order = sorted(quarter.members, key=lambda number: (-len(touching[number]), number))
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
        failing, touching = quarter.failing, self.topology.touching
        share = {n: (len(failing[n]) / len(touching[n]), len(failing[n]), n) for n in quarter.members}
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
                self.inexplicable.append(row)
            else:
                kept.append(row)
        return kept


@dataclass(slots=True)
class _Line:
    sets: tuple[frozenset[int], ...]
    bad: bool
    cost: float
    rows: list[int]


class _Lines:
    """Draws up the lines that the suspects share, and takes apart what does not touch."""

    def __init__(self, trial: _Trial) -> None:
        self._trial = trial
        self._own: dict[int, float] = {}
        """Good looks that a class alone spoils, nats."""
        self._lines: dict[tuple[Sets, bool], _Line] = {}
        for row, cost in trial.bad.items():
            self._add(row, cost, bad=True)
        for row in self._shared_good():
            self._add(row, trial.facts.good(row), bad=False)

    def _shared_good(self) -> Iterator[int]:
        """Give the good rows that several suspects could spoil, each alone or together; note all others."""
        trial, rows = self._trial, self._trial.topology.rows
        touched = {row for number in trial.alive for row in trial.topology.touching[number]}
        for row in sorted(touched - trial.bad.keys()):
            cost = trial.facts.good(row)
            sets = [one & trial.alive for one in rows[row].alternatives] if cost else []
            if sets and all(sets):
                alone = next((one for one in sets if len(one) == 1 and one <= rows[row].pinned), None)
                if alone is None:
                    yield row
                else:
                    number = min(alone)
                    self._own[number] = self._own.get(number, 0.0) + cost

    def _add(self, row: int, cost: float, *, bad: bool) -> None:
        sets = {one & self._trial.alive for one in self._trial.topology.rows[row].alternatives}
        least = frozenset(one for one in sets if not any(other < one for other in sets))
        line = self._lines.get((least, bad))
        if line is None:
            ordered = tuple(sorted(least, key=lambda one: (len(one), sorted(one))))
            self._lines[least, bad] = _Line(ordered, bad, cost, [row])
        else:
            line.cost += cost
            line.rows.append(row)

    def blocks(self) -> list[Block]:
        """Return the parts that share no suspect."""
        parts = _parts([frozenset().union(*line.sets) for line in self._lines.values()])
        lines = list(self._lines.values())
        found = ([lines[n] for n in part] for part in parts)
        return [self._block(part) for part in found if any(line.bad for line in part)]

    def _block(self, lines: list[_Line]) -> Block:
        depth = max(len(line.sets) for line in lines)
        hits: dict[int, list[int]] = {}
        base = [0] * depth
        for bit, line in enumerate(lines):
            for slot in range(depth):
                if slot >= len(line.sets):
                    base[slot] |= 1 << bit
                for number in line.sets[slot] if slot < len(line.sets) else ():
                    hits.setdefault(number, [0] * depth)[slot] |= 1 << bit
        return Block(
            tuple(self._suspects(hits)),
            tuple(base),
            sum(1 << bit for bit, line in enumerate(lines) if line.bad),
            tuple(line.cost for line in lines),
            tuple(tuple(line.rows) for line in lines),
        )

    def _suspects(self, hits: dict[int, list[int]]) -> Iterator[Suspect]:
        """Give one suspect for all classes that close the same lines and spoil nothing else, or alike."""
        alike: dict[tuple[tuple[int, ...], float], list[int]] = {}
        for number in sorted(hits):
            own = self._own.get(number, 0.0)
            alike.setdefault((tuple(hits[number]), round(own, 6)), []).append(number)
        for (lines, own), classes in alike.items():
            prior = self._trial.weights.of_classes(classes)
            yield Suspect(tuple(classes), prior, prior + own, lines)


def _parts(sets: Iterable[frozenset[int]]) -> list[list[int]]:
    """Return the positions of the sets that hang together, by what they have in common."""
    root: dict[int, int] = {}

    def find(item: int) -> int:
        while root.setdefault(item, item) != item:
            root[item] = root[root[item]]
            item = root[item]
        return item

    first = []
    for one in sets:
        members = sorted(one)
        first.append(members[0])
        for member in members[1:]:
            root[find(member)] = find(members[0])
    parts: dict[int, list[int]] = {}
    for position, member in enumerate(first):
        parts.setdefault(find(member), []).append(position)
    return list(parts.values())
