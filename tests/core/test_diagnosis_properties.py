"""diagnosis, whatever the network and whatever is seen: laws that hold for every one of them."""

from dataclasses import replace
from itertools import combinations
from math import exp
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.core.diagnosis import Evidence, diagnose
from monitor.core.diagnosis.evidence import WINDOW, Facts, Weights
from monitor.core.diagnosis.problem import blocks
from monitor.core.diagnosis.search import search
from monitor.core.topology import Topology
from monitor.core.topology.model import is_open
from tests.core.puzzles import network, puzzle

SEEDS = st.integers(0, 10**6)
SMALL = {"size": 8, "looks": 12}
EFFORT = 10**6


def answers(it):
    """Return every set of components with what it costs."""
    names = list(it.topology.components)
    sets = (frozenset(some) for count in range(len(names) + 1) for some in combinations(names, count))
    return {some: it.cost(some) for some in sets}


def solved(it):
    """Return the solved blocks of a puzzle."""
    facts = Facts(it.topology, it.evidence, None, it.tuning)
    weights = Weights(it.topology, frozenset(), it.tuning)
    return [(block, search(block, EFFORT)) for block in blocks(it.topology, facts, weights)]


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_no_answer_whatsoever_is_cheaper(seed):
    it = puzzle(seed, **SMALL)

    assert it.cost(diagnose(it.topology, it.evidence).components) == pytest.approx(min(answers(it).values()))


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_no_answer_within_the_window_is_missing(seed):
    it = puzzle(seed, **SMALL)
    assume(all(len(members) == 1 for members in it.topology.classes))
    costs = answers(it)
    within = sum(cost <= min(costs.values()) + WINDOW - 1e-6 for cost in costs.values())
    found = {0.0: 1}
    for block, some in solved(it):
        several = [1 if len(suspect.classes) == 1 else 0 for suspect in block.suspects]
        assume(all(several))
        sums = {}
        for cost, count in found.items():
            for one in some.answers:
                total = round(cost + one.cost - some.answers[0].cost, 9)
                sums[total] = sums.get(total, 0) + count
        found = sums

    assert sum(count for behind, count in found.items() if behind <= WINDOW - 1e-6) == within


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_posterior_sums_to_one(seed):
    it = puzzle(seed)
    for _, some in solved(it):
        total = sum(exp(some.answers[0].cost - one.cost) for one in some.answers)
        shares = [exp(some.answers[0].cost - one.cost) / total for one in some.answers]

        assert sum(shares) == pytest.approx(1.0)
    found = diagnose(it.topology, it.evidence)
    assert 0.0 < found.confidence <= 1.0
    assert all(0.0 < cause.confidence <= 1.0 for cause in found.causes)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_good_look_costs_only_the_answers_that_it_contradicts(seed):
    it = puzzle(seed, **SMALL)
    unseen = [name for name in it.topology.observations if name not in it.evidence]
    assume(unseen)
    more = replace(it, evidence={**it.evidence, unseen[0]: Evidence(-12.0, 0.0)})
    before = it.cost(diagnose(it.topology, it.evidence).components)
    after = diagnose(more.topology, more.evidence).components

    assert before - 1e-9 <= more.cost(after) <= before + 12.0 + 1e-9
    if is_open(it.topology.observations[unseen[0]].alternatives, frozenset(after)):
        assert it.cost(after) == pytest.approx(more.cost(after))


@given(SEEDS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_evidence_does_not_matter(seed, order):
    it = puzzle(seed)
    shuffled = list(it.evidence.items())
    Random(order).shuffle(shuffled)  # noqa: S311 - a seed, to be had again

    assert diagnose(it.topology, it.evidence) == diagnose(it.topology, dict(shuffled))


@given(SEEDS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_things_are_declared_does_not_matter(seed, order):
    it = puzzle(seed)
    die = Random(order)  # noqa: S311 - a seed, to be had again
    components, observations = list(it.topology.components.items()), list(it.topology.observations.items())
    die.shuffle(components)
    die.shuffle(observations)
    other = Topology(dict(components), dict(observations))

    mine, theirs = diagnose(it.topology, it.evidence), diagnose(other, it.evidence)
    assert it.cost(mine.components) == pytest.approx(it.cost(theirs.components))
    if not any(rival.behind < 1e-6 for rival in mine.rivals):  # of equals any may be the best
        assert mine.confidence == pytest.approx(theirs.confidence, abs=0.05)  # rivals looked at may differ
        assert {cause.group for cause in mine.causes} == {cause.group for cause in theirs.causes}


@given(st.text("abc", min_size=1), st.text("xo", min_size=1, max_size=3))
def test_or_with_one_alternative_equals_and(way, seen):
    letters = {"x": Evidence(22.0, 0.0), "o": Evidence(-12.0, 0.0)}
    evidence = {str(n): letters[letter] for n, letter in enumerate(seen)}
    pinned = network({str(n): way for n in range(len(seen))})
    doubled = network({str(n): f"{way}|{way}" for n in range(len(seen))})

    assert diagnose(pinned, evidence) == diagnose(doubled, evidence)
