"""profiles: each is tried on a device that is switched off, and on one that answers what its kinds ask."""

import asyncio
import json
from functools import partial

import pytest
import yaml

from monitor.cli import main
from monitor.config import load_inventory, shipped
from monitor.core.observation import Finding, Outcome
from monitor.core.sentence import WORDS
from monitor.engine.runner import observe
from monitor.kit.resolver import close_shared
from monitor.probes import load_kinds
from tests.probes.peers import closed_port, never_answers, peer, says

KINDS = load_kinds()
PROFILES = sorted((shipped() / "profiles").glob("*.yaml"))
DEADLINE = 1.0


def rtsp(asked):
    number = next((line for line in asked.split(b"\r\n") if line.lower().startswith(b"cseq")), b"")
    return b"RTSP/1.0 200 OK\r\n" + number + b"\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n"


def modbus(asked):
    """Answer a read of one register: its transaction, unit and function, and the value 7."""
    return asked[:2] + b"\0\0\0\5" + asked[6:8] + b"\2\0\7"


ALIVE = {
    "h323": never_answers,
    "http": says(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "modbus": says(modbus),
    "rtsp": says(rtsp),
    "tcp": says(b"SSH-2.0-Comware-7.1\r\n"),
}
"""How a device behaves that is well, by what it is asked over TCP; the others have real servers."""


def kinds_of(path):
    return {look["kind"] for look in yaml.safe_load(path.read_text(encoding="utf-8"))["looks"].values()}


every_profile = pytest.mark.parametrize("path", PROFILES, ids=[path.stem for path in PROFILES])


@pytest.fixture(autouse=True)
async def _resolver_closed():
    yield
    await close_shared()


def looks(path, folder, port):
    """Return the looks of a device of ours with this profile, all of its ports one of this machine's."""
    variables = yaml.safe_load(path.read_text(encoding="utf-8")).get("variables") or {}
    given = {name: "city.example" for name, value in variables.items() if value is None}
    given |= {name: port for name in variables if name == "port" or name.endswith("_port")}
    device = {"profile": path.stem, "address": "127.0.0.1", "variables": given}
    file = folder / "one.yaml"
    file.write_text(
        json.dumps({"city": "x", "networks": {"city": {}}, "centers": {"dan": {"devices": {"one": device}}}})
    )
    return load_inventory(file, KINDS).devices["dan/one"].looks


async def found(path, folder, port):
    """Look in every way of a profile, as the runner does; return what was found by the looks' names."""
    made = looks(path, folder, port)
    findings = await asyncio.gather(
        *(observe(partial(KINDS[x.kind].probe, x.options), DEADLINE) for x in made)
    )
    return {look.name: (look, finding) for look, (finding, _) in zip(made, findings, strict=True)}


@every_profile
async def test_a_device_that_offers_nothing_is_found_so_in_words_that_people_know(path, tmp_path):
    seen = await found(path, tmp_path, closed_port())

    assert seen
    for name, (look, finding) in seen.items():
        assert isinstance(finding, Finding), name
        assert finding.reason != "probe_error", (name, finding.detail)
        assert finding.outcome is not Outcome.OK or look.kind in ("icmp", "ntp"), (name, finding)
        assert finding.reason == "ok" or all(finding.reason in words.reason for words in WORDS.values()), name
        assert look.means is not None, name
        assert look.means.zh, name
        assert look.means.en, name


@pytest.mark.parametrize(
    ("path", "kind"),
    [pytest.param(p, k, id=f"{p.stem}-{k}") for p in PROFILES for k in sorted(kinds_of(p) & ALIVE.keys())],
)
async def test_a_device_that_answers_is_well(path, kind, tmp_path):
    async with peer(ALIVE[kind]) as one:
        seen = await found(path, tmp_path, one.port)

    assert {finding.reason for look, finding in seen.values() if look.kind == kind} == {"ok"}


def test_the_verb_lists_them_all_and_tells_what_is_wrong_with_one(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "camera.yaml").write_text(
        "name: {zh: 球机, en: Dome}\nlooks: {ping: {kind: icmp}}\n"
    )
    (tmp_path / "settings.yaml").write_text("inventory: city.yaml\n")
    settings = ["--settings", str(tmp_path / "settings.yaml")]
    good = main(["profiles", *settings, "--lang", "zh"])
    listed = capsys.readouterr().out
    (tmp_path / "profiles" / "odd.yaml").write_text("looks: {ping: {kind: imcp}}\n")
    bad = main(["profiles", *settings, "--json"])
    told = capsys.readouterr()

    assert (good, bad) == (0, 2)
    camera = next(line for line in listed.splitlines() if line.startswith("camera "))
    assert "球机" in camera
    assert "摄像机" not in camera
    assert "短波点名无应答" in listed
    facts = {one["profile"]: one for one in map(json.loads, told.out.splitlines())}
    assert facts.keys() == {path.stem for path in PROFILES}
    assert facts["hf-radio"]["looks"][0]["kind"] == "manual"
    assert "odd.yaml:1: looks.ping.kind: found 'imcp'" in told.err
