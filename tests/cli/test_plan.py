"""`command-monitor plan`: what the looks would confuse or miss, in one screen, from the inventory alone."""

import json

import pytest
from rich.cells import cell_len

from monitor.cli import main
from monitor.config import shipped

SHIYAN = str(shipped() / "shiyan.yaml")
SURE = """\
city: Shiyan
networks: {city: {anchor: 10.42.0.1}}
centers:
  maojian:
    links: {city: {primary: {near: 10.42.1.2}, backup: {near: 10.42.1.6}}}
"""
UNSEEN = """\
city: Shiyan
networks: {city: {anchor: 10.42.0.1}, province: }
centers:
  maojian: {links: {city: {primary: {near: 10.42.1.2}}, province: {primary: {near: 10.42.1.10}}}}
vantages: {city: {networks: [city]}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def written(text, name="city.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.mark.usefixtures("write")
def test_the_shipped_city_confuses_power_and_router_and_is_told_what_would_help(capsys):
    assert main(["plan", "--inventory", SHIYAN, "--lang", "en"]) == 1
    told = capsys.readouterr().out

    assert "power ≡ router" in told
    assert "Maojian, Zhangwan, Yunyang and 7 more" in told
    assert "bring the mains alarm of" in told


@pytest.mark.usefixtures("write")
def test_in_chinese_too(capsys):
    assert main(["plan", "--inventory", SHIYAN, "--lang", "zh"]) == 1
    told = capsys.readouterr().out

    assert "供电 ≡ 路由器" in told
    assert "茅箭区指挥中心" in told


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_line_is_wider_than_the_terminal(language, capsys, write):  # noqa: ARG001 - sets the width
    main(["plan", "--inventory", SHIYAN, "--lang", language])
    lines = capsys.readouterr().out.splitlines()

    assert max(map(cell_len, lines)) <= 100


def test_it_names_what_nobody_would_notice(write, capsys):
    path = write(UNSEEN)

    assert main(["plan", "--inventory", path, "--json"]) == 1
    assert "maojian/province/primary" in json.loads(capsys.readouterr().out)["unseen"]
    main(["plan", "--inventory", path, "--lang", "en"])
    assert "no look crosses them" in capsys.readouterr().out


def test_json_has_groups_and_suggestions(write, capsys):
    assert main(["plan", "--inventory", write(SURE), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)

    assert ["maojian/power", "maojian/router"] in told["groups"]
    assert told["suggestions"][0]["aid"] == "power"


def test_the_settings_say_which_inventory_and_from_where(write, capsys):
    write(SURE + "vantages: {here: {networks: [city]}, there: {networks: [city]}}\n")
    settings = write("inventory: city.yaml\nvantage: there\n", "settings.yaml")

    main(["plan", "--settings", settings, "--lang", "en"])
    assert "seen from there, which hears here" in capsys.readouterr().out


def test_an_unknown_vantage_is_one_clear_line(write, capsys):
    assert main(["plan", "--inventory", write(SURE), "--vantage", "citty"]) == 2
    assert capsys.readouterr().err == "'citty' is no vantage; a vantage: city (did you mean city?)\n"
