"""The table: what a duty officer reads in a terminal, in columns that stand straight in Chinese too."""

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


def test_a_trouble_is_one_line_with_whom_to_call():
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
    city.say(world, "maojian/city/primary", SubjectKind.CIRCUIT, suspected=True)
    text = drawn(world)

    assert "✔ 正常 !疑似" in row(text, "茅箭区")
    assert "! 疑似  茅箭区 市网 主用" in text


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

    assert "✘ city.yaml:3: unknown key" in drawn(city.world(), vitals=vitals)


@pytest.mark.parametrize("health", [Health.DOWN, Health.ON_BACKUP, Health.DEGRADED, Health.UNKNOWN])
def test_what_is_not_up_is_not_well(health):
    world = city.world()
    city.say(world, "yunyang/router", SubjectKind.DEVICE, health)

    assert not is_well(document(world, city.vitals(), city.NOW))


def test_planned_work_is_well():
    world = city.world()
    city.say(world, "yunyang/router", SubjectKind.DEVICE, Health.MAINTENANCE)

    assert is_well(document(world, city.vitals(), city.NOW))
