"""demo: shows an outage as it would be told, and its exit code says whether it was."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from monitor.cli import main
from monitor.cli.demo.play import play
from monitor.simulator.faults import CUT, WHOLE, Step

COMMAND = (sys.executable, "-m", "monitor", "demo")


@pytest.fixture(scope="module")
def once():
    """Let it run once, under an environment that names a broker of somebody else's."""
    env = {**os.environ, "COMMAND_MONITOR__MQTT__HOST": "192.0.2.1"}
    command = (*COMMAND, "--once", "--lang", "en")
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False, env=env)


def test_once_ends_well_after_the_outage_and_its_end_were_told(once):
    assert once.returncode == 0, once.stdout + once.stderr
    assert once.stderr == ""


def test_it_prints_the_mqtt_messages_as_they_came(once):
    told = [line for line in once.stdout.splitlines() if "command/v1/status/danjiangkou {" in line]

    assert any('"health": "down"' in line for line in told)
    assert '"health": "up"' in told[-1]


def test_the_verdict_comes_last_and_the_hint_can_be_typed(once):
    lines = once.stdout.splitlines()

    assert "as heard on MQTT" in lines[-1]
    assert f"{sys.executable} -m monitor status --watch --url http://127.0.0.1:" in once.stdout


def test_it_prints_what_the_duty_officer_reads_in_both_languages(once):
    assert "丹江口市指挥中心" in once.stdout
    assert "Danjiangkou has lost all links" in once.stdout
    assert "Danjiangkou is up again" in once.stdout


def test_it_shows_the_table_well_broken_and_well_again(once):
    rows = [line for line in once.stdout.splitlines() if line.startswith("Danjiangkou ")]

    assert ["✘ down" in row for row in rows] == [False, True, False]


async def played(script, patience):
    """Play a script of its own around Danjiangkou; return exit code and output."""
    said = io.StringIO()
    code = await play("danjiangkou", script, Console(file=said), "en", once=True, patience=patience)
    return code, said.getvalue()


async def test_a_script_that_cuts_nothing_ends_badly():
    code, said = await played((), 0.5)

    assert code == 1
    assert "should have come did not" in said


async def test_a_script_that_cuts_something_else_ends_badly():
    code, said = await played((Step(0.1, "yunyang/city/primary", CUT),), 6)

    assert code == 1
    assert "command/v1/status/yunyang" not in said


def test_what_is_not_there_cannot_be_cut(capsys):
    assert main(["demo", "--once", "--cut", "atlantis"]) == 2
    assert "atlantis" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_interrupted(number):
    process = subprocess.Popen(
        [*COMMAND, "--lang", "zh"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    first = process.stdout.readline()
    process.send_signal(number)
    began = time.monotonic()
    rest, errors = process.communicate(timeout=20)

    assert "模拟十堰市" in first
    assert (process.returncode, errors) == (0, "")
    assert "Traceback" not in rest
    assert time.monotonic() - began < 15


async def test_of_a_circuit_the_centers_recovery_is_waited_for_too():
    script = (Step(0.1, "danjiangkou/city/primary", CUT), Step(9.0, "danjiangkou/city/primary", WHOLE))
    said = io.StringIO()
    console = Console(file=said, width=300)
    code = await play("danjiangkou/city/primary", script, console, "en", once=True, patience=8)
    lines = [line for line in said.getvalue().splitlines() if "MQTT" in line]

    assert code == 0
    assert "as heard on MQTT" in lines[-1]
    assert any("status/danjiangkou {" in line and '"health": "up"' in line for line in lines[:-1])
