"""reporter and collector with real logs: what is recorded at one end gets to the other, once, in order."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from monitor.core.checks import checks_of
from monitor.core.detection import Belief, Verdict
from monitor.core.record import Record
from monitor.core.world import World
from monitor.kit.crash import VARIABLE
from monitor.store import backup, log_file
from tests.logs import opened
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.collect_ground import city, collecting, on_disk
from tests.vantages.report_child import VANTAGE, event
from tests.vantages.report_ground import NAME, QUICKLY, reporting

pytestmark = [pytest.mark.server, needs_mosquitto]

HERE = Path(__file__).parents[2]
COUNT = 100
"""Events of a life; of their size about one fits into a message."""


def dan(boot: str) -> World:
    """Return the world as Danjiangkou holds it: all is well."""
    inventory = city()
    world = World(inventory, VANTAGE, boot)
    world.checks = checks_of(inventory, inventory.vantages[VANTAGE])
    world.beliefs = {check: Belief(Verdict.UP, time.time(), "ok") for check in world.checks}
    return world


def append(log, boot: str, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        log.append(Record((event(boot, seq),)))


async def all_taken(collector, log, patience: float = 15.0) -> list[tuple[str, int]]:
    """Wait until the collecting daemon has all that *log* holds, and return that."""
    await collector.until(lambda: log._memory.pending.since is None, patience)
    own = [(e.boot, e.seq) for e in await log.own(0, 1_000_000)]
    await collector.until(lambda: set(own) <= set(collector.archive.of(VANTAGE)), patience)
    return own


async def test_what_is_recorded_here_is_recorded_there_once_and_in_order(tmp_path):
    world = dan("boot-1")
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        on_disk(tmp_path) as archive,
        collecting(broker.port, archive) as collector,
        opened(tmp_path, VANTAGE) as (log, vitals),
    ):
        append(log, "boot-0", 1, 700)
        async with reporting(broker.port, world, log, vitals=vitals) as report:
            await collector.until(
                lambda: collector.world.heard.get(VANTAGE, {}).keys() == world.checks.keys()
            )
            append(log, "boot-1", 1, 300)
            own = await all_taken(collector, log)
            await report.until(lambda own: own.queued == 0 and own.trouble == "")
        place = log.place(NAME)

    assert archive.of(VANTAGE) == own
    assert len(own) == 1000
    assert collector.agent(VANTAGE).refused == 0
    assert place == log.end


async def test_a_city_that_was_restored_from_a_backup_gets_what_it_lost(tmp_path):
    path, copy = log_file(tmp_path, "city"), tmp_path / "copy.db"
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        opened(tmp_path, VANTAGE) as (log, vitals),
        reporting(broker.port, dan("boot-1"), log, vitals=vitals) as report,
    ):
        append(log, "boot-1", 1, 100)
        async with on_disk(tmp_path) as archive, collecting(broker.port, archive) as collector:
            await all_taken(collector, log)
        shutil.copy(path, copy)
        append(log, "boot-1", 101, 400)
        async with on_disk(tmp_path) as archive, collecting(broker.port, archive) as collector:
            await all_taken(collector, log)
            await report.until(lambda own: own.queued == 0)
        path.unlink()
        backup.restore(copy, path)
        async with on_disk(tmp_path) as archive, collecting(broker.port, archive) as collector:
            own = await all_taken(collector, log)
            taken = archive.of(VANTAGE)

    assert taken == own
    assert len(own) == 400


async def test_an_agent_that_was_restored_from_a_backup_is_heard_all_the_same(tmp_path):
    path, copy = log_file(tmp_path, VANTAGE), tmp_path / "copy.db"
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        on_disk(tmp_path) as archive,
        collecting(broker.port, archive) as collector,
    ):
        async with opened(tmp_path, VANTAGE) as (log, vitals):
            append(log, "boot-1", 1, 100)
            async with reporting(broker.port, dan("boot-1"), log, vitals=vitals):
                await all_taken(collector, log)
        shutil.copy(path, copy)
        async with opened(tmp_path, VANTAGE) as (log, vitals):
            append(log, "boot-2", 1, 100)
            async with reporting(broker.port, dan("boot-2"), log, vitals=vitals):
                await all_taken(collector, log)
        path.unlink()
        backup.restore(copy, path)
        async with opened(tmp_path, VANTAGE) as (log, vitals):
            append(log, "boot-3", 1, 150)
            async with reporting(broker.port, dan("boot-3"), log, vitals=vitals) as report:
                await all_taken(collector, log, 30)
                await report.until(lambda own: own.queued == 0)
    taken = archive.of(VANTAGE)

    assert taken == [
        (f"boot-{n}", seq) for n, last in ((1, 100), (2, 100), (3, 150)) for seq in range(1, last + 1)
    ]


@contextlib.asynccontextmanager
async def life(port: int, folder: Path, boot: str, point: str = ""):
    """Let an agent live that records and reports."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.vantages.report_child", str(port), str(folder), boot, str(COUNT),
        cwd=HERE, env=os.environ | {VARIABLE: point},
    )  # fmt: skip
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


@pytest.mark.parametrize(
    "point",
    [
        f"{name}:{nth}"
        for name, nths in {
            "before_publish": (1, 50),
            "after_publish_before_puback": (1, 50),
            "after_puback_before_mark": (1,),
        }.items()
        for nth in nths
    ],
)
async def test_an_agent_that_is_killed_loses_nothing_and_doubles_nothing(tmp_path, point):
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        on_disk(tmp_path) as archive,
        collecting(broker.port, archive) as collector,
    ):
        async with life(broker.port, tmp_path, "boot-1", point) as child:
            assert await child.wait() == -signal.SIGKILL
        async with life(broker.port, tmp_path, "boot-2") as child:
            assert await child.wait() == 0
        async with opened(tmp_path, VANTAGE) as (log, _):
            recorded = [(e.boot, e.seq) for e in await log.own(0, 1_000_000)]
    agent = collector.agent(VANTAGE)
    print(
        f"{point}: {len(recorded)} recorded, {len(archive.of(VANTAGE))} taken in, {agent.repeated} repeated"
    )

    assert archive.of(VANTAGE) == recorded
    assert len(recorded) > COUNT
