"""A disk in trouble: it is told of, and stops neither the daemon nor a look; nothing told is forgotten."""

import sqlite3
from contextlib import closing

from tests.system.daemon import daemon, refused, write_settings
from tests.system.town import town

HEALTHY = "command_monitor_store_healthy"


async def test_a_log_of_garbage_is_set_aside_and_told_of_and_the_daemon_starts(tmp_path):
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "log-city.db"
    file.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)

    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.all_are("up")
        told = await one.tells("daemon.database_set_aside")
        code = await one.end()

    assert (file.parent / told["file"]).read_bytes().startswith(b"SQLite format 3\0\0\1\2")
    assert told["restored_from"] == ""
    assert code == 0
    assert {what for (what,) in rows(file, "SELECT data ->> 'what' FROM events")} >= {
        "database_set_aside",
        "started",
        "stopped",
    }
    assert ("yun/city/primary", "up") in rows(file, "SELECT subject, health FROM statuses")


async def test_a_log_that_another_program_locks_delays_no_telling_and_is_caught_up_with(tmp_path):
    file = tmp_path / "state" / "log-city.db"
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.all_are("up")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        built.cut("dan")
        trouble = (await one.tells("daemon.store_trouble"))["trouble"]
        status, metric = await one.status(), await one.metric(HEALTHY)
        during = await one.all_are("down", "dan")
        told = [record["seq"] for record in one.log() if "seq" in record]
        recorded = {seq for (seq,) in rows(file, "SELECT seq FROM events")}
        other.execute("ROLLBACK")
        other.close()
        await one.tells("daemon.store_back")
        cleared, metric_cleared = await one.status(), await one.metric(HEALTHY)
        caught_up = {seq for (seq,) in rows(file, "SELECT seq FROM events")}

    assert str(file) in trouble
    assert status["store"]["trouble"] == trouble
    assert metric == 0
    assert during
    assert set(told) - recorded, "told while nothing could be recorded"
    assert set(told) <= caught_up
    assert not cleared["store"]["trouble"]
    assert metric_cleared == 1


async def test_a_second_daemon_on_the_same_log_is_refused_with_a_word(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        (tmp_path / "second").mkdir()
        settings = write_settings(tmp_path / "second", built.file, 0, state_dir=str(tmp_path / "state"))
        code, said = await refused(settings)
        await one.all_are("up")

    assert code == 2
    assert "log-city" in said
    assert "Traceback" not in said


def rows(file, query):
    """Return what a reader of the file sees now."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return set(connection.execute(query).fetchall())
