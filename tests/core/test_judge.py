"""judge: worse is told from down, from passing bursts and from our own trouble, and teaches nothing wrong."""

from dataclasses import replace
from math import inf

import pytest

from monitor.core.detection import Belief, Verdict, manner
from monitor.core.inventory import Bearer
from monitor.core.judge import FINE, QUICK, Judge
from monitor.core.learning import DAY, Learned
from monitor.core.loss import PRIORS
from monitor.core.observation import unknown
from monitor.core.quantile import Sketch
from monitor.core.world import Reading
from tests.core.lines import LINES, MISS, WAIT, Line, watch

FIBRE = manner(1.0, Bearer.FIBRE, suspicions_per_year=26, false_alarms_per_year=0.01)
SERVICE = manner(10.0, None, suspicions_per_year=26, false_alarms_per_year=0.01)
FAST, SLOW = 0.01, 0.2


def rtts(rtt, count=1000):
    """Return what is known of as many round-trip times."""
    sketch = Sketch()
    for _ in range(count):
        sketch.add(rtt)
    return sketch.counts


KNOWN = Learned(50_000, 50, seconds=2 * DAY, rtts=rtts(FAST))


class Check:
    """A check that is looked at when its judge wants it, and what was believed of it on the way."""

    def __init__(self, how=FIBRE, belief=Belief(Verdict.UP), learned=KNOWN):  # noqa: B008 - frozen values
        self.judge = Judge(how, belief, learned, Reading())
        self.now = 1000.0
        self.gaps = []
        self.told = []

    def live(self, history, rtt=FAST):
        """Live through a history: o answered, x silent, ? nothing to be told."""
        judge = self.judge
        for letter in history:
            was, sent = judge.belief, self.now
            finding = {"o": FINE, "x": MISS, "?": unknown("own_lag")}[letter]
            judge.take(finding, sent, sent, rtt if letter == "o" else None)
            if letter == "o":
                judge._reading.srtt = rtt
                judge.sample(rtt, sent)
            if judge.belief.verdict is not was.verdict:
                self.told.append(str(judge.belief.verdict))
            gap = judge.gap()
            self.gaps.append(judge.how.period if gap is None else gap)
            self.now += max(self.gaps[-1], WAIT if letter == "x" else rtt)
        return self

    @property
    def belief(self):
        return self.judge.belief


LOSSY = "ooxoo" * 40
"""Twenty per cent."""


def test_what_loses_a_fifth_is_degraded_once_and_up_again_once_it_loses_nothing():
    check = Check().live(LOSSY)
    degraded = check.belief
    check.live("o" * 300)

    assert (degraded.verdict, degraded.reason, degraded.decline.severity) == ("degraded", "loss", "warn")
    assert degraded.decline.loss == pytest.approx(0.2, abs=0.08)
    assert check.told == ["degraded", "up"]
    assert check.judge.calm


def test_it_dates_from_the_first_loss_of_the_run_that_proved_it():
    check = Check().live("o" * 60 + "x" + "o" * 200)
    began = check.now + 2

    assert check.live(LOSSY).belief.since == pytest.approx(began, abs=1.5)


@pytest.mark.parametrize("before", ["o" * 50, LOSSY[:20]], ids=["clean", "strained"])
def test_a_cut_is_down_and_never_called_degraded_first(before):
    check = Check().live(before)
    check.live("x" * 40)

    assert check.told == ["down"]


def test_the_misses_of_an_outage_do_not_count_as_loss():
    check = Check()
    for _ in range(10):
        check.live("x" * 15 + "o" * 10)

    assert check.told == ["down", "up"] * 10
    assert check.judge.calm


def test_what_was_missed_while_the_way_was_cut_is_no_loss_however_often_it_is_cut():
    web = Check(SERVICE)
    for _ in range(20):
        web.live("oxoxo")
        web.judge.spare(web.now)

    assert (web.told, web.judge.belief.decline, web.judge.calm) == ([], None, True)


def test_a_look_that_was_sent_before_the_way_was_back_says_nothing_when_it_fails():
    web = Check(SERVICE).live("o")
    web.judge.forget(Belief(reason="behind_link"), web.now)
    web.judge.take(MISS, web.now - 5.0, web.now - 5.0)

    assert (web.judge.belief.verdict, web.judge.belief.doubt) == (Verdict.UNKNOWN, None)


def test_a_cut_inside_a_lossy_time_is_down_and_then_degraded_still():
    check = Check().live(LOSSY)
    share = check.judge._loss.share
    check.live("x" * 40)
    down = check.belief.verdict
    check.live("ooo")

    assert (down, check.belief.verdict) == ("down", "degraded")
    assert check.judge._loss.share == pytest.approx(share, abs=0.05)
    assert check.told == ["degraded", "down", "degraded"]


def test_a_cut_right_after_a_lossy_time_was_told_does_not_make_it_forgotten():
    check = Check().live("xxxo" * 4)
    told, doubted = check.belief.verdict, check.belief.doubt is not None
    check.live("x" * 40 + "oooooo")

    assert (told, doubted) == ("degraded", True)
    assert check.told == ["degraded", "down", "degraded"]


def test_a_lossy_path_is_given_more_silence_before_it_is_called_down():
    clean, lossy = Check().live("oo"), Check().live("xo" * 60)
    silence = []
    for check in (clean, lossy):
        began = check.now
        while check.belief.verdict is not Verdict.DOWN:
            check.live("x")
        silence.append(check.now - began)

    assert silence[0] < 4.5
    assert silence[0] < silence[1] < 25


