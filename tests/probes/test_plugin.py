"""plugin: a program of others is run, and its word, its line and its values are taken."""

import asyncio
import functools
import json
import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.cli import main
from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.errors import ConfigError
from monitor.probes import load_kinds, plugin
from monitor.probes.plugin import Options, probe
from monitor.settings import load_declared, load_settings
from tests.kit.process_ground import runs, until
from tests.probes.peers import closed_port, never_answers, peer

FOLDER = Path("/usr/lib/nagios/plugins")
real = [
    pytest.mark.server,
    pytest.mark.skipif(
        not (FOLDER / "check_tcp").exists(), reason="monitoring-plugins-basic is not installed"
    ),
]


@pytest.fixture
def script(tmp_path):
    """Write a plugin for one test; return its path."""

    def written(text):
        path = tmp_path / "check"
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return written


async def look(program, *arguments, **more):
    return await probe(Options(host="127.0.0.1", program=program, arguments=arguments, **more))


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        pytest.param(0, Outcome.OK, "ok", id="ok"),
        pytest.param(1, Outcome.OK, "warning", id="warning"),
        pytest.param(2, Outcome.FAILED, "critical", id="critical"),
        pytest.param(3, Outcome.UNKNOWN, "plugin_unknown", id="unknown"),
        pytest.param(4, Outcome.UNKNOWN, "plugin_broken", id="another-code"),
        pytest.param(127, Outcome.UNKNOWN, "plugin_broken", id="command-not-found"),
    ],
)
async def test_the_exit_code_decides(script, code, outcome, reason):
    finding = await look(script(f"echo 'DISK - fine|/=3MB'; exit {code}"))

    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert "DISK - fine" in finding.detail
    assert finding.path_up is (outcome is Outcome.OK)
    assert finding.values.get("state") == (float(code) if code < 3 else None)


async def test_one_that_crashes_says_nothing_about_the_target(script):
    finding = await look(script("kill -SEGV $$"))

    assert (finding.outcome, finding.reason, finding.detail) == (
        Outcome.UNKNOWN,
        "plugin_broken",
        "killed by signal 11",
    )


async def test_one_that_talks_without_end_is_broken():
    finding = await look("/usr/bin/yes")

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "plugin_broken")


@pytest.mark.parametrize("program", ["/nowhere/check", "/etc/passwd", "/etc"])
async def test_one_that_cannot_be_run_says_nothing_about_the_target(program):
    finding = await look(program)

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "plugin_missing")
    assert finding.detail.startswith(program)


async def test_the_host_stands_where_nagios_puts_it(script):
    finding = await look(script('echo "$@"'), "-H", "$HOSTADDRESS$", "--url=http://$HOSTADDRESS$:80/", 5)

    assert finding.detail == "-H 127.0.0.1 --url=http://127.0.0.1:80/ 5"


def test_arguments_are_left_as_they_are():
    assert Options(host="a", program="/x", arguments=[" a ", "", 5, 0.5]).arguments == (" a ", "", "5", "0.5")


async def test_known_values_are_kept_and_others_only_by_a_name_of_ours(script):
    data = "time=20ms;;; size=2KB rta=1ms pl=50% offset=-0.5s 'in use'=34% <script>=1"
    finding = await look(script(f'echo "OK|{data}"'), values={"used": "in use", "missing": "none"})

    assert finding.values == {
        "state": 0.0, "time": 0.02, "size": 2000.0, "rtt": 0.001, "loss": 0.5, "offset": -0.5, "used": 0.34,
    }  # fmt: skip


async def test_a_known_label_in_another_unit_is_something_else(script):
    assert (await look(script("echo 'OK|time=5 size=3s'"))).values == {"state": 0.0}


async def test_what_it_says_is_shown_harmlessly(script):
    finding = await look(script(r"printf '\033[2J\377 \342\200\256 no|\n'; exit 2"))

    assert finding.detail.isprintable()
    assert finding.detail.endswith(" no")


async def test_complaints_are_told_where_there_is_no_output(script):
    assert "no such module" in (await look(script("echo 'no such module' >&2; exit 3"))).detail


async def test_nothing_of_our_environment_is_seen(script, monkeypatch):
    monkeypatch.setenv("COMMAND_MONITOR__SECRET", "hunter2")
    monkeypatch.setenv("LD_PRELOAD", "")
    finding = await look(script("/usr/bin/env | tr '\\n' ' '"))

    assert "LC_ALL=C.UTF-8" in finding.detail
    assert "hunter2" not in finding.detail
    assert "LD_PRELOAD" not in finding.detail


async def test_at_the_deadline_it_is_a_timeout_and_gone(script, tmp_path):
    program = script(f"echo $$ > {tmp_path}/pid; sleep 3600 & echo $! >> {tmp_path}/pid; wait")
    finding, took = await observe(functools.partial(look, program), 0.3)
    pids = (tmp_path / "pid").read_text().split()

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "timeout")
    assert took < 1.0
    assert len(pids) == 2
    await until(lambda: not any(map(runs, pids)))


