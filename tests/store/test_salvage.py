"""salvage: whatever is still in a damaged log is found, and nothing else."""

import os
import signal
import subprocess
import sys
from random import Random

import pytest

from monitor.core.health import Health
from monitor.store.backup import make, restore
from monitor.store.batch import Batch, Taken, write
from monitor.store.salvage import salvage, set_aside
from tests.store.filled import (
    PAGE,
    append,
    asked,
    event,
    filled,
    kept,
    numbers,
    overwrite,
    pages_of,
    sound,
    status,
    writing,
)

BACKED_UP, ALL = 500, 3000


@pytest.fixture
def damaged(tmp_path):
    """Give a log that has gone on since its backup, closed, and its backup."""
    log, backup = tmp_path / "log-city.db", tmp_path / "backup.db"
    with writing(log) as connection:
        append(connection, range(1, BACKED_UP + 1), statuses={"danjiangkou": status("danjiangkou")})
        make(log, backup)
        append(
            connection,
            range(BACKED_UP + 1, ALL + 1),
            checks={"c": kept()},
            statuses={"danjiangkou": status("danjiangkou", Health.DOWN)},
            places={"mqtt": ALL - 5},
            taken=[Taken("maojian", "log-of-maojian", 77, ("b9",))],
        )
    return log, backup


def rescued(log, backup):
    """Put the backup in the place of *log*, bring over what can be read; say how many events, and whence."""
    broken = set_aside(log, "20251124T190300Z")
    restore(backup, log)
    with writing(log) as connection, connection.begin():
        count = salvage(broken, connection, BACKED_UP)
    return count, broken


def test_of_a_sound_file_everything_newer_is_brought_over(damaged):
    log, backup = damaged
    count, _ = rescued(log, backup)

    assert count == ALL - BACKED_UP
    assert numbers(log) == list(range(1, ALL + 1))
    assert asked(log, "SELECT health FROM statuses") == [("down",)]
    assert asked(log, "SELECT id FROM checks") == [("c",)]
    assert asked(log, "SELECT name, position FROM readers") == [("mqtt", ALL - 5)]
    assert asked(log, "SELECT log, position FROM gathered") == [("log-of-maojian", 77)]
    assert sound(log)


def schema_pages(log):
    """Return the numbers of the pages, besides the first, that say where each table begins."""
    first = log.read_bytes()[:PAGE]
    assert first[100] == 5
    cells = [int.from_bytes(first[n : n + 2], "big") for n in range(112, 112 + 2 * first[104], 2)]
    return [int.from_bytes(first[at : at + 4], "big") for at in (*cells, 108)]


@pytest.mark.parametrize("header", [True, False], ids=["and-the-header", "alone"])
def test_where_each_table_begins_is_known_from_the_backup(damaged, header):
    log, backup = damaged
    for number in (*schema_pages(log), *([1] if header else [])):
        overwrite(log, (number - 1) * PAGE, os.urandom(PAGE))
    was = log.read_bytes()
    count, broken = rescued(log, backup)

    assert count == ALL - BACKED_UP
    assert asked(log, "SELECT health FROM statuses") == [("down",)]
    assert asked(log, "SELECT id FROM checks") == [("c",)]
    assert broken.read_bytes() == was


