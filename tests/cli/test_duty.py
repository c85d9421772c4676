"""duty: who is on duty, who comes next, and when nobody will be, in words and for programs."""

import json

import pytest

from monitor.cli import main
from monitor.config import shipped

SHIFTS = "  day: {from: 00:00, to: 12:00, officers: [zhang], since: 2026-01-01}\n"
OTHER = "  late: {from: 12:00, to: 00:00, officers: [li], since: 2026-01-01}\n"


@pytest.fixture
def roster(tmp_path):
    """Write a roster with these shifts, and return its path."""

    def write(shifts):
        officers = "{zhang: {name: 张伟, phone: 13912345678}, li: {name: 李娜, phone: 110}}"
        path = tmp_path / "roster.yaml"
        path.write_text(f"officers: {officers}\nleaders: [li]\nshifts:\n{shifts}", encoding="utf-8")
        return str(path)

    return write


def test_the_example_says_who_is_on_duty_and_leaves_no_gap(capsys):
    code = main(["duty", "--roster", str(shipped() / "roster.yaml"), "--lang", "zh", "--month", "2026-11"])
    said = capsys.readouterr().out

    assert code == 0
    assert "现在值班" in said
    assert "11-02 一  白班" in said
    assert "节假日白班" in said


def test_times_without_anybody_are_told_and_numbers_are_masked(roster, capsys):
    code = main(["duty", "--roster", roster(SHIFTS), "--lang", "en"])
    said = capsys.readouterr().out

    assert code == 1
    assert "12:00 to" in said
    assert "139****5678" in said or "***" in said
    assert "13912345678" not in said


def test_programs_get_the_same(roster, capsys):
    code = main(["duty", "--roster", roster(SHIFTS + OTHER), "--json", "--month", "2026-12"])
    facts = json.loads(capsys.readouterr().out)

    assert code == 0
    assert facts["gaps"] == []
    assert len(facts["shifts"]) == 2 * 31
    assert set(facts["now"]["officers"]) | set(facts["next"]["officers"]) == {"zhang", "li"}


@pytest.mark.parametrize(
    ("form", "begins"), [("--csv", "begin,end,officer,shift"), ("--ical", "BEGIN:VCALENDAR")]
)
def test_a_month_is_printed_for_a_spreadsheet_or_a_telephone(roster, capsys, form, begins):
    main(["duty", "--roster", roster(SHIFTS), form, "--month", "2026-12"])

    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize(("more", "told"), [(["--month", "12"], "is no month"), ([], "no roster")])
def test_what_cannot_be_shown_is_told(roster, capsys, more, told):
    call = ["duty", "--roster", roster(SHIFTS), *more] if more else ["duty"]
    code = main(call)

    assert (code, told in capsys.readouterr().err) == (2, True)
