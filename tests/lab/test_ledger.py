"""The ledger: whatever is lost, doubled, disordered, altered or untold is counted, and nothing else."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.lab.ledger import (
    Entry,
    Ledger,
    Row,
    Turn,
    alarms,
    compare,
    end,
    entries,
    line,
    unexplained,
    untold,
)

CIRCUIT = "danjiangkou/city/primary"


def event(seq, *, at=None, boot="a", position=None, now="down", was="up", subject=CIRCUIT, received=None):
    return Entry(
        position=seq if position is None else position,
        vantage="danjiangkou",
        boot=boot,
        seq=seq,
        at=100.0 + seq if at is None else at,
        received_at=received,
        recorded_at=received,
        kind="status",
        subject=subject,
        data={"now": now, "was": was},
    )


def copied(sent, *, shift=1000, delay=0.5):
    """Return what a collecting daemon has of these events if all goes well."""
    return [
        replace(e, position=e.position + shift, received_at=e.at + delay, recorded_at=e.at + delay)
        for e in sent
    ]


SENT = [event(seq) for seq in range(1, 6)]


def test_a_true_copy_has_no_blemish():
    ledger = compare(SENT, copied(SENT))

    assert ledger.blemishes == ()
    assert (ledger.expected, ledger.got) == (5, 5)
    assert ledger.worst_delay == pytest.approx(0.5)


def test_only_what_comes_after_the_mark_is_expected():
    ledger = compare(SENT, copied(SENT)[3:], after=3)

    assert (ledger.expected, ledger.got, ledger.lost, ledger.invented) == (2, 2, (), ())


def without_one(copies):
    return copies[:2] + copies[3:]


def with_one_twice(copies):
    return [*copies, replace(copies[2], position=2000)]


def with_one_under_another_name(copies):
    return [*copies, replace(copies[2], position=2000, boot="b", seq=1)]


def with_two_swapped(copies):
    return [copies[0], copies[2], copies[1], *copies[3:]]


def with_another_time(copies):
    return [*copies[:2], replace(copies[2], at=copies[2].at + 1e-6), *copies[3:]]


def with_one_that_never_was(copies):
    return [*copies, event(9, position=2000)]


@pytest.mark.parametrize(
    ("spoilt", "blemishes"),
    [
        (without_one, {"lost"}),
        (with_one_twice, {"doubled", "disordered"}),
        (with_one_under_another_name, {"doubled", "invented"}),
        (with_two_swapped, {"disordered"}),
        (with_another_time, {"altered"}),
        (with_one_that_never_was, {"invented"}),
    ],
)
def test_what_is_wrong_is_named(spoilt, blemishes):
    ledger = compare(SENT, spoilt(copied(SENT)))

    assert {text.split()[1].strip(",") for text in ledger.blemishes} == blemishes


def test_equal_events_of_the_agent_itself_are_no_doubles():
    sent = [event(1, at=7.0), event(2, at=7.0)]

    assert compare(sent, copied(sent)).blemishes == ()


def test_ledgers_add_up():
    one, other = compare(SENT, copied(SENT)[1:]), compare(SENT, copied(SENT, delay=2.0))
    whole = one + other

    assert (whole.expected, whole.got, len(whole.lost), whole.worst_delay) == (10, 9, 1, pytest.approx(2.0))


TURNS = [Turn(100.0, CIRCUIT, "down"), Turn(110.0, CIRCUIT, "up"), Turn(120.0, CIRCUIT, "down")]
TOLD = [
    event(1, at=104.0),
    event(2, at=111.0, now="up", was="down"),
    event(3, at=124.0),
]


def test_a_log_that_tells_of_everything_leaves_nothing_untold():
    assert untold(TURNS, TOLD, patience=15) == []


@pytest.mark.parametrize("missing", range(3))
def test_a_turn_that_no_event_tells_of_is_untold(missing):
    told = TOLD[:missing] + TOLD[missing + 1 :]

    assert TURNS[missing] in untold(TURNS, told, patience=15)


def test_what_is_told_too_late_is_untold():
    assert untold(TURNS[:1], [event(1, at=130.0)], patience=15) == TURNS[:1]


def test_one_event_tells_of_one_turn_only():
    turns = [Turn(100.0, CIRCUIT, "down"), Turn(101.0, CIRCUIT, "down")]

    assert untold(turns, [event(1, at=104.0)], patience=15) == turns[1:]


def test_a_fall_for_which_nothing_was_done_is_unexplained():
    other = event(4, at=124.0, subject="yunxi/city/primary")

    assert unexplained([*TOLD, other], TURNS) == [other]


def test_a_fall_after_the_mending_is_unexplained():
    late = event(2, at=115.0)

    assert unexplained([TOLD[0], late], TURNS) == [late]


def test_a_center_falls_with_what_is_in_it():
    assert unexplained([event(1, at=104.0, subject="danjiangkou")], TURNS) == []


def test_alarms_are_what_is_said_to_be_worse_from_then_on():
    assert alarms(TOLD, 111.0) == [TOLD[2]]
    assert alarms(TOLD, 0.0, about={"yunxi"}) == []


SCHEMA = """
CREATE TABLE events (position INTEGER PRIMARY KEY, vantage TEXT, boot TEXT, seq INTEGER, at REAL,
                     received_at REAL, recorded_at REAL, kind TEXT, subject TEXT, data TEXT)
"""


def test_a_log_is_read_while_its_writer_has_it_open(tmp_path):
    file = tmp_path / "log-city.db"
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute(SCHEMA)
        rows = [
            (2, "danjiangkou", "a", 1, 7.5, 8.0, 8.1, "status", CIRCUIT, '{"now": "down"}'),
            (3, "city", "c", 1, 7.0, None, 8.2, "daemon", "city", "{}"),
            (4, "danjiangkou", "a", 2, 9.5, 9.6, 9.7, "status", CIRCUIT, '{"now": "up"}'),
        ]
        writer.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        writer.commit()

        assert [entry.seq for entry in entries(file, "danjiangkou")] == [1, 2]
        assert [entry.data["now"] for entry in entries(file, "danjiangkou", after=2)] == ["up"]
        assert end(file, "danjiangkou") == 4


def test_a_log_that_is_not_there_yet_is_empty(tmp_path):
    file = tmp_path / "log-city.db"

    assert entries(file, "city") == []

    sqlite3.connect(file).close()

    assert entries(file, "city") == []
    assert end(file, "city") == 0


def test_a_row_shows_its_figures_and_below_them_what_should_not_be():
    row = Row("agent killed", compare(SENT, copied(SENT)[1:]), 1.5, ("it sang",))
    figures, *below = line(row).splitlines()

    assert figures.split()[:6] == ["agent", "killed", "5", "4", "1", "0"]
    assert len(below) == len(row.blemishes) == 2
    assert below[-1].endswith("it sang")


def test_an_empty_ledger_is_clean():
    assert Row("nothing", Ledger()).blemishes == ()
