"""diagnosis, against solvers of other people: no cheaper answer exists than the one that is given."""

import pytest

from monitor.core.diagnosis import diagnose
from tests.core.oracles import by_highs, by_rc2
from tests.core.puzzles import puzzle

CASES = [(seed, 8 + seed % 17, 12 + seed % 23) for seed in range(60)]
WIDE = [(37, 8, 91), (230, 16, 102), (668, 10, 98), (348, 23, 18)]
"""Many looks that cross the same few components: whoever explains most is not always to blame."""


@pytest.mark.parametrize(("seed", "size", "looks"), [*CASES, *WIDE])
def test_highs_finds_nothing_cheaper(seed, size, looks):
    highspy = pytest.importorskip("highspy")
    it = puzzle(seed, size=size, looks=looks)
    answer = diagnose(it.topology, it.evidence)

    assert answer.exact
    assert it.cost(answer.components) == pytest.approx(by_highs(it, highspy), abs=0.01)


@pytest.mark.parametrize(("seed", "size", "looks"), CASES)
def test_rc2_finds_nothing_cheaper(seed, size, looks):
    formula = pytest.importorskip("pysat.formula")
    rc2 = pytest.importorskip("pysat.examples.rc2")
    it = puzzle(seed, size=size, looks=looks)
    answer = diagnose(it.topology, it.evidence)

    assert it.cost(answer.components) == pytest.approx(by_rc2(it, formula.WCNF, rc2.RC2Stratified), abs=0.01)
