"""roster: everybody has the shifts that are due, whatever the calendar, the clocks and the changes do."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.inventory import Name
from monitor.core.roster import (
    Calendar,
    Change,
    Days,
    Listed,
    Officer,
    Roster,
    Rota,
    Turn,
    duty,
    gaps,
    moment,
    shifts,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
PEOPLE = {name: Officer(name, name) for name in ("zhang", "li", "zhao", "wang")}
NATIONAL_DAY = Calendar(
    rest=frozenset(date(2026, 10, day) for day in range(1, 8)), work=frozenset({date(2026, 10, 10)})
)


def rota(turns, hours="08-20", since="2026-11-23", **how):
    """Return a rota of officers in turn; `+` joins those who are on duty together."""
    at, until = (time(int(hour)) for hour in hours.split("-"))
    groups = tuple(tuple(turn.split("+")) for turn in turns.split())
    return Rota(hours, Name(hours, hours), at, until, groups, date.fromisoformat(since), **how)


def at(text, zone=SHANGHAI):
    """Return the Unix time of `11-24 08` or `2027-01-01 08`."""
    year = "" if text.count("-") > 1 else "2026-"
    return moment(datetime.fromisoformat(f"{year}{text}:00"), zone)


def shown(shift, zone=SHANGHAI):
    begin, end = (datetime.fromtimestamp(edge, zone) for edge in (shift.begin, shift.end))
    return f"{begin:%m-%d %H}-{end:%H} {shift.officer}{'*' if shift.changed else ''}"


def plan(roster, first, last, zone=SHANGHAI):
    return [shown(shift, zone) for shift in shifts(roster, at(first, zone), at(last, zone), zone)]


def change(begin, end, **what):
    year = "2026-"
    return Change(
        datetime.fromisoformat(f"{year}{begin}:00"), datetime.fromisoformat(f"{year}{end}:00"), **what
    )


def test_officers_take_turns_day_by_day_over_the_end_of_a_month():
    roster = Roster(PEOPLE, rotas=(rota("zhang li zhao"),))

    assert plan(roster, "11-29 00", "12-02 00") == ["11-29 08-20 zhang", "11-30 08-20 li", "12-01 08-20 zhao"]


def test_a_night_shift_lasts_into_the_next_day_and_is_that_of_the_day_on_which_it_began():
    roster = Roster(PEOPLE, rotas=(rota("zhang li", "20-08"),))

    assert plan(roster, "11-24 03", "11-24 21") == ["11-23 20-08 zhang", "11-24 20-08 li"]
    assert duty(roster, at("11-24 03"), SHANGHAI).officers == ("zhang",)


def test_a_weekly_turn_changes_on_the_day_of_the_week_on_which_it_began():
    roster = Roster(PEOPLE, rotas=(rota("zhang li", since="2026-11-25", turn=Turn.WEEK),))

    assert [line.split()[-1] for line in plan(roster, "12-01 00", "12-04 00")] == ["zhang", "li", "li"]


def test_an_officer_may_have_several_shifts_running_and_two_may_be_on_duty_together():
    roster = Roster(PEOPLE, rotas=(rota("zhang+wang li", every=2),))

    assert [line.split()[-1] for line in plan(roster, "11-23 00", "11-27 00")] == [
        "zhang", "wang", "zhang", "wang", "li", "li",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (Days.WORKDAYS, ["09-29", "09-30", "10-08", "10-09", "10-10"]),
        (Days.RESTDAYS, ["10-01", "10-02", "10-03", "10-04", "10-05", "10-06", "10-07", "10-11"]),
        (frozenset({5, 6}), ["10-03", "10-04", "10-10", "10-11"]),
    ],
)
def test_holidays_are_days_of_rest_and_a_make_up_saturday_is_a_workday(days, expected):
    roster = Roster(PEOPLE, rotas=(rota("zhang", since="2026-09-01", days=days),), calendar=NATIONAL_DAY)

    assert [line[:5] for line in plan(roster, "09-29 00", "10-12 00")] == expected


def test_holidays_do_not_put_the_turns_of_workdays_out_of_step():
    turns = rota("zhang li", since="2026-09-30", days=Days.WORKDAYS)
    roster = Roster(PEOPLE, rotas=(turns,), calendar=NATIONAL_DAY)

    assert plan(roster, "09-30 00", "10-10 00") == [
        "09-30 08-20 zhang",
        "10-08 08-20 li",
        "10-09 08-20 zhang",
    ]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 11), ("2026-10-25", 13)])
def test_where_clocks_are_changed_the_night_is_shorter_or_longer_and_leaves_no_gap(day, hours):
    roster = Roster(
        PEOPLE, rotas=(rota("zhang", since="2026-01-01"), rota("li", "20-08", since="2026-01-01"))
    )
    noon = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=BERLIN).timestamp()
    night = next(s for s in shifts(roster, noon - 86_400, noon, BERLIN) if s.officer == "li" and s.end < noon)

    assert night.end - night.begin == hours * 3600
    assert not gaps(roster, noon - 86_400 * 2, noon + 86_400 * 2, BERLIN)


def test_a_swap_takes_only_its_time_out_of_a_shift():
    swap = change("11-23 12", "11-23 16", officer="li", instead_of="zhang", note="换班")
    roster = Roster(PEOPLE, rotas=(rota("zhang"),), changes=(swap,))

    assert plan(roster, "11-23 00", "11-24 00") == [
        "11-23 08-12 zhang", "11-23 12-16 li*", "11-23 16-20 zhang",
    ]  # fmt: skip


def test_who_goes_with_nobody_in_his_place_leaves_a_gap_and_the_leader_is_told():
    ill = change("11-23 12", "11-24 00", instead_of="zhang")
    roster = Roster(PEOPLE, ("wang",), (rota("zhang"),), changes=(ill,))
    now = duty(roster, at("11-23 13"), SHANGHAI)

    assert [(gap.begin, gap.end) for gap in gaps(roster, at("11-23 08"), at("11-23 20"), SHANGHAI)] == [
        (at("11-23 12"), at("11-23 20"))
    ]
    assert (now.officers, now.vacant, now.until) == (("wang",), True, at("11-24 08"))


def test_of_two_changes_the_later_one_wins_and_what_is_added_takes_nobodys_place():
    first = change("11-23 08", "11-23 20", officer="li", instead_of="zhang")
    second = change("11-23 08", "11-23 20", officer="zhao", instead_of="li")
    more = change("11-23 10", "11-23 12", officer="wang")
    roster = Roster(PEOPLE, rotas=(rota("zhang"),), changes=(first, second, more))

    assert plan(roster, "11-23 00", "11-24 00") == ["11-23 08-20 zhao*", "11-23 10-12 wang*"]


def test_a_whole_shift_may_be_given_to_one_however_many_had_it():
    whole = change("11-23 00", "11-24 00", officer="zhao", rota="08-20")
    roster = Roster(PEOPLE, rotas=(rota("zhang+li"), rota("wang", "20-08")), changes=(whole,))

    assert plan(roster, "11-23 00", "11-24 00") == ["11-23 08-20 zhao*", "11-23 20-08 wang"]


def test_the_next_hand_over_is_when_somebody_else_comes_and_not_a_mere_end_of_a_shift():
    roster = Roster(PEOPLE, rotas=(rota("zhang li", "00-12"), rota("zhang li", "12-00")))

    assert duty(roster, at("11-23 01"), SHANGHAI).until == at("11-24 00")


def test_shifts_that_are_listed_one_by_one_count_like_those_that_come_round():
    listed = Listed(datetime.fromisoformat("2026-11-23"), datetime.fromisoformat("2026-11-24"), "li")
    roster = Roster(
        PEOPLE, listed=(listed,), changes=(change("11-23 06", "11-23 18", officer="zhao", instead_of="li"),)
    )

    assert plan(roster, "11-23 00", "11-24 00") == ["11-23 00-06 li", "11-23 06-18 zhao*", "11-23 18-00 li"]


hours = st.integers(0, 23).map(time)
rotas = st.builds(
    Rota,
    st.just("r"),
    st.just(Name("班", "shift")),
    hours,
    hours,
    st.lists(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=2).map(tuple), min_size=1).map(
        tuple
    ),
    st.dates(date(2026, 3, 1), date(2026, 4, 10)),
    st.sampled_from([*Days, frozenset({0, 5})]),
    st.sampled_from(Turn),
    st.integers(1, 3),
)
times = st.datetimes(datetime.fromisoformat("2026-03-20"), datetime.fromisoformat("2026-04-10"))
changes = st.builds(
    lambda begin, length, **what: Change(begin, begin + timedelta(hours=length), **what),
    times,
    st.integers(1, 72),
    officer=st.sampled_from([None, "li", "wang"]),
    instead_of=st.sampled_from([None, "zhang", "li"]),
)


@given(
    st.lists(rotas, max_size=3),
    st.lists(changes, max_size=4),
    times,
    st.sampled_from([BERLIN, SHANGHAI, UTC]),
)
def test_at_every_moment_somebody_is_on_duty_or_it_is_within_a_gap(found, made, when, zone):
    roster = Roster(PEOPLE, ("wang",), tuple(found), changes=tuple(made))
    now = moment(when, zone)
    gap = any(one.begin <= now < one.end for one in gaps(roster, now - 86_400, now + 86_400, zone))
    told = duty(roster, now, zone)

    assert told.vacant == gap
    assert told.officers
    if told.until is not None:
        after = duty(roster, told.until, zone)
        assert (after.officers, after.vacant) != (told.officers, told.vacant)


def test_the_turn_is_the_same_from_wherever_one_looks():
    roster = Roster(PEOPLE, rotas=(rota("zhang li zhao", days=Days.WORKDAYS),), calendar=NATIONAL_DAY)
    whole = shifts(roster, at("11-23 00"), at("12-31 00"), SHANGHAI)

    for one in whole:
        assert one in shifts(roster, one.begin, one.end, SHANGHAI)
        assert one not in shifts(replace(roster, rotas=()), one.begin, one.end, SHANGHAI)
