"""joint: several looks prove together what one could not yet, but no more than one black-out could feign."""

import pytest

from monitor.core.incident import Stage
from monitor.core.joint import CIRCUIT, SHARED, Miss, began, stage

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


OLD = Miss(9.0, 80.0, 90.0, SUSPECT, CONFIRM)


@pytest.mark.parametrize(
    ("given", "first"),
    [
        pytest.param(misses(3, 6.0, seconds=0.2), 100.0, id="at-once"),
        pytest.param([OLD, *misses(3, 6.0, seconds=0.2)], 100.0, id="one-old-doubt-is-another-matter"),
        pytest.param([OLD, *misses(1, 4.6, seconds=0.2)], 80.0, id="and-so-is-one-that-has-just-begun"),
        pytest.param(
            [*misses(2, 6.0, seconds=9.0), *misses(2, 6.0, seconds=1.0, began=104.0)], 100.0, id="near"
        ),
        pytest.param([], None, id="nothing"),
    ],
)
def test_a_fault_begins_with_the_wave_in_which_most_was_missed(given, first):
    assert began(given) == first


def test_an_old_doubt_gives_the_neighbours_no_less_time_to_answer():
    crowd = [OLD, *misses(4, 9.0, seconds=0.3)]

    assert stage(crowd, SHARED, 0.99, now=100.3) is Stage.SUSPECTED
