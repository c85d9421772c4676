"""audit_check: whichever row of the chain was touched, it is that one which is named."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.act import Act
from monitor.store.audit import NOTHING, Entry, Link, cut, digest, enter
from monitor.store.audit_check import Why, check, check_file
from monitor.store.retention import DAY
from tests.store.filled import overwrite, pages_of, writing

COLUMNS = ("name", "at", "who", "uid", "via", "act", "subject", "data", "before")


def chain(count, anchor=None, more=0):
    """Return the rows of a chain that begins after *anchor*, and its end; *more*: rows after that."""
    last = anchor or Link(0, NOTHING)
    rows = []
    for number in range(last.number + 1, last.number + count + more + 1):
        row = {"number": number, "name": f"e{number}", "at": 1e9 + number, "who": "张三", "uid": None}
        row |= {"via": "socket", "act": "planned/add", "subject": "", "data": "{}", "before": last.hash}
        last = Link(number, digest(row))
        rows.append(row | {"hash": last.hash})
    return rows, last


def signed(row):
    return row | {"hash": digest(row)}


def renumbered(rows, by):
    return [row | {"number": row["number"] + by} for row in rows]


always = settings(derandomize=True, max_examples=200, deadline=None)
lengths = st.integers(1, 12)
anchors = st.sampled_from([None, Link(40, "ab" * 32)])


def named(rows, head, anchor=None):
    """Return the first row that is named, and why."""
    first = check(sorted(rows, key=lambda row: row["number"]), head=head, anchor=anchor).breaks[0]
    return first.number, first.why


@always
@given(lengths, anchors)
def test_a_chain_that_nobody_touched_is_whole(count, anchor):
    rows, head = chain(count, anchor)
    found = check(rows, head=head, anchor=anchor)

    assert found.breaks == ()
    assert (found.count, found.first, found.last, found.head) == (count, rows[0], rows[-1], head)


def test_a_log_without_acts_is_whole():
    assert check([], head=None).breaks == ()
    assert check([], head=Link(3, "x"), anchor=Link(3, "x")).breaks == ()


@always
@given(st.data(), lengths, anchors, st.sampled_from((*COLUMNS, "hash")), st.booleans())
def test_a_changed_row_is_named_even_with_a_hash_to_match(data, count, anchor, column, hides):
    rows, head = chain(count, anchor)
    nth = data.draw(st.integers(0, count - 1))
    changed = rows[nth] | {column: "ff" * 32}
    hides = hides and column != "hash"
    rows[nth] = signed(changed) if hides else changed

    assert named(rows, head, anchor) == (changed["number"], Why.CHANGED)
    assert len(check(rows, head=head, anchor=anchor).breaks) == 1


@always
@given(st.data(), lengths, anchors, st.booleans())
def test_a_removed_row_is_named_even_if_the_others_close_up(data, count, anchor, closes_up):
    rows, head = chain(count, anchor)
    nth = data.draw(st.integers(0, count - 1))
    rest = renumbered(rows[nth + 1 :], -1) if closes_up else rows[nth + 1 :]
    left = rows[:nth] + rest

    assert named(left, head, anchor) == (rows[nth]["number"], Why.MISSING)
    assert len(check(left, head=head, anchor=anchor).breaks) == 1


@always
@given(st.data(), st.integers(2, 12), anchors)
def test_of_two_rows_that_changed_places_the_first_is_named(data, count, anchor):
    rows, head = chain(count, anchor)
    one, other = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=2)))
    here, there = rows[one]["number"], rows[other]["number"]
    rows[one], rows[other] = rows[other] | {"number": here}, rows[one] | {"number": there}

    assert named(rows, head, anchor) == (here, Why.CHANGED)


@always
@given(st.data(), lengths, anchors, st.booleans())
def test_an_inserted_row_is_named_even_if_it_fits_the_one_before(data, count, anchor, fits):
    rows, head = chain(count, anchor)
    nth = data.draw(st.integers(0, count))
    before = rows[nth - 1]["hash"] if nth else (anchor or Link(0, NOTHING)).hash
    number = rows[0]["number"] + nth
    forged = signed(rows[0] | {"number": number, "name": "x", "before": before if fits else "0f" * 32})
    more = [*rows[:nth], forged, *renumbered(rows[nth:], 1)]
    first, why = named(more, head, anchor)

    assert first == number
    assert why is Why.INSERTED if fits else Why.CHANGED
    assert len(check(more, head=head, anchor=anchor).breaks) == 1


@always
@given(lengths, st.integers(1, 5))
def test_acts_after_a_row_that_was_put_at_the_end_do_not_hide_it(count, more):
    rows, head = chain(count)
    forged = signed(rows[-1] | {"number": count + 1, "name": "x", "before": head.hash})
    last, later = head, []
    for number in range(count + 2, count + 2 + more):
        later.append(signed(rows[0] | {"number": number, "name": f"l{number}", "before": last.hash}))
        last = Link(number, later[-1]["hash"])

    assert named([*rows, forged, *later], last) == (count + 1, Why.INSERTED)


@always
@given(lengths, st.integers(1, 12))
def test_rows_of_before_the_cut_that_are_there_again_are_named(count, number):
    rows, head = chain(count, Link(12, "ab" * 32))
    old = signed(rows[0] | {"number": number})

    assert named([old, *rows], head, Link(12, "ab" * 32)) == (number, Why.INSERTED)


@always
@given(lengths)
def test_without_its_end_a_chain_is_not_whole(count):
    rows, _ = chain(count)

    assert named(rows, None) == (count, Why.NO_HEAD)


@always
@given(st.integers(2, 12), st.randoms())
def test_whatever_is_done_to_it_the_check_comes_to_an_end(count, dice):
    rows, head = chain(count)
    wild = (None, -1, "", "x", 1.5, b"\xff", 1 << 62)
    for row in rows:
        for column in (*COLUMNS, "hash"):
            if dice.random() < 0.3:
                row[column] = dice.choice(wild)
        row["number"] = dice.choice((row["number"], dice.randrange(-3, 20)))
    dice.shuffle(rows)

    check(sorted(rows, key=lambda row: row["number"]), head=head)


# In a file.


def act(n, at):
    return Entry(f"e{n}", Act(at, "张三", 1000, "socket", "planned/add", f"work-{n}", {"n": n}))


@pytest.fixture
def log(tmp_path):
    """Give the path of a log with 400 acts, the oldest from 300 days ago."""
    path, now = tmp_path / "log-city.db", time.time()
    with writing(path) as connection, connection.begin():
        enter(connection, [act(n, now - (300 - n) * DAY * 0.7) for n in range(400)])
    return path


def as_an_intruder(path, *statements):
    """Change a file as somebody does who may write it and knows of the triggers."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in ("audit_keeps", "audit_stays", "audit_grows"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


