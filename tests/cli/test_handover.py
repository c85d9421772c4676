"""handover: one page of all that is open, signed as it was printed, among the acts of people."""

import hashlib
import json
import time
from datetime import UTC, date
from datetime import time as clock

from monitor.core.alarm import Rung
from monitor.core.inventory import Name
from monitor.core.roster import Roster, Rota
from monitor.core.vitals import OutputVitals
from monitor.engine.duty import DutyDesk
from tests.cli.duty_ground import duty_room
from tests.core.alarm_ground import OFFICERS

ROTAS = (Rota("day", Name("白班", "day"), clock(0), clock(12), (("zhang",),), date(2026, 1, 1)),)
SIGN = ("--leaving", "张伟", "--coming", "李娜", "--sign")


def people(rotas=ROTAS):
    made = DutyDesk(Roster(OFFICERS, ("wang",), rotas), UTC)
    made.look_ahead()
    return made


async def test_the_page_says_all_that_is_open_and_nothing_that_is_secret(tmp_path, capsys):
    async with duty_room(tmp_path, people()) as room:
        first = room.alarm("i1")
        await room.say("alarms", "answer", first.code, "--who", "zhang", "--lang", "zh")
        second = room.alarm("i2")
        room.moved(Rung.REFUSED, trouble="no such number", limit_at=None)
        await room.say("alarms", "mute", second.code, "--for", "4h", "--lang", "zh")
        entered = ("--what", "dan", "--to", "2h", "--note", "换光缆", "--who", "李伟")
        await room.say("planned", "add", *entered, "--lang", "zh")
        later = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + 40 * 3600))
        await room.say("planned", "add", "--what", "dan", "--from", later, "--to", "2d", "--note", "太远")
        room.engine.vitals.outputs["channel-sms"] = OutputVitals(trouble="modem is gone")
        capsys.readouterr()
        code = await room.say("handover", "--lang", "zh", "--leaving", "张伟", "--coming", "李娜")
    page = capsys.readouterr().out

    assert code == 0
    for words in (
        "交班 张伟  接班 李娜",
        f"{first.code}  重要  丹江口至省网主用电路",
        "张伟（本机）",
        "静音至",
        "被拒",
        "no such number",
        "换光缆",
        "modem is gone",
        "无人值班",
    ):
        assert words in page
    for hidden in ("太远", "13900000001", "example.org"):
        assert hidden not in page


async def test_a_quiet_night_is_said_section_by_section(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        await room.say("handover", "--lang", "zh")
    page = capsys.readouterr().out

    assert page.count("   无\n") == 6
    assert "未配置值班表" in page


async def test_what_is_signed_is_the_page_as_it_was_printed(tmp_path, capsys):
    async with duty_room(tmp_path, people()) as room:
        room.alarm("i1")
        code = await room.say("handover", "--lang", "zh", *SIGN)
        told = capsys.readouterr()
        await room.say("audit", "--json")
        await room.say("handover", "--lang", "zh", *SIGN)
        again = capsys.readouterr()

    digest = hashlib.sha256(told.out.encode()).hexdigest()
    (act,) = [json.loads(line) for line in again.out.splitlines() if line.startswith("{")]
    assert code == 0
    assert f"审计记录第 {act['number']} 条，SHA-256 {digest}" in told.err
    assert (act["act"], act["data"]["sha256"]) == ("handover/sign", digest)
    assert (act["data"]["leaving"], act["data"]["coming"]) == ("张伟", "李娜")
    assert f"第 {act['number'] + 1} 条" in again.err


async def test_programs_get_the_facts_without_an_address(tmp_path, capsys):
    async with duty_room(tmp_path, people()) as room:
        room.alarm("i1")
        await room.say("handover", "--json")
    text = capsys.readouterr().out

    facts = json.loads(text)
    assert [one["alarm"] for one in facts["alarms"]] == ["i1"]
    assert {one["rung"] for one in facts["notices"]} == {"composed"}
    assert "13900000001" not in text


async def test_nobody_signs_alone(tmp_path, capsys):
    async with duty_room(tmp_path) as room:
        code = await room.say("handover", "--leaving", "张伟", "--sign")

    assert code == 2
    assert "--coming NAME" in capsys.readouterr().err
