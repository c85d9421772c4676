"""The best answers to one block: a greedy answer first, then a bounded search that proves or betters it.

The search branches on one bad line that is not explained yet: one of its suspects did it, or the look is
wrong itself. What was tried in an earlier branch is shut out of the later ones, so that no answer is met
twice. A branch is left when its cost and a lower bound of what is still to pay exceed the best answer by
more than `WINDOW`. The bound is a feasible dual: each line pays what it may without any suspect being paid
more than it costs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import inf
from operator import and_
from typing import NamedTuple

from monitor.core.diagnosis.evidence import WINDOW
from monitor.core.diagnosis.problem import Block

Covers = tuple[int, ...]
"""By alternative: the lines in which it is closed."""
MOST = 2_000
"""Answers within the window that are kept."""
FEW = 12
"""With so few suspects the search needs no first answer."""
EPSILON = 1e-9


class Answer(NamedTuple):
    """Who is to blame, and what it costs to say so."""

    cost: float
    suspects: int
    """Positions of the suspects, as bits."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answers to one block within the window, the best first."""

    answers: tuple[Answer, ...]
    exact: bool
    """The search was completed: no answer within the window is missing."""


class _Node(NamedTuple):
    chosen: int
    shut: int
    """Suspects that may not be chosen any more."""
    covers: Covers
    must: int
    """Bad lines that are to be explained in this branch."""
    skip: int
    """Bad lines that are not to be."""
    cost: float


def searched(blocks: Iterable[Block], effort: int) -> Iterator[Found]:
    """Give the answers to each block; those that differ only in who is suspected are searched once."""
    known: dict[object, Found] = {}
    for block in blocks:
        how = tuple([(suspect.weight, suspect.hits) for suspect in block.suspects])
        like = how, block.base, block.bad, block.costs
        found = known.get(like)
        if found is None:
            found = known[like] = search(block, effort)
        yield found


def search(block: Block, effort: int) -> Found:
    """Return the answers to *block* within the window; given up after weighing *effort* lines."""
    return _of_one(block) or _Search(block).run(effort)


def _of_one(block: Block) -> Found | None:
    """Return the answers to a block of one suspect that explains it all: it is broken, or all looks err."""
    if len(block.suspects) > 1 or block.bad + 1 != 1 << len(block.costs):
        return None
    (suspect,) = block.suspects
    if reduce(and_, (old | new for old, new in zip(block.base, suspect.hits, strict=True))) != block.bad:
        return None
    answers = sorted((Answer(suspect.weight, 1), Answer(sum(block.costs), 0)))
    return Found(tuple(one for one in answers if one.cost <= answers[0].cost + WINDOW), exact=True)