def test_a_file_that_nobody_touched_is_whole_and_so_after_its_oldest_acts_have_gone(log):
    before = check_file(log)
    with writing(log) as connection, connection.begin():
        gone = cut(connection, time.time() - 181 * DAY, keep=100)
    after = check_file(log)

    assert (before.breaks, before.count, before.cut) == ((), 400, 0)
    assert gone > 0
    assert (after.breaks, after.count, after.cut) == ((), 400 - gone, gone)
    assert after.head == before.head


@pytest.mark.parametrize(
    ("statement", "number", "why"),
    [
        ("UPDATE audit SET who = '李四' WHERE number = 77", 77, Why.CHANGED),
        ("UPDATE audit SET at = at + 0.001 WHERE number = 400", 400, Why.CHANGED),
        ("UPDATE audit SET data = CAST(X'ff' AS TEXT) WHERE number = 9", 9, Why.CHANGED),
        ("DELETE FROM audit WHERE number = 1", 1, Why.MISSING),
        ("DELETE FROM audit WHERE number >= 390", 390, Why.MISSING),
        ("DELETE FROM audit", 1, Why.MISSING),
        ("DELETE FROM meta WHERE key = 'audit_head'", 400, Why.NO_HEAD),
        ("UPDATE meta SET value = 'torn' WHERE key = 'audit_head'", 400, Why.NO_HEAD),
    ],
)
def test_what_was_done_to_a_file_is_named(log, statement, number, why):
    as_an_intruder(log, statement)
    first = check_file(log).breaks[0]

    assert (first.number, first.why) == (number, why)


def test_every_byte_of_an_act_counts(log):
    page = pages_of(log, "audit", 13)[0]
    content = log.read_bytes()
    begin = (page - 1) * 4096
    places = [n for n in range(begin, begin + 4096) if content[n : n + 6] == "张三".encode()]
    overwrite(log, places[7], "李".encode())
    (first,) = check_file(log).breaks

    assert first.why is Why.CHANGED
    assert first.row["who"] == "李三"


def documented():
    """Return the program that the documentation gives to whoever trusts nobody."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


def run_as_documented(log):
    command = [sys.executable, "-c", documented()]
    return subprocess.run(command, cwd=log.parent, capture_output=True, text=True, timeout=20, check=False)


def test_the_documented_check_needs_nothing_of_ours(log):
    whole = run_as_documented(log)
    head = check_file(log).head
    as_an_intruder(log, "UPDATE audit SET via = 'mqtt' WHERE number = 77")
    broken = run_as_documented(log)

    assert whole.stdout == f"whole, ends with {head.hash}\n"
    assert broken.stderr.endswith("AssertionError: 77\n")


def test_a_file_of_an_older_version_has_no_acts(log):
    as_an_intruder(log, "DROP TABLE audit")

    assert check_file(log) is None
