"""quality: a test of its own says that something has become worse, within its budget, and that it has not."""

import random
from math import exp

import pytest

from monitor.core.loss import LossModel
from monitor.core.quality import LOSSY, SLOW, Cusum, Decline, Severity, rank, severity_of, worst

HEALTHY = LossModel(isolated=0.01, burst=0.3, share=1e-5)
MOBILE = LossModel(isolated=0.003, burst=5.0, share=0.02, inside=0.5)


def cusum(model=HEALTHY, worse=LOSSY, alarm=20.0, clear=11.0):
    return Cusum(worse, model, alarm, clear)


def feed(test, history, gap=1.0, start=0.0):
    """Weigh a history of looks: x bad, o good; return when it was decided first, or None."""
    for n, letter in enumerate(history):
        test.weigh(start + n * gap, start + n * gap, bad=letter == "x")
        if test.tells:
            return n
    return None


@pytest.mark.parametrize(
    ("history", "tells"),
    [
        pytest.param("o" * 1000, False, id="all-well"),
        pytest.param("x" + "o" * 500, False, id="one-miss"),
        pytest.param("xo" * 20, True, id="every-other"),
        pytest.param("oooox" * 40, True, id="one-in-five"),
        pytest.param(("o" * 49 + "x") * 40, False, id="one-in-fifty-is-no-news"),
        pytest.param("x" * 500, False, id="nothing-at-all-is-not-worse-but-down"),
    ],
)
def test_a_share_of_misses_is_told_from_a_few_and_from_nothing_but_misses(history, tells):
    assert (feed(cusum(), history) is not None) is tells


def test_a_good_look_at_something_healthy_leaves_no_trace():
    test = cusum()
    feed(test, "ooo")

    assert test.idle
    assert not test.urgent


def test_a_run_that_comes_to_nothing_is_forgotten():
    test = cusum()
    feed(test, "xox")
    began = test.idle
    feed(test, "o" * 100, start=3.0)

    assert (began, test.idle) == (False, True)


def test_a_burst_of_the_kind_it_is_used_to_adds_next_to_nothing():
    unused, used = cusum(HEALTHY), cusum(LossModel(0.01, 5.0, 1e-3))
    for test in (unused, used):
        feed(test, "xxxxxx", gap=0.4)

    assert used.score < unused.score / 2


def test_half_of_all_lost_for_good_is_found_even_where_that_is_usual_for_a_moment():
    choice = random.Random(1)  # noqa: S311 - a simulation
    history = "".join(choice.choice("xo") for _ in range(2000))

    assert 20 < feed(cusum(MOBILE), history) < 400


@pytest.mark.parametrize("line", [HEALTHY, MOBILE, LossModel(0.001, 1.0, 0.02, 0.5)], ids=["fibre", "E", "C"])
def test_runs_on_a_healthy_line_reach_a_threshold_no_more_often_than_allowed(line):
    """Begin many runs with a look that was lost on the line as it is; with a low threshold some go astray."""
    alarm, runs, astray = 4.0, 4000, 0
    chance = random.Random(7)  # noqa: S311 - a simulation
    for _ in range(runs):
        test, at = cusum(line, alarm=alarm), 0.0
        inside = chance.random() < line.revised(line.share, lost=True)
        bad = True
        while True:
            test.weigh(at, at, bad=bad)
            if test.idle or test.tells:
                astray += test.tells
                break
            at += 1.0
            inside = chance.random() < line.in_burst(1.0 if inside else 0.0, 1.0)
            bad = chance.random() < (line.inside if inside else line.isolated)

    assert astray / runs <= exp(-alarm) / line.lost(line.share)
    assert astray > 0


def test_it_ends_by_its_own_test_and_not_at_the_first_good_looks():
    test = cusum()
    feed(test, "oooox" * 40)
    feed(test, "o" * 20, start=300.0)
    still = test.tells
    feed_all(test, "o" * 150, start=400.0)

    assert (still, test.tells) == (True, False)


def feed_all(test, history, start):
    for n, letter in enumerate(history):
        test.weigh(start + n, start + n, bad=letter == "x")


def test_a_black_out_does_not_speak_for_the_end_of_it():
    test = cusum()
    feed(test, "oooox" * 40)
    feed_all(test, "x" * 100, start=300.0)

    assert test.tells


def test_the_share_is_estimated_from_what_was_seen():
    test = cusum()
    feed(test, "ooxoo" * 40)
    feed_all(test, "ooxoo" * 60, start=300.0)

    assert test.share == pytest.approx(0.2, abs=0.05)


def test_what_came_late_after_all_is_taken_back():
    test = cusum()
    feed(test, "ooxx")
    for sent in (2.0, 3.0):
        test.forgive(sent)

    assert test.idle


def test_an_outage_leaves_it_where_it_was():
    test = cusum()
    feed(test, "xoox")
    score = test.score
    test.leave()
    feed(test, "xxxx", start=4.0)
    test.resume_left()

    assert test.score == score


def test_what_is_slow_is_decided_by_slow_answers_alone():
    test = cusum(LossModel(0.05, 3.0, 0.01, 0.9), SLOW)

    assert 30 < feed(test, "x" * 200) < 80


@pytest.mark.parametrize(
    ("loss", "rating", "was", "severity"),
    [
        (0.04, 93.2, "minor", "minor"),
        (0.05, 93.2, "minor", "warn"),
        (0.3, 93.2, "warn", "critical"),
        (0.25, 93.2, "critical", "critical"),
        (0.23, 93.2, "critical", "warn"),
        (0.041, 93.2, "warn", "warn"),
        (0.0, 69.0, "minor", "warn"),
        (0.0, 49.0, "minor", "critical"),
        (0.0, 90.0, "minor", "minor"),
    ],
)
def test_severity_follows_loss_and_delay_and_does_not_flap(loss, rating, was, severity):
    assert severity_of(loss, rating, Severity(was)) == severity


def test_the_worst_of_several_is_the_most_severe():
    minor, critical = Decline("slow", Severity.MINOR, 1.0), Decline("loss", Severity.CRITICAL, 2.0)

    assert worst([None, minor, critical]) is critical
    assert worst([]) is None
    assert rank(None) < rank(minor) < rank(critical)
