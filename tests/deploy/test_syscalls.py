"""The units' SystemCallFilter: it lets through every system call that the programs make at their work."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mosquitto import free_port, mosquitto, needs_mosquitto
from tests.system.daemon import Daemon, broker_at, daemon, gone, write_settings
from tests.system.town import town

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
PLUGIN = "/usr/lib/nagios/plugins/check_dummy"
STRACE, ANALYZE = shutil.which("strace"), shutil.which("systemd-analyze")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(STRACE is None, reason="strace is not installed"),
    pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze"),
]


def groups():
    """Return the system calls of each group, as systemd knows them."""
    said = subprocess.run(
        [ANALYZE, "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True
    )
    found = {}
    for line in re.sub(r"\x1b\[[0-9;]*m", "", said.stdout).splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = set()
        elif line.startswith(" ") and "#" not in line:
            found[name].add(line.strip())
    return found


def calls(name, known):
    """Return the calls that a word of the filter stands for."""
    if not name.startswith("@"):
        return {name}
    return set[str]().union(*(calls(inner, known) for inner in known[name]))


def let_through(unit):
    """Return the calls that a unit's filter lets through: `@default`, what is named, less what is denied."""
    known = groups()
    allowed = calls("@default", known)
    for words in re.findall(r"^SystemCallFilter=(.*)$", (UNITS / unit).read_text(), re.MULTILINE):
        denied = words.startswith("~")
        named = set[str]().union(*(calls(word, known) for word in words.removeprefix("~").split()))
        allowed = allowed - named if denied else allowed | named
    return allowed


def traced(file, *command):
    """Return a command that also writes down, at its end, which calls it and its children made."""
    return [STRACE, "-D", "-f", "-c", "-U", "name", "-o", str(file), *command]


async def made(file):
    """Wait for what was written down, and return it."""
    async with asyncio.timeout(20):
        while "total" not in (file.read_text() if file.exists() else ""):
            await asyncio.sleep(0.05)
    return {word for word in file.read_text().split() if re.fullmatch(r"[a-z]\w+", word)} - {
        "syscall",
        "total",
    }


AS_ROOT = {"fchown"} if os.geteuid() == 0 else set[str]()
"""What SQLite does for root alone, which no unit is: it hands its files to the owner of the first."""


class Traced(Daemon):
    """The daemon, its calls written down."""

    async def launch(self, **_):
        command = [sys.executable, "-m", "monitor", "run", "--settings", self.folder / "settings.yaml"]
        with self.file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *traced(self.folder / "calls", *command), stdout=log, stderr=log
            )


def server():
    """Declare a device that is looked at in many ways, some of them in vain."""
    looks = {
        "ping": {"kind": "icmp", "period": 1},
        "way": {"kind": "trace", "period": 5, "deadline": 3},
        "door": {"kind": "tcp", "port": 1, "period": 1},
        "page": {"kind": "http", "url": "https://localhost:1/", "period": 1},
        "plugin": {"kind": "plugin", "program": PLUGIN, "arguments": [0], "period": 1},
    }
    return {"server": {"address": "127.50.0.1", "shared": True, "looks": looks}}


@needs_mosquitto
@pytest.mark.server
async def test_the_daemon_at_its_work_needs_no_call_that_its_unit_denies(tmp_path):
    async with town(tmp_path, {"dan": 1}, devices=server()) as built, mosquitto(tmp_path) as broker:
        one = Traced(tmp_path, free_port())
        write_settings(tmp_path, built.file, one.port, mqtt=broker_at(broker.port))
        try:
            await one.start()
            await one.all_are("up", "dan/city")
            built.cut("dan")
            await one.tells("incident.confirmed")
            built.cut("dan", silent=False)
            await one.all_are("up", "dan/city")
            built.write()
            one.process.send_signal(signal.SIGHUP)
            await one.tells("daemon.reloaded")
            await one.ask("/metrics")
            code = await one.end(patience=30)
        finally:
            await gone(one.process)
        needed = await made(tmp_path / "calls")

    assert code == 0
    assert {"recvmsg", "sendto", "fdatasync", "epoll_wait"} & needed
    assert needed - AS_ROOT - let_through("command-monitor.service") == set()


async def test_a_check_and_a_backup_need_no_call_that_their_units_deny(tmp_path):
    async with town(tmp_path, {"dan": 1}) as built, daemon(tmp_path, built.file):
        settings = ("--settings", tmp_path / "settings.yaml")
        for unit, verb, *target in (
            ("command-monitor.service", "check"),
            ("command-monitor-backup.service", "backup", tmp_path / "copy.db"),
        ):
            command = traced(tmp_path / verb, sys.executable, "-m", "monitor", verb, *settings, *target)
            run = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False
            )
            needed = await made(tmp_path / verb)

            assert run.returncode == 0, run.stderr
            assert "openat" in needed
            assert needed - AS_ROOT - let_through(unit) == set()


def test_what_is_denied_would_be_noticed():
    assert not {"mount", "reboot", "setuid", "ptrace"} & let_through("command-monitor.service")
    assert {"read", "execve", "recvmsg"} <= let_through("command-monitor.service")