@pytest.mark.parametrize(
    ("loss", "severity"),
    [("o" * 12 + "x", "warn"), ("ox", "critical"), ("ooox", "warn"), ("oox", "critical")],
)
def test_severity_comes_from_the_loss_that_is_estimated_afterwards(loss, severity):
    assert Check().live(loss * 100).belief.decline.severity == severity


def test_it_is_looked_at_five_times_a_second_only_while_a_decision_is_near():
    check = Check().live("o" * 10 + LOSSY[:40])
    near = list(check.gaps)
    check = Check().live(LOSSY * 3)

    assert set(near[:10]) == {1.0}
    assert QUICK in near[20:]
    assert check.gaps.count(QUICK) < len(check.gaps) / 2
    assert check.gaps[-3:].count(1.0) > 0


def test_a_service_is_never_asked_more_often_for_that():
    check = Check(SERVICE, learned=Learned()).live("ooox" * 60)

    assert check.belief.reason == "intermittent"
    assert min(check.gaps) >= 1.0


def test_a_restart_goes_on_from_what_was_known():
    before = Check().live(LOSSY)
    after = Check(belief=before.belief, learned=before.judge.learned).live(LOSSY[:50])

    assert after.told == []
    assert after.live("o" * 300).told == ["up"]


def test_looks_that_told_nothing_neither_degrade_nor_mend():
    check = Check().live("?" * 3 + "o?" * 100)
    degraded = Check().live(LOSSY).live("o?o?")

    assert "degraded" not in check.told
    assert degraded.belief.verdict is Verdict.DEGRADED


def test_a_look_at_another_bearer_is_weighed_anew():
    check = Check().live(LOSSY[:20])
    check.judge.adopt(replace(FIBRE, prior=PRIORS[Bearer.SATELLITE]))

    assert check.judge.how.prior == PRIORS[Bearer.SATELLITE]
    assert check.judge.calm


# Slowness.


def test_what_takes_longer_than_usual_for_a_minute_is_degraded_and_up_again():
    check = Check().live("o" * 10).live("o" * 100, SLOW)
    slow = check.belief
    check.live("o" * 60)

    assert (slow.verdict, slow.reason, slow.decline.severity) == ("degraded", "slow", "minor")
    assert slow.decline.usual == pytest.approx(FAST, rel=0.05)
    assert slow.decline.rtt == SLOW
    assert check.told == ["degraded", "up"]


@pytest.mark.parametrize(("rtt", "severity"), [(0.2, "minor"), (0.9, "warn"), (2.0, "critical")])
def test_a_delay_is_as_severe_as_it_is_for_a_call(rtt, severity):
    assert Check().live("o" * 100, rtt).belief.decline.severity == severity


def test_a_few_slow_seconds_are_none():
    assert Check().live("o" * 55).live("o" * 5, SLOW).live("o" * 60).told == []


def test_the_usual_is_known_only_after_enough_answers_and_trusted_after_a_day():
    young = Check(learned=Learned(rtts=rtts(FAST)))
    grown = Check()

    assert Check(learned=Learned()).judge.slow_above == inf
    assert young.judge.slow_above == pytest.approx(0.06, abs=0.002)
    assert grown.judge.slow_above == pytest.approx(0.015, abs=0.001)


def test_what_is_slow_for_a_day_is_the_usual_from_then_on():
    check = Check().live("o" * 100, SLOW)
    check.now += DAY
    for _ in range(40):
        check.live("o" * 128, SLOW)

    assert check.told == ["degraded", "up"]
    assert check.judge._usual == pytest.approx(SLOW, rel=0.05)


def test_an_answer_that_came_late_was_not_lost_but_slow():
    check = Check()
    for _ in range(300):
        sent = check.now
        check.live("x")
        check.judge.late(sent, sent, 0.6)

    assert check.told == []
    assert (check.belief.verdict, check.belief.reason) == ("degraded", "slow")


# Learning.


def test_what_led_to_a_fault_or_to_a_lossy_time_is_not_learned():
    check = Check().live(LOSSY + "o" * 300 + "x" * 15 + "o" * 300)
    check.judge.learn()
    model = check.judge.learned.model(FIBRE.prior, 1.0)

    assert model.isolated == pytest.approx(0.001, abs=0.001)
    assert model.burst < 0.35
    assert model.share < 2e-5


@pytest.mark.parametrize("seed", range(3))
def test_a_week_teaches_the_bursts_of_a_line_within_a_factor_of_two(seed):
    life = watch(FIBRE, Line(LINES["B"], seed), 7 * DAY)
    model, truth = life.judge.learned.model(FIBRE.prior, 1.0), LINES["B"]

    assert 0.5 <= model.burst / truth.burst <= 2
    assert 0.5 <= model.share / truth.share <= 2
    assert 0.5 <= model.isolated / truth.isolated <= 2
    assert model.inside > 0.98


def test_what_answers_before_the_way_to_it_is_known_to_be_back_is_not_lossy_for_what_it_missed():
    web = Check(SERVICE).live("o" * 5)
    cut_at = web.now
    while web.belief.verdict is not Verdict.DEGRADED:
        web.live("xo")
    misled = web.judge.misled(cut_at)
    web.judge.forget(Belief(reason="behind_link"), web.now, cut_at)
    web.live("ooo")

    assert misled
    assert (web.belief.verdict, web.judge.calm) == (Verdict.UP, True)


def test_what_was_lossy_before_the_way_to_it_was_cut_is_so_after_it():
    web = Check(SERVICE)
    while web.belief.verdict is not Verdict.DEGRADED:
        web.live("xo")
    cut_at = web.now
    web.live("xx")
    web.judge.forget(Belief(reason="behind_link"), web.now, cut_at)
    web.live("o")

    assert not web.judge.misled(cut_at)
    assert web.belief.verdict is Verdict.DEGRADED
