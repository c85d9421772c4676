"""doctor: what is well is said so, what is not is named with its cure, and nothing running is disturbed."""

import asyncio
import json
from datetime import timedelta

import pytest

from monitor.cli import main
from monitor.cli.doctor.examinations import Grade
from monitor.cli.doctor.texts import TEXTS
from tests.authority import Authority
from tests.mosquitto import OPEN, free_port, mosquitto, needs_mosquitto

CITY = """
city: 城
networks: {city: {name: 市网}}
centers:
  dan:
    name: 丹
    links: {city: {primary: {near: 127.0.0.1, far: 127.0.0.2, source: SOURCE}}}
vantages: {city: {}, dan: {center: dan}}
"""


@pytest.fixture
def examine(tmp_path, capsys, monkeypatch):
    """Examine an installation with these settings; return the exit code and what was found, by name."""
    for name in ("CREDENTIALS_DIRECTORY", "COMMAND_MONITOR_SETTINGS"):
        monkeypatch.delenv(name, raising=False)

    def examined(more="", *, source="127.0.0.1"):
        (tmp_path / "city.yaml").write_text(CITY.replace("SOURCE", source), encoding="utf-8")
        settings = tmp_path / "settings.yaml"
        settings.write_text(f"inventory: city.yaml\nstate_dir: state\n{more}", encoding="utf-8")
        code = main(["doctor", "--settings", str(settings), "--json"])
        found = json.loads(capsys.readouterr().out)
        return code, {one["what"]: one for one in found}

    return examined


def test_a_sound_installation_is_well(examine):
    code, found = examine()

    assert code == 0
    assert found["settings"]["facts"]["centers"] == 1
    assert {found[name]["grade"] for name in ("settings", "disk", "pings")} == {Grade.WELL}


def test_settings_with_a_mistake_are_all_that_is_told(examine):
    code, found = examine("vantage: nowhere\n")

    assert (code, list(found)) == (1, ["settings"])
    assert "expected a vantage" in found["settings"]["facts"]["trouble"]


def test_an_address_that_this_machine_does_not_have_is_told_where_it_is_needed(examine):
    assert "sources" not in examine(source="203.0.113.7")[1]
    code, found = examine("vantage: dan\n", source="203.0.113.7")

    assert (code, found["sources"]["facts"]["missing"]) == (1, "203.0.113.7")


def test_a_damaged_log_is_told_and_left_as_it_is(examine, tmp_path):
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "log-city.db"
    path.write_bytes(b"no database at all" * 100)
    code, found = examine()

    assert (code, found["log"]["grade"]) == (1, Grade.BAD)
    assert path.read_bytes().startswith(b"no database")


def test_gaps_of_the_roster_are_counted_and_keep_nothing_from_working(examine, tmp_path):
    (tmp_path / "roster.yaml").write_text(
        "officers: {zhang: {name: 张}}\nleaders: [zhang]\n"
        "shifts: {day: {from: 08:00, to: 20:00, officers: [zhang], since: 2026-01-01}}\n",
        encoding="utf-8",
    )
    code, found = examine("roster: roster.yaml\n")

    assert (code, found["roster"]["grade"]) == (0, Grade.POOR)
    assert found["roster"]["facts"]["count"] in (30, 31)


def test_a_broker_that_is_not_there_is_told_with_its_address(examine):
    port = free_port()
    code, found = examine(f"mqtt: {{host: 127.0.0.1, port: {port}, timeout: 2}}\n")

    assert (code, found["broker"]["grade"]) == (1, Grade.BAD)
    assert found["broker"]["facts"]["address"] == f"127.0.0.1:{port}"


@pytest.mark.server
@needs_mosquitto
async def test_a_real_broker_is_visited_under_another_name_than_the_daemons(tmp_path, examine):
    async with mosquitto(tmp_path, OPEN, "log_type all", f"log_dest file {tmp_path}/broker.log") as broker:
        code, found = await asyncio.to_thread(examine, f"mqtt: {{host: 127.0.0.1, port: {broker.port}}}\n")
        log = (tmp_path / "broker.log").read_text()

    assert (code, found["broker"]["grade"]) == (0, Grade.WELL)
    assert "command-monitor-doctor-" in log
    assert "as command-monitor-city" not in log


@pytest.mark.parametrize(
    ("days", "grade"), [(-1, Grade.BAD), (10, Grade.POOR), (90, Grade.WELL)], ids=["out", "soon", "far-off"]
)
def test_a_certificate_that_has_run_out_or_soon_will_is_told_in_days(examine, tmp_path, days, grade):
    pair = Authority(tmp_path).issue("city", begins=timedelta(days=-9), ends=timedelta(days=days))
    tls = f"{{cert: {pair.cert}, key: {pair.key}}}"
    _, found = examine(f"mqtt: {{host: 127.0.0.1, port: {free_port()}, timeout: 1, tls: {tls}}}\n")

    assert found["certificate"]["grade"] == grade
    assert abs(found["certificate"]["facts"]["days"] - days) <= 1


def test_everything_has_its_words_in_both_languages():
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()


def test_people_read_a_cure(examine, tmp_path, capsys):
    examine("vantage: dan\n", source="203.0.113.7")
    main(["doctor", "--settings", str(tmp_path / "settings.yaml"), "--lang", "zh"])
    said = capsys.readouterr().out

    assert "✘" in said
    assert "→ 核对清单中的 source" in said
