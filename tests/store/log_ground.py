"""What the tests of the log share: small worlds, patience, and a hand on the disk."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.core.detection import Belief, Verdict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.learning import Learned
from monitor.core.quantile import packed
from monitor.core.record import Kept, Record
from monitor.core.vitals import StoreVitals
from monitor.core.world import Event
from monitor.store import Store, StoreOptions, log_file

PATIENCE = 20.0


def event(seq, vantage="city", boot="b1", **about):
    about = {"at": 1_000.0 + seq, "kind": "status", "subject": f"dan/{seq % 7}", "data": {"n": seq}} | about
    return Event(vantage, boot, seq, **about)


def record(*seqs, **about):
    return Record(tuple(event(seq, **about) for seq in seqs))


def kept(detail="", verdict=Verdict.DOWN):
    learned = Learned(1000.0, 7.5, 1000.0, 2.5, 1.25, 8.0, 7.5, rtts=packed(((0, 3), (25, 4))))
    return Kept("mark", Belief(verdict, 42.5, "timeout", detail), learned)


def status(subject, health=Health.DOWN):
    return Status(
        subject, SubjectKind.CENTER, health, 42.5, "all_links_down", works=("a", "b"), ill_since=40.0
    )


@dataclass
class Opened:
    """A store that is open, with all that it tells."""

    store: Store
    vitals: StoreVitals
    path: Path
    told: list = field(default_factory=list)

    def heard(self, what):
        """Return what was told under this name, oldest first."""
        return [data for name, data in self.told if name == what]

    async def settled(self):
        """Wait until everything is recorded and no trouble is left."""
        await until(lambda: not self.vitals.pending and not self.vitals.trouble)


@asynccontextmanager
async def opened(folder, vantage="city", **options):
    """Open a log in *folder*, which need not be a new one."""
    vitals, path = StoreVitals(), log_file(folder, vantage)
    store = Store(path, vantage, vitals, options=StoreOptions(**({"reserve_mib": 0} | options)))
    ours = Opened(store, vitals, path)
    store.tell = lambda what, **data: ours.told.append((what, data))
    await store.open()
    try:
        yield ours
    finally:
        await store.close()


async def until(condition, seconds=PATIENCE):
    """Wait until *condition* holds."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not so within {seconds:g} s") from None


async def read(reader, count):
    """Read until there are *count* events; return their numbers."""
    found = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += [event.seq for event in await reader.read(count - len(found))]
            await asyncio.sleep(0.005)
    return found


def rows(path, query="SELECT seq FROM events ORDER BY position"):
    """Ask the file itself; a single column comes as a flat list."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute(query).fetchall()
    return [row[0] for row in found] if found and len(found[0]) == 1 else found


@contextlib.contextmanager
def locked(path):
    """Hold the write lock of the database from another process."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(10)


def mount(folder, *options):
    subprocess.run(["mount", *options, str(folder)], check=True, timeout=10)


@contextlib.contextmanager
def disk(folder, mib):
    """Mount a small disk of our own at *folder*."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this needs")
    mount(folder, "-t", "tmpfs", "-o", f"size={mib}m", "cmt-disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


def fill(folder, leave=0):
    """Fill the disk of *folder* but for *leave* bytes; return the file that does it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - leave))
    return filler
