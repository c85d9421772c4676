"""log: what is appended is recorded in order, read by everybody from his own place, and never twice."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.core.detection import Belief, Verdict
from monitor.core.health import Health
from monitor.core.learning import Learned
from monitor.core.quality import Decline, Severity
from monitor.core.record import Kept, Record, Remembered
from tests.store.log_ground import event, kept, opened, read, record, rows, status, until


async def test_what_is_appended_is_read_in_order_with_its_place(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader(None, lambda: None)
        for seq in range(1, 6):
            log.store.append(record(seq))
        async with asyncio.timeout(10):
            while len(found := await reader.read(10)) == 0:
                await asyncio.sleep(0.005)

    assert [(e.seq, e.position) for e in found] == [(n, n) for n in range(1, len(found) + 1)]
    assert found[0].data == {"n": 1}


async def test_a_reader_sees_an_event_once_it_is_recorded(tmp_path):
    async with opened(tmp_path) as log:
        woken = []
        reader = log.store.reader(None, lambda: woken.append(rows(log.path)))
        log.store.append(record(1))
        at_once = await reader.read(10)
        await until(lambda: woken)

    assert at_once == ()
    assert woken[0] == [1]


async def test_ten_thousand_records_are_committed_in_groups(tmp_path):
    async with opened(tmp_path) as log:
        for seq in range(10_000):
            log.store.append(record(seq))
        await log.settled()
        commits = log.vitals.commits

    assert rows(log.path) == list(range(10_000))
    assert commits <= 12
    assert log.vitals.recorded == 10_000


async def test_everything_that_is_true_of_an_event_comes_back_from_the_disk(tmp_path):
    said = {
        "sentence": {"zh": "丹江口中断", "en": "cut"},
        "n": None,
        "yes": True,
        "rtt": 0.25,
        "list": [1, "二"],
    }
    first = event(1, subject="dan/市网", kind="belief", data=said, at=1234.5678901)
    async with opened(tmp_path) as log:
        log.store.append(Record((first,)))
    async with opened(tmp_path) as log:
        (found,) = await log.store.own(0, 10)

    assert found.data == said
    assert (found.vantage, found.boot, found.seq, found.at) == ("city", "b1", 1, 1234.5678901)
    assert (found.kind, found.subject, found.received_at) == ("belief", "dan/市网", None)


async def test_what_json_cannot_say_does_not_lose_the_event(tmp_path):
    odd = {"nan": float("nan"), "surrogate": "\ud800", "what": {1, 2}, "nested": [{"inf": float("inf")}]}
    async with opened(tmp_path) as log:
        log.store.append(Record((event(1, data=odd),)))
        log.store.append(record(2))
        await log.settled()
        first, second = await log.store.own(0, 10)
    async with opened(tmp_path) as log:
        first, second = await log.store.own(0, 10)

    assert first.data == {"nan": None, "surrogate": "?", "what": "{1, 2}", "nested": [{"inf": None}]}
    assert second.seq == 2


async def test_a_record_that_no_database_takes_does_not_hold_up_the_others(tmp_path):
    async with opened(tmp_path) as log:
        for seq in (*range(100), 1 << 70, *range(100, 200)):
            log.store.append(record(seq))
        await log.settled()
        await until(lambda: log.heard("events_lost"))

    assert rows(log.path) == list(range(200))
    assert log.heard("events_lost") == [{"count": 1}]
    assert log.vitals.dropped == 1


async def test_what_was_held_of_checks_and_statuses_is_remembered(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(Record((event(1),), {"a": kept(), "b": kept("x")}, {"dan": status("dan")}))
        log.store.append(Record((), {"b": None}, {"fang": status("fang")}))
        log.store.append(Record((event(2),), {}, {"fang": None}))
        log.store.alive(5_000.0)
    async with opened(tmp_path) as log:
        found = log.store.remembered()

    assert found == Remembered(found.seen_at, {"a": kept()}, {"dan": status("dan")})
    assert found.seen_at >= 5_000.0


async def test_a_doubt_under_way_is_not_remembered(tmp_path):
    belief = Belief(Verdict.UP, 42.5, "ok", suspected=True, good=2)
    async with opened(tmp_path) as log:
        log.store.append(Record((), {"a": Kept("m", belief, Learned())}))
    async with opened(tmp_path) as log:
        found = log.store.remembered().checks["a"].belief

    assert found == Belief(Verdict.UP, 42.5, "ok")


async def test_how_much_worse_something_has_become_is_remembered(tmp_path):
    decline = Decline("slow", Severity.WARN, 40.0, rtt=0.4, usual=0.02)
    degraded = replace(kept(), belief=Belief(Verdict.DEGRADED, 42.5, "slow", decline=decline))
    said = replace(status("dan", Health.DEGRADED), decline=decline)
    async with opened(tmp_path) as log:
        log.store.append(Record((), {"a": degraded}, {"dan": said}))
    async with opened(tmp_path) as log:
        found = log.store.remembered()

    assert (found.checks, found.statuses) == ({"a": degraded}, {"dan": said})


@pytest.mark.parametrize(
    "learned", ["", "{", "[]", "null", '{"seconds": "x"}', '{"more": 1}', '{"rtts": [1]}', '{"rtts": 5}']
)
async def test_what_cannot_be_read_of_what_was_learned_is_learned_anew(tmp_path, learned):
    async with opened(tmp_path) as log:
        log.store.append(Record((), {"a": kept()}))
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute("UPDATE checks SET learned = ?", (learned,))
    async with opened(tmp_path) as log:
        assert log.store.remembered().checks["a"].learned == Learned(1000.0, 7.5)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("learned", '{"seconds": NaN}'),
        ("learned", '{"bursts": -1}'),
        ("learned", '{"burst_looks": 1, "burst_lost": 2}'),
        ("learned", '{"rtts": [[100000, 1]]}'),
        ("learned", '{"rtts": [[3, -5]]}'),
        ("looks", -5.0),
        ("isolated", 1e9),
    ],
)
async def test_what_no_path_can_have_taught_is_learned_anew(tmp_path, column, value):
    async with opened(tmp_path) as log:
        log.store.append(Record((), {"a": kept()}))
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute(f"UPDATE checks SET {column} = ?", (value,))  # noqa: S608 - a column of ours
    async with opened(tmp_path) as log:
        assert log.store.remembered().checks["a"].learned == Learned()


@pytest.mark.parametrize("decline", ["{", "[]", '{"severity": "awful"}', '{"severity": "warn", "more": 1}'])
async def test_a_belief_whose_severity_cannot_be_read_is_forgotten(tmp_path, decline):
    async with opened(tmp_path) as log:
        log.store.append(Record((), {"a": kept()}))
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute("UPDATE checks SET decline = ?", (decline,))
    async with opened(tmp_path) as log:
        assert log.store.remembered().checks == {}


async def test_a_first_run_remembers_nothing(tmp_path):
    async with opened(tmp_path) as log:
        assert log.store.remembered() == Remembered()


async def test_a_named_reader_goes_on_where_it_left_off(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader("mqtt", lambda: None)
        for seq in range(1, 101):
            log.store.append(record(seq))
        await read(reader, 60)
        reader.told(40)
    async with opened(tmp_path) as log:
        again = await read(log.store.reader("mqtt", lambda: None), 60)

    assert again == list(range(41, 101))


async def test_a_new_reader_begins_at_the_end_even_if_it_dies_before_it_told_anything(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1, 2, 3))
        log.store.reader("new", lambda: None)
        log.store.append(record(4))
    async with opened(tmp_path) as log:
        found = await read(log.store.reader("new", lambda: None), 1)

    assert found == [4]


async def test_a_reader_without_a_name_begins_at_the_end_and_leaves_no_trace(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1))
        reader = log.store.reader(None, lambda: None)
        log.store.append(record(2))
        found = await read(reader, 1)
        reader.told(2)

    assert found == [2]
    assert rows(log.path, "SELECT count(*) FROM readers") == [0]


async def test_a_reader_far_behind_reads_from_the_disk_and_arrives_in_memory(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader("slow", lambda: None)
        for seq in range(6_000):
            log.store.append(record(seq))
        await log.settled()
        in_memory = log.store._memory.ring.first
        found = await read(reader, 6_000)
        log.store.append(record(6_000))
        found += await read(reader, 1)

    assert in_memory > 3_000
    assert found == list(range(6_001))
    assert reader.dropped == 0


async def test_a_reader_is_woken_as_long_as_there_is_more_to_read(tmp_path):
    async with opened(tmp_path) as log:
        more = asyncio.Event()
        reader = log.store.reader("slow", more.set)
        for seq in range(4_500):
            log.store.append(record(seq))
        found = []
        async with asyncio.timeout(20):
            while len(found) < 4_500:
                await more.wait()
                more.clear()
                found += await reader.read(1_000)

    assert [e.seq for e in found] == list(range(4_500))


async def test_a_reader_that_breaks_off_in_the_middle_of_a_page_loses_nothing(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader("slow", lambda: None)
        for seq in range(4_000):
            log.store.append(record(seq))
        await log.settled()
        reading = asyncio.create_task(reader.read(1_000))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        found = await read(reader, 4_000)

    assert reading.cancelled()
    assert found == list(range(4_000))


async def test_while_the_disk_cannot_be_read_what_is_in_memory_comes_first_and_the_rest_later(tmp_path):
    async with opened(tmp_path) as log:
        reader = log.store.reader("slow", lambda: None)
        for seq in range(5_000):
            log.store.append(record(seq))
        await log.settled()
        begin = await read(reader, 500)
        reader.told(500)
        await log.store._pages.shut()
        log.store.append(record(5_000))
        await log.settled()
        ahead = []
        while page := await reader.read(500):
            ahead += [e.seq for e in page]
        reader.told(5_001)
        saved = log.store.place("slow")
        log.store._pages.open()
        rest = await read(reader, 5_001 - len(begin) - len(ahead))
        reader.told(ahead[0])
        in_the_end = log.store.place("slow")

    assert ahead == sorted(ahead)
    assert ahead[0] > 2_500
    assert ahead[-1] == 5_000
    assert saved == 500
    assert sorted([*begin, *ahead, *rest]) == list(range(5_001))
    assert in_the_end == 5_001
    assert reader.dropped == 0


async def test_the_journal_holds_our_own_events_only(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1, 2))
        theirs = [event(seq, vantage="dan", boot="x") for seq in range(3)]
        await log.store.gather("dan", "their-log", 3, theirs)
        log.store.append(record(3))
        await log.settled()
        in_memory = await log.store.own(1, 10), await log.store.waiting(0)
    async with opened(tmp_path) as log:
        on_disk = await log.store.own(1, 10), await log.store.waiting(0)
        few = await log.store.own(0, 2)

    assert [e.seq for e in in_memory[0]] == [2, 3]
    assert in_memory == on_disk
    assert on_disk[1] == 3
    assert [e.seq for e in few] == [1, 2]


async def test_the_place_of_a_journal_reader_outlasts_a_restart(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1, 2, 3))
        await log.settled()
        log.store.mark("report/city", 2)
        at_once = log.store.place("report/city")
    async with opened(tmp_path) as log:
        later = log.store.place("report/city")

    assert (at_once, later) == (2, 2)


async def test_a_place_beyond_the_end_is_taken_back_to_it(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(record(1))
        await log.settled()
        log.store.mark("mqtt", 500)
    async with opened(tmp_path) as log:
        reader = log.store.reader("mqtt", lambda: None)
        log.store.append(record(2))
        found = await read(reader, 1)

    assert found == [2]


async def test_a_log_keeps_its_identity(tmp_path):
    async with opened(tmp_path) as log:
        first = log.store.identity
    async with opened(tmp_path) as log:
        second = log.store.identity
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as log:
        other = log.store.identity

    assert first == second != other
    assert first


async def test_gathering_the_same_again_records_nothing_new(tmp_path):
    theirs = [event(seq, vantage="dan", boot=f"boot{seq // 50}", received_at=9_000.0) for seq in range(100)]
    async with opened(tmp_path) as log:
        first = await log.store.gather("dan", "L", 60, theirs[:60])
        second = await log.store.gather("dan", "L", 100, [*theirs, theirs[3]])
        at_once = await log.store.gathered("dan")
    async with opened(tmp_path) as log:
        third = await log.store.gather("dan", "L", 80, theirs)
        later = await log.store.gathered("dan")
        nothing = await log.store.gathered("fang")

    assert (first, second, third) == (60, 40, 0)
    assert rows(log.path) == list(range(100))
    assert (at_once.log, at_once.position, at_once.boots) == ("L", 100, ("boot0", "boot1"))
    assert later == at_once
    assert (nothing.log, nothing.position, nothing.boots) == ("", 0, ())


async def test_gathering_that_is_broken_off_is_neither_lost_nor_doubled(tmp_path):
    theirs = [event(seq, vantage="dan") for seq in range(50)]
    async with opened(tmp_path) as log:
        first = asyncio.create_task(log.store.gather("dan", "L", 50, theirs))
        await until(lambda: log.vitals.pending or log.vitals.recorded)
        first.cancel()
        await asyncio.wait([first])
        await log.store.gather("dan", "L", 50, theirs)

    assert rows(log.path) == list(range(50))


async def test_another_log_of_the_same_vantage_begins_at_its_own_position(tmp_path):
    async with opened(tmp_path) as log:
        await log.store.gather("dan", "old", 1_000, [event(1, vantage="dan")])
        await log.store.gather("dan", "new", 5, [event(1, vantage="dan", boot="b2")])
        found = await log.store.gathered("dan")

    assert (found.log, found.position, found.boots) == ("new", 5, ("b1", "b2"))


async def test_our_own_events_cannot_be_gathered(tmp_path):
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match="another vantage"):
            await log.store.gather("city", "L", 1, [event(1)])
        with pytest.raises(ValueError, match="another vantage"):
            await log.store.gather("dan", "L", 1, [event(1, vantage="fang")])


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(event(1 << 70, vantage="dan"), id="a-number-too-large"),
        pytest.param(event(2, vantage="dan", subject=None), id="no-subject"),
    ],
)
async def test_what_no_database_takes_is_refused_to_whoever_gathers_it(tmp_path, odd):
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match="no database takes"):
            await log.store.gather("dan", "L", 2, [event(1, vantage="dan"), odd])
        new = await log.store.gather("dan", "L", 1, [event(1, vantage="dan")])
        position = (await log.store.gathered("dan")).position

    assert (new, position) == (1, 1)
    assert log.vitals.dropped == 0


async def test_the_quarantine_holds_the_newest_thousand(tmp_path):
    async with opened(tmp_path) as log:
        for n in range(1_205):
            await log.store.quarantine(
                "dan", f"topic/{n}", "no\x00 JSON", bytes(100_000 if n == 1_204 else 3)
            )
            if n % 50 == 0:
                await until(lambda: not log.store._memory.pending)
    found = rows(log.path, "SELECT topic, reason, length(payload) FROM quarantine ORDER BY id")

    assert len(found) == 1_000
    assert found[-1] == ("topic/1204", "no JSON", 65_536)


async def test_a_run_is_recorded_from_its_first_event_to_its_end(tmp_path):
    async with opened(tmp_path) as log:
        log.store.alive(1_500.0)
        log.store.append(record(1))
        log.store.alive(2_000.0)
        await log.settled()
        await until(lambda: rows(log.path, "SELECT alive_at FROM runs") == [2_000.0])
        open_run = rows(log.path, "SELECT boot, started_at, alive_at, ended_at FROM runs")
    ((boot, _, _, ended_at),) = rows(log.path, "SELECT boot, started_at, alive_at, ended_at FROM runs")

    assert open_run == [("b1", 1_001.0, 2_000.0, None)]
    assert boot == "b1"
    assert ended_at is not None
