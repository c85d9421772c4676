"""A site: the machine, a town around it, and the daemon that was installed there from the bundle."""

import asyncio
import json
import subprocess
import tarfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.daemon import Daemon
from tests.system.machine import Machine, machine, network_of
from tests.system.town import Town, town

UNIT = "command-monitor.service"
ETC = "/etc/command-monitor"
CENTERS = {f"c{number}": number for number in range(1, 11)}
SETTINGS = {"inventory": "town.yaml", "mqtt": {"host": "127.0.0.1"}}


class Installed(Daemon):
    """The daemon that systemd runs inside; its log is the journal."""

    @property
    def file(self):
        return self.folder / "journal"


@dataclass
class Site:
    """What is there, and what is done with it."""

    machine: Machine
    built: Town
    one: Installed
    took: dict[str, float] = field(default_factory=dict)
    """Seconds that things took, for the table."""

    def install(self, archive, *words, check=True):
        """Unpack a bundle inside and run its `install.sh`; return how it went."""
        home = self.machine.inside("/root")
        with tarfile.open(archive) as packed:
            name = packed.next().name
        subprocess.run(["tar", "-xzf", archive, "-C", home], check=True)
        return self.machine.run(f"/root/{name}/install.sh", *words, check=check)

    def main(self):
        """Return the number of the daemon's process inside; 0: there is none."""
        return int(self.machine.shows(UNIT, "MainPID"))

    def kill(self, number):
        """Send the daemon's process a signal."""
        self.machine.run("systemctl", "kill", "--kill-whom=main", f"--signal={number}", UNIT)

    def systemctl(self, verb, *, check=True):
        """Give an order and note how long it took."""
        began = time.monotonic()
        run = self.machine.run("systemctl", verb, UNIT, check=False)
        self.took[verb] = time.monotonic() - began
        assert run.returncode == 0 or not check, self.machine.journal("-u", UNIT, "-n", "20")
        return run

    async def restarted(self, before):
        """Wait until systemd has started it anew, and it is ready; *before*: its process until then."""

        async def anew():
            return self.main() not in (0, before) and self.machine.shows(UNIT, "ActiveState") == "active"

        await self.one.until(anew, 90)

    def version(self):
        """Return what says of itself which version it is."""
        return self.machine.run("command-monitor", "--version").stdout

    def backups(self):
        """Return the copies of the log that were made outside the daemon's own folder."""
        return sorted(self.machine.inside("/var/backups/command-monitor").glob("*.db"))

    def events(self):
        """Return the names of all events in the log, as `command-monitor events` tells them."""
        told = self.machine.run(
            "command-monitor", "events", "--settings", f"{ETC}/settings.yaml", "--limit", "0", "--json"
        )
        rows = map(json.loads, told.stdout.splitlines())
        return {(row["vantage"], row["boot"], row["seq"]): row["kind"] for row in rows}


@contextmanager
def site(folder: Path):
    """Start a machine amid a town whose inventory lies in its `/root/site`, with nothing installed yet."""
    with machine(folder) as here, network_of(here.leader):
        declared = here.inside("/root/site")
        declared.mkdir()
        (declared / "settings.yaml").write_text(json.dumps(SETTINGS))
        with beside(declared) as built, following(here, folder / "journal"):
            yield Site(here, built, Installed(folder, 9770))


@contextmanager
def beside(folder):
    """Build a town that lives in a thread of its own, whatever the tests do meanwhile."""
    built, ended = [], asyncio.Event()
    there = threading.Event()

    async def live():
        async with town(folder, CENTERS) as one:
            built.append(one)
            there.set()
            await ended.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    try:
        there.wait(30)
        yield built[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@contextmanager
def following(here, file):
    """Write what the daemon says to the journal into a file, as it comes."""
    command = [*here.entering, "journalctl", "--follow", "--output=cat", "--no-tail", f"_SYSTEMD_UNIT={UNIT}"]
    with file.open("wb") as log, subprocess.Popen(command, stdout=log) as process:
        try:
            yield
        finally:
            process.terminate()
