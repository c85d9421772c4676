"""writer: a damaged log is set aside, the newest backup takes its place, and what can be read comes along."""

import asyncio
import os
import time

import pytest

from monitor.core.record import Record
from monitor.store import backup, backup_folder
from tests.store.log_ground import event, kept, opened, read, record, rows, status, until

PAGE = 4096


def damage(path, how):
    """Hurt the file as bad disks and bad hands do."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        if how == "a page in the middle":
            file.seek(size // 2 // PAGE * PAGE)
            file.write(b"\xa5" * PAGE)
        elif how == "many pages":
            for at in range(2 * PAGE, size, 5 * PAGE):
                file.seek(at)
                file.write(b"\xa5" * PAGE)
        elif how == "the header":
            file.write(bytes(PAGE))
        elif how == "cut in half":
            file.truncate(size // 2)
        elif how == "emptied":
            file.truncate(0)
        elif how == "another file":
            file.write(b"PK\x03\x04" * 1024)


async def grown(folder, *, upto, begin=1, boot="b1"):
    """Let a log grow in *folder* and end well; return its path."""
    async with opened(folder) as log:
        for seq in range(begin, upto + 1):
            log.store.append(Record((event(seq, boot=boot),), {"a": kept(str(seq))}, {"dan": status("dan")}))
        await log.settled()
    return log.path


async def backed_up(path):
    copy = backup.path_for(backup_folder(path), path.stem, time.time())
    await asyncio.to_thread(backup.make, path, copy)
    return copy


DAMAGES = ("a page in the middle", "many pages", "the header", "cut in half", "emptied", "another file")


@pytest.mark.parametrize("how", DAMAGES)
async def test_with_a_backup_nothing_that_is_in_it_or_can_be_read_is_lost(tmp_path, how):
    path = await grown(tmp_path, upto=2_000)
    copy = await backed_up(path)
    await grown(tmp_path, begin=2_001, upto=3_000, boot="b2")
    damage(path, how)
    async with opened(tmp_path) as log:
        # What is damaged in the middle shows when it is met, or when the file is looked through.
        log.store._writer._upkeep._check.due = 0.0
        log.store.append(record(1, boot="b3"))
        await until(lambda: log.heard("database_set_aside"))
        await log.settled()
        said, notice = log.heard("database_set_aside")[0], log.vitals.notice
        seen = await log.store.own(0, 10_000)
    boots = [(e.boot, e.seq) for e in seen]
    brought_over = len(boots) - 2_000  # the event of the new run had perhaps been committed before, too

    assert [name for name in boots if name[0] == "b1"] == [("b1", seq) for seq in range(1, 2_001)]
    assert boots[-1] == ("b3", 1)
    assert said["salvaged"] in (brought_over, brought_over - 1)
    assert said["restored_from"] == str(copy)
    assert said["file"] in notice
    assert str(copy) in notice
    assert rows(path, "PRAGMA integrity_check") == ["ok"]
    assert list(tmp_path.glob("log-city.aside-*.db"))


@pytest.mark.parametrize("how", DAMAGES)
async def test_without_a_backup_the_log_begins_anew_loudly(tmp_path, how):
    path = await grown(tmp_path, upto=3_000)
    damage(path, how)
    async with opened(tmp_path) as log:
        log.store._writer._upkeep._check.due = 0.0
        log.store.append(record(1, boot="b3"))
        if how == "emptied":  # nothing tells it from a file that was never written
            await log.settled()
        else:
            await until(lambda: log.heard("database_set_aside"))
            await log.settled()
        notice, said = log.vitals.notice, log.heard("database_set_aside")
        seen = await log.store.own(0, 10_000)

    assert (seen[-1].boot, seen[-1].seq) == ("b3", 1)
    if how != "emptied":
        assert "there was no backup, so the log begins anew" in notice
        assert said[0]["restored_from"] == ""
        assert said[0]["salvaged"] in (len(seen), len(seen) - 1)
        assert list(tmp_path.glob("log-city.aside-*.db"))


async def test_beliefs_and_places_outlast_a_file_that_is_damaged_while_nobody_runs(tmp_path):
    path = await grown(tmp_path, upto=100)
    async with opened(tmp_path) as log:
        reader = log.store.reader("mqtt", lambda: None)
        log.store.append(record(101, 102, 103))
        await read(reader, 3)
        reader.told(102)
        first = log.store.identity
    await backed_up(path)
    damage(path, "the header")
    async with opened(tmp_path) as log:
        remembered, second = log.store.remembered(), log.store.identity
        rest = await read(log.store.reader("mqtt", lambda: None), 1)

    assert remembered.checks == {"a": kept("100")}
    assert remembered.statuses == {"dan": status("dan")}
    assert rest == [103]
    assert first != second


async def test_a_log_that_is_gone_is_restored_not_begun_anew(tmp_path):
    path = await grown(tmp_path, upto=100)
    copy = await backed_up(path)
    path.unlink()
    async with opened(tmp_path) as log:
        await until(lambda: log.heard("database_set_aside"))
        said = log.heard("database_set_aside")

    assert said == [{"file": "", "restored_from": str(copy), "salvaged": 0}]
    assert rows(path) == list(range(1, 101))


@pytest.mark.parametrize("backup_first", [True, False], ids=["with-a-backup", "without"])
async def test_damage_while_we_run_costs_nothing_that_is_in_memory(tmp_path, backup_first):
    async with opened(tmp_path) as log:
        reader = log.store.reader("mqtt", lambda: None)
        for seq in range(1, 1_001):
            log.store.append(Record((event(seq),), {"a": kept(str(seq))}, {"dan": status("dan")}))
        await log.settled()
        if backup_first:
            await backed_up(log.path)
        await log.store._writer._lane.run(lambda: log.store._writer._file.checkpoint(truncate=True))
        damage(log.path, "many pages")
        log.store._writer._upkeep._check.due = 0.0
        first = log.store.identity
        for seq in range(1_001, 1_501):
            log.store.append(record(seq))
            await asyncio.sleep(0)
        await until(lambda: log.heard("database_set_aside"))
        await log.settled()
        await until(lambda: log.heard("store_back"))
        seen = await read(reader, 1_500)
        second = log.store.identity
    async with opened(tmp_path) as log:
        remembered = log.store.remembered()

    assert seen == list(range(1, 1_501))
    assert rows(log.path) == list(range(1, 1_501))
    assert rows(log.path, "SELECT position FROM events ORDER BY position") == list(range(1, 1_501))
    assert remembered.checks == {"a": kept("1000")}
    assert first != second


async def test_a_write_ahead_log_cut_off_under_us_is_made_good_from_memory(tmp_path):
    async with opened(tmp_path) as log:
        for seq in range(1, 201):
            log.store.append(record(seq))
            await asyncio.sleep(0)
        await log.settled()
        os.truncate(f"{log.path}-wal", 0)
        for seq in range(201, 301):
            log.store.append(record(seq))
        await log.settled()

    assert rows(log.path) == list(range(1, 301))
    assert rows(log.path, "PRAGMA integrity_check") == ["ok"]


async def test_a_damaged_page_that_a_reader_meets_is_mended(tmp_path):
    path = await grown(tmp_path, upto=5_000)
    await backed_up(path)
    async with opened(tmp_path) as log:
        damage(path, "many pages")
        with pytest.raises(OSError, match="cannot be read"):
            await log.store.own(0, 5_000)
        await until(lambda: log.heard("database_set_aside"))
        await log.settled()
        second = await log.store.own(0, 5_000)

    assert [e.seq for e in second] == list(range(1, 5_001))


async def test_what_was_interrupted_while_the_file_was_replaced_is_completed(tmp_path):
    path = await grown(tmp_path, upto=10)
    await backed_up(path)
    path.rename(tmp_path / "log-city.mended.db")
    async with opened(tmp_path) as log:
        log.store.append(record(11))

    assert rows(path) == list(range(1, 12))
    assert log.told == []
