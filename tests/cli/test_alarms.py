"""alarms: shown with how far each notice has got; taken on, muted and exercised in words that people use."""

import json
import time
from zoneinfo import ZoneInfo

import pytest

from monitor.board.teller import Teller
from monitor.cli import main
from monitor.cli.alarms.shown import alarm_lines
from monitor.core.alarm import Rung, Severity
from monitor.core.sentence import WORDS
from tests.cli.duty_ground import duty_room

SENTENCE = (
    "丹江口市指挥中心至省网主用电路，备用电路（卫星）正常；报修中国电信省公司调度台，电路号见台账第三页。"
)


async def test_an_alarm_is_shown_with_who_was_told_and_how_far_that_has_got(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        alarm = room.alarm(severity=Severity.CRITICAL)
        room.moved(Rung.DELIVERED)
        code = await room.say("alarms", "--lang", "zh")
    said = capsys.readouterr().out

    assert code == 0
    assert alarm.code in said
    for words in ("紧急", "丹江口至省网主用电路", "张伟 sms 已送达手机", "李娜 sms", "无人确认", "下一步"):
        assert words in said
    assert "13900000001" not in said


async def test_programs_get_one_object_for_each_alarm_without_an_address(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        room.alarm("i1")
        room.alarm("i2")
        await room.say("alarms", "list", "--json")
    lines = capsys.readouterr().out

    alarms = [json.loads(line) for line in lines.splitlines()]
    assert [one["alarm"] for one in alarms] == ["i1", "i2"]
    assert {notice["rung"] for notice in alarms[0]["notices"]} == {"composed"}
    assert "13900000001" not in lines
    assert "example.org" not in lines


async def test_whoever_answers_is_shown_and_kept_among_the_acts(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        alarm = room.alarm()
        room.moved(Rung.HANDED_OVER)
        code = await room.say(
            "alarms",
            "answer",
            alarm.code,
            "--who",
            "zhang",
            "--for",
            "2h",
            "--note",
            "已派人",
            "--lang",
            "zh",
        )
        await room.say("alarms", "--lang", "zh")
        await room.say("audit", "--lang", "zh")
        answer = room.engine.alarms.desk.alarms["i1"].answer
    said = capsys.readouterr().out

    assert code == 0
    assert "张伟（本机）" in said
    assert "sms 已确认" in said
    assert "接警  i1" in said
    assert answer.until == pytest.approx(time.time() + 7200, abs=60)


async def test_all_that_nobody_has_taken_on_are_answered_at_once(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        room.alarm("i1")
        room.alarm("i2")
        codes = [await room.say("alarms", "answer", "all"), await room.say("alarms", "answer", "all")]
    told = capsys.readouterr()

    assert codes == [0, 1]
    assert len(told.out.splitlines()) == 2
    assert "nobody has taken on" in told.err


async def test_a_muted_alarm_says_until_when_and_speaks_again(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        alarm = room.alarm()
        await room.say("alarms", "mute", alarm.code, "--for", "4h", "--note", "故障已知", "--lang", "zh")
        await room.say("alarms", "--lang", "zh")
        muted = room.engine.alarms.desk.alarms["i1"].muted_until
        await room.say("alarms", "unmute", alarm.code, "--lang", "zh")
        spoken = room.engine.alarms.desk.alarms["i1"].muted_until
    said = capsys.readouterr().out

    assert said.count("静音至") == 2
    assert (muted > time.time() + 4 * 3600 - 60, spoken) == (True, None)


async def test_notices_say_why_one_was_not_brought(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        room.alarm()
        room.moved(Rung.REFUSED, trouble="no such number", attempts=1, limit_at=None)
        await room.say("alarms", "notices", "--lang", "zh")
    said = capsys.readouterr().out

    assert "被拒" in said
    assert "no such number" in said


async def test_an_exercise_is_marked_as_one_and_ended_by_hand(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        await room.say("alarms", "drill", "丹江口", "--severity", "critical", "--lang", "zh")
        (alarm,) = room.engine.alarms.desk.alarms.values()
        real = room.alarm()
        codes = [await room.say("alarms", "end-drill", one.code) for one in (alarm, real)]
    told = capsys.readouterr()

    assert "[演练] 假设丹江口中断" in told.out
    assert codes == [0, 1]
    assert "is no exercise" in told.err


async def test_where_nothing_is_open_that_is_said(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        codes = [await room.say("alarms", verb, "--lang", "zh") for verb in ("list", "notices")]

    assert codes == [0, 0]
    assert capsys.readouterr().out == "没有未结束的告警\n没有通知\n"


async def test_a_narrow_terminal_cuts_nothing_off_what_an_alarm_says(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        room.alarm()
        await room.say("alarms", "--json")
    (alarm,) = map(json.loads, capsys.readouterr().out.splitlines())
    alarm["sentence"]["zh"] = SENTENCE
    lines = [*alarm_lines([alarm], {}, Teller(WORDS["zh"], ZoneInfo("Asia/Shanghai"), time.time()), 60)]

    assert max(line.cell_len for line in lines) <= 60
    assert SENTENCE in "".join(line.plain.strip() for line in lines)


@pytest.mark.parametrize(
    ("verb", "code", "words"),
    [
        (["answer", "0000"], 1, "no alarm '0000' is open"),
        (["mute", "0000", "--for", "soon"], 2, "no time"),
        (["mute", "0000", "--for", "9d"], 1, "seconds"),
    ],
)
async def test_what_cannot_be_done_is_said(tmp_path, capsys, verb, code, words):
    async with duty_room(tmp_path) as room:
        assert await room.say("alarms", *verb) == code

    assert words in capsys.readouterr().err


def test_without_a_daemon_it_is_said_where_one_was_looked_for(tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text(json.dumps({"state_dir": "state", "vantage": "city"}))
    code = main(["alarms", "--settings", str(tmp_path / "settings.yaml")])

    assert code == 2
    assert f"no daemon takes orders at {tmp_path}/state/control-city.sock" in capsys.readouterr().err
