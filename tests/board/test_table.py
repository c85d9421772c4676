"""The table: what a duty officer reads in a terminal, in columns that stand straight in Chinese too."""

import io
import unicodedata
from dataclasses import replace
from datetime import UTC

import pytest
from rich.cells import cell_len
from rich.console import Console

from monitor.board.api import document
from monitor.board.table import city_table, is_well
from monitor.board.teller import PRESENCES, SIGNS, STAGES, SUSPECTED
from monitor.core.agent import Agent, Presence
from monitor.core.alarm import Answer
from monitor.core.health import Health, SubjectKind
from monitor.core.incident import Stage
from monitor.core.inventory import Look
from monitor.core.quality import Severity
from monitor.core.report import Report, State, Told
from monitor.core.world import Check
from monitor.probes.manual import Options as ManualOptions
from tests.board import city


def drawn(world, language="zh", vitals=None, width=140):
    console = Console(width=width, color_system=None, force_terminal=False)
    status = document(world, vitals or city.vitals(), city.NOW, monotonic=lambda: city.MONOTONIC)
    with console.capture() as captured:
        console.print(city_table(status, language, UTC))
    return captured.get()


def row(text, name):
    return next(line for line in text.splitlines() if line.strip().startswith(name))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_row_is_as_wide_as_its_headings(language):
    lines = drawn(city.cut(), language).splitlines()
    rule = next(number for number, line in enumerate(lines) if "───" in line)
    table = lines[rule - 1 : rule + 5]

    assert {cell_len(line) for line in table} == {cell_len(lines[rule])}


def test_every_sign_takes_one_cell_whatever_the_terminal_thinks_of_ambiguous_ones():
    signs = [sign for sign, _ in [*SIGNS.values(), *PRESENCES.values(), *STAGES.values()]]

    assert {unicodedata.east_asian_width(sign) for sign in signs} <= {"N", "Na"}


def test_every_health_has_a_sign_of_its_own():
    assert set(SIGNS) == set(Health)
    assert len({sign for sign, _ in SIGNS.values()} | {SUSPECTED[0]}) == len(SIGNS) + 1


def test_a_center_that_is_cut_off_says_so_with_its_time():
    line = row(drawn(city.cut()), "丹江口市")

    assert line.count("✘ 中断") == 3
    assert "14:11:50" in line
    assert "100%" in line


def test_a_link_on_its_backup_says_so():
    line = row(drawn(city.cut(), "en"), "Yunyang")

    assert line.count("↷ on backup") == 2
    assert "✔ up primary" in line


def test_a_trouble_is_one_line_where_there_is_room_with_whom_to_call():
    line = row(drawn(city.cut()), "✘ 中断  郧阳区 省网 主用")

    assert "14:11:50 (1 分 30 秒)" in line
    assert "中国电信 电路号 SY-yun-province 报修电话 10000" in line


def test_what_is_hidden_by_another_fault_is_no_trouble_of_its_own():
    text = drawn(city.cut())

    assert "当前异常 (6)" in text
    assert "路由器" not in text


