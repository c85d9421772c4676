"""audit_carry: what people did outlasts its file: a restored backup, a damaged page, a bad disk."""

import os
import time
from contextlib import closing

import pytest

from monitor.cli import main
from monitor.core.act import Act
from monitor.store import log_file
from monitor.store.audit import LATEST, Entry, cut, enter
from monitor.store.audit_carry import carry
from monitor.store.audit_check import Why, acts, check_file
from monitor.store.backup import make, reading
from monitor.store.mend import mend
from monitor.store.retention import DAY
from tests.store.filled import append, filled, overwrite, pages_of, sound, writing

OLD, ALL = 100, 400
HOUR = 3600.0


def entry(n, at=None):
    at = time.time() - HOUR + n if at is None else at
    return Entry(f"e{n}", Act(at, "张三", 1000, "socket", "planned/add", f"work-{n}", {"note": "长" * 20}))


def extend(path, numbers, at=None):
    with writing(path) as connection, connection.begin():
        enter(connection, [entry(n, at) for n in numbers])


def subjects(path):
    return [row["subject"] for row in acts(path)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give the place of a log with 400 acts, whose backup has the first 100 of them."""
    monkeypatch.setenv("COMMAND_MONITOR__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("COMMAND_MONITOR_SETTINGS", raising=False)
    (tmp_path / "state" / "backups").mkdir(parents=True)
    path = filled(log_file(tmp_path / "state", "city"), 300)
    extend(path, range(1, OLD + 1))
    make(path, tmp_path / "state" / "backups" / "log-city-20261120T000000Z.db")
    extend(path, range(OLD + 1, ALL + 1))
    return path


def copy_of(place):
    return next((place.parent / "backups").iterdir())


def test_who_restores_a_backup_takes_no_act_out_of_the_record(place):
    was = check_file(place).head

    assert main(["restore", str(copy_of(place)), "--who", "李伟"]) == 0
    *before, last = acts(place)
    assert [row["subject"] for row in before] == [f"work-{n}" for n in range(1, ALL + 1)]
    assert (last["act"], last["who"], last["uid"], last["via"]) == ("log/restore", "李伟", os.getuid(), "cli")
    assert f'"carried":{ALL - OLD}' in last["data"]
    found = check_file(place, was)
    assert (found.breaks, found.agrees) == ((), True)
    extend(place, [ALL + 1])
    assert main(["verify-audit"]) == 0


def test_restored_twice_it_is_one_chain_still(place):
    copy = copy_of(place)

    assert main(["restore", str(copy)]) == 0
    extend(place, [1000])
    assert main(["restore", str(copy)]) == 0
    assert check_file(place).breaks == ()
    assert len(subjects(place)) == ALL + 3
    assert subjects(place)[-2:] == ["work-1000", ""]


def test_a_restore_that_loses_what_cannot_be_read_shows_that_it_does(place):
    place.write_bytes(b"nothing of ours" * 1000)

    assert main(["restore", str(copy_of(place))]) == 0
    assert len(subjects(place)) == OLD + 1
    assert (
        check_file(place).breaks == ()
    )  # nothing is known of the others; the act says that none were carried
    assert '"carried":0' in list(acts(place))[-1]["data"]


def test_the_acts_of_another_log_are_not_mixed_in(place, tmp_path):
    other = filled(tmp_path / "other.db", 10)
    extend(other, range(2000, 2300))
    with writing(place) as connection, connection.begin(), closing(reading(other)) as source:
        carried = carry(source, connection)

    assert carried == 0
    assert check_file(place).breaks == ()
    assert len(subjects(place)) == ALL


@pytest.mark.parametrize("with_backup", [True, False], ids=["with-a-backup", "without"])
@pytest.mark.parametrize("page", ["events", "root"])
def test_a_damaged_log_is_mended_without_the_loss_of_an_act(place, with_backup, page):
    was = check_file(place).head
    if not with_backup:
        copy_of(place).unlink()
    number = pages_of(place, "events", 13)[3] if page == "events" else pages_of(place, "audit", 5)[0]
    overwrite(place, (number - 1) * 4096, os.urandom(4096))
    mend(place, place.parent / "backups")

    assert subjects(place) == [f"work-{n}" for n in range(1, ALL + 1)]
    assert check_file(place).breaks == ()
    assert check_file(place).head == was
    assert sound(place)


def test_acts_whose_page_is_lost_are_seen_to_be_missing_and_no_others(place):
    copy_of(place).unlink()
    overwrite(place, (pages_of(place, "audit", 13)[5] - 1) * 4096, os.urandom(4096))
    mend(place, place.parent / "backups")
    (broken,) = check_file(place).breaks
    there = set(subjects(place))
    extend(place, [5000])

    assert broken.why is Why.MISSING
    assert 5 <= broken.count <= 30
    assert there == {f"work-{n}" for n in range(1, ALL + 1)} - {
        f"work-{n}" for n in range(broken.number, broken.number + broken.count)
    }
    assert check_file(place).breaks == (broken,)


def test_what_had_gone_with_time_does_not_come_back_and_is_not_missed(place):
    log = place.with_name("log-dan.db")
    with writing(log) as connection:
        append(connection, range(1, 50))
    extend(log, range(200), at=time.time() - 300 * DAY)
    make(log, copy := log.with_name("copy.db"))
    extend(log, range(200, 500), at=time.time() - 300 * DAY)
    with writing(log) as connection, connection.begin():
        cut(connection, time.time() - 200 * DAY)
    extend(log, range(600, 610))
    with writing(copy) as connection, connection.begin(), closing(reading(log)) as source:
        carried = carry(source, connection)

    found = check_file(copy)
    assert carried == LATEST + 10
    assert (found.breaks, found.cut) == ((), 500 - LATEST)
    assert found.head == check_file(log).head
