"""detection: a fault is believed within its budget of false alarms, and never from what we did not see."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.detection import (
    Belief,
    Verdict,
    manner,
    next_gap,
    revise,
    settle,
    threshold,
)
from monitor.core.inventory import Bearer
from monitor.core.observation import failed, ok, unknown
from monitor.core.quality import Decline, Severity
from tests.core.lines import LINES, false_alarms

FIBRE = manner(1.0, Bearer.FIBRE, suspicions_per_year=26, false_alarms_per_year=0.01)
SERVICE = manner(10.0, None, suspicions_per_year=26, false_alarms_per_year=0.01)
FINDINGS = {"o": ok(), "x": failed("timeout"), "?": unknown("own_lag")}
LOSS = Decline("loss", Severity.WARN, since=1050.0, loss=0.2)
WAIT = 0.25


def replay(history, how=FIBRE, belief=Belief(Verdict.UP), model=None):  # noqa: B008 - frozen values
    """Live through a history of looks, each made when the belief before asks for it; return all beliefs."""
    beliefs, sent = [], 1000.0
    for letter in history:
        finding, model = FINDINGS[letter], model or how.prior
        belief = revise(belief, finding, sent=sent, at=sent, how=how, model=model)
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
        belief = revise(belief, FINDINGS["x"], sent=sent, at=sent, how=FIBRE, model=FIBRE.prior)
        sent += max(next_gap(belief, FIBRE) or 0.0, WAIT)

    assert sent <= 3.5


def test_a_service_that_fails_is_asked_again_each_second_not_each_period():
    beliefs = replay("ox", SERVICE)

    assert next_gap(beliefs[-1], SERVICE) == 1.0


def test_a_path_with_much_loss_needs_more_misses():
    clean = replay("o" + "x" * 40, model=replace(FIBRE.prior, isolated=0.001))
    lossy = replay("o" + "x" * 40, model=replace(FIBRE.prior, isolated=0.2))

    def misses(beliefs):
        return next(n for n, b in enumerate(beliefs) if b.verdict is Verdict.DOWN)

    assert misses(clean) < misses(lossy)


def test_the_threshold_follows_from_the_budget():
    assert threshold(5.0, 0.01) == pytest.approx(20.27, abs=0.01)


@pytest.mark.parametrize("period", [1.0, 5.0])
@pytest.mark.parametrize("line", LINES)
def test_the_exact_rate_of_false_alarms_on_a_line_that_is_known_is_within_the_budget(line, period):
    how = manner(period, Bearer.FIBRE, suspicions_per_year=26, false_alarms_per_year=0.01)
    model = LINES[line] if LINES[line].share else replace(how.prior, isolated=LINES[line].isolated)

    assert false_alarms(how, model, LINES[line]) <= 0.01


def test_a_line_whose_bursts_are_not_known_would_break_it():
    assert false_alarms(FIBRE, FIBRE.prior, LINES["D"]) > 1


def test_what_is_worse_is_degraded_and_keeps_its_beginning():
    up = replay("o")[-1]
    degraded = settle(up, LOSS, 1060.0, strained=False)
    critical = settle(degraded, replace(LOSS, severity=Severity.CRITICAL), 1070.0, strained=False)

    assert (degraded.verdict, degraded.reason, degraded.since) == ("degraded", "loss", 1050.0)
    assert (critical.since, critical.decline.severity) == (1050.0, "critical")


def test_what_is_as_good_as_ever_is_up_from_now_on():
    degraded = settle(replay("o")[-1], LOSS, 1060.0, strained=False)
    up = settle(degraded, None, 1100.0, strained=False)

    assert (up.verdict, up.reason, up.since, up.decline) == ("up", "ok", 1100.0, None)


def test_what_is_degraded_goes_down_and_comes_back_to_what_is_then_said_of_it():
    degraded = settle(replay("o")[-1], LOSS, 1060.0, strained=False)
    down = replay("x" * 15, belief=degraded)[-1]
    back = replay("ooo", belief=down)[-1]
    again = settle(back, replace(LOSS, since=900.0), 1100.0, strained=False)

    assert down.verdict is Verdict.DOWN
    assert settle(down, LOSS, 1100.0, strained=True) is down
    assert (again.verdict, again.since) == ("degraded", back.since)


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
