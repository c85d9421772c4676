"""`command-monitor audit` and `verify-audit`: who did what, and whether that record is whole."""

import datetime as dt
import json
import sqlite3
from contextlib import closing
from zoneinfo import ZoneInfo

import pytest

from monitor.cli import main
from monitor.core.act import Act
from monitor.store import log_file
from monitor.store.audit import Entry, enter
from tests.store.filled import writing

ZONE = ZoneInfo("Asia/Shanghai")
AT = dt.datetime(2026, 11, 24, 8, 13, 5, tzinfo=ZONE).timestamp()
ACTS = [
    Act(AT, "李伟", 1000, "socket", "planned/add", "planned/20261124-0813",
        {"scope": ["dan/city/primary"], "from": AT, "to": AT + 3600, "document": "〔2026〕12号", "note": ""}),
    Act(AT + 60, "王芳 13812345678", None, "mqtt", "report/enter", "dan/radio/call",
        {"state": "ok", "note": "回电 0719-8654321, 见 20261124081305"}),
    Act(AT + 120, "", None, "signal", "reload", "", {"changed": ["shiyan.yaml"]}),
]  # fmt: skip


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Give the path of a log with ACTS."""
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path))
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    path = log_file(tmp_path, "city")
    with writing(path) as connection, connection.begin():
        enter(connection, [Entry(f"e{n}", act) for n, act in enumerate(ACTS)])
    return path


@pytest.fixture
def said(log, capsys):
    """Give a function that runs a verb on *log* and returns its exit code and its lines."""

    def run(*arguments):
        assert log.exists()
        code = main([*arguments])
        return code, capsys.readouterr().out.splitlines()

    return run


def tamper(log, statement):
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("DROP TRIGGER audit_keeps")
        connection.execute("DROP TRIGGER audit_stays")
        connection.execute(statement)


def test_a_line_says_when_who_how_and_what_with_numbers_masked(said):
    code, lines = said("audit")
    until = "起 2026-11-24 08:13:05；止 2026-11-24 09:13:05"

    assert code == 0
    assert [line.split("  ") for line in lines] == [
        ["2026-11-24 08:13:05", "李伟 (uid 1000)", "本机", "登记计划检修", "planned/20261124-0813",
         f"范围 dan/city/primary；{until}；文号 〔2026〕12号"],
        ["2026-11-24 08:14:05", "王芳 138****5678", "MQTT", "登记点名结果", "dan/radio/call",
         "结果 ok；备注 回电 071****4321, 见 20261124081305"],
        ["2026-11-24 08:15:05", "未说明", "信号", "重新读取配置", "改动的文件 shiyan.yaml"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("--who", "李伟"), ["李伟"]),
        (("--who", "1000"), ["李伟"]),
        (("--since", "2026-11-24 08:14"), ["王芳 138****5678", ""]),
        (("--limit", "1"), [""]),
        (("--limit", "0", "--who", "nobody"), []),
    ],
)
def test_what_is_asked_for_is_shown_and_nothing_else(said, asked, expected):
    code, lines = said("audit", "--json", *asked)

    assert code == 0
    assert [json.loads(line)["who"] for line in lines] == expected


def test_every_act_of_the_program_has_words_in_both_languages(said):
    _, lines = said("audit", "--lang", "en", "--limit", "1")

    assert lines == [
        "2026-11-24 08:15:05  not said  signal  had the configuration read anew  changed files shiyan.yaml"
    ]


def test_a_whole_record_is_said_to_be_whole(said):
    code, lines = said("verify-audit")
    head = lines[1].rpartition(" ")[2]

    assert code == 0
    assert lines == [
        "审计记录完整：3 条，2026-11-24 08:13:05 至 2026-11-24 08:15:05。",
        f"末条：第 3 条，散列值 {head}",
    ]
    assert said("verify-audit", "--head", f"3:{head}")[0] == 0
    assert said("verify-audit", "--head", f"2:{head}")[0] == 1
    assert said("verify-audit", "--head", f"4:{head}")[0] == 1


def test_the_row_at_fault_is_named(said, log):
    tamper(log, "UPDATE audit SET who = '张三' WHERE number = 1")
    code, lines = said("verify-audit")
    _, (line,) = said("verify-audit", "--json")
    (broken,) = json.loads(line)["breaks"]

    assert code == 1
    assert lines[0].startswith("审计记录不完整：3 条")
    assert lines[1].startswith("  第 1 条被改动：2026-11-24 08:13:05  张三 (uid 1000)  本机  登记计划检修")
    assert (broken["number"], broken["why"], broken["row"]["who"]) == (1, "changed", "张三")


def test_what_is_missing_is_named_in_english_too(said, log):
    tamper(log, "DELETE FROM audit WHERE number = 2")
    code, lines = said("verify-audit", "--lang", "en")

    assert code == 1
    assert lines[1] == "  from act 2 on 1 are missing"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET at = 'x', who = X'ff00', data = '[' WHERE number = 1",
        "UPDATE audit SET at = 1e300, uid = 'x', act = '', data = 'null', before = 7 WHERE number = 1",
        "UPDATE audit SET who = char(27) || '[2J' || char(10) || 'x' WHERE number = 1",
    ],
)
def test_whatever_stands_in_a_row_it_is_shown_on_one_line(said, log, statement):
    tamper(log, statement)
    code, lines = said("audit", "--limit", "0")

    assert (code, len(lines)) == (0, 3)
    assert "\x1b" not in "".join(lines)
    assert said("audit", "--json")[0] == 0
    assert said("verify-audit")[0] == 1


def test_a_database_without_acts_says_so(said, log, capsys):
    tamper(log, "DROP TABLE audit")

    assert said("audit") == (0, ["没有操作记录。"])
    assert main(["verify-audit"]) == 2
    assert "没有审计记录" in capsys.readouterr().err
