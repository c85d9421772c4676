"""The table: what a duty officer reads in a terminal, in columns that stand straight in Chinese too."""

import io
import unicodedata
from datetime import UTC

import pytest
from rich.cells import cell_len
from rich.console import Console

from monitor.board.api import document
from monitor.board.table import SIGNS, SUSPECTED, city_table, is_well
from monitor.core.health import Health, SubjectKind
from tests.board import city


def drawn(world, language="zh", vitals=None, width=140):
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(city_table(document(world, vitals or city.vitals(), city.NOW), language, UTC))
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
    signs = [sign for sign, _ in [*SIGNS.values(), SUSPECTED]]

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
    vitals.state_trouble = "disk full"
    text = drawn(city.world(), "en", vitals)

    assert "✔ no open troubles\n✘ output mqtt: 127.0.0.1:1883: Connection [31m refused\n" in text
    assert "✘ saving the state: disk full" in text
    assert is_well(document(city.world(), vitals, city.NOW))


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
    assert line.split()[-3:] == ["0/2", "—", "100%"]


@pytest.mark.parametrize(("width", "language"), NARROW)
def test_a_hotline_never_breaks(width, language):
    lines = drawn(troubled(), language, width=width).splitlines()
    calls = {"zh": "中国电信 电路号 SY-dan-province 报修电话 10000"}
    calls["en"] = "China Telecom circuit no. SY-dan-province hotline 10000"

    assert any(line.endswith(calls[language]) for line in lines)


def test_where_all_has_no_room_links_are_signs():
    line = row(drawn(troubled(), "en", width=60), "Da")

    assert line.count("✘") == 3
    assert "✘ down" in line


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
