"""writer: between commits the log is kept in shape, and nobody who writes or reads has to wait for it."""

import os
import sqlite3
import time
from contextlib import closing

from monitor.store import backup, backup_folder
from monitor.store.upkeep import Upkeep
from tests.store.log_ground import disk, opened, read, record, rows, until

DAY = 86_400.0


def due(log, duty):
    """Let a duty of the log be due now."""
    upkeep = log.store._writer._upkeep
    (found,) = [one for one in upkeep._duties if one.do.__name__ == duty.__name__]
    found.due = 0.0
    log.store._memory.something.set()


async def test_what_is_older_than_it_has_to_be_goes_a_few_at_a_time(tmp_path):
    async with opened(tmp_path, keep_days=180) as log:
        log.store.append(record(*range(5_000)))
        await log.settled()
    with closing(sqlite3.connect(log.path)) as file, file:
        file.execute("UPDATE events SET recorded_at = recorded_at - ? WHERE seq < 3500", (181 * DAY,))
        file.execute(
            "UPDATE events SET recorded_at = recorded_at - ? WHERE seq BETWEEN 3500 AND 4000", (179 * DAY,)
        )
    async with opened(tmp_path, keep_days=180) as log:
        due(log, Upkeep._prune_some)
        await until(lambda: rows(log.path, "SELECT min(seq) FROM events") == [3_500])
        log.store.append(record(5_000))
        await log.settled()

    assert rows(log.path) == list(range(3_500, 5_001))


async def test_nothing_goes_while_the_clock_has_jumped(tmp_path):
    async with opened(tmp_path, keep_days=180) as log:
        log.store.append(record(1, 2, 3))
        log.store.alive(time.time() - 400 * DAY)
        await log.settled()
    with closing(sqlite3.connect(log.path)) as file, file:
        file.execute("UPDATE events SET recorded_at = recorded_at - ?", (400 * DAY,))
        file.execute("UPDATE runs SET alive_at = alive_at - ?", (400 * DAY,))
    async with opened(tmp_path, keep_days=180) as log:
        due(log, Upkeep._prune_some)
        log.store.append(record(4))
        await until(lambda: log.store._writer._upkeep._prune.due > 0.0)
        await log.settled()

    assert rows(log.path) == [1, 2, 3, 4]


async def test_a_backup_is_made_when_the_newest_is_too_old_and_the_oldest_go(tmp_path):
    async with opened(tmp_path, backups=2, backup_hours=1) as log:
        log.store.append(record(*range(1_000)))
        await log.settled()
        folder = backup_folder(log.path)
        for hours in (5, 4, 3):
            made_at = time.time() - hours * 3600
            old = backup.path_for(folder, log.path.stem, made_at)
            backup.make(log.path, old)
            os.utime(old, (made_at, made_at))
        due(log, Upkeep._look_for_backup)
        await until(lambda: log.vitals.backup_at)
        there = backup.every(folder, log.path.stem)
        due(log, Upkeep._look_for_backup)
        log.store.append(record(1_000))
        await log.settled()

    assert time.time() - log.vitals.backup_at < 60
    assert len(there) == 2
    assert rows(there[0]) == list(range(1_000))
    assert backup.every(folder, log.path.stem) == there
    assert log.vitals.backup_trouble == ""


async def test_a_backup_that_cannot_be_made_is_told_and_stops_nothing(tmp_path):
    with disk(tmp_path, 4):
        async with opened(tmp_path) as log:
            log.store.append(record(1))
            await log.settled()
            due(log, Upkeep._look_for_backup)
            await until(lambda: log.vitals.backup_trouble)
            log.store.append(record(2))
            await log.settled()
        found = rows(log.path)

    assert "free" in log.vitals.backup_trouble
    assert log.vitals.backup_at == 0.0
    assert found == [1, 2]


async def test_the_size_of_the_log_is_known(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(*range(5_000)))
        await log.settled()
        due(log, Upkeep.measure)
        await until(lambda: log.vitals.size > 500_000)
        on_disk = sum(
            file.stat().st_size for file in tmp_path.glob("log-city.db*") if file.suffix != ".db-shm"
        )

    assert abs(log.vitals.size - on_disk) < 1_000_000


async def test_the_write_ahead_log_is_brought_in_and_does_not_grow_for_ever(tmp_path):
    async with opened(tmp_path) as log:
        for begin in range(0, 60_000, 500):
            log.store.append(record(*range(begin, begin + 500)))
            await log.settled()
        grown = (tmp_path / "log-city.db-wal").stat().st_size
    left = (tmp_path / "log-city.db-wal").exists()

    assert grown < 8 << 20
    assert not left


async def test_a_log_that_was_not_closed_is_looked_through_after_the_start(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1))
        await log.settled()
        clean = log.store._writer._upkeep._check.due - time.monotonic()
    with closing(sqlite3.connect(log.path)) as file, file:
        file.execute("UPDATE runs SET ended_at = NULL")
    async with opened(tmp_path) as log:
        unclean = log.store._writer._upkeep._check.due - time.monotonic()
        due(log, Upkeep._begin_check)
        await until(lambda: log.store._writer._upkeep._check.due > 0.0)
        reader = log.store.reader("mqtt", lambda: None)
        log.store.append(record(2))
        seen = await read(reader, 1)

    assert clean > DAY - 60
    assert unclean <= 30
    assert seen == [2]
    assert log.told == []
