"""audit: what people did is recorded once, in order, in a chain; the file itself refuses to change it."""

import hashlib
import json
import sqlite3
import time
from contextlib import closing

import pytest

from monitor.core.act import Act
from monitor.core.record import Record
from monitor.store.audit import HEAD, NOTHING, Entry, cut, enter
from monitor.store.retention import DAY
from tests.store.filled import asked, writing
from tests.store.log_ground import event, opened

NOW = time.time()
COLUMNS = ("number", "name", "at", "who", "uid", "via", "act", "subject", "data", "before", "hash")


def act(n=1, at=None, **data):
    at = NOW - 3600 + n if at is None else at
    return Act(at, "张三", 1000, "socket", "planned/add", f"work-{n}", {"n": n} | data)


def entry(n, at=None):
    return Entry(f"e{n}", act(n, at))


def acts_of(path):
    """Return the rows of the audit log by column."""
    found = asked(path, "SELECT * FROM audit ORDER BY number")
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def written(path, entries):
    with writing(path) as connection, connection.begin():
        enter(connection, entries)
    return path


async def test_an_act_is_recorded_with_what_it_does(tmp_path):
    async with opened(tmp_path) as log:
        log.store.append(Record((event(1),), acts=(act(1),)))
        log.store.append(Record(acts=(act(2),)))
        await log.settled()
    rows = acts_of(log.path)

    assert [(row["who"], row["uid"], row["via"], row["act"]) for row in rows] == [
        ("张三", 1000, "socket", "planned/add")
    ] * 2
    assert [(row["number"], row["subject"], json.loads(row["data"])) for row in rows] == [
        (1, "work-1", {"n": 1}),
        (2, "work-2", {"n": 2}),
    ]
    assert (log.vitals.acts_recorded, log.vitals.acts_pending) == (2, 0)


def test_anybody_can_check_a_hash_with_what_is_documented(tmp_path):
    rows = acts_of(written(tmp_path / "log-city.db", [entry(1), entry(2)]))
    before = NOTHING
    for row in rows:
        content = {key: value for key, value in row.items() if key != "hash"}
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert row["before"] == before
        before = row["hash"]
        assert before == hashlib.sha256(text.encode()).hexdigest()


def test_what_was_written_before_is_not_written_again(tmp_path):
    path = written(tmp_path / "log-city.db", [entry(1), entry(2)])
    once = acts_of(path)
    written(path, [entry(1), entry(2), entry(3)])

    assert acts_of(path)[:2] == once
    assert [row["name"] for row in acts_of(path)] == ["e1", "e2", "e3"]
    assert (HEAD, f"3 {acts_of(path)[2]['hash']}") in asked(path, "SELECT key, value FROM meta")


def test_what_no_database_takes_is_recorded_as_well_as_it_can_be(tmp_path):
    odd = Act(float("nan"), "\ud800", None, "", "x\0y", "", {"a": float("inf"), "b": "\udfff"})
    (row,) = acts_of(written(tmp_path / "log-city.db", [Entry("e", odd)]))

    assert (row["at"], row["who"], row["uid"], row["act"]) == (0.0, "?", None, "x\0y")
    assert json.loads(row["data"]) == {"a": None, "b": "?"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = '李四' WHERE number = 2",
        "UPDATE audit SET number = 9 WHERE number = 3",
        "DELETE FROM audit WHERE number = 3",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT 1, 'new', at, who, uid, via, act, subject, data, before, hash FROM audit",
        "REPLACE INTO audit SELECT 9, name, at, who, uid, via, act, subject, data, before, hash FROM audit",
        "INSERT INTO audit SELECT 0, 'new', at, who, uid, via, act, subject, data, before, hash FROM audit",
    ],
)
def test_the_file_refuses_to_change_an_act(tmp_path, statement):
    path = written(tmp_path / "log-city.db", [entry(n) for n in (1, 2, 3)])
    before = acts_of(path)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="audit log"),
        connection,
    ):
        connection.execute(statement)

    assert acts_of(path) == before


def test_only_the_oldest_part_goes_and_only_after_180_days(tmp_path):
    old = [entry(n, NOW - 200 * DAY + n) for n in range(1, 6)]
    path = written(tmp_path / "log-city.db", [*old, entry(6, NOW - 190 * DAY), entry(7), entry(8, 0.0)])
    with writing(path) as connection:
        with connection.begin():
            gone = cut(connection, NOW - 199 * DAY, keep=1)
        with connection.begin():
            again = cut(connection, NOW - 199 * DAY, keep=1)
        with pytest.raises(Exception, match="after 180 days"), connection.begin():
            cut(connection, NOW, keep=0)

    assert (gone, again) == (5, 0)
    assert [row["number"] for row in acts_of(path)] == [6, 7, 8]


def test_the_newest_acts_stay_however_old_they_are(tmp_path):
    path = written(tmp_path / "log-city.db", [entry(n, NOW - 300 * DAY + n) for n in range(1, 10)])
    with writing(path) as connection, connection.begin():
        gone = cut(connection, NOW - 200 * DAY, keep=3)

    assert gone == 6
    assert [row["number"] for row in acts_of(path)] == [7, 8, 9]