async def test_no_more_than_so_many_run_at_once(script, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin, "PATIENCE", 0.05)
    program = script(f"echo > {tmp_path}/$$; sleep 3600")
    looks = [asyncio.create_task(look(program)) for _ in range(plugin.AT_ONCE + 3)]
    done, going = await asyncio.wait(looks, timeout=5.0, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 3:
        more, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    for one in going:
        one.cancel()
    await asyncio.gather(*going, return_exceptions=True)

    assert {one.result().reason for one in done} == {"plugins_busy"}
    assert len(going) == plugin.AT_ONCE
    assert (await look("/bin/true")).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"program": "check_tcp"}, "program"),
        ({"program": "/usr/lib/../bin/sh"}, r"must not contain \.\."),
        ({"host": "-oProxyCommand=x"}, "must not begin with -"),
        ({"host": "a;id b"}, "host"),
        ({"arguments": ["a\0b"]}, "arguments"),
        ({"arguments": "-H x"}, "arguments"),
        ({"arguments": [True]}, "arguments"),
        ({"values": {"Bad Name": "x"}}, "is no name"),
        ({"values": {"time": "x"}}, "or taken"),
        ({"values": {"x\ny": "x"}}, "is no name"),
        ({"prog": "/x"}, "prog"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", "program": "/bin/true", **given})


INVENTORY = """
city: S
networks: {city: }
centers:
  a:
    devices:
      mail: {address: 10.0.0.1, looks: {smtp: {kind: plugin, program: %s, period: 60}}}
vantages: {a: {center: a}}
"""


@pytest.mark.parametrize(
    ("program", "folders", "allowed"),
    [
        ("/usr/lib/nagios/plugins/check_smtp", "", True),
        ("/usr/bin/id", "", False),
        ("/usr/lib/nagios/plugins-of-mine/check", "", False),
        ("/opt/checks/deep/check", "looking: {plugin_folders: [/opt/checks/]}", True),
        ("/usr/lib/nagios/plugins/check_smtp", "looking: {plugin_folders: [/opt/checks]}", False),
    ],
)
def test_a_daemon_runs_only_what_lies_in_the_folders_of_its_settings(tmp_path, program, folders, allowed):
    (tmp_path / "city.yaml").write_text(INVENTORY % program, encoding="utf-8")
    path = tmp_path / "settings.yaml"
    path.write_text(f"inventory: city.yaml\nvantage: a\n{folders}\n", encoding="utf-8")
    settings = load_settings(path)

    if allowed:
        assert load_declared(settings, load_kinds())
        return
    with pytest.raises(ConfigError, match=r"expected a program in a folder of `looking.plugin_folders`"):
        load_declared(settings, load_kinds())


def test_from_the_shell_arguments_are_given_one_by_one(script, capsys):
    program = script('echo "OK - $1 $2|load=3"')
    given = ["--arguments=-H", "--arguments=$HOSTADDRESS$", "--values", "load=load"]
    code = main(["probe", "plugin", "127.0.0.1", "--program", program, *given, "--json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (told["detail"], told["values"]) == ("OK - -H 127.0.0.1", {"state": 0.0, "load": 3.0})


# Real plugins.


class TestRealPlugins:
    pytestmark = real

    async def test_an_open_port_is_well_and_its_time_is_told(self):
        async with peer(never_answers) as one:
            finding = await look(f"{FOLDER}/check_tcp", "-H", "$HOSTADDRESS$", "-p", one.port)

        assert (finding.outcome, finding.reason) == (Outcome.OK, "ok")
        assert finding.detail.startswith("TCP OK - ")
        assert 0 < finding.values["time"] < 1

    async def test_a_closed_port_is_critical(self):
        finding = await look(f"{FOLDER}/check_tcp", "-H", "$HOSTADDRESS$", "-p", closed_port())

        assert (finding.outcome, finding.reason) == (Outcome.FAILED, "critical")
        assert "refused" in finding.detail

    async def test_a_wrong_call_is_unknown(self):
        finding = await look(f"{FOLDER}/check_tcp", "--no-such-option")

        assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "plugin_unknown")

    async def test_pings_tell_loss_and_round_trip(self):
        arguments = ("-H", "$HOSTADDRESS$", "-w", "100,20%", "-c", "200,50%", "-p", 1)
        finding = await look(f"{FOLDER}/check_ping", *arguments)

        assert finding.outcome is Outcome.OK
        assert finding.values["loss"] == 0.0
        assert 0 < finding.values["rtt"] < 0.1

    async def test_the_space_of_a_disk_is_told_in_bytes(self):
        finding = await look(
            f"{FOLDER}/check_disk", "-w", 1, "-c", 1, "-p", "/", "-u", "GiB", values={"used": "/"}
        )
        room = os.statvfs("/")

        assert finding.outcome is Outcome.OK
        assert finding.values["used"] == pytest.approx(
            (room.f_blocks - room.f_bfree) * room.f_frsize, rel=0.05
        )

    async def test_a_silent_peer_is_given_up_at_our_deadline(self):
        async with peer(never_answers) as one:
            arguments = ("-H", "$HOSTADDRESS$", "-p", one.port, "-e", "hello")
            finding, took = await observe(functools.partial(look, f"{FOLDER}/check_tcp", *arguments), 0.3)

        assert (finding.outcome, finding.reason) == (Outcome.FAILED, "timeout")
        assert took < 1.3
