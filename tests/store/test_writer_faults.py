"""writer: while the disk is bad what happens is told from memory, and recorded in order when it is back."""

import asyncio
import contextlib
import sqlite3
import time

import pytest

from monitor.core.record import Record
from monitor.core.vitals import StoreVitals
from monitor.errors import MonitorError
from monitor.store import NewerError, Store, StoreOptions, log_file
from tests.store.log_ground import (
    disk,
    event,
    fill,
    kept,
    locked,
    mount,
    opened,
    read,
    record,
    rows,
    status,
    until,
)


async def test_what_waits_too_long_for_a_lock_is_told_first_and_recorded_later(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader("mqtt", lambda: None)
        log.store.append(record(1))
        await log.settled()
        with locked(log.path):
            began = time.monotonic()
            log.store.append(record(2))
            log.store.append(record(3))
            seen = await read(reader, 3)
            waited = time.monotonic() - began
            reader.told(3)
            on_disk, pending = rows(log.path), log.vitals.pending
            quiet = log.vitals.trouble
            await until(lambda: log.vitals.trouble)
            declared = time.monotonic() - began
        await log.settled()
        await until(lambda: log.heard("store_back"))

    assert seen == [1, 2, 3]
    assert 0.4 < waited < 2.0
    assert (on_disk, pending, quiet) == ([1], 2, "")
    assert 2.5 < declared < 8.0
    assert [data["trouble"] for data in log.heard("store_trouble")] == [
        f"{log.path}: locked by another program; find it (`fuser {log.path}`) and end it"
    ]
    assert log.heard("store_back") == [{"events": 2}]
    assert rows(log.path) == [1, 2, 3]
    assert rows(log.path, "SELECT position FROM readers") == [3]


async def test_while_the_disk_is_bad_everything_is_told_at_once(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader(None, lambda: None)
        with locked(log.path):
            log.store.append(record(1))
            await read(reader, 1)
            log.store.append(record(2))
            at_once = await reader.read(10)
        await log.settled()

    assert [e.seq for e in at_once] == [2]


async def test_a_short_lock_is_no_trouble(tmp_path):
    async with opened(tmp_path) as log:
        with locked(log.path):
            log.store.append(record(1))
            await asyncio.sleep(1.5)
        await log.settled()

    assert log.told == []
    assert rows(log.path) == [1]


async def test_gathering_waits_as_long_as_the_disk_is_bad(tmp_path):
    theirs = [event(seq, vantage="dan") for seq in range(20)]
    async with opened(tmp_path) as log:
        with locked(log.path):
            first = asyncio.create_task(log.store.gather("dan", "L", 20, theirs))
            await until(lambda: log.vitals.trouble)
            waits = not first.done()
        async with asyncio.timeout(10):
            new = await first
        log.store.append(record(1))

    assert waits
    assert new == 20
    assert rows(log.path) == [*range(20), 1]


async def test_memory_is_bounded_and_what_it_could_not_hold_is_counted(tmp_path):
    async with opened(tmp_path, memory_events=1_000) as log:
        behind = log.store.reader("behind", lambda: None)
        with locked(log.path):
            for seq in range(10):
                log.store.append(record(*range(seq * 250, seq * 250 + 250)))
                await asyncio.sleep(0)
            await until(lambda: log.vitals.trouble)
            waiting, dropped = log.vitals.pending, log.vitals.dropped
        await log.settled()
        await until(lambda: log.heard("events_lost"))
        found = rows(log.path)
        seen = await read(behind, len(found))
        lost_to_it = behind.dropped
        log.store.append(record(2_500))
    recorded = rows(log.path)

    assert waiting <= 1_250
    assert dropped == 2_500 - len(found)
    assert found == sorted(found)
    assert found[-1] == 2_499
    assert seen == found
    assert lost_to_it == dropped
    assert sum(data["count"] for data in log.heard("events_lost")) == dropped
    assert recorded[-1] == 2_500


async def test_a_storm_that_a_good_disk_cannot_take_at_once_loses_nothing(tmp_path):
    async with opened(tmp_path, memory_events=1_000) as log:
        for seq in range(0, 6_000, 250):
            log.store.append(record(*range(seq, seq + 250)))
        waiting = log.vitals.pending
        await log.settled()
        dropped = log.vitals.dropped

    assert waiting == 6_000
    assert dropped == 0
    assert rows(log.path) == list(range(6_000))


async def test_what_lost_events_implied_is_kept(tmp_path):
    async with opened(tmp_path, memory_events=1_000) as log:
        with locked(log.path):
            log.store.append(record(0))
            await until(lambda: log.vitals.trouble)
            for seq in range(1, 3_000):
                log.store.append(record(seq))
                implied = {f"check{seq % 1_500}": kept(str(seq))}
                log.store.append(Record((), implied))
        await log.settled()
    async with opened(tmp_path) as log:
        found = log.store.remembered().checks

    assert log.vitals.dropped == 0
    assert {name: one.belief.detail for name, one in found.items()} == {
        f"check{seq % 1_500}": str(seq) for seq in range(1_500, 3_000)
    }


async def test_a_full_disk_is_told_and_costs_nothing(tmp_path):
    with disk(tmp_path, 8):
        async with opened(tmp_path) as log:
            reader = log.store.reader("mqtt", lambda: None)
            filler = fill(tmp_path, leave=64 * 1024)
            for seq in range(3_000):
                log.store.append(record(seq))
                await asyncio.sleep(0)
            await until(lambda: log.vitals.trouble)
            trouble = log.vitals.trouble
            seen = await read(reader, 3_000)
            reader.told(3_000)
            filler.unlink()
            await log.settled()
            await until(lambda: log.heard("store_back") != [])
            log.store.append(record(3_000))
        found = rows(log.path)

    assert trouble == f"{log.path}: no space left on the disk; make room in {tmp_path} or on its disk"
    assert seen == list(range(3_000))
    assert found == list(range(3_001))
    assert len(log.heard("store_trouble")) == 1


async def test_a_full_disk_gives_up_its_reserve_and_gets_it_back(tmp_path):
    with disk(tmp_path, 16):
        async with opened(tmp_path, reserve_mib=4) as log:
            await until((tmp_path / "log-city.reserve").exists)
            filler = fill(tmp_path)
            for seq in range(2_000):
                log.store.append(record(seq))
                await asyncio.sleep(0)
            await until(lambda: not log.vitals.reserve)
            await log.settled()
            found, notice = rows(log.path), log.vitals.notice
            told = [name for name, _ in log.told]
            filler.unlink()
            log.store._writer._upkeep._duties[1].due = 0.0
            log.store.append(record(2_000))
            await until(lambda: log.vitals.reserve)
            later = log.vitals.notice

    assert found == list(range(2_000))
    assert told == ["store_trouble", "store_back"]
    assert "too little room for the reserve of 4 MiB" in notice
    assert later == ""


async def test_a_disk_that_is_full_at_the_start_is_borne(tmp_path):
    with disk(tmp_path, 4):
        filler = fill(tmp_path)
        async with opened(tmp_path) as log:
            trouble, identity = log.vitals.trouble, log.store.identity
            reader = log.store.reader("mqtt", lambda: None)
            log.store.append(record(1, 2))
            seen = await read(reader, 2)
            filler.unlink()
            await log.settled()
            log.store.append(record(3))
            seen += await read(reader, 1)
        found = rows(log.path)

    assert "no space left" in trouble
    assert identity == ""
    assert seen == [1, 2, 3]
    assert found == [1, 2, 3]


async def test_a_disk_that_may_only_be_read_at_the_start_is_borne_and_nothing_is_told_twice(tmp_path):
    with disk(tmp_path, 8):
        async with opened(tmp_path) as log:
            reader = log.store.reader("mqtt", lambda: None)
            log.store.append(record(*range(1, 11)))
            await read(reader, 10)
            reader.told(6)
        mount(tmp_path, "-o", "remount,ro")
        async with opened(tmp_path) as log:
            trouble = log.vitals.trouble
            reader, new = (log.store.reader(name, lambda: None) for name in ("mqtt", None))
            log.store.append(record(1, 2, 3, boot="b2"))
            first = await read(reader, 3)
            (position,) = {e.position for e in await new.read(1)}
            reader.told(position + 2)
            mount(tmp_path, "-o", "remount,rw")
            await log.settled()
            rest = await read(reader, 4)
            log.store.append(record(4, boot="b2"))
            rest += await read(reader, 1)
            others = [(e.seq, e.position) for e in await new.read(10)]
            reader.told(14)
        places = rows(log.path, "SELECT position FROM readers")
        found = rows(log.path)

    assert "may only be read" in trouble
    assert first == [1, 2, 3]
    assert rest == [7, 8, 9, 10, 4]
    assert others == [(2, 12), (3, 13), (4, 14)]
    assert found == [*range(1, 11), 1, 2, 3, 4]
    assert places == [14]


async def test_a_folder_that_is_missing_at_the_start_is_borne(tmp_path):
    folder = tmp_path / "later"
    async with opened(folder) as log:
        trouble = log.vitals.trouble
        log.store.append(record(1))
        folder.mkdir()
        await log.settled()

    assert f"see that {folder} is there" in trouble
    assert rows(log.path) == [1]


async def test_a_file_that_is_deleted_under_us_is_written_anew(tmp_path):
    async with opened(tmp_path) as log:
        identity = log.store.identity
        log.store.append(record(1, 2, 3))
        await log.settled()
        log.path.unlink()
        log.store.append(record(4))
        await log.settled()
        await until(lambda: log.heard("store_back"))
        same = log.store.identity

    assert rows(log.path) == [1, 2, 3, 4]
    assert "deleted while it was in use" in log.heard("store_trouble")[0]["trouble"]
    assert same == identity


async def test_another_log_put_in_place_of_ours_is_taken_up_and_nothing_of_ours_is_lost(tmp_path):
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as other:
        other.store.append(record(*range(20), boot="other"))
    async with opened(tmp_path) as log:
        log.store.append(record(1, 2, 3))
        await log.settled()
        other.path.replace(log.path)
        log.store.append(record(4))
        await log.settled()
    found = rows(log.path, "SELECT boot, seq FROM events ORDER BY position")

    assert found[:20] == [("other", seq) for seq in range(20)]
    assert ("b1", 4) in found


async def test_a_second_daemon_is_refused(tmp_path):
    async with opened(tmp_path) as log:
        second = Store(log.path, "city", StoreVitals(), options=StoreOptions())
        with pytest.raises(MonitorError, match="only one may use this log"):
            await second.open()
        log.store.append(record(1))

    assert rows(log.path) == [1]


async def test_a_log_of_a_newer_version_is_refused_with_what_to_do(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1))
    with contextlib.closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = Store(log_file(tmp_path, "city"), "city", StoreVitals(), options=StoreOptions())

    with pytest.raises(NewerError, match=r"written by a newer version .* install that version again"):
        await newer.open()
    async with asyncio.timeout(1):
        await newer.close()

    assert not (tmp_path / "log-city.db-wal").exists()


async def test_closing_takes_a_bounded_time_though_the_disk_is_bad(tmp_path):
    async with opened(tmp_path) as log:
        with locked(log.path):
            log.store.append(record(1))
            began = time.monotonic()
            await log.store.close()
            took = time.monotonic() - began

    assert took < 15.0


async def test_what_earlier_runs_left_is_remembered_though_the_disk_may_only_be_read(tmp_path):
    with disk(tmp_path, 8):
        async with opened(tmp_path) as log:
            log.store.append(Record((event(1),), {"a": kept()}, {"dan": status("dan")}))
        mount(tmp_path, "-o", "remount,ro")
        async with opened(tmp_path) as log:
            remembered, trouble = log.store.remembered(), log.vitals.trouble
        mount(tmp_path, "-o", "remount,rw")

    assert trouble
    assert remembered.checks == {"a": kept()}
    assert remembered.statuses == {"dan": status("dan")}
    assert remembered.seen_at > 0


async def test_a_daemon_that_could_not_take_the_lock_takes_it_when_it_opens_the_log(tmp_path):
    folder = tmp_path / "later"
    async with opened(folder) as log:
        folder.mkdir()
        log.store.append(record(1))
        await log.settled()
        second = Store(log.path, "city", StoreVitals(), options=StoreOptions())
        with pytest.raises(MonitorError, match="only one may use this log"):
            await second.open()

    assert rows(log.path) == [1]
