"""A collecting daemon that is killed: nothing of any log is lost, and nothing is there twice."""

import asyncio
import contextlib
import os
import sqlite3
import sys

import pytest

from monitor.kit.crash import VARIABLE
from monitor.store import log_file
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.report_ground import MemoryJournal, event, reporting, world_of

pytestmark = [pytest.mark.server, needs_mosquitto]

EVENTS = 6000
"""So many that they fill about a hundred chunks."""
POINTS = ("before_begin", "in_tx", "before_commit", "after_commit", "before_publish")
QUICK = [("after_commit", 1), ("before_publish", 50)]
ALL = [(point, hit) for point in POINTS for hit in (1, 50)]
LONG = [pytest.param(*one, marks=pytest.mark.long) for one in ALL if one not in QUICK]


async def collecting_process(port, folder, crash=""):
    words = ("-m", "tests.vantages.collecting_child", str(port), str(folder))
    known = {**os.environ, **({VARIABLE: crash} if crash else {})}
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, env=known, stdout=asyncio.subprocess.DEVNULL
    )


def recorded(folder):
    path = log_file(folder, "city")
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT boot, seq FROM events ORDER BY position").fetchall()
        except sqlite3.OperationalError:  # no tables yet
            return []


@pytest.mark.parametrize(("point", "hit"), [*QUICK, *LONG])
async def test_it_has_everything_once_and_in_order_after_it_was_killed(tmp_path, point, hit):
    journal, world = MemoryJournal(), world_of("danjiangkou/province/primary/icmp")
    journal.record(*(event(seq, pad="x" * 200) for seq in range(1, EVENTS + 1)))
    async with mosquitto(tmp_path) as broker, reporting(broker.port, world, journal):
        killed = await collecting_process(broker.port, tmp_path, f"{point}:{hit}")
        async with asyncio.timeout(60):
            await killed.wait()
        left = len(recorded(tmp_path))
        again = await collecting_process(broker.port, tmp_path)
        try:
            async with asyncio.timeout(60):
                while journal.place("report/city") < journal.end:
                    await asyncio.sleep(0.05)
        finally:
            again.terminate()
            await again.wait()

    assert killed.returncode == -9
    assert left < EVENTS
    assert recorded(tmp_path) == [("boot-1", seq) for seq in range(1, EVENTS + 1)]
