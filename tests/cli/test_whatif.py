"""`command-monitor whatif`: what would be seen if something broke, and what would be made of it."""

import json

import pytest
from rich.cells import cell_len

from monitor.cli import main
from monitor.config import shipped

SHIYAN = str(shipped() / "shiyan.yaml")


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def whatif(*arguments, lang="en"):
    return main(["whatif", "--inventory", SHIYAN, "--lang", lang, *arguments])


def test_a_circuit_is_named_and_its_link_is_left_with_the_other(capsys):
    assert whatif("danjiangkou/city/primary") == 0
    told = capsys.readouterr().out

    assert "✘ failing 3" in told
    assert "● Danjiangkou to city network, primary circuit  >99.9% sure, from 3 failing" in told
    assert "only the backup circuit is left" in told


def test_a_center_s_power_is_confused_with_its_router_and_says_so(capsys):
    assert whatif("maojian/power") == 0
    told = capsys.readouterr().out

    assert "or Maojian, H3C router: no look tells them apart" in told
    assert "Maojian: all 9 devices" in told
    assert "nothing is known: they are behind Maojian, power" in told


def test_an_agent_that_is_cut_off_is_unheard_not_failing(capsys):
    whatif("danjiangkou/power")

    assert "? Danjiangkou  26 in Danjiangkou" in capsys.readouterr().out


def test_two_faults_that_look_like_one_are_not_named_and_that_is_exit_code_1(capsys):
    assert whatif("danjiangkou/city/primary", "danjiangkou/province/primary") == 1
    told = capsys.readouterr().out

    assert "● Hanjiang bridge duct" in told
    assert "(not what was asked)" in told
    assert "or else Danjiangkou to city network, primary circuit + Danjiangkou to provincial" in told


def test_our_own_uplink_isolates_us(capsys):
    assert whatif("vantage/city/uplink") == 0
    assert "the vantage itself is cut off" in capsys.readouterr().out


def test_in_chinese_too(capsys):
    assert whatif("maojian/video/h323", lang="zh") == 0
    told = capsys.readouterr().out

    assert "✘ 失败 2" in told
    assert "● 茅箭区指挥中心视频会议终端 h323 服务" in told


def test_json_is_the_whole_of_it(capsys):
    assert whatif("network/city", "--json") == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["broken"], told["named"]) == (["network/city"], True)
    assert told["diagnosis"]["causes"][0]["component"] == "network/city"
    assert "maojian/city" in told["impact"]["lost"]


def test_a_component_that_does_not_exist_is_one_clear_line(capsys):
    assert whatif("danjiangkou/pawer") == 2
    told = capsys.readouterr().err

    assert told == "'danjiangkou/pawer' is no component; did you mean danjiangkou/power?\n"


def test_without_a_component_all_are_listed(capsys):
    assert whatif() == 0
    told = capsys.readouterr().out

    assert "danjiangkou/city/primary" in told
    assert "risk/reservoir-bridge" in told


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("component", ["network/city", "carrier/telecom", "municipal/router"])
def test_no_line_is_wider_than_the_terminal(component, language, capsys):
    whatif(component, lang=language)
    lines = capsys.readouterr().out.splitlines()

    assert max(map(cell_len, lines)) <= 100
