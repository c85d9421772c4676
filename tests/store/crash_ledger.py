"""The ledger of a log whose process was killed: what was expected, what is there, what is lost or doubled."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections import Counter
from dataclasses import dataclass

from monitor.kit.crash import VARIABLE
from monitor.store import log_file


@dataclass(frozen=True)
class Ledger:
    """What became of numbered things."""

    expected: int
    got: int
    lost: int
    doubled: int

    def __str__(self):
        return f"expected {self.expected:>6} got {self.got:>6} lost {self.lost:>3} doubled {self.doubled:>3}"


def ledger(total, numbers):
    seen = Counter(numbers)
    lost = total - len(seen.keys() & set(range(1, total + 1)))
    return Ledger(total, len(seen), lost, sum(seen.values()) - len(seen))


async def start(folder, total, *, cycles=0, point="", under=()):
    """Start the child, *under* another command, to die at *point*."""
    environment = os.environ | ({VARIABLE: point} if point else {})
    command = (*under, sys.executable, "-m", "tests.store.crash_child", str(folder), str(total), str(cycles))
    return await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
    )


async def run(folder, total, *, cycles=0, point="", kill_after=None, under=()):
    """Run the child, *under* another command, to its end or until it dies; return its exit code."""
    child = await start(folder, total, cycles=cycles, point=point, under=under)
    try:
        async with asyncio.timeout(100):
            if kill_after is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(kill_after):
                        await child.wait()
                with contextlib.suppress(ProcessLookupError):
                    child.send_signal(signal.SIGKILL)
            return await child.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # who was started under another program outlives that one
        await child.wait()


def ledgers(folder, total):
    """Return what was recorded, gathered and told, and what SQLite says of the file."""
    with contextlib.closing(sqlite3.connect(log_file(folder, "city"))) as log:
        own = [n for (n,) in log.execute("SELECT seq FROM events WHERE vantage = 'city'")]
        far = [n for (n,) in log.execute("SELECT seq FROM events WHERE vantage = 'dan'")]
        acts = [int(n) for (n,) in log.execute("SELECT subject FROM audit ORDER BY number")]
        (sound,) = log.execute("PRAGMA integrity_check").fetchone()
        (held,) = log.execute("SELECT looks FROM checks").fetchone()
    told = map(int, (folder / "sink").read_text().split())
    return (
        {
            "recorded": ledger(total, own),
            "gathered": ledger(total, far),
            "told": ledger(total, told),
            "acted": ledger(total, acts),
        },
        sound,
        held,
    )
