"""lateness: what another vantage saw is news for ten seconds, by a clock set right, and history after."""

import pytest

from monitor.core.agent import Agent
from monitor.core.lateness import LATE, is_late
from monitor.core.world import Event

AT = 1_790_000_000.0


def seen(received_at):
    return Event("dan", "boot", 1, AT, "status", "dan", {}, 7, received_at)


def heard(clock_offset):
    return {"dan": Agent("dan", clock_offset=clock_offset)}


def test_what_we_saw_ourselves_is_never_late():
    assert not is_late(seen(None), {})


@pytest.mark.parametrize(
    ("age", "late"), [(0.0, False), (LATE - 0.1, False), (LATE + 0.1, True), (600.0, True)]
)
def test_what_took_longer_than_ten_seconds_is_late(age, late):
    assert is_late(seen(AT + age), {}) is late


@pytest.mark.parametrize("hour", [3_600.0, -3_600.0])
def test_a_wrong_clock_makes_nothing_late_and_nothing_fresh(hour):
    fresh, old = seen(AT - hour + 0.2), seen(AT - hour + 600)

    assert not is_late(fresh, heard(hour))
    assert is_late(old, heard(hour))


def test_what_claims_to_come_from_the_future_is_not_taken_for_fresh():
    assert is_late(seen(AT - 60), heard(0.0))


def test_an_unmeasured_clock_is_taken_for_right():
    assert not is_late(seen(AT + 0.2), heard(None))
