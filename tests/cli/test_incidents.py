"""`command-monitor incidents`: the open ones from the daemon, those that are over from its log."""

import asyncio
import json
import socket

import pytest

from monitor.cli import main
from monitor.cli.incidents.facts import facts_of
from tests.board import city
from tests.board.conftest import serve  # noqa: F401 - a fixture
from tests.cli import incident_ground as ground

OPEN = (
    "✘ 郧阳供电或路由器 11:00:00 起故障，全中心失联；原判断为郧阳至市网主用电路，现更正；"
    "把握 93%，也可能是郧阳路由器。  20261124-110000 ("
)
CLOSED = (
    "✔ 丹江口至省网主用电路 09:22:27 恢复正常，09:14:07 起中断 8 分 20 秒，其间复发 1 次。  20261124-091407"
)


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Let the settings name a log in the test's folder, and a daemon that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COMMAND_MONITOR__HTTP__PORT", str(port))
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    return tmp_path


@pytest.fixture
def logged(elsewhere):
    ground.log(elsewhere)


def shown(capsys, *arguments, code=1):
    assert main(["incidents", *arguments]) == code
    return capsys.readouterr().out.splitlines()


async def command(*arguments):
    return await asyncio.to_thread(main, ["incidents", *arguments])


async def test_the_open_ones_are_asked_for_and_each_is_one_line(serve, capsys):  # noqa: F811
    async with serve(city.blamed()) as it:
        code = await command("--url", it.url, "--lang", "zh")

    assert code == 1
    assert capsys.readouterr().out.splitlines() == [
        "当前事件 (3)",
        "✘ 丹江口市供电或路由器 14:11:50 起故障，全中心失联。  20260921-221150 (1 分 30 秒)",
        (
            "✘ 郧阳区至省网主用电路 14:11:50 起中断，备用电路正常；报修中国电信 10000，"
            "电路号 SY-yun-province。  20260921-221151 (1 分 30 秒)"
        ),
        "! 茅箭区至市网主用电路 14:13:17 起疑似中断，备用电路正常。  20260921-221152 (3 秒)",
    ]


async def test_where_none_is_open_that_is_said_and_the_exit_code_is_0(serve, capsys):  # noqa: F811
    async with serve(city.world()) as it:
        code = await command("--url", it.url, "--lang", "en")

    assert (code, capsys.readouterr().out) == (0, "✔ no open incidents\n")


async def test_json_is_one_object_per_incident_with_the_keys_of_the_manual(serve, capsys):  # noqa: F811
    async with serve(city.blamed()) as it:
        await command("--url", it.url, "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [(one["vantage"], one["open"], one["component"]) for one in told] == [
        ("shiyan", True, "danjiangkou/power"),
        ("shiyan", True, "yunyang/province/primary"),
        ("shiyan", True, "maojian/city/primary"),
    ]
    assert told[1]["carriers"][0]["hotline"] == "10000"


@pytest.mark.usefixtures("logged")
async def test_what_is_open_by_the_daemon_is_not_told_once_more_from_the_log(serve, capsys, monkeypatch):  # noqa: F811
    world = city.world()
    city.blame(world, "yunyang/power", id="20261124-110000")
    world.vantage = "city"
    async with serve(world) as it:
        monkeypatch.setenv("COMMAND_MONITOR__HTTP__PORT", it.url.rpartition(":")[2])
        code = await command("--since", ground.moment(0))
    told = capsys.readouterr()

    assert (code, told.err) == (1, "")
    assert told.out.splitlines()[:3] == ["已结束事件 (1)", f"{CLOSED} city", "当前事件 (1)"]
    assert told.out.count("20261124-110000") == 1


@pytest.mark.usefixtures("logged")
def test_without_a_daemon_the_log_tells_what_it_saw_neither_closed_nor_taken_back(capsys):
    assert main(["incidents"]) == 1
    told = capsys.readouterr()

    heading, line = told.out.splitlines()
    assert heading == "当前事件 (1)"
    assert line.startswith(OPEN)
    assert "is it running?" in told.err


@pytest.mark.usefixtures("logged")
def test_what_is_over_is_shown_if_it_was_open_then_or_later(capsys):
    assert shown(capsys, "--since", ground.moment(500))[:2] == ["已结束事件 (1)", f"{CLOSED} city"]
    assert shown(capsys, "--since", ground.moment(600))[0] == "当前事件 (1)"


@pytest.mark.usefixtures("logged")
def test_all_adds_what_did_not_come_true_and_what_other_vantages_told(capsys):
    assert shown(capsys, "--all")[:4] == [
        "已结束事件 (3)",
        f"{CLOSED} city",
        f"{CLOSED} danjiangkou",
        "- 郧阳视频终端 10:00:00 起疑似无法访问，现已排除。  20261124-100000 city",
    ]


@pytest.mark.usefixtures("logged")
def test_json_says_of_each_whether_it_is_open(capsys):
    told = [json.loads(line) for line in shown(capsys, "--all", "--json")]

    assert [(one["vantage"], one["incident"], one["stage"], one["open"]) for one in told] == [
        ("city", "20261124-091407", "closed", False),
        ("danjiangkou", "20261124-091407", "closed", False),
        ("city", "20261124-100000", "closed", False),
        ("city", "20261124-110000", "confirmed", True),
    ]


def test_an_end_that_nobody_saw_is_not_called_one(capsys, elsewhere):
    ground.log(elsewhere, *ground.events("danjiangkou", ["20261124-110000"], received=ground.AT))

    assert shown(capsys, "--all", code=0)[1].startswith("? 郧阳供电或路由器")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://127.0.0.1:1", "--all"], "with --url only open ones are known"),
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--url", "http://127.0.0.1:1"], "is it running?"),
    ],
)
@pytest.mark.usefixtures("logged")
def test_what_cannot_be_answered_is_one_clear_line(capsys, arguments, said):
    assert main(["incidents", *arguments]) == 2

    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("elsewhere")
def test_without_daemon_and_log_it_is_the_daemon_that_is_missed(capsys):
    assert main(["incidents"]) == 2
    assert main(["incidents", "--all"]) == 2

    first, second = capsys.readouterr().err.splitlines()
    assert "is it running?" in first
    assert "see `state_dir`" in second


@pytest.mark.parametrize(
    "change",
    [
        {"incident": "x"},
        {"incident": "20261124-091407\n"},
        {"stage": "excellent"},
        {"sentence": {"zh": "x"}},
        {"since": 1e300},
        {"since": float("nan")},
        {"evidence": ["x"] * 5_000},
        {"others": {"causes": []}},
        {"confidence": 7},
        {"name": None},
    ],
    ids=str,
)
def test_what_another_vantage_made_up_is_passed_over(change):
    (first, *_) = ground.events()

    assert facts_of(first.data) is not None
    assert facts_of({**first.data, **change}) is None


def test_what_is_shown_of_another_vantages_words_is_printable_and_bounded():
    (first, *_) = ground.events()
    facts = facts_of(
        {**first.data, "component": "x\x1b[31m" * 900, "sentence": {"zh": "y\n" * 900, "en": ""}}
    )

    assert facts.component.isprintable()
    assert len(facts.component) <= 200
    assert facts.sentence.zh.isprintable()
