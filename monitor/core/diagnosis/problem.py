"""From evidence to small problems: who may be to blame, less those who cannot be, in parts that do not touch.

Nothing here loses an answer within `WINDOW` of the best. A class of components is acquitted

- alone, if the good looks that only it would have spoilt outweigh all bad ones that it could explain, or
- outright, if the good looks that it would have spoilt outweigh every bad one there is;

either way each answer with it is worse by more than `WINDOW` than one without.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.core.diagnosis.evidence import WINDOW, Facts, Weights
from monitor.core.topology import Topology

Sets = frozenset[frozenset[int]]
"""Alternatives, those left out that are open only when another is."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """What may be broken: one class, or several that cross the same looks that matter."""

    classes: tuple[int, ...]
    weight: float
    """What it costs to call it broken, with the good looks that only it spoils, nats."""
    hits: tuple[int, ...]
    """By alternative: the lines that it closes, as bits."""


@dataclass(frozen=True, slots=True)
class Block:
    """A problem on its own: which suspects explain its bad lines best. A line: rows that are crossed alike."""

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


class _Trial:
    """Finds the classes that may be to blame."""

    def __init__(self, topology: Topology, facts: Facts, weights: Weights) -> None:
        self.topology = topology
        self.facts = facts
        self.weights = weights
        self.bad = dict(facts.bad)
        self.inexplicable: list[int] = []
        rows = topology.rows
        found = {number for row in self.bad for number in frozenset().union(*rows[row].alternatives)}
        self.alive = set(found)
        self.weight = {number: weights.of_class(number) for number in found}
        self.own: dict[int, float] = {}
        """Good looks that only a class would have spoilt, nats."""

    def acquit(self) -> None:
        """Acquit whom the good looks acquit, until nobody is left to acquit."""
        total = sum(self.bad.values())
        changed = True
        while changed:
            gains = self._gains()
            order = sorted(self.alive, key=lambda number: (-len(self.topology.touching[number]), number))
            acquitted = [number for number in order if self._acquits(number, gains.get(number, 0.0), total)]
            changed = bool(acquitted) or self._give_up()

    def _gains(self) -> dict[int, float]:
        gains: dict[int, float] = {}
        for row, cost in self.bad.items():
            for number in frozenset().union(*self.topology.rows[row].alternatives):
                gains[number] = gains.get(number, 0.0) + cost
        return gains

    def _acquits(self, number: int, gain: float, total: float) -> bool:
        """Acquit a class if that can be done, and say so; else keep what only it has spoilt."""
        alone, outright = gain + WINDOW - self.weight[number], total + WINDOW - self.weight[number]
        own = spoilt = 0.0
        for row in self.topology.touching[number] if alone > 0.0 else ():
            if number not in self.topology.rows[row].pinned:
                continue
            cost = self.facts.good(row)
            if cost:
                spoilt += cost
                if self._is_own(number, row):
                    own += cost
                if own >= alone or spoilt >= outright:
                    break
        else:
            if alone > 0.0:
                self.own[number] = own
                return False
        self.alive.discard(number)
        return True

    def _is_own(self, number: int, row: int) -> bool:
        """Tell whether nobody else alive could have spoilt a row without this class."""
        for one in self.topology.rows[row].alternatives:
            others = sum(1 for other in one if other in self.alive)
            if others == 1 and number in one:
                return True
        return False

    def _give_up(self) -> bool:
        """Set aside the bad rows that have an alternative without suspects; tell whether there were any."""
        lost = [
            row
            for row in self.bad
            if any(self.alive.isdisjoint(one) for one in self.topology.rows[row].alternatives)
        ]
        for row in lost:
            del self.bad[row]
        self.inexplicable += lost
        return bool(lost)


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
        self._lines: dict[tuple[Sets, bool], _Line] = {}
        for row, cost in trial.bad.items():
            self._add(row, cost, bad=True)
        for row in self._shared_good():
            self._add(row, trial.facts.good(row), bad=False)

    def _shared_good(self) -> Iterator[int]:
        """Give the good rows that several suspects could spoil, each alone or together."""
        trial, topology = self._trial, self._trial.topology
        touched = {row for number in trial.alive for row in topology.touching[number]}
        for row in sorted(touched - trial.bad.keys()):
            if not trial.facts.good(row):
                continue
            sets = [one & trial.alive for one in topology.rows[row].alternatives]
            if all(sets) and not any(len(one) == 1 and one <= topology.rows[row].pinned for one in sets):
                yield row

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
            own = self._trial.own.get(number, 0.0)
            alike.setdefault((tuple(hits[number]), round(own, 6)), []).append(number)
        for (lines, own), classes in alike.items():
            names = [name for number in classes for name in self._trial.topology.classes[number]]
            yield Suspect(tuple(classes), self._trial.weights.joint(names) + own, lines)


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
