"""channels in the settings: each has the options of its kind, and every mistake is told where it stands."""

import json
from pathlib import Path

import jsonschema
import pytest

from monitor.channels import load_channels
from monitor.cli.schema import schema
from monitor.errors import ConfigError
from monitor.kit.courier import Fate
from monitor.probes import load_kinds
from monitor.settings import load_settings
from monitor.settings.channels import open_channels
from tests.channels.ground import SECRET, message
from tests.outputs.receiver import receiving


@pytest.fixture
def write(tmp_path):
    def written(text, name="settings.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def complaint(path):
    with pytest.raises(ConfigError) as told:
        load_settings(path)
    return str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hall: {url: http://h/}", "channels.hall.kind: found nothing, expected a value"),
        ("hall: {kind: webhok, url: http://h/}", "channels.hall.kind: found 'webhok', expected a kind: "),
        ("hall: {kind: webhok, url: http://h/}", "(did you mean webhook?)"),
        ("hall: {kind: webhook}", "channels.hall.url: found nothing, expected a value (Where to"),
        ("hall: {kind: webhook, ulr: http://h/}", "channels.hall.ulr: found the unknown key 'ulr'"),
        ("hall: {kind: webhook, ulr: http://h/}", "| timeout | url (did you mean url?)"),
        ("hall: {kind: webhook, url: nowhere}", "channels.hall.url: found 'nowhere', expected http://host"),
        ("hall: {kind: webhook, url: http://h/, timeout: 0}", "channels.hall.timeout: found 0, expected"),
        ("hall: {kind: webhook, url: http://h/, timeout: yes}", "channels.hall.timeout: found 'yes'"),
        ("hall: {kind: webhook, url: http://h/, timeout: true}", "channels.hall.timeout: found true"),
        ("hall: {kind: webhook, url: http://h/, ca: no.pem}", "channels.hall.ca: found no readable file"),
        ("hall: {kind: webhook, url: http://h/, password_file: no}", "channels.hall.password_file: found no"),
        ("hall: {kind: webhook, url: http://h/, password: x}", "found a secret, expected `password_file`"),
        ("Hall: {kind: webhook, url: http://h/}", "channels.Hall: found 'Hall', expected an id"),
        ("siren: {kind: command, program: siren}", "channels.siren.program: found 'siren', expected text"),
        ("chat: {kind: apprise}", "channels.chat.password_file: found nothing, expected a file with"),
        ("[hall]", "channels: found a list of 1, expected a mapping"),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_stand(write, text, said):
    told = complaint(write(f"channels:\n  {text}\n"))

    assert said in told
    assert "settings.yaml:2" in told or text == "[hall]"


def test_all_mistakes_are_told_at_once(write):
    told = complaint(
        write("channels:\n  a: {kind: webhook, url: nowhere}\n  b:\n    kind: command\n    programm: /x\n")
    )

    assert "settings.yaml:2: channels.a.url" in told
    assert "settings.yaml:5: channels.b.programm: found the unknown key 'programm'" in told
    assert "settings.yaml:3: channels.b.program: found nothing" in told


def test_the_environment_sets_options_and_is_named_for_its_mistakes(write, monkeypatch):
    path = write("channels: {hall: {kind: webhook, url: http://h/}}")
    monkeypatch.setenv("COMMAND_MONITOR__CHANNELS__HALL__TIMEOUT", "7")
    settings = load_settings(path)
    assert settings.channels["hall"].options(path.parent).timeout == 7.0

    monkeypatch.setenv("COMMAND_MONITOR__CHANNELS__HALL__TIMEOUT", "long")
    assert "environment: COMMAND_MONITOR__CHANNELS__HALL__TIMEOUT: found 'long'" in complaint(path)


def test_a_key_without_a_value_counts_as_left_out_and_paths_start_at_the_settings(write, tmp_path):
    write("", "tls/ca.pem")
    path = write("channels: {hall: {kind: webhook, url: http://h/, ca: tls/ca.pem, timeout: }}")
    options = load_settings(path).channels["hall"].options(tmp_path)

    assert (options.timeout, options.ca) == (10.0, tmp_path / "tls/ca.pem")


@pytest.mark.parametrize("how", ["file", "credential"])
async def test_open_channels_have_their_secrets_and_nothing_shows_them(write, tmp_path, monkeypatch, how):
    write(f"{SECRET}\n", "channel-hall-password")
    if how == "credential":
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    named = "password_file: channel-hall-password, " if how == "file" else ""
    async with receiving() as receiver:
        path = write(f"channels: {{hall: {{kind: webhook, {named}url: '{receiver.url}'}}}}")
        settings = load_settings(path)
        [(name, (kind, channel))] = open_channels(settings.channels, path.parent).items()
        receipt = await channel.send(message())
        await channel.aclose()
        [(headers, _)] = receiver.heard

    assert (name, kind.name, receipt.fate) == ("hall", "webhook", Fate.TAKEN)
    assert "webhook-signature" in headers
    assert SECRET not in repr(settings) + settings.model_dump_json()


def test_the_schema_knows_the_options_of_each_kind():
    checks = jsonschema.Draft202012Validator(json.loads(schema("settings", load_kinds())))

    def faults(channel):
        return [error.message for error in checks.iter_errors({"channels": {"x": channel}})]

    assert faults({"kind": "webhook", "url": "http://h/", "password_file": "x"}) == []
    assert faults({"kind": "command", "program": "/x", "arguments": ["a"], "timeout": None}) == []
    assert faults({"kind": "webhook", "url": "http://h/", "program": "/x"})
    assert faults({"kind": "webhook"})
    assert faults({"kind": "pigeon"})
    assert faults({"kind": "webhook", "url": "http://h/", "password": SECRET})


def test_the_reference_has_a_table_of_each_kind():
    text = Path("docs/configuration.md").read_text(encoding="utf-8").partition("## Channel kinds")[2]

    assert [name for name in load_channels() if f"\n### {name}\n" not in text] == []
