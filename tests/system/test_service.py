"""The service: what systemd is told while the daemon lives, and that its units are sound and closed."""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.mosquitto import free_port
from tests.system.daemon import Daemon, gone, write_settings
from tests.system.lives import DETECTION
from tests.system.town import town

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
ANALYZE = shutil.which("systemd-analyze")
WATCHDOG = 3.0
"""Seconds that the manager of these tests waits for a sign of life."""

needs_analyze = pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")


class Manager:
    """What systemd would hear."""

    def __init__(self, path):
        self.path = path
        self.heard = []
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(str(path))
        self._door.settimeout(0.0)
        asyncio.get_running_loop().add_reader(self._door, self._take)

    def _take(self):
        said = self._door.recv(4096).decode()
        self.heard.append((time.monotonic(), dict(line.split("=", 1) for line in said.splitlines())))

    def close(self):
        asyncio.get_running_loop().remove_reader(self._door)
        self._door.close()

    def times(self, word):
        return [at for at, said in self.heard if word in said]

    async def hears(self, word, after=0.0, seconds=20.0, **said):
        """Wait for a message with this word that came after a time; return it."""
        async with asyncio.timeout(seconds):
            while True:
                for at, told in self.heard:
                    if at > after and word in told and said.items() <= told.items():
                        return told
                await asyncio.sleep(0.02)


@asynccontextmanager
async def service(tmp_path, **settings):
    """Run the daemon as systemd would; lend it, its town and its manager."""
    manager = Manager(tmp_path / "notify")
    async with town(tmp_path) as built:
        port = free_port()
        write_settings(tmp_path, built.file, port, detection=DETECTION, **settings)
        one = Daemon(tmp_path, port)
        environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        try:
            await one.launch(**environment, PYTHONFAULTHANDLER="1")
            yield one, built, manager
        finally:
            await gone(one.process)
            manager.close()


async def test_ready_is_told_when_it_watches_and_then_in_one_line_how_all_is(tmp_path):
    began = time.monotonic()
    async with service(tmp_path) as (one, built, manager):
        told = await manager.hears("READY")
        took = time.monotonic() - began
        ready = await one.ask("/-/ready")
        await one.all_are("up")
        built.echoes["dan/city/primary"].silent = True
        await one.tells("incident.confirmed", about="dan/city/primary")
        after = time.monotonic()
        cut = await manager.hears("WATCHDOG", after)
        code = await one.end()

    assert told["STATUS"].startswith("2 个中心")
    assert ready == "ready\n"
    assert took < 10
    assert "1 起未结事件" in cut["STATUS"]
    assert (code, len(manager.times("STOPPING"))) == (0, 1)


async def test_signs_of_life_come_in_time_and_stop_when_it_stands_still_whose_stack_is_then_told(tmp_path):
    async with service(tmp_path) as (one, _, manager):
        await manager.hears("READY")
        await asyncio.sleep(2 * WATCHDOG)
        signs = manager.times("WATCHDOG")
        one.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        await asyncio.sleep(WATCHDOG)
        late = [at for at in manager.times("WATCHDOG") if at > stopped + 0.2]
        one.process.send_signal(signal.SIGCONT)
        code = await one.end(signal.SIGABRT)
        said = one.file.read_text()

    assert max(later - sooner for sooner, later in pairwise(signs)) < WATCHDOG
    assert late == []
    assert code == -signal.SIGABRT
    assert re.search(r'File ".*asyncio.*", line \d+ in ', said)


async def test_a_reload_is_told_when_it_begins_and_ends_good_or_bad(tmp_path):
    async with service(tmp_path) as (one, built, manager):
        await manager.hears("READY")
        good = built.file.read_text()
        for text in (good, "centers: nothing"):
            built.file.write_text(text)
            before = time.monotonic()
            one.process.send_signal(signal.SIGHUP)
            await manager.hears("RELOADING", before)
            told = await manager.hears("READY", before)

    assert "重新加载" in told["STATUS"]


@needs_analyze
@pytest.mark.parametrize(
    "unit", sorted(path.name for path in UNITS.iterdir() if path.suffix in (".service", ".timer"))
)
def test_systemd_has_nothing_to_say_against_a_unit(unit, tmp_path):
    folder = tmp_path / "units"
    folder.mkdir()
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/command-monitor/current/bin/command-monitor", sys.executable)
        (folder / path.name).write_text(text)
    name = unit.replace("@.", "@x.")
    if name != unit:
        (folder / name).symlink_to(folder / unit)
    run = subprocess.run(
        [ANALYZE, "verify", "--man=no", str(folder / name)], capture_output=True, text=True, check=False
    )
    ours = [line for line in run.stderr.splitlines() if "command-monitor" in line]

    assert ours == []


def test_the_unit_of_one_more_vantage_differs_in_its_settings_alone():
    main, more = ((UNITS / f"command-monitor{at}.service").read_text().splitlines()[1:] for at in ("", "@"))
    main = [line.replace("settings.yaml", "%i.yaml") for line in main]

    differing = [(one, other) for one, other in zip(main, more, strict=True) if one != other]
    assert [other for _, other in differing] == ["Description=Health monitor of the command network (%i)"]


@needs_analyze
@pytest.mark.parametrize(
    ("unit", "dropin", "most"),
    [
        ("command-monitor.service", None, 1.5),
        ("command-monitor.service", "command-monitor-unprivileged.conf", 1.2),
        ("command-monitor-backup.service", None, 1.5),
    ],
)
def test_a_service_is_as_closed_as_promised(unit, dropin, most, tmp_path):
    (tmp_path / unit).write_text((UNITS / unit).read_text())
    if dropin is not None:
        (tmp_path / f"{unit}.d").mkdir()
        (tmp_path / f"{unit}.d" / dropin).write_text((UNITS / dropin).read_text())
    run = subprocess.run(
        [ANALYZE, "security", "--offline=true", "--no-pager", str(tmp_path / unit)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", run.stdout)

    assert float(found[1]) <= most
