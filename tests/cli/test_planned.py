"""planned: times as people say them, and clear words where no daemon can be asked."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.cli import main
from monitor.cli.planned import span_of
from monitor.errors import MonitorError

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 21, 30, tzinfo=ZONE).timestamp()


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        (None, "90m", "2026-11-24T21:30", "2026-11-24T23:00"),
        (None, "+6h", "2026-11-24T21:30", "2026-11-25T03:30"),
        (None, "23:00", "2026-11-24T21:30", "2026-11-24T23:00"),
        (None, "04:00", "2026-11-24T21:30", "2026-11-25T04:00"),
        ("22:00", "04:00", "2026-11-24T22:00", "2026-11-25T04:00"),
        ("22:00", "22:00", "2026-11-24T22:00", "2026-11-25T22:00"),
        ("2026-12-01 22:00", "1d", "2026-12-01T22:00", "2026-12-02T22:00"),
        ("2026-12-01 22:00", "2026-12-02 04:00", "2026-12-01T22:00", "2026-12-02T04:00"),
        ("20:00", "2h", "2026-11-24T20:00", "2026-11-24T22:00"),
    ],
)
def test_a_window_is_told_as_people_say_it(begin, end, first, last):
    assert span_of(begin, end, ZONE, NOW) == (at(first), at(last))


@pytest.mark.parametrize(
    ("begin", "end"), [("2h", "4h"), (None, "soon"), (None, "25:00"), ("morgen", "2h"), (None, "")]
)
def test_what_is_no_time_is_refused_in_words(begin, end):
    with pytest.raises(MonitorError, match="no time"):
        span_of(begin, end, ZONE, NOW)


def test_without_a_daemon_it_is_said_where_one_was_looked_for(tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text(json.dumps({"state_dir": "state", "vantage": "city"}))
    code = main(["planned", "end", "work", "--settings", str(tmp_path / "settings.yaml")])

    assert code == 2
    assert f"no daemon takes orders at {tmp_path}/state/control-city.sock" in capsys.readouterr().err
