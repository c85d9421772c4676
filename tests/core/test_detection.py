"""detection: a fault is believed within its budget of false alarms, and never from what we did not see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.detection import (
    PRIORS,
    YEAR,
    Belief,
    Learned,
    Verdict,
    manner,
    next_gap,
    revise,
    threshold,
)
from monitor.core.inventory import Bearer
from monitor.core.observation import failed, ok, unknown

FIBRE = manner(1.0, Bearer.FIBRE, suspicions_per_year=26, false_alarms_per_year=0.01)
SERVICE = manner(10.0, None, suspicions_per_year=26, false_alarms_per_year=0.01)
FINDINGS = {"o": ok(), "x": failed("timeout"), "?": unknown("own_lag")}
WAIT = 0.25


def replay(history, how=FIBRE, belief=Belief(Verdict.UP), learned=Learned()):  # noqa: B008 - frozen values
    """Live through a history of looks, each made when the belief before asks for it; return all beliefs."""
    beliefs, sent = [], 1000.0
    for letter in history:
        belief = revise(belief, FINDINGS[letter], sent=sent, at=sent, how=how, learned=learned)
        beliefs.append(belief)
        gap = next_gap(belief, how)
        sent += how.period if gap is None else max(gap, WAIT)
    return beliefs


@pytest.mark.parametrize(
    ("history", "verdict"),
    [
        pytest.param("o", "up", id="a-good-look-is-enough-to-be-up"),
        pytest.param("oxxx", "up", id="three-misses-are-a-black-out"),
        pytest.param("oxxxxxxxxxxxx", "down", id="a-dozen-are-a-fault"),
        pytest.param("oxxxoxxxoxxxoxxx", "up", id="good-looks-between-clear-the-doubt"),
        pytest.param("o" + "x?" * 12, "down", id="not-looking-neither-adds-nor-clears"),
        pytest.param("o????", "unknown", id="who-cannot-look-does-not-know"),
        pytest.param("o????o", "up", id="and-knows-again-once-he-can"),
        pytest.param("x" * 12 + "ooo", "up", id="three-good-ones-recover"),
        pytest.param("x" * 12 + "oox", "down", id="two-do-not"),
        pytest.param("x" * 12 + "ooxooo", "up", id="three-in-a-row-it-has-to-be"),
    ],
)
def test_a_history_leads_to_its_verdict(history, verdict):
    assert replay(history)[-1].verdict == verdict


def test_a_fault_is_suspected_before_it_is_believed():
    beliefs = replay("o" + "x" * 12)

    amber = next(n for n, b in enumerate(beliefs) if b.suspected)
    red = next(n for n, b in enumerate(beliefs) if b.verdict is Verdict.DOWN)
    assert amber == 4
    assert red == 10


def test_a_fault_dates_from_its_first_miss():
    beliefs = replay("ooo" + "x" * 12)

    assert beliefs[-1].since == 1003.0


def test_a_suspicion_that_comes_to_nothing_is_cleared():
    beliefs = replay("oxxxxx" + "oo")

    assert beliefs[5].suspected
    assert beliefs[-1].steady


def test_a_circuit_fault_is_decided_within_three_and_a_half_seconds_of_silence():
    sent, belief = 0.0, Belief(Verdict.UP)
    while belief.verdict is not Verdict.DOWN:
        belief = revise(belief, FINDINGS["x"], sent=sent, at=sent, how=FIBRE, learned=Learned())
        sent += max(next_gap(belief, FIBRE) or 0.0, WAIT)

    assert sent <= 3.5


def test_a_service_that_fails_is_asked_again_each_second_not_each_period():
    beliefs = replay("ox", SERVICE)

    assert next_gap(beliefs[-1], SERVICE) == 1.0


def test_a_path_with_much_loss_needs_more_misses():
    clean = replay("o" + "x" * 40, learned=Learned(10_000, 10))
    lossy = replay("o" + "x" * 40, learned=Learned(10_000, 2_000))

    def misses(beliefs):
        return next(n for n, b in enumerate(beliefs) if b.verdict is Verdict.DOWN)

    assert misses(clean) < misses(lossy)


def test_the_threshold_follows_from_the_budget():
    assert threshold(5.0, 0.01) == pytest.approx(20.27, abs=0.01)


@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_the_exact_rate_of_false_alarms_under_independent_loss_is_below_the_budget(loss):
    """Enumerate every history of an episode: the chance that all its looks are lost until the alarm."""
    beliefs = replay("x" * 40, learned=Learned(1e6, loss * 1e6))
    needed = 1 + next(n for n, b in enumerate(beliefs) if b.verdict is Verdict.DOWN)

    def alarms(belief, sent, chance, depth):
        if chance < 1e-18 or depth > 3 * needed:
            return 0.0
        total = 0.0
        for letter, likely in (("x", loss), ("o", 1 - loss)):
            now = revise(
                belief, FINDINGS[letter], sent=sent, at=sent, how=FIBRE, learned=Learned(1e6, loss * 1e6)
            )
            if now.verdict is Verdict.DOWN:
                total += chance * likely
            elif now.doubt is not None:
                gap = max(next_gap(now, FIBRE), WAIT)
                total += alarms(now, sent + gap, chance * likely, depth + 1)
        return total

    start = replay("x", learned=Learned(1e6, loss * 1e6))[-1]
    per_year = YEAR / FIBRE.period * alarms(start, 1000.0 + WAIT, loss, 1)

    assert per_year <= 0.01


def test_what_a_path_teaches_moves_its_prior_and_fades():
    prior = PRIORS[Bearer.FIBRE]
    taught = Learned().after(10_000, 500.0).model(prior).isolated

    assert taught == pytest.approx(0.05, rel=0.05)
    assert Learned(10_000, 500).after(1_000_000, 0.0).model(prior).isolated < 0.001


@given(st.text("ox?", max_size=60))
def test_no_history_breaks_the_filter(history):
    for belief in replay(history, belief=Belief()):
        gap = next_gap(belief, FIBRE)
        assert gap is None or 0.0 <= gap <= 2.0
        assert belief.doubt is None or 0.0 <= belief.doubt.burst <= 1.0


@given(st.integers(1, 40))
def test_only_misses_raise_the_alarm(misses):
    beliefs = replay("x" * misses)

    assert all(b.verdict is Verdict.UP or n >= 5 for n, b in enumerate(beliefs))
