"""roster file: officers, turns, lists and changes come in as they were meant, whoever wrote the lists."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.config.roster import load_roster
from monitor.config.shift_lists import calendar, read_list, table
from monitor.core.roster import Officer, Shift, duty, moment, shifts

ZONE = ZoneInfo("Asia/Shanghai")
OFFICERS = {"zhang": Officer("zhang", "张伟"), "li": Officer("li", "李娜")}
HEAD = "officers: {zhang: {name: 张伟, phone: 13900000001}, li: {name: 李娜}}\nleaders: [li]\n"


def at(text):
    return moment(datetime.fromisoformat(text), ZONE)


def found(text):
    """Return the id of the officer that a list calls so."""
    return text if text in OFFICERS else next((k for k, one in OFFICERS.items() if one.name == text), None)


@pytest.fixture
def load(tmp_path):
    """Load a roster with this text below its officers."""

    def load(text):
        (tmp_path / "roster.yaml").write_text(HEAD + text, encoding="utf-8")
        return load_roster(tmp_path / "roster.yaml")

    return load


def test_a_telephone_number_needs_no_quotes(load):
    assert load("").officers["zhang"].phone == "13900000001"


def test_a_turn_may_be_of_several_and_a_change_by_hand_wins(load):
    roster = load("""
shifts:
  day: {from: 08:00, to: 20:00, officers: [[zhang, li], zhang], since: 2026-11-24}
changes:
  - {from: 2026-11-25 08:00, to: 2026-11-25 12:00, officer: li, instead_of: zhang}
""")
    who = [(s.officer, s.changed) for s in shifts(roster, at("2026-11-24"), at("2026-11-26"), ZONE)]

    assert who == [("zhang", False), ("li", False), ("li", True), ("zhang", False)]


@pytest.mark.parametrize(
    ("day", "works"), [("2026-10-01", False), ("2026-10-10", True), ("2026-10-11", False)]
)
def test_china_rests_on_national_day_and_works_on_the_saturday_that_makes_up_for_it(load, day, works):
    assert load("").calendar.is_workday(date.fromisoformat(day)) is works


def test_the_citys_own_days_of_rest_and_work_win(load):
    calendar = load("rest: [2026-10-10]\nwork: [2026-10-01]\n").calendar

    assert calendar.is_workday(date(2026, 10, 1))
    assert not calendar.is_workday(date(2026, 10, 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_may_come_from_any_spreadsheet(load, tmp_path, encoding):
    text = "开始,结束,值班员,班次\r\n2026/11/24 8:00,2026/11/24 20:00:00,李娜,白班\r\n,,,\r\n"
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    roster = load("lists: [list.csv]\n")

    assert shifts(roster, at("2026-11-24"), at("2026-11-25"), ZONE) == [
        Shift(at("2026-11-24 08:00"), at("2026-11-24 20:00"), "li", "白班")
    ]


@pytest.mark.parametrize(("write", "suffix"), [(table, "csv"), (lambda *a: calendar(*a, now=0.0), "ics")])
def test_what_is_written_out_comes_in_again_as_it_was(tmp_path, write, suffix):
    before = [
        Shift(at("2026-11-24 08:00"), at("2026-11-24 20:00"), "li", "day"),
        Shift(at("2026-11-24 20:00"), at("2026-11-25 08:00"), "zhang", ""),
    ]
    (tmp_path / f"list.{suffix}").write_text(write(before, OFFICERS, ZONE), encoding="utf-8", newline="")
    listed = read_list(tmp_path / f"list.{suffix}", found)

    assert [Shift(moment(o.begin, ZONE), moment(o.end, ZONE), o.officer, o.rota) for o in listed] == before


def test_an_event_that_lasts_all_day_begins_and_ends_at_midnight_of_the_city(tmp_path):
    (tmp_path / "list.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\n"
        "DTSTART;VALUE=DATE:20261124\r\nDTEND;VALUE=DATE:20261125\r\nSUMMARY:zhang\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    (one,) = read_list(tmp_path / "list.ics", found)

    assert (moment(one.begin, ZONE), moment(one.end, ZONE)) == (at("2026-11-24"), at("2026-11-25"))


def test_where_nobody_has_a_shift_the_leader_is_told(load):
    assert duty(load(""), at("2026-11-24"), ZONE).officers == ("li",)
