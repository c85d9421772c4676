"""From evidence to small problems: who is left to blame for what, in parts that do not touch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.core.diagnosis.acquittal import Trial
from monitor.core.diagnosis.evidence import Facts, Weights
from monitor.core.topology import Topology

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


def blocks(topology: Topology, facts: Facts, weights: Weights) -> list[Block]:
    """Return the problems; bad rows that nobody is left to explain are in none of them."""
    trial = Trial(topology, facts, weights)
    trial.acquit()
    return _Lines(trial).blocks()


@dataclass(slots=True)
class _Line:
    sets: tuple[frozenset[int], ...]
    bad: bool
    cost: float


class _Lines:
    """Draws up the lines that the suspects share, and takes apart what does not touch."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._own: dict[int, float] = {}
        """Good looks that a class alone spoils, nats."""
        self._lines: dict[tuple[Sets, bool], _Line] = {}
        for row, cost in trial.bad.items():
            self._add(row, cost, bad=True)
        for row in self._shared_good():
            self._add(row, trial.facts.good[row], bad=False)

    def _shared_good(self) -> Iterator[int]:
        """Give the good rows that several suspects could spoil, each alone or together; note all others."""
        trial, rows = self._trial, self._trial.topology.rows
        touched = {row for number in trial.alive for row in trial.topology.touching[number]}
        for row in sorted(touched):
            cost = trial.facts.good[row]
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
            self._lines[least, bad] = _Line(ordered, bad, cost)
        else:
            line.cost += cost

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
