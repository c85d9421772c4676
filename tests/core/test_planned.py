"""planned: a window is open from its beginning to its end, whatever the clock of the city does meanwhile.

Property tests hold the spans of weekly windows against a clock that is read minute by minute.
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.planned import (
    Once,
    Span,
    Weekly,
    Window,
    Work,
    is_over,
    next_turn,
    span_after,
    span_at,
    under_way,
)

SHIYAN = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOWE = ZoneInfo("Australia/Lord_Howe")  # its clock jumps by half an hour
ZONES = [SHIYAN, BERLIN, HOWE, UTC]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def at(text, zone=SHIYAN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def once(begin, end):
    return Once(datetime.fromisoformat(begin), datetime.fromisoformat(end))


def weekly(days, begin, minutes):
    return Weekly(frozenset(days), time.fromisoformat(begin), minutes)


def work(when, **known):
    return Work(Window("work", ("dan",), when), **known)


def spans(when, zone, first, last):
    """Return all spans that begin between two times."""
    found, now = [], first
    while (span := span_after(when, now, zone)) is not None and span.begin <= last:
        found.append(span)
        now = span.begin
    return found


# Once.


def test_a_window_is_open_from_its_first_to_before_its_last_moment():
    when = once("2026-11-24T22:00", "2026-11-25T04:00")
    begin, end = at("2026-11-24T22:00"), at("2026-11-25T04:00")

    assert [span_at(when, moment, SHIYAN) is not None for moment in (begin - 1, begin, end - 1, end)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_time_with_a_zone_of_its_own_means_that_zone():
    when = once("2026-11-24T22:00+00:00", "2026-11-25T04:00+00:00")

    assert span_at(when, at("2026-11-24T23:00", UTC), SHIYAN) == Span(
        at("2026-11-24T22:00", UTC), at("2026-11-25T04:00", UTC)
    )


def test_a_window_over_the_hour_that_comes_twice_lasts_until_it_has_come_twice():
    when = once("2026-10-25T02:15", "2026-10-25T02:45")
    (span,) = spans(when, BERLIN, 0.0, at("2030-01-01T00:00"))

    assert span.end - span.begin == 1.5 * HOUR


def test_a_window_that_the_clock_leaves_out_is_as_long_as_if_it_had_not():
    when = once("2026-03-29T02:10", "2026-03-29T02:50")
    (span,) = spans(when, BERLIN, 0.0, at("2030-01-01T00:00"))

    assert span == Span(at("2026-03-29T03:10", BERLIN), at("2026-03-29T03:50", BERLIN))


def test_what_has_ended_never_opens_again():
    over = work(once("2026-11-24T22:00", "2026-11-25T04:00"))

    assert [
        is_over(over, at(t), SHIYAN) for t in ("2026-11-24T21:00", "2026-11-24T23:00", "2026-11-25T04:00")
    ] == [
        False,
        False,
        True,
    ]


# Every week.


def test_a_weekly_window_over_midnight_is_one_and_belongs_to_the_day_on_which_it_began():
    when = weekly({1}, "23:00", 120)  # Tuesdays

    assert span_at(when, at("2026-11-25T00:30"), SHIYAN) == Span(
        at("2026-11-24T23:00"), at("2026-11-25T01:00")
    )
    assert span_at(when, at("2026-11-26T00:30"), SHIYAN) is None


def test_a_weekly_window_goes_over_the_end_of_the_week():
    when = weekly({6}, "20:00", 1440)  # Sundays

    assert span_at(when, at("2026-11-30T12:00"), SHIYAN) == Span(
        at("2026-11-29T20:00"), at("2026-11-30T20:00")
    )


def test_days_that_follow_each_other_join_up_and_overlapping_ones_too():
    weekend = weekly({5, 6}, "00:00", 1440)
    nights = weekly({0, 1}, "18:00", 1440)

    assert spans(weekend, SHIYAN, at("2026-11-24T00:00"), at("2026-12-04T00:00")) == [
        Span(at("2026-11-28T00:00"), at("2026-11-30T00:00"))
    ]
    assert span_at(nights, at("2026-11-24T18:00"), SHIYAN) == Span(
        at("2026-11-23T18:00"), at("2026-11-25T18:00")
    )


@cache
def openings(when, zone, first, minutes):
    """Return the minutes from *first* on in which the window is open, by reading the clock every minute.

    It begins when the clock first shows its time on one of its days, or would have, had it not jumped.
    """
    open_, shown, until = set(), set(), -1.0
    last = datetime.fromtimestamp(first - MINUTE, zone)
    for number in range(minutes):
        now = first + number * MINUTE
        clock = datetime.fromtimestamp(now, zone)
        due = clock.time() == when.at and clock.weekday() in when.days
        step = clock.utcoffset() - last.utcoffset()
        if step > timedelta(0):  # what it leaves out is due so much later
            skipped = datetime.combine(clock.date(), when.at)
            lies = last.replace(tzinfo=None) < skipped < clock.replace(tzinfo=None)
            if lies and clock.weekday() in when.days:
                shown.add(clock.date())
                begin = now + (skipped - last.replace(tzinfo=None)).total_seconds() - MINUTE
                until = max(until, begin + when.minutes * MINUTE)
                open_ |= {begin + n * MINUTE for n in range(int(when.minutes))}
        if due and clock.date() not in shown:
            shown.add(clock.date())
            open_ |= {now + n * MINUTE for n in range(int(when.minutes))}
        last = clock
    return frozenset(open_)


WEEKS = [
    (BERLIN, at("2026-03-24T00:00", BERLIN)),
    (BERLIN, at("2026-10-20T00:00", BERLIN)),
    (HOWE, at("2026-04-01T00:00", HOWE)),
    (HOWE, at("2026-09-30T00:00", HOWE)),
    (SHIYAN, at("2026-12-28T00:00")),
]
DAYS_READ = 24
weeklies = st.builds(
    Weekly,
    st.frozensets(st.integers(0, 6), min_size=1, max_size=6),
    st.builds(time, st.sampled_from([0, 1, 2, 3, 12, 23]), st.sampled_from([0, 15, 30, 59])),
    st.sampled_from([1, 30, 60, 90, 600, 1439, 1440]).map(float),
)


@settings(max_examples=60, deadline=None)
@given(weeklies, st.sampled_from(WEEKS), st.lists(st.integers(0, 8 * 1440 - 1), min_size=1, max_size=20))
def test_a_weekly_window_is_open_just_when_a_clock_read_every_minute_says_so(when, week, minutes):
    zone, first = week
    first_read = first - 8 * DAY
    open_ = openings(when, zone, first_read, 24 * 60 * DAYS_READ)

    assert all(
        (span_at(when, first + n * MINUTE, zone) is not None) == (first + n * MINUTE in open_)
        for n in minutes
    )


@settings(max_examples=200, deadline=None)
@given(weeklies, st.sampled_from(ZONES), st.integers(1_780_000_000, 1_830_000_000))
def test_spans_are_in_order_apart_from_each_other_and_the_same_from_wherever_they_are_looked_at(
    when, zone, now
):
    found = spans(when, zone, float(now), now + 20 * DAY)

    assert found
    assert all(one.end < other.begin for one, other in pairwise(found))
    for span in found:
        inside = (span.begin, (span.begin + span.end) / 2, span.end - 1)
        assert [span_at(when, moment, zone) for moment in inside] == [span] * 3
        assert span_at(when, span.end, zone) is None
        assert span_after(when, span.begin - 1, zone) == span


@settings(max_examples=200, deadline=None)
@given(
    st.lists(weeklies, min_size=1, max_size=4),
    st.sampled_from(ZONES),
    st.integers(1_780_000_000, 1_830_000_000),
    st.floats(0.0, 1.0),
)
def test_nothing_begins_or_ends_before_the_next_turn_and_something_does_then(whens, zone, now, share):
    works = [work(when) for when in whens]
    turn = next_turn(works, float(now), zone)
    between = now + share * (turn - now)

    def open_at(moment):
        return [under_way(one, moment, zone) for one in works]

    assert turn > now
    assert between >= turn or open_at(between) == open_at(now)
    assert open_at(turn) != open_at(now)


# Ended early.


def test_what_was_ended_early_is_over_until_it_would_have_ended_and_opens_again_the_next_time():
    when = weekly({1, 3}, "22:00", 240)
    now = at("2026-11-24T23:00")
    released = replace(work(when), released=span_at(when, now, SHIYAN).end)

    assert under_way(released, now, SHIYAN) is None
    assert next_turn([released], now, SHIYAN) == at("2026-11-26T22:00")
    assert under_way(released, at("2026-11-26T23:00"), SHIYAN) is not None


def test_what_is_open_once_and_was_ended_early_is_over():
    when = once("2026-11-24T22:00", "2026-11-25T04:00")

    assert is_over(work(when, released=at("2026-11-25T04:00")), at("2026-11-24T23:00"), SHIYAN)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_without_any_work_nothing_is_ever_due(zone):
    assert next_turn([], 0.0, zone) is None
