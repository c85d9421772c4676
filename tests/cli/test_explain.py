"""`command-monitor explain`: why an incident is called what it is called, and what to do about it."""

import asyncio
import json

import pytest

from monitor.cli import main
from monitor.core.incident import Other
from tests.board import city
from tests.board.conftest import serve  # noqa: F401 - a fixture
from tests.cli.test_incidents import elsewhere, logged  # noqa: F401 - fixtures


def explained(capsys, *arguments):
    assert main(["explain", *arguments]) == 0
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def section(lines, heading):
    at = lines.index(heading)
    return lines[at + 1 : lines.index("", at) if "" in lines[at:] else None]


@pytest.mark.usefixtures("logged")
def test_its_course_is_told_turn_by_turn(capsys):
    assert section(explained(capsys, "20261124-091407"), "经过") == [
        "  2026-11-24 09:14:07  首次失败",
        "             09:14:08  疑似  1 秒后",
        "             09:14:10  确认  3 秒后",
        "             09:20:11  恢复，开始观察  6 分 4 秒后",
        "             09:20:27  第 1 次复发  6 分 20 秒后",
        "             09:22:27  恢复，开始观察  8 分 20 秒后",
        "             09:23:27  结束  9 分 20 秒后",
    ]


@pytest.mark.usefixtures("logged")
def test_its_verdict_says_how_sure_it_is_and_what_else_fits(capsys):
    assert section(explained(capsys, "110000", "--lang", "en"), "Verdict") == [
        "  ● Yunyang, power  yunyang/power  power  93.0% sure",
        "    ≡ no look tells it from Yunyang, router",
        "  ○ or else Yunyang, router (6.0%, 2.7 nats behind)",
        "  ○ or else the looks are wrong (1.0%, 4.6 nats behind)",
        "  called before: Yunyang to city network, primary circuit",
    ]


@pytest.mark.usefixtures("logged")
def test_the_evidence_is_listed_by_vantage_for_and_against_and_all_of_it_counted(capsys):
    lines = section(explained(capsys, "110000"), "依据")

    assert lines[0] == "  ✘ 22 项失败，由它解释"
    assert lines[1] == "    city      yunyang/city/backup/ping"
    assert lines[-3:] == ["    … 另 2 项", "  ✔ 1 项正常，与它不符", "    danjiangkou  yunyang/router/ping"]


@pytest.mark.usefixtures("logged")
def test_of_one_that_is_over_it_is_told_what_it_meant_while_it_lasted(capsys):
    lines = explained(capsys, "091407")

    assert section(lines, "影响")[0] == "  ▾ 仅剩一路  丹江口至省网链路（丹江口至省网备用电路）"
    assert "下一步" not in lines


@pytest.mark.usefixtures("logged")
def test_a_service_is_not_named_beside_its_device(capsys):
    told = "".join(line.strip() for line in section(explained(capsys, "110000"), "影响"))

    assert "郧阳指挥服务器" in told
    assert "http" not in told


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("20261124-100000", "20261124-100000"),
        ("100000", "20261124-100000"),
        ("yunyang/video", "20261124-100000"),
        ("danjiangkou/province/primary", "20261124-091407"),
    ],
)
@pytest.mark.usefixtures("logged")
def test_it_is_found_by_its_id_the_end_of_that_or_what_is_broken(capsys, asked, found):
    (line,) = explained(capsys, asked, "--json")
    told = json.loads(line)

    assert (told["incident"], told["vantage"]) == (found, "city")


@pytest.mark.parametrize(
    ("asked", "said"), [("nonsense\x1b", "no incident 'nonsense'"), ("0", "may be any of 2 incidents: 2026")]
)
@pytest.mark.usefixtures("logged")
def test_what_cannot_be_found_is_one_clear_line(capsys, asked, said):
    assert main(["explain", asked]) == 2

    assert said in capsys.readouterr().err.splitlines()[-1]


async def test_an_open_one_is_told_as_it_is_now_with_whom_to_call_and_where_to_look(serve, capsys):  # noqa: F811
    world = city.world()
    name = city.blame(
        world, "yunyang/city/primary", others=(Other(("yunyang/power",), 0.2, 1.4),), confidence=0.8
    )
    async with serve(world) as it:
        code = await asyncio.to_thread(main, ["explain", name, "--url", it.url, "--lang", "zh"])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    call, heading, *looks = section(lines, "下一步")

    assert code == 0
    assert section(lines, "经过")[-1].strip() == "须连续正常 30 秒才算结束"
    assert call == "  报修 中国电信  10000  电路号 SY-yun-city"
    assert heading == "  → 可以分辨的检测"
    assert looks[0].split()[0] == "shiyan"