def test_one_lost_page_costs_its_own_events_only(damaged):
    log, backup = damaged
    leaves = pages_of(log, "events", 13)
    overwrite(log, (leaves[len(leaves) // 2] - 1) * PAGE, os.urandom(PAGE))
    count, _ = rescued(log, backup)

    lost = ALL - BACKED_UP - count
    assert 1 <= lost <= 16
    assert len(numbers(log)) == ALL - lost
    assert asked(log, "SELECT health FROM statuses") == [("down",)]


def test_what_others_sent_is_asked_for_again_when_events_are_missing(damaged):
    log, backup = damaged
    leaves = pages_of(log, "events", 13)
    overwrite(log, (leaves[-2] - 1) * PAGE, bytes(PAGE))
    rescued(log, backup)

    assert asked(log, "SELECT * FROM gathered") == []


def test_a_page_that_holds_what_belongs_elsewhere_is_noticed(damaged):
    log, backup = damaged
    leaves = pages_of(log, "events", 13)
    content = log.read_bytes()
    other = leaves[-30] - 1
    overwrite(log, (leaves[-20] - 1) * PAGE, content[other * PAGE : (other + 1) * PAGE])
    count, _ = rescued(log, backup)

    assert 1 <= ALL - BACKED_UP - count <= 16
    assert asked(log, "SELECT * FROM gathered") == []
    assert sound(log)


@pytest.mark.parametrize("content", [bytes(PAGE), b"\x0d" * PAGE, b"\xff" * PAGE])
def test_a_lost_page_that_leads_to_others_costs_no_event(damaged, content):
    log, backup = damaged
    for number in pages_of(log, "events", 5):
        overwrite(log, (number - 1) * PAGE, content)
    count, _ = rescued(log, backup)

    assert count == ALL - BACKED_UP
    assert numbers(log) == list(range(1, ALL + 1))
    assert sound(log)


@pytest.mark.parametrize("size", [100, PAGE])
def test_a_zeroed_header_costs_nothing_and_the_file_stays_as_it_was_found(damaged, size):
    log, backup = damaged
    overwrite(log, 0, bytes(size))
    as_found = log.read_bytes()
    count, broken = rescued(log, backup)

    assert count == ALL - BACKED_UP
    assert asked(log, "SELECT health FROM statuses") == [("down",)]
    assert asked(log, "SELECT name, position FROM readers") == [("mqtt", ALL - 5)]
    assert broken.read_bytes() == as_found


def test_a_zeroed_header_without_any_backup_costs_nothing_either(damaged):
    log, _ = damaged
    overwrite(log, 0, bytes(PAGE))
    broken = set_aside(log, "20251124T190300Z")
    with writing(log) as connection, connection.begin():
        count = salvage(broken, connection, 0)

    assert count == ALL
    assert asked(log, "SELECT health FROM statuses") == [("down",)]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_of_a_truncated_file_what_is_left_is_found(damaged, share):
    log, backup = damaged
    size = int(log.stat().st_size * share)
    os.truncate(log, size)
    whole = [n for n in pages_of_leaves(log) if n * PAGE <= size]
    count, _ = rescued(log, backup)

    assert count > 0 or not whole
    assert sound(log)
    assert set(range(1, BACKED_UP + 1)) <= set(numbers(log))


def pages_of_leaves(log):
    content = log.read_bytes()
    return [
        place // PAGE + 1
        for place in range(0, len(content), PAGE)
        if content[place] == 13 and b'"sentence"' in content[place : place + PAGE]
    ]


@pytest.mark.parametrize("content", [b"", b"nothing of ours" * 5000, bytes(100 * PAGE)])
def test_a_file_with_nothing_in_it_is_taken_for_that(damaged, content):
    log, backup = damaged
    log.write_bytes(content)
    count, _ = rescued(log, backup)

    assert count == 0
    assert numbers(log) == list(range(1, BACKED_UP + 1))


WRITER = """
import sys, os, signal
from pathlib import Path
from tests.store.filled import append, writing
with writing(Path(sys.argv[1])) as connection:
    for first in range(int(sys.argv[2]), int(sys.argv[3]), 10):
        append(connection, range(first, first + 10))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(damaged):
    """Give a log whose latest 500 events are in the write-ahead log only."""
    log, backup = damaged
    last = ALL + 500
    done = subprocess.run(
        [sys.executable, "-c", WRITER, log, str(ALL + 1), str(last)], check=False, timeout=60
    )

    assert done.returncode == -signal.SIGKILL
    return log, backup, last


def test_the_write_ahead_log_goes_where_its_log_goes(killed):
    log, backup, last = killed
    count, broken = rescued(log, backup)

    assert count == last - BACKED_UP
    assert broken.with_name(broken.name + "-wal").stat().st_size > 0
    assert numbers(log)[-1] == last


def test_a_header_lost_while_there_is_a_write_ahead_log_costs_nothing(killed):
    log, backup, last = killed
    overwrite(log, 0, bytes(PAGE))
    count, _ = rescued(log, backup)

    assert count == last - BACKED_UP


def test_what_follows_a_torn_place_of_the_write_ahead_log_is_found_too(killed):
    log, backup, last = killed
    wal = log.with_name(log.name + "-wal")
    overwrite(wal, wal.stat().st_size // 3, os.urandom(PAGE))
    count, _ = rescued(log, backup)

    assert last - BACKED_UP - count <= 16
    assert numbers(log)[-1] == last
    assert sound(log)


def test_of_a_truncated_write_ahead_log_the_beginning_is_found(killed):
    log, backup, last = killed
    wal = log.with_name(log.name + "-wal")
    os.truncate(wal, wal.stat().st_size // 2)
    count, _ = rescued(log, backup)

    assert ALL - BACKED_UP < count < last - BACKED_UP
    assert sound(log)


def test_no_reader_is_ahead_of_what_was_rescued(damaged):
    log, backup = damaged
    for number in pages_of(log, "events", 13)[-40:]:
        overwrite(log, (number - 1) * PAGE, bytes(PAGE))
    rescued(log, backup)

    ((position,),) = asked(log, "SELECT position FROM readers WHERE name = 'mqtt'")
    assert position == numbers(log)[-1] < ALL - 5


def test_long_events_are_found_page_by_page(tmp_path):
    log = tmp_path / "log-city.db"
    with writing(log) as connection:
        append(connection, range(1, 200))
        with connection.begin():
            write(connection, Batch(events=[event(n, detail="长" * 3000) for n in range(200, 260)]))
    for number in pages_of(log, "events", 5):
        overwrite(log, (number - 1) * PAGE, bytes(PAGE))
    broken = set_aside(log, "20251124T190300Z")
    with writing(log) as connection, connection.begin():
        count = salvage(broken, connection, 0)

    assert count == 259
    assert "长" * 3000 in asked(log, "SELECT data FROM events WHERE position = 230")[0][0]


def test_events_that_are_there_already_are_not_counted(damaged):
    log, backup = damaged
    broken = set_aside(log, "20251124T190300Z")
    restore(backup, log)
    with writing(log) as connection, connection.begin():
        first = salvage(broken, connection, BACKED_UP)
        again = salvage(broken, connection, BACKED_UP)

    assert (first, again) == (ALL - BACKED_UP, 0)


def test_random_damage_never_raises_and_never_spoils_what_it_is_brought_into(damaged, tmp_path):
    log, backup = damaged
    content = log.read_bytes()
    random = Random(4)  # noqa: S311 - the same damage at every run
    for _ in range(25):
        torn = bytearray(content)
        for _ in range(random.randrange(1, 30)):
            place = random.randrange(len(torn))
            torn[place : place + random.choice([1, 8, 512, PAGE])] = random.randbytes(8)
        broken = tmp_path / "torn.db"
        broken.write_bytes(torn[: len(content)])
        place = tmp_path / "place.db"
        place.unlink(missing_ok=True)
        restore(backup, place)
        with writing(place) as connection, connection.begin():
            count = salvage(broken, connection, BACKED_UP)

        assert 0 <= count <= ALL - BACKED_UP
        assert sound(place)
        assert asked(place, "SELECT count(*) FROM events WHERE json_valid(data)") == [(BACKED_UP + count,)]


def test_a_log_is_set_aside_whole_and_never_over_another(tmp_path):
    log = filled(tmp_path / "log-city.db", 10)
    (tmp_path / "log-city.db-wal").write_bytes(b"wal")
    (tmp_path / "log-city.db-shm").write_bytes(b"shm")
    first = set_aside(log, "20251124T190300Z")
    filled(log, 3)
    second = set_aside(log, "20251124T190300Z")

    assert first.name == "log-city.aside-20251124T190300Z.db"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "log-city.aside-20251124T190300Z-2.db",
        "log-city.aside-20251124T190300Z.db",
        "log-city.aside-20251124T190300Z.db-shm",
        "log-city.aside-20251124T190300Z.db-wal",
    ]
    assert len(numbers(second)) == 3


def test_a_log_that_is_not_there_cannot_be_set_aside(tmp_path):
    with pytest.raises(FileNotFoundError):
        set_aside(tmp_path / "log-city.db", "20251124T190300Z")
