"""support: everything that helps is in the file, and no canary that was planted comes out with it."""

import asyncio
import json
import stat
import tarfile
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cli import main
from monitor.kit.redaction import REMOVED, Redactor
from tests.system.daemon import daemon
from tests.system.town import town

SECRETS = {"channel.secret": "Xk29-canary-webhook", "community": "canary-community-7"}
PHONE, MAIL = "13900001234", "zhang.canary@example.org"
CANARIES = [*SECRETS.values(), PHONE, "139 0000 1234", "139-0000-1234", MAIL]


def planted(folder):
    """Write secrets, a roster and settings that name them; return the settings for a daemon."""
    for name, text in SECRETS.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    officer = f'{{name: 张伟, phone: "139 0000 1234", email: {MAIL}}}'
    (folder / "roster.yaml").write_text(
        f"# 张伟 {PHONE}\nofficers: {{zhang: {officer}}}\nleaders: [zhang]\n", encoding="utf-8"
    )
    channel = {"kind": "webhook", "url": "http://127.0.0.1:9/hook", "password_file": "channel.secret"}
    return {"roster": str(folder / "roster.yaml"), "channels": {"hall": channel}}


def unpacked(file):
    with tarfile.open(file) as archive:
        return {
            one.name.removeprefix("support/"): archive.extractfile(one).read().decode()
            for one in archive.getmembers()
        }


async def made(tmp_path, *more):
    target = tmp_path / "support.tar.gz"
    args = ["support", str(target), "--settings", str(tmp_path / "settings.yaml"), *more]
    assert await asyncio.to_thread(main, args) == 0
    return target


async def test_no_secret_number_or_address_leaves_the_house(tmp_path, capsys):
    async with town(tmp_path) as built:
        note = f"找张伟 {PHONE} 或 {MAIL}，口令 {SECRETS['channel.secret']}"
        begin = datetime.now(UTC) - timedelta(minutes=5)
        begin, end = (f"{at:%Y-%m-%d %H:%M}Z" for at in (begin, begin + timedelta(days=1)))
        built.planned["night"] = {"what": ["dan"], "from": begin, "to": end, "note": note}
        built.write()
        async with daemon(tmp_path, built.file, **planted(tmp_path)) as one:
            await one.all_are("up", "yun")
            target = await made(tmp_path)
    files = unpacked(target)

    for name, text in files.items():
        assert [canary for canary in CANARIES if canary in text] == [], name
    assert REMOVED in files["events.jsonl"]
    assert {
        "system.json",
        "doctor.json",
        "status.json",
        "metrics.txt",
        "events.jsonl",
        "list.json",
    } <= files.keys()
    assert {"config/settings.yaml", "config/town.yaml", "config/roster.yaml"} <= files.keys()
    assert '"quick_check": "ok"' in files["events.jsonl"]
    assert json.loads(files["system.json"])["settings"]["vantage"] == "city"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert str(target) in capsys.readouterr().out


async def test_what_cannot_be_had_is_said_and_costs_nothing_else(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.all_are("up")
    files = unpacked(await made(tmp_path))
    listed = {one["name"]: one["trouble"] for one in json.loads(files["list.json"])}

    assert "ConnectionRefusedError" in listed["status.json"]
    assert "status.json" not in files
    assert "events.jsonl" in files


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("call +86 139-0000-1234 now", "call <removed> now"),
        ("值班电话0719-8881234。", "值班电话<removed>。"),
        ("at 1795822000.123 and 1795822000", "at 1795822000.123 and 1795822000"),
        ("10.42.0.9:9770 took 12345 us", "10.42.0.9:9770 took 12345 us"),
        ("http://user:pw@host/x", "http://<removed>@host/x"),
        ("a@b.example wrote", "<removed> wrote"),
        ("the word hush is said", "the word <removed> is said"),
        ("ext 8123 4", "ext <removed>"),
    ],
)
def test_texts_lose_what_is_secret_and_nothing_else(text, hidden):
    assert Redactor(["hush"], ["81234"]).text(text) == hidden


def test_values_of_telling_keys_go_whatever_they_are():
    told = {
        "password": "ab",
        "mqtt": {"password_file": "/etc/x", "user": "u"},
        "phones": [1],
        "count": 13900001234,
    }

    assert Redactor([]).value(told) == told | {"password": REMOVED}
