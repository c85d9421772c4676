"""settings: a file, the environment on top, secrets as files; all written out, nothing unknown."""

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.cli.schema import reference
from monitor.config import shipped
from monitor.config.document import read
from monitor.errors import ConfigError
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    """Whatever the tester's own environment says."""
    for name in [name for name in os.environ if name.startswith("COMMAND_MONITOR")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def write(tmp_path):
    def written(text, name="settings.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def flat(values, path=()):
    """Return every value by its dotted path."""
    found = {}
    for key, value in values.items():
        inner = value.model_dump() if isinstance(value, BaseModel) else value
        found |= flat(inner, (*path, key)) if isinstance(inner, dict) else {".".join((*path, key)): inner}
    return found


def complaint(path=None):
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return str(caught.value)


def test_the_shipped_file_names_every_setting_and_writes_out_its_default():
    written = flat(read(shipped() / "settings.yaml").plain())
    defaults = {key: str(v) if isinstance(v, Path) else v for key, v in flat(Settings().model_dump()).items()}

    assert written == defaults


def test_the_shipped_file_explains_every_setting():
    lines = (shipped() / "settings.yaml").read_text(encoding="utf-8").splitlines()
    settings = [(above, line) for above, line in pairwise(lines) if re.fullmatch(r" *\w+: \S.*", line)]

    assert settings
    assert all("#" in line or above.startswith("#") for above, line in settings)


def test_relative_paths_start_at_the_file(write, tmp_path):
    settings = load_settings(write("inventory: city/shiyan.yaml\nstate_dir: state\n"))

    assert settings.inventory == tmp_path / "city" / "shiyan.yaml"
    assert settings.state_dir == tmp_path / "state"


def test_the_environment_names_the_file(write, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR_SETTINGS", str(write("vantage: yunyang\n")))

    assert load_settings().vantage == "yunyang"


def test_the_environment_wins_over_the_file_key_by_key(write, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__MQTT__HOST", "broker.example")
    monkeypatch.setenv("COMMAND_MONITOR__HTTP__PORT", "9999")
    settings = load_settings(write("http: {listen: 127.0.0.2, port: 9000}\nmqtt: {port: 1884, host: old}\n"))

    assert (settings.http.listen, settings.http.port) == ("127.0.0.2", 9999)
    assert (settings.mqtt.host, settings.mqtt.port) == ("broker.example", 1884)


def test_the_environment_can_unset(write, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__MQTT__HOST", "null")

    assert load_settings(write("mqtt: {host: broker}\n")).mqtt.host is None


def test_an_emptied_section_keeps_its_defaults(write):
    settings = load_settings(write("vantage: city\nmqtt:\n  # host: broker\nlog:\n"))

    assert settings.mqtt == Settings().mqtt


def test_mistakes_in_the_environment_are_told_by_its_names(write, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__HTTP__PORT", "many")
    monkeypatch.setenv("COMMAND_MONITOR__HTPP__PORT", "1")
    monkeypatch.setenv("COMMAND_MONITOR__LOG", "debug")
    monkeypatch.setenv("COMMAND_MONITOR__VANTAGE__ID", "city")
    path = write("http: {port: 70000}\nvantage: City\n")
    told = complaint(path).splitlines()

    keys = f"expected a key: {' | '.join(sorted(Settings.model_fields))}"
    nothing = "found a variable that sets nothing, expected"
    expected = f"""\
environment: COMMAND_MONITOR__HTPP__PORT: found the unknown key 'htpp', {keys} (did you mean http?)
environment: COMMAND_MONITOR__HTTP__PORT: found 'many', expected a whole number
environment: COMMAND_MONITOR__LOG: found 'debug', expected a mapping
environment: COMMAND_MONITOR__LOG: {nothing} COMMAND_MONITOR__LOG__<KEY>
environment: COMMAND_MONITOR__VANTAGE__ID: {nothing} COMMAND_MONITOR__VANTAGE
{path}:2: vantage: found 'City', expected an id: 1 to 32 of a-z, 0-9 and - (did you mean city?)
"""
    assert sorted(told) == sorted(expected.splitlines())


def test_a_password_in_the_file_is_refused_and_not_repeated(write):
    told = complaint(write("mqtt:\n  password: hunter2\n"))

    assert told.endswith(
        "settings.yaml:2: mqtt.password: found a secret, expected `password_file`, or a systemd credential"
    )
    assert "hunter2" not in told


def test_the_password_is_a_file_beside_the_settings(write, tmp_path):
    write("secret\n", "password")
    settings = load_settings(write("mqtt: {host: broker, password_file: password}\n"))

    options = settings.mqtt.options("city")
    assert settings.mqtt.password_file == tmp_path / "password"
    assert options.password.get_secret_value() == "secret"
    assert "secret" not in f"{settings!r}{options!r}{options.model_dump_json()}"


@pytest.mark.parametrize(
    "text", ["", "\n", "two\nlines", "x" * 2000], ids=["empty", "blank", "two-lines", "long"]
)
def test_a_password_file_that_holds_no_password_is_refused(write, text):
    write(text, "password")
    settings = load_settings(write("mqtt: {host: broker, password_file: password}\n"))

    with pytest.raises(ConfigError, match="expected a password and nothing else"):
        settings.mqtt.options("city")


def test_numbers_need_no_quotes(write):
    mqtt = load_settings(write("mqtt: {host: broker, protocol: 5, username: 1234}\n")).mqtt

    assert (mqtt.protocol, mqtt.username) == ("5", "1234")


def test_the_broker_is_told_our_name(write):
    named = load_settings(write("mqtt: {host: broker, client_id: agent-7}\n")).mqtt
    unnamed = load_settings(write("mqtt: {host: broker}\n")).mqtt

    assert named.options("city").client_id == "agent-7"
    assert unnamed.options("city").client_id == "command-monitor-city"


def test_files_of_tls_start_at_the_settings_too(write, tmp_path):
    write("PEM", "ca.pem")

    assert (
        load_settings(write("mqtt: {host: broker, tls: {ca: ca.pem}}\n")).mqtt.tls.ca == tmp_path / "ca.pem"
    )


def test_the_systemd_credential_is_the_password_where_no_file_is_named(write, tmp_path, monkeypatch):
    write("secret\n", "mqtt-password")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load_settings().mqtt.password_file == tmp_path / "mqtt-password"


def test_without_a_broker_its_files_need_not_be_there(write):
    assert load_settings(write("mqtt: {password_file: nowhere}\n")).mqtt.host is None


def test_the_inventory_must_know_the_vantage(write):
    write("city: S\nnetworks: {city: }\ncenters: {a: }\nvantages: {danjiangkou: {center: a}}\n", "city.yaml")
    path = write("inventory: city.yaml\nvantage: danjiangku\n")

    with pytest.raises(ConfigError) as caught:
        load_declared(load_settings(path), load_kinds())

    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (str(path), 2, "vantage")
    assert (problem.found, problem.hint) == ("'danjiangku'", "danjiangkou")


def test_the_reference_is_current():
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert reference(load_kinds()) == written, (
        "run: command-monitor schema --markdown > docs/configuration.md"
    )


def test_the_reference_explains_everything():
    rows = re.findall(r"^\| `.*$", reference(load_kinds()), re.MULTILINE)

    assert rows
    assert not [row for row in rows if row.endswith("|  |")]


REPORTS = """
vantage: danjiangkou
reports:
  city: {host: 127.0.0.5, username: 7}
  province: {host: 127.0.0.6, tls: {ca: ca.pem}, password_file: secrets/province}
store: {keep_days: 200}
"""


def test_a_report_takes_its_password_from_the_credential_of_its_name_or_from_the_file_named(
    write, tmp_path, monkeypatch
):
    (tmp_path / "secrets").mkdir()
    write("from the file\n", "secrets/province")
    write("", "ca.pem")
    write("from systemd\n", "report-city-password")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    settings = load_settings(write(REPORTS))
    city, province = (settings.reports[name].options() for name in ("city", "province"))

    assert city.password.get_secret_value() == "from systemd"
    assert city.username == "7"
    assert province.password.get_secret_value() == "from the file"
    assert province.tls.ca == tmp_path / "ca.pem"
    assert "from the file" not in repr(settings) + settings.model_dump_json()


def test_the_token_for_answers_is_the_credential_or_the_file_named(write, tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("http-answer-token", "named"):
        (tmp_path / name).write_text("t" * 32)

    assert load_settings(write("http: {}")).http.answer_token_file == tmp_path / "http-answer-token"
    named = load_settings(write("http: {answer_token_file: named}"))
    assert named.http.answer_token_file == tmp_path / "named"
    said = complaint(write("http: {answer_token_file: none}"))
    assert "http.answer_token_file: found no readable file" in said


def test_a_webhook_is_signed_with_the_credential_of_its_name(write, tmp_path, monkeypatch):
    write("s3cret\n", "webhook-hall-password")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = load_settings(write("webhooks: {hall: {url: http://127.0.0.1/}}"))

    assert settings.webhooks["hall"].options().password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings) + settings.model_dump_json()


def test_a_file_that_a_report_names_and_nobody_can_read_is_told_with_its_line(write):
    said = complaint(write(REPORTS))

    assert "settings.yaml:5: reports.province.password_file: found no readable file" in said
    assert "settings.yaml:5: reports.province.tls.ca: found no readable file" in said


def test_the_environment_sets_what_stands_in_a_report(write, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__REPORTS__CITY__HOST", "127.0.0.9")

    assert load_settings(write("reports: {city: {host: 127.0.0.5}}")).reports["city"].host == "127.0.0.9"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reports: {City: {host: a}}", "reports.City: found 'City', expected an id"),
        ("reports: {city: {port: 1883}}", "reports.city.host: found nothing, expected a value"),
        ("reports: {city: {host: a, hots: b}}", "found the unknown key 'hots'"),
        ("reports: {city: {host: a, password: x}}", "found a secret, expected `password_file`"),
        (
            "reports: {city: {host: a}, other: {host: A, username: x}}",
            "found the broker and the root of `reports.city` in `reports.other`, expected one report to each",
        ),
        (
            "webhooks: {hall: {url: nowhere}}",
            "webhooks.hall.url: found 'nowhere', expected http://host/path or",
        ),
        (
            "webhooks: {a: {url: http://h/}, b: {url: http://h/}}",
            "found the url of 'a' in 'b', expected each",
        ),
        ("alertmanagers: {a: {url: http://h, password: x}}", "found a secret, expected `password_file`"),
        ("alertmanagers: {a: {url: https://h, ca: none.pem}}", "alertmanagers.a.ca: found no readable file"),
        ("collect: true", "found no broker, expected `mqtt.host` too"),
        ("store: {keep_days: 179}", "store.keep_days: found 179, expected at least 180"),
    ],
)
def test_mistakes_in_reports_and_store_are_told_where_they_stand(write, text, said):
    assert said in complaint(write(text))
