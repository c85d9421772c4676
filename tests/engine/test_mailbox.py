"""mailbox: the latest report of a check waits there, and only silence that we could have heard counts."""

import pytest

from monitor.core.observation import Outcome
from monitor.core.report import Report, State
from monitor.engine.mailbox import AT_ONCE, SAVE_EVERY, Mailbox
from monitor.probes import heartbeat, manual


class Clock:
    """Time as the test says."""

    def __init__(self):
        self.at = 1000.0
        self.late = 0.0

    def mailbox(self):
        return Mailbox(lambda: self.at, lambda: self.late)


@pytest.fixture
def clock():
    return Clock()


def report(state=State.OK, at=5000.0, **more):
    return Report(at, state, **{"via": "http"} | more)


def word(slot, **options):
    finding = heartbeat.judged(heartbeat.Options(**{"valid_for": 60} | options), slot.standing())
    return finding.outcome, finding.reason


OK, FAILED, UNKNOWN = Outcome


def test_what_never_reported_is_unknown_and_not_silent(clock):
    slot = clock.mailbox().slot()
    clock.at += 1e6

    assert word(slot) == (UNKNOWN, "never_heard")


def test_a_report_holds_for_its_time_and_then_it_is_silence(clock):
    slot = clock.mailbox().slot()
    slot.take(report())
    clock.at += 60.0
    then = word(slot)
    clock.at += 0.1

    assert (then, word(slot)) == ((OK, "ok"), (FAILED, "silent"))


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [(State.FAILED, FAILED, "reported_failed"), (State.DEGRADED, OK, "reported_degraded")],
)
def test_trouble_is_what_it_says_and_proves_no_way(clock, state, outcome, reason):
    slot = clock.mailbox().slot()
    slot.take(report(state, note="disk full", values={"queue": 7.0}))
    finding = heartbeat.judged(heartbeat.Options(valid_for=60), slot.standing())

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, reason, "disk full")
    assert finding.values == {"queue": 7.0, "age": 0.0}
    assert not finding.path_up


def test_time_for_which_we_hung_is_not_held_against_it(clock):
    slot = clock.mailbox().slot()
    slot.take(report())
    clock.at, clock.late = clock.at + 600.0, clock.late + 595.0
    hung = word(slot)
    clock.at += 61.0

    assert (hung, word(slot)) == ((UNKNOWN, "deaf"), (FAILED, "silent"))


def test_a_broker_that_is_away_makes_us_deaf_and_it_not_silent(clock):
    box = clock.mailbox()
    box.way("mqtt").open()
    slot = box.slot()
    slot.take(report(via="mqtt"))
    clock.at += 30.0
    box.way("mqtt").close()
    clock.at += 300.0
    away = word(slot)
    box.way("mqtt").open()
    clock.at += 31.0

    assert (away, word(slot)) == ((UNKNOWN, "deaf"), (FAILED, "silent"))


def test_a_way_that_was_cut_and_is_open_again_has_its_silence_counted_anew(clock):
    slot = clock.mailbox().slot()
    slot.take(report())
    clock.at += 100.0
    slot.spare()
    spared = word(slot)
    clock.at += 61.0

    assert (spared, word(slot)) == ((UNKNOWN, "deaf"), (FAILED, "silent"))


@pytest.mark.parametrize(
    ("told_ago", "away", "expected"),
    [
        pytest.param(20.0, 10.0, (OK, "ok"), id="it-still-holds"),
        pytest.param(20.0, 3600.0, (UNKNOWN, "deaf"), id="we-were-away-too-long-to-know"),
        pytest.param(300.0, 10.0, (FAILED, "silent"), id="it-was-silent-before-we-went"),
    ],
)
def test_after_a_restart_the_silence_before_it_counts_and_our_absence_does_not(
    clock, told_ago, away, expected
):
    now, seen_at = 100_000.0, 100_000.0 - away
    slot = clock.mailbox().slot(report(at=seen_at - told_ago), now=now, seen_at=seen_at)

    assert word(slot) == expected


def test_a_burst_of_reports_is_taken_and_then_one_a_second(clock):
    slot = clock.mailbox().slot()
    burst = [slot.may_take() for _ in range(AT_ONCE + 5)]
    clock.at += 1.0

    assert burst == [True] * AT_ONCE + [False] * 5
    assert [slot.may_take(), slot.may_take()] == [True, False]


def test_a_report_is_recorded_if_it_says_something_new_or_the_recorded_one_grows_old(clock):
    slot = clock.mailbox().slot()
    unsaved = [slot.unsaved]
    for one in (
        report(at=1.0),
        report(at=2.0),
        report(State.FAILED, at=3.0),
        report(State.FAILED, at=3.0 + SAVE_EVERY),
    ):
        slot.take(one)
        unsaved.append(slot.unsaved)
        if slot.unsaved:
            slot.saved()

    assert unsaved == [False, True, False, True, True]


def test_a_roll_call_holds_for_its_time_and_is_due_again(clock):
    options = manual.Options(valid_for=86_400)
    slot = clock.mailbox().slot()
    told = [manual.judged(options, slot.standing())]
    for state in (State.OK, State.FAILED):
        slot.take(report(state, via="socket", who="李"))
        told.append(manual.judged(options, slot.standing()))
    clock.at += 86_401.0
    told.append(manual.judged(options, slot.standing()))

    assert [(one.outcome, one.reason) for one in told] == [
        (UNKNOWN, "not_reported"),
        (OK, "ok"),
        (FAILED, "reported_failed"),
        (UNKNOWN, "expired"),
    ]
