"""acts and a bad disk: whatever it does, nothing that people did is lost, doubled or out of the chain."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from monitor.core.act import Act
from monitor.core.record import Record
from monitor.store import backup, backup_folder, log_file
from monitor.store.audit import LATEST, Entry, Link
from monitor.store.audit_check import acts, check_file
from monitor.store.database import connect
from monitor.store.migration import STEPS, migrate
from monitor.store.pending import MOST_ACTS, Item, Pending
from tests.store.log_ground import disk, event, fill, kept, locked, opened, record, rows, until


def act(n):
    return Act(1e9 + n, "张三", 1000, "socket", "world/turn", str(n))


def both(n):
    """Return an event and whose act it was."""
    return Record((event(n),), {"world": kept(str(n))}, acts=(act(n),))


def there(path):
    found = check_file(path)
    assert found.breaks == ()
    return [int(row["subject"]) for row in acts(path)]


async def test_on_a_full_disk_acts_wait_until_there_is_room(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    with disk(folder, 8):
        async with opened(folder) as log:
            log.store.append(both(1))
            await log.settled()
            filler = fill(folder)
            for n in range(2, 300):
                log.store.append(both(n))
                await asyncio.sleep(0.001)
            await until(lambda: log.vitals.trouble)
            filler.unlink()
            await log.settled()
        found = there(log.path)

    assert found == list(range(1, 300))


@pytest.mark.parametrize("after", ["before", "after"])
async def test_a_commit_of_which_nobody_knows_whether_it_was_one_doubles_nothing(tmp_path, after):
    async with opened(tmp_path) as log:
        file = log.store._writer._file
        commit, failed = file.commit, []

        def unsure(batch):
            fails = len(failed) < 3 and batch.acts
            if fails and after == "before":
                failed.append(1)
                raise OSError(5, "Input/output error")
            seconds = commit(batch)
            if fails:
                failed.append(1)
                raise OSError(5, "Input/output error")
            return seconds

        file.commit = unsure
        for n in range(1, 10):
            log.store.append(both(n))
            await asyncio.sleep(0.01)
        await log.settled()

    assert len(failed) == 3
    assert there(log.path) == list(range(1, 10))
    assert rows(log.path) == list(range(1, 10))


async def test_a_file_that_lost_acts_again_is_given_them_again(tmp_path):
    async with opened(tmp_path) as log:
        for n in range(1, 20):
            log.store.append(Record(acts=(act(n),)))
            await asyncio.sleep(0)
        await log.settled()
        earlier = tmp_path / "earlier.db"
        await asyncio.to_thread(backup.make, log.path, earlier)
        for n in range(20, 40):
            log.store.append(Record(acts=(act(n),)))
        await until(lambda: not log.vitals.acts_pending)
        await log.store._writer._lane.run(log.store._writer._file.close)
        for suffix in ("-wal", "-shm"):
            log.path.with_name(log.path.name + suffix).unlink(missing_ok=True)
        earlier.replace(log.path)  # no event is missing in it
        log.store._writer._is_open = False
        log.store.append(both(40))
        await log.settled()

    assert there(log.path) == list(range(1, 41))


async def test_while_the_file_is_locked_acts_wait_in_order_and_outlast_the_events_they_came_with(tmp_path):
    count = 1_800
    async with opened(tmp_path, memory_events=1_000) as log:
        with locked(log.path):
            log.store.append(record(0))
            await until(lambda: log.vitals.trouble)
            for n in range(count):
                log.store.append(both(n) if n % 9 else Record(acts=(act(n),)))
            waiting = log.vitals.acts_pending
        await log.settled()
        dropped, lost = log.vitals.dropped, log.vitals.acts_lost

    assert waiting == count
    assert dropped > 500
    assert lost == 0
    assert there(log.path) == list(range(count))


def entries(count, first=0):
    return [Entry(f"e{n}", act(n)) for n in range(first, first + count)]


def test_of_more_acts_than_memory_holds_the_oldest_go_and_an_act_says_how_many():
    queue, count = Pending(1_000), 3 * MOST_ACTS
    for n in range(count):
        queue.add(Item((event(n),) if n % 3 else (), acts=entries(1, n)))
    held = queue.take(count).acts
    told = [one.act for one in held if one.act.what == "audit/lost"]
    left = [int(one.act.subject) for one in held if one.act.what != "audit/lost"]

    assert len(held) == queue.acts <= MOST_ACTS + 1
    assert sum(one.data["count"] for one in told) == queue.acts_lost == count - len(left)
    assert left == list(range(count - len(left), count))
    assert len({one.name for one in held}) == len(held)


def test_what_is_in_hand_is_not_given_up():
    queue = Pending(1_000)
    queue.add(Item((event(1),), acts=entries(MOST_ACTS - 10)))
    batch = queue.take(1_000)
    for n in range(MOST_ACTS - 10, MOST_ACTS + 20):
        queue.add(Item((event(n),), acts=entries(1, n)))
    in_hand = [entry.name for entry in batch.acts]
    written = [entry.name for item in queue.settle() for entry in item.acts]

    assert in_hand == written == [f"e{n}" for n in range(MOST_ACTS - 10)]
    assert queue.acts <= 30


async def test_an_event_that_no_database_takes_does_not_take_the_act_with_it(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(both(1))
        log.store.append(Record((event(1 << 70),), acts=(act(2),)))
        log.store.append(both(3))
        await log.settled()
        await until(lambda: not log.vitals.acts_pending)

    assert sorted(there(log.path)) == [1, 2, 3]
    assert rows(log.path) == [1, 3]


async def test_a_file_of_an_older_version_gets_its_chain_and_loses_nothing(tmp_path):
    older = tmp_path / "older"
    (older / "versions").mkdir(parents=True)
    for file in ("env.py", "script.py.mako", "versions/__init__.py", *(f"versions/{n}" for n in OLD)):
        (older / file).write_bytes((STEPS / file).read_bytes())
    path = log_file(tmp_path, "city")
    engine = connect(path, writes=True, create=True)
    migrate(engine, path, lambda: None, older)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection, connection:
        values = [("city", "b0", n, 1e9, 1e9, "status", "dan", "{}") for n in range(50)]
        columns = "vantage, boot, seq, at, recorded_at, kind, subject, data"
        connection.executemany(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    none = check_file(path)
    async with opened(tmp_path) as log:
        log.store.append(both(100))
        await log.settled()

    assert none is None
    assert rows(path) == [*range(50), 100]
    assert there(path) == [100]
    assert len(backup.every(backup_folder(path), path.stem)) == 1


OLD = ("v0001_begin.py", "v0002_learned.py", "v0003_report.py")


async def test_what_has_gone_with_time_is_cut_by_the_daemon_and_the_rest_is_whole(tmp_path):
    async with opened(tmp_path) as log:
        old = 200 + LATEST
        log.store.append(Record(acts=tuple(act(n) for n in range(old))))
        log.store.append(both(old))
        await until(lambda: not log.vitals.acts_pending)
        log.store._writer._upkeep._prune.due = 0.0
        log.store.append(record(old + 100))
        await until(lambda: len(list(acts(log.path))) == LATEST)
        log.store.append(both(old + 1))
        await log.settled()

    assert there(log.path) == list(range(old + 1 - LATEST, old + 2))
    assert check_file(log.path).cut == old + 1 - LATEST


async def test_where_the_chain_ends_is_told_once_a_day_if_it_has_moved(tmp_path):
    async with opened(tmp_path) as log:
        duties = log.store._writer._upkeep._duties
        told = []
        for n in (0, 1, 0, 2):
            if n:
                log.store.append(both(n))
            await log.settled()
            duties[-1].due = 0.0
            log.store.append(record(100 + len(told)))
            await until(lambda: duties[-1].due > 0.0)
            await log.store._writer._lane.run(lambda: None)  # it is looked up there
            await asyncio.sleep(0)  # and told from there
            await asyncio.sleep(0)
            told.append([data["number"] for data in log.heard("audit_head")])
        last = log.heard("audit_head")[-1]

    assert told == [[], [1], [1], [1, 2]]
    assert check_file(log.path, Link(**last)).agrees
