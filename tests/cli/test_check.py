"""check and schema: files are told apart by content, mistakes come all at once, exit codes mean something."""

import json

import pytest

from monitor.cli import main
from monitor.config import shipped

CITY = """\
city: Shiyan
networks: {city: {anchor: 10.42.0.1}}
centers:
  maojian:
    links: {city: {primary: {near: 10.42.1.2}, backup: {near: 10.42.1.6}}}
    devices: {router: {profile: host, address: 10.42.1.30}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)

    def written(text, name="city.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_a_good_inventory_is_one_line_of_what_it_declares(write, capsys):
    path = write(CITY)

    assert main(["check", path]) == 0
    counts = "1 center, 1 link, 2 circuits, 1 device, checks by vantage: city 4"
    assert capsys.readouterr().out == f"{path}: {counts}\n"


def test_a_bad_one_is_all_its_mistakes_and_exit_code_2(write, capsys):
    path = write(CITY.replace("anchor", "ancor").replace("host", "hots"))

    assert main(["check", path]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 2)
    assert f"{path}:2: networks.city.ancor: found the unknown key 'ancor'" in told.err


def test_a_key_that_swallowed_its_value_is_told_what_it_lacks(write, capsys):
    path = write(CITY.replace("anchor: ", "anchor:"))

    assert main(["check", path]) == 2
    assert "(did you mean a space after the colon?)" in capsys.readouterr().err


def test_settings_are_checked_together_with_their_inventory(write, capsys):
    write(CITY)
    settings = write("inventory: city.yaml\nmqtt: {host: broker}\n", "settings.yaml")

    assert main(["check", settings]) == 0
    assert "2 circuits" in capsys.readouterr().out


def test_settings_whose_vantage_is_unknown_are_refused(write, capsys):
    write(CITY)
    settings = write("inventory: city.yaml\nvantage: citty\n", "settings.yaml")

    assert main(["check", settings]) == 2
    assert f"{settings}:2: vantage: found 'citty'" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["option", "environment"])
def test_without_a_file_the_settings_inventory_is_checked(write, capsys, monkeypatch, how):
    write(CITY)
    settings = write("inventory: city.yaml\n", "settings.yaml")
    if how == "environment":
        monkeypatch.setenv("COMMAND_MONITOR_SETTINGS", settings)

    assert main(["check", "--settings", settings] if how == "option" else ["check"]) == 0
    assert "1 center," in capsys.readouterr().out


def test_a_profile_is_known_by_its_content(write, capsys):
    path = write("variables: {port: 22}\nlooks: {knock: {kind: tcp, port: '{port}'}}\n", "odd-name.yaml")

    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: 1 look, 1 variable\n"


def test_json_says_what_is_declared(write, capsys):
    assert main(["check", "--json", write(CITY)]) == 0
    answer = json.loads(capsys.readouterr().out)

    assert (answer["ok"], answer["problems"], answer["circuits"]) == (True, [], 2)
    assert answer["checks"] == {"city": 4}


def test_json_takes_mistakes_apart(write, capsys):
    path = write(CITY.replace("near: 10.42.1.6", "near: 10.42.1.600"))

    assert main(["check", "--json", path]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "ok": False,
        "problems": [
            {
                "file": path,
                "line": 5,
                "key": "centers.maojian.links.city.backup.near",
                "found": "'10.42.1.600'",
                "expected": "an IP address",
                "hint": "",
            }
        ],
    }


@pytest.mark.parametrize("name", ["shiyan", "minimal", "settings", "profiles/camera"])
@pytest.mark.usefixtures("write")
def test_all_that_is_shipped_passes(name, capsys):
    assert main(["check", str(shipped() / f"{name}.yaml")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("file", ["inventory", "profile", "settings"])
def test_schema_prints_json_schema(file, capsys):
    assert main(["schema", file]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_schema_prints_the_reference(capsys):
    assert main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Configuration\n")
