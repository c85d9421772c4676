"""The daemon as its users run it: a process of its own, spoken to by signals, files and sockets alone."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.kit.crash import VARIABLE
from tests.mosquitto import free_port

PATIENCE = 20.0


@dataclass
class Daemon:
    """One daemon, started as often as wanted from the same folder."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    returns: list[float] = field(default_factory=list)
    """When it was started, and when what a test had broken was whole again; Unix seconds."""

    @property
    def file(self):
        return self.folder / "daemon.log"

    async def start(self, errors=None):
        """Start it and wait until it is ready; *errors*: where standard error goes instead of the log."""
        await self.launch(errors=errors)
        await self.until(self._ready)

    async def launch(self, errors=None, crash="", **environment):
        """Start it; it dies at the point *crash*, if there is one."""
        self.is_back()
        with self.file.open("ab") as log:
            errors = log if errors is None else errors
            self.process = await start(self.folder / "settings.yaml", log, errors, crash, **environment)

    def is_back(self):
        """Note that what was broken is whole again, be it the daemon or something that it needs."""
        self.returns.append(time.time())

    async def _ready(self):
        if self.process.returncode is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.file.read_text()}")
        try:
            return await self.ask("/-/ready") == "ready\n"
        except OSError:
            return False

    async def until(self, condition, patience=PATIENCE):
        """Wait until *condition*, asked anew each time, gives something true; return that."""
        try:
            async with asyncio.timeout(patience):
                while not (found := await condition()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not so in {patience:g} s; {self.file.read_text()[-3000:]}") from None
        return found

    async def ask(self, path):
        return await asyncio.to_thread(_ask, self.port, path)

    async def status(self):
        return json.loads(await self.ask("/api/v1/status"))

    async def healths(self):
        """Return health and its beginning of every subject."""
        status = await self.status()
        return {one["id"]: (one["health"], one["since"]) for one in subjects(status)}

    async def all_are(self, health, center=""):
        """Wait until all subjects (of *center*) are of this health; return them."""

        async def are():
            found = await self.healths()
            ours = {name: said for name, said in found.items() if name.startswith(center)}
            return ours if {said for said, _ in ours.values()} == {health} else None

        return await self.until(are)

    async def metric(self, name):
        """Return the one sample of this metric; None without one."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", await self.ask("/metrics"), re.MULTILINE)
        return float(found[1]) if found else None

    def log(self):
        """Return the records so far; a line that is none comes as its text."""
        return [_read(line) for line in self.file.read_text().splitlines()]

    def told(self, event, **data):
        """Return the records of this name that say at least *data*."""
        records = (record for record in self.log() if isinstance(record, dict) and record["event"] == event)
        return [record for record in records if data.items() <= record.items()]

    async def tells(self, event, **data):
        """Wait until the log has such a record; return the latest."""

        async def told():
            return self.told(event, **data)

        return (await self.until(told))[-1]

    async def end(self, number=signal.SIGTERM, patience=8.0):
        """Send it *number* and return the exit code it ends with."""
        self.process.send_signal(number)
        async with asyncio.timeout(patience):
            return await self.process.wait()


async def start(settings, output, errors, crash="", **environment):
    command = [sys.executable, "-m", "monitor", "run", "--settings", str(settings)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COMMAND_MONITOR")}
    clean |= ({VARIABLE: crash} if crash else {}) | environment
    return await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=clean
    )


async def refused(settings):
    """Run a daemon that cannot start; return its exit code and what it said."""
    process = await start(settings, subprocess.PIPE, subprocess.STDOUT)
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    finally:
        await gone(process)
    return process.returncode, said.decode()


async def gone(process):
    if process.returncode is None:
        process.kill()
        async with asyncio.timeout(PATIENCE):
            await process.wait()


@asynccontextmanager
async def daemon(folder, inventory, **settings):
    """Write the settings and start a daemon; whatever happens, it is gone afterwards."""
    one = Daemon(folder, free_port())
    write_settings(folder, inventory, one.port, **settings)
    try:
        await one.start()
        yield one
    finally:
        if one.process is not None:
            await gone(one.process)
            one.process._transport.close()


def write_settings(folder, inventory, port, **more):
    """Write a settings file; JSON is YAML."""
    settings = {"inventory": str(inventory), "state_dir": "state", "http": {"port": port}} | more
    (folder / "settings.yaml").write_text(json.dumps(settings))
    return folder / "settings.yaml"


def broker_at(port, **more):
    return {"host": "127.0.0.1", "port": port, "keepalive": 2, "timeout": 2} | more


def subjects(status):
    """Return all that has a health in an API status."""
    for center in status["centers"]:
        yield center
        yield from center["devices"]
        for link in center["links"]:
            yield link
            yield from link["circuits"]


def _ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except http.client.HTTPException as error:
        raise ConnectionError(f"no whole answer: {error!r}") from error
    finally:
        connection.close()


def _read(line):
    try:
        return json.loads(line)
    except ValueError:
        return line
