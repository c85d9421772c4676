"""learning: what a spell of misses says of bursts is what was expected of them, and it moves the prior."""

import random

import pytest

from monitor.core.detection import manner
from monitor.core.inventory import Bearer
from monitor.core.learning import DAY, Learned, Lesson, Spell
from monitor.core.loss import PRIORS, LossModel

FIBRE = PRIORS[Bearer.FIBRE]
KNOWN = LossModel(isolated=0.01, burst=2.0, share=0.005, inside=0.8)


def spell(history, gap=0.25, model=FIBRE):
    """Return a spell that began with a miss, after more looks: x lost, o answered."""
    it = Spell(model, 0.0)
    for n, letter in enumerate(history, 1):
        it.note(n * gap, lost=letter == "x")
    return it


def test_a_single_miss_is_an_isolated_loss():
    lesson = spell("oo").lesson()

    assert lesson.isolated == pytest.approx(1, abs=0.01)
    assert lesson.bursts < 0.01
    assert lesson.outside == pytest.approx(3, abs=0.01)


def test_misses_close_together_are_a_burst_of_about_that_length():
    lesson = spell("xxxxxxxoo").lesson()

    assert lesson.bursts == pytest.approx(1, abs=0.01)
    assert 1.7 < lesson.seconds < 2.1
    assert lesson.isolated < 0.1


def test_it_is_over_once_answers_show_that_no_burst_is_left():
    assert not spell("").over
    assert not spell("xxx").over
    assert spell("xxxoooo").over


def test_expected_numbers_are_right_on_average():
    """Simulate the chain itself and compare the true numbers of every spell with the expected ones."""
    chance, true, told = random.Random(5), Lesson(), Lesson()  # noqa: S311 - a simulation
    for _ in range(3000):
        it, lesson = lived(KNOWN, chance)
        true, told = true.and_(lesson), told.and_(it.lesson())

    assert told.bursts == pytest.approx(true.bursts, rel=0.06)
    assert told.seconds == pytest.approx(true.seconds, rel=0.06)
    assert told.isolated == pytest.approx(true.isolated, rel=0.06)
    assert told.lost == pytest.approx(true.lost, rel=0.06)
    assert told.looks == pytest.approx(true.looks, rel=0.06)


def lived(model, chance, gap=0.3):
    """Live through one spell in which the state is known: return it and what was true."""
    inside = chance.random() < model.revised(model.share, lost=True)
    it, at, lost = Spell(model, 0.0), 0.0, True
    ends = chance.expovariate(1 / model.burst) if inside else 0.0
    true = Lesson(outside=float(not inside), isolated=float(not inside))
    while not it.over:
        at += gap
        was, inside = inside, inside and at < ends
        lost = chance.random() < (model.inside if inside else model.isolated)
        it.note(at, lost=lost)
        seen = (0, 0, 0, gap, 1, lost) if inside else (1, lost, 0, 0, 0, 0)
        true = true.and_(Lesson(*map(float, seen)))
        if was and not inside:
            true = true.and_(Lesson(bursts=1.0, seconds=ends - (at - gap)))
    return it, true


def test_nothing_learned_is_the_prior():
    assert Learned().model(FIBRE, 1.0) == FIBRE


def test_what_a_path_teaches_moves_its_prior_and_fades():
    taught = Learned().after(10_000, 1.0, Lesson(outside=500.0, isolated=500.0))

    assert taught.model(FIBRE, 1.0).isolated == pytest.approx(0.048, rel=0.05)
    assert taught.after(1_000_000, 1.0).model(FIBRE, 1.0).isolated < 0.001


def test_one_long_black_out_does_not_make_a_line_slow_to_judge():
    once = Learned().after(100_000, 1.0, Lesson(bursts=1.0, seconds=3.0, looks=8.0, lost=8.0))

    assert once.model(FIBRE, 1.0).burst < 0.7


def test_few_bursts_count_for_longer_than_they_were_and_many_for_what_they_were():
    def learned(bursts):
        seen = Lesson(bursts=bursts, seconds=2.0 * bursts, looks=4.0 * bursts, lost=4.0 * bursts)
        return Learned().after(1_000_000, 1.0, seen).model(FIBRE, 1.0)

    assert learned(100.0).burst / learned(10_000.0).burst > 1.05
    assert learned(10_000.0).burst == pytest.approx(2.0, rel=0.04)


def test_clean_days_make_a_path_better_than_its_bearer_but_never_perfect():
    mobile = PRIORS[Bearer.MOBILE]
    clean = Learned()
    for _ in range(60):
        clean = clean.after(int(DAY), 1.0)
    model = clean.model(mobile, 1.0)

    assert model.share < mobile.share / 20
    assert model.share >= 1e-5
    assert (model.burst, model.inside) == (mobile.burst, mobile.inside)


def test_a_path_that_loses_nearly_everything_never_counts_as_healthy():
    awful = Learned().after(0, 1.0, Lesson(outside=10_000.0, isolated=9_000.0))

    assert awful.model(FIBRE, 1.0).isolated == 0.3


def test_looks_further_apart_see_fewer_bursts_of_the_same_line():
    seen = Lesson(bursts=20.0, seconds=10.0, looks=40.0, lost=40.0)
    shares = [Learned().after(int(7 * DAY / T), T, seen).model(FIBRE, T).share for T in (1.0, 5.0)]

    assert shares[0] < shares[1]


def test_a_service_learns_as_well():
    how = manner(15.0, None, suspicions_per_year=26, false_alarms_per_year=0.01)
    taught = Learned().after(5_000, how.period, Lesson(outside=100.0, isolated=100.0))

    assert taught.model(how.prior, how.period).isolated > 0.015
