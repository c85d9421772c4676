"""tell: one channel is tried at once, and what became of it is shown without an address or a secret."""

import asyncio
import json
import sys

import pytest

from monitor.cli import main
from tests.channels.ground import MAIL, PHONE
from tests.channels.mail_server import mail_server


@pytest.fixture
def settings(tmp_path):
    """Write settings with these channels, and return their path."""

    def write(channels):
        path = tmp_path / "settings.yaml"
        path.write_text(f"channels: {json.dumps(channels)}", encoding="utf-8")
        return str(path)

    return write


def siren(program):
    return {"siren": {"kind": "command", "program": sys.executable, "arguments": ["-I", "-c", program]}}


def test_what_was_taken_is_shown_and_the_message_is_said_to_be_a_test(settings, tmp_path, capsys):
    place = tmp_path / "heard"
    keeps = f"import sys; open({str(place)!r}, 'w').write(sys.stdin.read())"
    code = main(["tell", "siren", "--settings", settings(siren(keeps)), "--severity", "critical"])
    told = json.loads(place.read_text())

    assert (code, capsys.readouterr().out.split()[0]) == (0, "taken")
    assert "测试" in told["short"]
    assert told["severity"] == "critical"


def test_what_was_refused_is_told_with_its_reason(settings, capsys):
    code = main(["tell", "siren", "--json", "--settings", settings(siren("import sys; sys.exit('no card')"))])
    told = json.loads(capsys.readouterr().out)

    assert code == 1
    assert (told["fate"], told["words"]) == ("refused", "exit code 1: no card")


async def test_an_address_goes_to_who_needs_one(settings, capsys):
    async with mail_server(rcpt=f"550 no {MAIL}") as box:
        channel = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": box.port,
            "security": "none",
            "sender": "a@b.c",
        }
        path = settings({"mail": channel})
        code = await asyncio.to_thread(main, ["tell", "mail", "--to", MAIL, "--settings", path])

    assert (code, capsys.readouterr().out.rpartition(" (")[0]) == (1, "refused 550 no ***")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["sirne"], "found 'sirne', expected a channel of the settings: modem | siren (did you mean siren?)"),
        (["siren", "--to", PHONE], "the channel siren speaks to a place, so it takes no --to"),
        (["modem"], "the channel modem wants --to with a telephone number"),
    ],
)
def test_what_does_not_fit_is_told(settings, capsys, given, said):
    channels = siren("") | {"modem": {"kind": "sms", "spooler": "gammu"}}
    code = main(["tell", *given, "--settings", settings(channels)])

    assert code == 2
    assert said in capsys.readouterr().err