def below(text, heading):
    """Give the lines below a heading, up to the next empty one."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(heading))
    return lines[at + 1 : lines.index("", at) if "" in lines[at:] else None]


def test_one_fault_is_one_line_and_what_it_explains_has_none():
    assert below(drawn(city.blamed()), "当前事件 (3)") == [
        "✘ 丹江口市供电或路由器 14:11:50 起故障，全中心失联。  20260921-221150 (1 分 30 秒)",
        (
            "✘ 郧阳区至省网主用电路 14:11:50 起中断，备用电路正常；报修中国电信 10000，"
            "电路号 SY-yun-province。"
            "  20260921-221151 (1 分 30 秒)"
        ),
        "! 茅箭区至市网主用电路 14:13:17 起疑似中断，备用电路正常。  20260921-221152 (3 秒)",
    ]
    assert "异常" not in drawn(city.blamed())


def test_a_trouble_that_no_incident_explains_keeps_its_line_below_them():
    world = city.blamed()
    city.say(world, "yunyang/web", SubjectKind.DEVICE, Health.DEGRADED, "certificate_not_yet_valid")
    (line,) = below(drawn(world), "其余异常 (1)")

    assert line.startswith("▾ 降级  郧阳区 指挥信息系统  证书尚未生效")


def test_what_is_down_again_is_not_hidden_by_an_incident_that_is_recovering():
    world = city.cut()
    city.blame(world, "yunyang/province/primary", Stage.RECOVERING)

    assert "✘ 中断  郧阳区 省网 主用" in drawn(world)


def test_what_asks_for_something_comes_first_and_each_turn_has_its_sign():
    world = city.world()
    city.blame(world, "broker", planned=True)
    city.blame(world, "yunyang/power", behind="network/city")
    city.blame(world, "wudangshan/power", Stage.RECOVERING)
    city.blame(world, "maojian/power", Stage.SUSPECTED)
    city.blame(world, "danjiangkou/power")
    lines = below(drawn(world), "当前事件 (5)")

    assert [line[:5] for line in lines] == ["✘ 丹江口", "! 茅箭区", "↺ 武当山", "? 郧阳区", "⚒ MQT"]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_sentence_that_is_too_long_goes_on_behind_its_sign_and_numbers_stay_whole(width, language):
    lines = below(
        drawn(city.blamed(), language, width=width), {"zh": "当前事件", "en": "open incidents"}[language]
    )

    assert max(map(cell_len, lines)) <= width
    assert [line[0] for line in lines if line[0] != " "] == ["✘", "✘", "!"]
    assert any("SY-yun-province" in line for line in lines)
    assert not any(line.strip()[0] in "，。；、）" for line in lines)
    assert sum("20260921-22115" in line for line in lines) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "0001 无人确认  20260921-221150"),
        (Answer("zhang", "sms", city.NOW, name="张伟"), "0001 张伟 已确认  20260921-221150"),
        (Answer("13900000001", "api", city.NOW), "0001 139****0001 已确认  20260921-221150"),
    ],
)
def test_behind_an_incident_it_says_what_to_answer_and_who_has(answer, said):
    assert said in drawn(city.alarmed(city.blamed(), answer))


@pytest.mark.parametrize("width", [30, 40, 60])
def test_who_has_answered_goes_on_a_line_of_its_own_where_there_is_no_room(width):
    lines = below(drawn(city.alarmed(city.blamed()), width=width), "当前事件")

    assert max(map(cell_len, lines)) <= width


def test_a_daemon_that_knows_nothing_of_incidents_is_shown_as_before():
    status = document(city.cut(), city.vitals(), city.NOW)
    del status["incidents"]
    for center in status["centers"]:
        for link in center["links"]:
            for circuit in link["circuits"]:
                del circuit["incidents"]
    console = Console(width=140, color_system=None)
    with console.capture() as captured:
        console.print(city_table(status))

    assert "当前异常 (6)" in captured.get()


def test_a_suspicion_is_shown_though_the_health_is_still_up():
    world = city.world()
    city.say(world, "maojian", SubjectKind.CENTER, suspected=True)
    city.doubt(world, "maojian/city/primary", "icmp")
    text = drawn(world)

    assert "✔ 正常 !疑似" in row(text, "茅箭区")
    assert "!疑似  茅箭区 市网 主用  无应答  14:13:17 (3 秒)" in text


def test_nothing_wrong_is_said_too():
    assert "✔ 无异常" in drawn(city.world())


def test_where_nobody_looks_there_is_a_dash_and_no_trouble():
    world = city.world()
    for subject in [s for s in world.statuses if s.startswith("maojian/province")]:
        del world.statuses[subject]

    assert "—" in row(drawn(world), "茅箭区")
    assert is_well(document(world, city.vitals(), city.NOW))


def test_a_name_with_markup_is_shown_as_it_is():
    world = city.world({"x": city.Name("[red]红[/red]", "[link=file:///]x")})

    assert "[red]红[/red]" in drawn(world)
    assert "[link=file:///]x" in drawn(world, "en")


def test_a_refused_reload_is_shown():
    vitals = city.vitals()
    vitals.reload_trouble = "city.yaml:3: unknown key"

    assert "✘ 重新加载: city.yaml:3: unknown key" in drawn(city.world(), vitals=vitals)


def test_our_own_trouble_is_a_line_each_and_makes_no_trouble_of_the_city():
    vitals = city.vitals()
    vitals.outputs["mqtt"].trouble = "127.0.0.1:1883: Connection\x1b[31m\nrefused"
    vitals.store.trouble, vitals.store.pending = "disk full", 1_200
    vitals.store.backup_trouble = "/backup: Read-only file system"
    text = drawn(city.world(), "en", vitals)

    assert "✔ no open troubles\n\n✘ output mqtt: 127.0.0.1:1883: Connection [31m refused\n" in text
    assert "✘ event log: disk full; 1,200 events to be recorded\n" in text
    assert "✘ backup: /backup: Read-only file system\n" in text
    assert is_well(document(city.world(), vitals, city.NOW))


def test_what_a_person_should_know_of_the_log_is_shown_though_nothing_is_wrong_now():
    vitals = city.vitals()
    vitals.store.dropped = 1_700
    vitals.store.notice = "a damaged file was set aside"
    text = drawn(city.world(), vitals=vitals)

    assert "! 事件记录: 1,700 条未能记录\n" in text
    assert "! 事件记录: a damaged file was set aside\n" in text
    assert "✘" not in text


def test_bugs_of_our_own_are_counted_below_the_table():
    vitals = city.vitals()
    sound = drawn(city.world(), vitals=vitals)
    vitals.mishaps = 3

    assert "本程序" not in sound
    assert "! 本程序: 内部出错 3 次" in drawn(city.world(), vitals=vitals)


def test_events_that_wait_for_a_healthy_disk_are_no_trouble():
    vitals = city.vitals()
    vitals.store.pending = 12

    assert "事件记录" not in drawn(city.world(), vitals=vitals)


def test_a_long_trouble_of_our_own_is_told_whole_behind_its_sign():
    vitals = city.vitals()
    vitals.store.notice = "log.db was damaged; it is now log.db.damaged-20261124, and a backup took its place"
    lines = drawn(city.world(), "en", vitals, width=60).splitlines()
    told = lines[lines.index("✔ no open troubles") + 2 :]

    assert len(told) == 2
    assert told[1].startswith("  ")
    assert vitals.store.notice in " ".join(line.strip() for line in told)


def test_work_that_is_under_way_is_told_below_the_troubles_and_is_none():
    world = city.world()
    city.work_on(world, "danjiangkou/province/primary")
    zh, en = ("".join(drawn(world, language).splitlines(keepends=True)[-2:]) for language in ("zh", "en"))

    assert zh == "计划检修 (1)\n⚒ 丹江口市至省网主用电路，进行中，16:13 结束；文号 〔2026〕12；更换光缆。\n"
    assert en.startswith(
        "planned work (1)\n⚒ Danjiangkou to Province network, primary circuit; under way until"
    )
    assert is_well(document(world, city.vitals(), city.NOW))


def test_work_of_another_day_and_on_many_things_says_so_and_what_waits_is_not_told():
    world = city.world()
    city.work_on(world, "danjiangkou", "maojian", "network/city", "network/province", seconds=86_400.0)
    world.planned["later"] = replace(world.planned["night"], begun=None)

    assert "等 4 处，进行中，09-22 14:13 结束" in drawn(world)
    assert "计划检修 (1)" in drawn(world)


def gathering():
    world = city.world(LONG)
    city.listen(world, "maojian")
    city.listen(world, "danjiangkou", Presence.SILENT, since=city.NOW - 95)
    return world


def test_where_nobody_else_is_listened_to_nothing_is_said_of_other_vantages():
    assert "其他观测点" not in drawn(city.world())


@pytest.mark.parametrize(
    ("presence", "zh", "en"),
    [
        (
            Presence.ONLINE,
            "✔ 在线  茅箭区  12:13:20 (2 小时 0 分)",
            "✔ online  Maojian  12:13:20 (2 h 0 min)",
        ),
        (
            Presence.SILENT,
            "? 无消息  茅箭区  12:13:20 (2 小时 0 分)",
            "? silent  Maojian  12:13:20 (2 h 0 min)",
        ),
        (
            Presence.STOPPED,
            "- 已停止  茅箭区  12:13:20 (2 小时 0 分)",
            "- stopped  Maojian  12:13:20 (2 h 0 min)",
        ),
    ],
)
def test_another_vantage_is_one_line_and_no_trouble_of_the_city(presence, zh, en):
    world = city.world()
    city.listen(world, "maojian", presence)

    assert drawn(world).endswith(f"✔ 无异常\n\n其他观测点 (1)\n{zh}\n")
    assert drawn(world, "en").endswith(f"✔ no open troubles\n\nother vantages (1)\n{en}\n")
    assert is_well(document(world, city.vitals(), city.NOW))


def test_a_vantage_that_never_came_says_no_time():
    world = city.world()
    world.agents["maojian"] = Agent("maojian")

    assert drawn(world).endswith("? 尚未上线  茅箭区\n")


@pytest.mark.parametrize(
    ("facts", "zh", "en"),
    [
        ({"clock_offset": 3_600.4}, "时钟快 1 小时 0 分", "clock 1 h 0 min ahead"),
        ({"clock_offset": -5.0}, "时钟慢 5 秒", "clock 5 s behind"),
        ({"backlog": 12_345}, "积压 12,345 条", "backlog of 12,345 events"),
        ({"duplicate": True}, "! 两个程序同用此名", "! two daemons under this name"),
        ({"quarantined": True}, "! 消息过多，暂停接收", "! says too much, not listened to for a while"),
    ],
)
def test_what_is_odd_about_a_vantage_stands_behind_it(facts, zh, en):
    world = city.world()
    city.listen(world, "maojian", **facts)

    assert drawn(world).endswith(f" (2 小时 0 分)  {zh}\n")
    assert drawn(world, "en").endswith(f" (2 h 0 min)  {en}\n")


@pytest.mark.parametrize("offset", [None, 0.0, 1.9, -1.9])
def test_a_clock_that_is_about_right_is_not_spoken_of(offset):
    world = city.world()
    city.listen(world, "maojian", clock_offset=offset)

    assert "时钟" not in drawn(world)


@pytest.mark.parametrize("width", [50, 60, 140])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_vantages_stand_in_columns_and_what_is_odd_goes_below_where_it_is_narrow(width, language):
    world = gathering()
    city.listen(world, "yunyang", backlog=12_345, clock_offset=-30.0, since=city.NOW - 3 * 86_400)
    lines = drawn(world, language, width=width).splitlines()
    agents = lines[-lines[::-1].index("") :]
    backlog = next(line for line in agents if "12,345" in line)

    assert max(map(cell_len, agents)) <= width
    assert backlog.startswith("    ") == (width < 140)
    assert len([line for line in agents if not line.startswith(" ")]) == 4


@pytest.mark.parametrize("health", [Health.DOWN, Health.ON_BACKUP, Health.DEGRADED, Health.UNKNOWN])
def test_what_is_not_up_is_not_well(health):
    world = city.world()
    city.say(world, "yunyang/router", SubjectKind.DEVICE, health)

    assert not is_well(document(world, city.vitals(), city.NOW))


def test_planned_work_is_well():
    world = city.world()
    city.say(world, "yunyang/router", SubjectKind.DEVICE, Health.MAINTENANCE)

    assert is_well(document(world, city.vitals(), city.NOW))


LONG = {
    "danjiangkou": city.Name(
        "丹江口市防汛抗旱联合应急指挥中心", "Danjiangkou joint flood and drought command"
    ),
    "maojian": city.Name("茅箭区", "Maojian"),
    "yunyang": city.Name("郧阳区", "Yunyang"),
}
NARROW = [(width, language) for width in (80, 100, 120) for language in ("zh", "en")]


def troubled():
    world = city.cut(LONG)
    city.say(world, "maojian", SubjectKind.CENTER, Health.MAINTENANCE, suspected=True)
    city.say(world, "yunyang/web", SubjectKind.DEVICE, Health.DEGRADED, "certificate_not_yet_valid")
    return world


@pytest.mark.parametrize(("width", "language"), NARROW)
def test_only_names_are_shortened_and_no_line_is_wider_than_the_terminal(width, language):
    lines = drawn(troubled(), language, width=width).splitlines()
    name = LONG["danjiangkou"].zh if language == "zh" else LONG["danjiangkou"].en
    shortened = [part.rpartition("  ")[2] for line in lines for part in line.split("…")[:-1]]

    assert all(name.startswith(start.rstrip()) for start in shortened)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("width", "language"), NARROW)
def test_health_devices_and_loss_are_read_whole_at_every_width(width, language):
    line = row(drawn(troubled(), language, width=width), "Danji" if language == "en" else "丹江口")
    state = "✘ down" if language == "en" else "✘ 中断"

    assert line.count(state) in (1, 3)
    assert line.split()[-4:] == ["0/2", "—", "100%", "—"]


@pytest.mark.parametrize(("width", "language"), NARROW)
def test_a_hotline_never_breaks(width, language):
    lines = drawn(troubled(), language, width=width).splitlines()
    calls = {"zh": "中国电信 电路号 SY-dan-province 报修电话 10000"}
    calls["en"] = "China Telecom circuit no. SY-dan-province hotline 10000"

    assert any(line.endswith(calls[language]) for line in lines)


@pytest.mark.parametrize(
    ("rtt", "lost", "said"),
    [(0.01, 0, "4.4"), (0.01, 3, "3.9 ✘ video"), (0.9, 0, "3.3 ✘ video"), (0.6, 0, "3.8")],
)
def test_each_center_says_how_a_call_over_its_circuit_would_be(rtt, lost, said):
    world = city.world()
    reading = world.readings["yunyang/city/primary/icmp"]
    reading.srtt, reading.rttvar, reading.history = rtt, 0.001, (1 << lost) - 1

    assert row(drawn(world, "en"), "Yunyang").endswith(said)


def test_a_circuit_that_has_become_worse_says_how_much():
    world = city.world()
    city.worsen(world, "yunyang/city/primary", Severity.CRITICAL)

    assert "packets lost (critical)" in drawn(world, "en")
    assert "丢包 (影响严重)" in drawn(world, "zh")


def test_where_all_has_no_room_links_are_signs():
    line = row(drawn(troubled(), "en", width=60), "Da")

    assert line.count("✘") == 3
    assert "✘ down" in line


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sixty_columns_are_enough_for_names_and_losses(language):
    lines = drawn(city.cut(), language, width=60).splitlines()
    name = city.NAMES["wudangshan"].zh if language == "zh" else "Wudangshan"

    assert "0%" in row("\n".join(lines), name).split()[-2:]
    assert "…" not in "".join(lines[:9])


def test_times_are_told_in_the_zone_of_the_document():
    status = document(city.cut(), city.vitals(), city.NOW, "Asia/Shanghai")
    console = Console(width=140, color_system=None)
    with console.capture() as captured:
        console.print(city_table(status))

    assert "22:13:20" in captured.get()


@pytest.mark.parametrize("zone", ["Nowhere/Here", "", "../etc", "America", None])
def test_a_zone_that_this_machine_lacks_is_no_reason_to_show_nothing(zone):
    status = document(city.cut(), city.vitals(), city.NOW, zone)

    Console(width=140, file=io.StringIO()).print(city_table(status))


def test_roll_calls_stand_below_the_table_with_what_is_due():
    world = city.cut()
    looks = {
        key: Look(key, "manual", ManualOptions(valid_for=3600), 10, 5, told=Told.BY_PERSON) for key in "abc"
    }
    for key, look in looks.items():
        world.checks[f"danjiangkou/{key}"] = Check(f"danjiangkou/{key}", "danjiangkou/router", look)
    world.reports["danjiangkou/a"] = Report(city.NOW - 60, State.DEGRADED, "杂音大", who="李伟")
    world.reports["danjiangkou/b"] = Report(city.NOW - 7200, State.OK)
    lines = drawn(world, "en").splitlines()
    at = lines.index("Roll-calls (3)")

    assert lines[at + 1 : at + 4] == [
        "▾ Router at Danjiangkou: answers badly, holds until 09-21 15:12, entered by 李伟, 杂音大",
        "? Router at Danjiangkou: answers well, expired 09-21 13:13: roll-call due",
        "? Router at Danjiangkou: never entered: roll-call due",
    ]
    assert "? 丹江口市路由器：尚未点名，应点名" in drawn(world)


def test_while_our_own_broker_is_away_nobody_is_said_to_be_online():
    world = city.world()
    city.listen(world, "maojian")
    city.listen(world, "yunyang", Presence.STOPPED)
    world.broker_lost_at = city.MONOTONIC

    assert "? unknown  Maojian" in drawn(world, "en")
    assert "last heard 14:13:18" in drawn(world, "en")
    assert "最后消息 14:13:18" in drawn(world)
    assert "- stopped  Yunyang" in drawn(world, "en")


@pytest.mark.parametrize(
    ("trouble", "zh"),
    [
        ("/var/x.db: no space left on the disk; make room", "事件记录: 磁盘空间不足；/var/x.db: no space"),
        ("/var/x.db: something new", "事件记录: /var/x.db: something new"),
    ],
)
def test_a_technical_trouble_says_in_chinese_first_what_it_is(trouble, zh):
    vitals = city.vitals()
    vitals.store.trouble = trouble

    assert zh in drawn(city.world(), vitals=vitals)
    assert f"event log: {trouble}" in drawn(city.world(), "en", vitals=vitals)
