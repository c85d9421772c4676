"""`command-monitor events`: one line per event, chosen by subject, time, vantage and kind."""

import datetime as dt
import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from monitor.cli import main
from monitor.cli.events import moment_of
from monitor.core.account import account
from monitor.core.world import Event
from monitor.errors import MonitorError
from monitor.store import log_file
from monitor.store.batch import Batch, write
from tests.store.filled import writing

ZONE = ZoneInfo("Asia/Shanghai")
AT = dt.datetime(2026, 11, 24, 8, 13, 5, tzinfo=ZONE).timestamp()
CUT = {
    "was": "up",
    "now": "down",
    "reason": "timeout",
    "sentence": {"zh": "丹江口市网中断。", "en": "It is cut."},
}


def status(seq, subject="danjiangkou/city", at=AT, **data):
    return Event("city", "b1", seq, at, "status", subject, CUT | data)


EVENTS = [
    Event("city", "b1", 1, AT - 600, "daemon", "city", {"what": "started", "unwatched_seconds": 12.5}),
    Event(
        "city",
        "b1",
        2,
        AT - 2,
        "belief",
        "danjiangkou/city/primary/icmp",
        {"was": "up", "now": "up", "suspected": True, "reason": "timeout", "detail": "2 of 2"},
    ),
    status(3),
    status(4, "danjiangkou/city/primary", AT + 60),
    status(5, "danjiangkou2", AT + 120),
    replace(
        status(9, "danjiangkou/province", AT - 300), vantage="danjiangkou", boot="b9", received_at=AT + 180
    ),
    replace(status(10, "danjiangkou", AT + 178), vantage="danjiangkou", boot="b9", received_at=AT + 179),
]


ALARM = {
    "what": "told",
    "alarm": "i1",
    "code": "0914",
    "sentence": CUT["sentence"],
    "told": [{"officer": "zhang", "channel": "sms"}, {"officer": "", "channel": "siren"}],
}
NOTICE = {
    "channel": "sms",
    "officer": "zhang",
    "rung": "refused",
    "words": "no such person",
    "alarms": ["i1"],
}
ANSWER = {"who": "zhang", "name": "张伟", "via": "socket"}


