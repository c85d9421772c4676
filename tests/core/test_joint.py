"""joint: several looks prove together what one could not yet, but no more than one black-out could feign."""

import pytest

from monitor.core.incident import Stage
from monitor.core.joint import CIRCUIT, SHARED, Miss, stage

SUSPECT, CONFIRM = 14.0, 21.9


def misses(count, score, *, seconds, began=100.0):
    return [Miss(score, began, began + seconds, SUSPECT, CONFIRM)] * count


@pytest.mark.parametrize(
    ("given", "seconds", "said"),
    [
        pytest.param(misses(1, 9.0, seconds=0.5), 0.5, None, id="one-look-in-doubt-is-shown-by-nobody"),
        pytest.param(misses(2, 9.0, seconds=0.5), 0.5, "suspected", id="two-together-are"),
        pytest.param(
            misses(5, 9.0, seconds=1.0), 1.0, "suspected", id="a-black-out-could-silence-five-for-a-second"
        ),
        pytest.param(misses(5, 9.0, seconds=5.0), 5.0, "confirmed", id="but-not-for-five"),
        pytest.param(
            misses(1, CONFIRM, seconds=3.3), 3.3, "confirmed", id="one-that-is-sure-alone-is-enough"
        ),
        pytest.param(
            misses(1, CONFIRM, seconds=0.5), 0.5, "suspected", id="not-before-the-neighbours-were-asked"
        ),
    ],
)
def test_how_far_misses_prove_their_common_cause(given, seconds, said):
    found = stage(given, SHARED, 0.99, now=100.0 + seconds)

    assert found == (said and Stage(said))


def test_a_cause_that_is_not_probable_enough_is_not_named():
    assert stage(misses(5, 20.0, seconds=9.0), CIRCUIT, 0.89, now=109.0) is None


def test_nothing_is_proven_by_no_misses():
    assert stage([], CIRCUIT, 1.0, now=1.0) is None