class _Search:
    def __init__(self, block: Block) -> None:
        self._block = block
        self._good = ((1 << len(block.costs)) - 1) & ~block.bad
        self._weights = [suspect.weight for suspect in block.suspects]
        self._hits = [suspect.hits for suspect in block.suspects]
        self._candidates = self._by_line()
        bad = [line for line in range(len(block.costs)) if block.bad >> line & 1]
        self._order = sorted(bad, key=lambda line: (min(map(len, self._candidates[line])), line))
        by_cost: dict[float, int] = {}
        for line, cost in enumerate(block.costs):
            by_cost[cost] = by_cost.get(cost, 0) | 1 << line
        self._by_cost = list(by_cost.items())
        self._answers: dict[int, float] = {}
        self._best = inf
        self._effort = 0
        """Lines weighed."""

    def _by_line(self) -> list[list[list[int]]]:
        """Return the suspects of each line, by alternative."""
        depth = len(self._block.base)
        found: list[list[list[int]]] = [[[] for _ in range(depth)] for _ in self._block.costs]
        for number, hits in enumerate(self._hits):
            for slot, lines in enumerate(hits):
                for line in _bits(lines):
                    found[line][slot].append(number)
        return [[slot for slot in slots if slot] for slots in found]

    # The search.

    def run(self, effort: int) -> Found:
        """Search until all is known or *effort* nodes were seen; return the best answers."""
        self._keep(self._answer([]))
        if len(self._block.suspects) > FEW:
            self._keep(self._greedy())
        stack = [_Node(0, 0, self._block.base, 0, 0, 0.0)]
        while stack and self._effort < effort:
            self._effort += 1
            node = stack.pop()
            if node.cost <= self._best + WINDOW:
                stack += self._visit(node)
        kept = sorted((cost, chosen) for chosen, cost in self._answers.items())
        answers = tuple(Answer(*one) for one in kept[:MOST] if one[0] <= self._best + WINDOW)
        return Found(answers, not stack)

    def _visit(self, node: _Node) -> list[_Node]:
        """Keep the answer that a node is, or return its branches, the most promising last."""
        down = reduce(and_, node.covers)
        if down & node.skip:
            return []
        still = self._block.bad & ~down & ~node.skip
        if not still:
            self._keep(Answer(node.cost, node.chosen))
            return []
        if self._exceeds(node, still):
            return []
        line = self._next(still, still & node.must)
        return self._branches(node, line)

    def _branches(self, node: _Node, line: int) -> list[_Node]:
        bit = 1 << line
        branches = [] if node.must & bit else [self._skipped(node, line)]
        shut = node.shut
        for number in self._ranked(node, line):
            if not node.shut >> number & 1:
                branches.append(self._blamed(node, number, shut, bit))
                shut |= 1 << number
        # The first one blamed shuts the fewest out of its branch: it is on top and taken first.
        return branches[:1] + branches[:0:-1] if not node.must & bit else branches[::-1]

    def _skipped(self, node: _Node, line: int) -> _Node:
        return node._replace(skip=node.skip | 1 << line, cost=node.cost + self._block.costs[line])

    def _blamed(self, node: _Node, number: int, shut: int, bit: int) -> _Node:
        covers = self._covered(node.covers, number)
        spoilt = self._good & reduce(and_, covers) & ~reduce(and_, node.covers)
        cost = node.cost + self._weights[number] + self._sum(spoilt)
        return _Node(node.chosen | 1 << number, shut, covers, node.must | bit, node.skip, cost)

    def _ranked(self, node: _Node, line: int) -> list[int]:
        """Return the suspects that close the first open alternative of *line*, the most telling first."""
        slot = self._open_slot(node.covers, line)
        open_ = self._block.bad & ~reduce(and_, node.covers)
        return sorted(
            self._candidates[line][slot],
            key=lambda n: (self._weights[n] - 4.0 * (self._hits[n][0] & open_).bit_count(), n),
        )

    def _open_slot(self, covers: Covers, line: int) -> int:
        return next(slot for slot, lines in enumerate(covers) if not lines >> line & 1)

    def _next(self, still: int, must: int) -> int:
        wanted = must or still
        return next(line for line in self._order if wanted >> line & 1)

    def _exceeds(self, node: _Node, still: int) -> bool:
        """Tell whether no answer below this node can be within the window."""
        left = self._best + WINDOW + EPSILON - node.cost
        unpaid, shut, costs = self._weights.copy(), node.shut, self._block.costs
        for line in self._order:
            if not still >> line & 1:
                continue
            self._effort += 1
            suspects = self._candidates[line][self._open_slot(node.covers, line)]
            if shut:
                suspects = [number for number in suspects if not shut >> number & 1]
            share = min([unpaid[number] for number in suspects], default=inf)
            if not node.must >> line & 1:
                share = min(share, costs[line])
            left -= share
            if left < 0.0:
                return True
            if share:
                for number in suspects:
                    unpaid[number] -= share
        return False

    # Answers.

    def _keep(self, answer: Answer) -> None:
        self._best = min(self._best, answer.cost)
        self._answers.setdefault(answer.suspects, answer.cost)

    def _covered(self, covers: Covers, number: int) -> Covers:
        return tuple(old | new for old, new in zip(covers, self._hits[number], strict=True))

    def _sum(self, lines: int) -> float:
        return sum(cost * (lines & alike).bit_count() for cost, alike in self._by_cost)

    def _answer(self, chosen: Sequence[int]) -> Answer:
        """Return what it costs to blame these, and them alone."""
        covers = self._block.base
        for number in chosen:
            covers = self._covered(covers, number)
        down = reduce(and_, covers)
        wrong = (self._good & down) | (self._block.bad & ~down)
        cost = sum(self._weights[number] for number in chosen) + self._sum(wrong)
        return Answer(cost, sum(1 << number for number in chosen))

    # The first answer.

    def _greedy(self) -> Answer:
        """Return a good answer: begin with nobody, add what helps most, drop what need not be."""
        chosen: list[int] = []
        best = self._answer(chosen)
        improved = True
        while improved:
            improved = False
            tries = [*self._additions(chosen), *self._omissions(chosen)]
            better = min(((self._answer(one), one) for one in tries), default=None)
            if better is not None and better[0].cost < best.cost - EPSILON:
                (best, chosen), improved = better, True
        return best

    def _additions(self, chosen: list[int]) -> Iterator[list[int]]:
        covers = self._block.base
        for number in chosen:
            covers = self._covered(covers, number)
        still = self._block.bad & ~reduce(and_, covers)
        useful = {n for line in _bits(still) for slot in self._candidates[line] for n in slot}
        yield from ([*chosen, number] for number in sorted(useful - {*chosen}))
        for line in _bits(still):
            slots = self._candidates[line]
            if len(slots) > 1:
                yield [*chosen, *sorted({min(s, key=self._weights.__getitem__) for s in slots} - {*chosen})]

    def _omissions(self, chosen: list[int]) -> Iterator[list[int]]:
        if len(chosen) > 1:
            yield from (list(kept) for kept in combinations(chosen, len(chosen) - 1))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