@pytest.mark.parametrize(
    ("kind", "data", "zh", "en"),
    [
        (
            "alarm",
            ALARM,
            "告警 0914：告知 (zhang sms、公共 siren)；丹江口市网中断。",
            "alarm 0914: told (zhang sms, (a place) siren); It is cut.",
        ),
        (
            "alarm",
            ALARM | {"what": "answered", "told": [], "answer": ANSWER},
            "告警 0914：已确认 (张伟、本机)；丹江口市网中断。",
            "alarm 0914: taken on (张伟, here); It is cut.",
        ),
        (
            "notice",
            NOTICE,
            "通知 zhang（sms）：被拒 (no such person)；i1",
            "notice to zhang (sms): refused (no such person); i1",
        ),
        ("alarm", {}, "告警 None：None；None", "alarm None: None; None"),
        ("notice", {}, "通知 公共（None）：None；None", "notice to (a place) (None): None; None"),
    ],
)
def test_alarms_and_notices_are_told_in_words(kind, data, zh, en):
    event = Event("city", "b1", 1, AT, kind, "i1", data)

    assert (account(event, "zh"), account(event, "en")) == (zh, en)


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Give a function that shows the log of EVENTS and returns the lines."""
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path))
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with writing(log_file(tmp_path, "city")) as connection, connection.begin():
        write(connection, Batch(events=[replace(e, position=n) for n, e in enumerate(EVENTS, 1)]))

    def shown(*arguments):
        assert main(["events", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    return shown


def test_a_line_says_when_from_where_and_what(show):
    assert show("--subject", "danjiangkou/city", "--limit", "2") == [
        "2026-11-24 08:13:05  city  丹江口市网中断。",
        "2026-11-24 08:14:05  city  丹江口市网中断。",
    ]
    assert show("--kind", "status", "--limit", "1", "--language", "en") == [
        "2026-11-24 08:16:03  danjiangkou  It is cut."
    ]


def test_what_came_late_is_shown_with_both_times_where_it_happened(show):
    lines = show()

    assert lines[1] == "2026-11-24 08:08:05  danjiangkou  [收到 2026-11-24 08:16:05]  丹江口市网中断。"
    assert lines == sorted(lines)


def test_what_has_no_sentence_is_told_all_the_same(show):
    assert show("--kind", "belief") == [
        "2026-11-24 08:13:03  city  danjiangkou/city/primary/icmp 正常、疑似 (无应答: 2 of 2)"
    ]
    assert show("--kind", "daemon", "--lang", "en") == [
        "2026-11-24 08:03:05  city  vantage city: began to watch (nobody watched for 12.5 s)"
    ]


def test_a_silent_daemon_is_not_told_as_if_it_were_its_center():
    event = Event("city", "b", 1, AT, "daemon", "danjiangkou", {"what": "agent_back", "restarted": False})

    assert account(event, "zh") == "观测点 danjiangkou: 恢复消息 (其间未重启)"


def seqs(lines):
    return [json.loads(line)["seq"] for line in lines]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), [1, 9, 2, 3, 4, 5, 10]),
        (("--limit", "0"), [1, 2, 3, 4, 5, 9, 10]),
        (("--limit", "3"), [9, 5, 10]),
        (("--subject", "danjiangkou"), [9, 2, 3, 4, 10]),
        (("--subject", "danjiangkou/"), [9, 2, 3, 4, 10]),
        (("--subject", "danjiangkou/city/primary"), [2, 4]),
        (("--vantage", "danjiangkou"), [9, 10]),
        (("--kind", "daemon"), [1]),
        (("--since", "2026-11-24 08:13:05"), [3, 4, 5, 10]),
        (("--until", "2026-11-24T08:13:05"), [1, 9, 2]),
        (("--since", "2026-11-24 08:13", "--until", "2026-11-24T00:14:00+00:00"), [2, 3]),
        (("--since", "2026-11-25"), []),
        (("--vantage", "city", "--kind", "status", "--limit", "1"), [5]),
    ],
)
def test_what_is_asked_for_is_shown(show, asked, expected):
    assert seqs(show("--json", *asked)) == expected


def test_json_holds_all_that_the_log_knows(show):
    (line,) = show("--json", "--vantage", "danjiangkou", "--subject", "danjiangkou/province")
    event = json.loads(line)
    recorded_at = event.pop("recorded_at")

    assert recorded_at > AT - 1e9
    assert event == {
        "position": 6,
        "vantage": "danjiangkou",
        "boot": "b9",
        "seq": 9,
        "at": AT - 300,
        "received_at": AT + 180,
        "kind": "status",
        "subject": "danjiangkou/province",
        "data": CUT,
    }


@pytest.mark.usefixtures("show")
def test_that_there_is_more_is_said_aside(capsys):
    main(["events", "--limit", "2", "--lang", "en"])
    assert capsys.readouterr().err == "Only the latest 2; --limit shows more.\n"
    main(["events", "--limit", "2", "--lang", "zh"])
    assert capsys.readouterr().err == "只列出最近 2 条，--limit 可看更多。\n"
    main(["events", "--limit", "7"])
    assert capsys.readouterr().err == ""


def test_what_another_vantage_wrote_cannot_steer_the_terminal(tmp_path, show):
    evil = replace(EVENTS[5], seq=11, position=8, data={"sentence": {"zh": "\x1b[2J假\n2026-11-24 恢复"}})
    with writing(log_file(tmp_path, "city")) as connection, connection.begin():
        write(connection, Batch(events=[evil]))
    (line,) = [line for line in show() if "假" in line]

    assert line.endswith("[2J假 2026-11-24 恢复")
    assert "\x1b" not in line


def test_the_log_is_read_while_it_is_written(tmp_path, show):
    with writing(log_file(tmp_path, "city")) as connection:
        with connection.begin():
            write(connection, Batch(events=[replace(status(6), position=9)]))

        assert seqs(show("--json"))[-1] == 10
        assert 6 in seqs(show("--json"))


@pytest.mark.usefixtures("show")
def test_no_log_is_said_in_one_line(tmp_path, capsys):
    log_file(tmp_path, "city").unlink()

    assert main(["events"]) == 2
    assert "no log there; see `state_dir`" in capsys.readouterr().err


@pytest.mark.usefixtures("show")
def test_a_damaged_log_is_said_in_one_line(tmp_path, capsys):
    log_file(tmp_path, "city").write_bytes(b"nothing of ours" * 1000)

    assert main(["events"]) == 2
    assert capsys.readouterr().err == f"{log_file(tmp_path, 'city')}: file is not a database\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24 08:13:05", AT),
        ("2026-11-24T00:13:05+00:00", AT),
        ("08:13", AT - 5),
        ("8:13:05", AT),
        ("90s", AT - 90 + 3600),
        ("2h", AT - 3600),
        ("7d", AT + 3600 - 7 * 86_400),
    ],
)
def test_times_are_said_as_people_say_them(text, expected):
    assert moment_of(text, ZONE, AT + 3600) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "25:00", "99999999999d", "2026-13-01", "1w", "\x1b[2J"])
def test_what_is_no_time_is_refused_with_what_would_be(text):
    with pytest.raises(MonitorError, match="is no time; say `2026-11-24 08:13:05`"):
        moment_of(text, ZONE, AT)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "data", [{}, {"what": "never_heard_of"}, {"now": 7}, {"sentence": "x"}, {"sentence": {"zh": 3}}]
)
@pytest.mark.parametrize("kind", ["daemon", "status", "belief"])
def test_whatever_an_event_says_it_can_be_told(kind, data, language):
    assert "city" in account(Event("v", "b", 1, AT, kind, "city", data), language)


def test_a_subject_that_nobody_knows_is_an_error_and_one_without_events_is_none(
    show, capsys, tmp_path, monkeypatch
):
    (tmp_path / "shiyan.yaml").write_text(
        "city: x\nnetworks: {city: {}}\ncenters: {yunyang: {links: {city: {primary: {near: 10.0.0.1}}}}}\n"
    )
    monkeypatch.setenv("COMMAND_MONITOR__INVENTORY", str(tmp_path / "shiyan.yaml"))

    assert show("--subject", "yunyang/city/primary") == []
    assert show("--subject", "danjiangkou", "--since", "2026-11-25") == []
    for subject in ("%", "yunyag"):
        assert main(["events", "--subject", subject]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "%: neither the log nor the inventory knows it",
        "yunyag: neither the log nor the inventory knows it; did you mean yunyang?",
    ]
