"""retention: what is old goes, a little at a time; what is not, or may not be, stays."""

import datetime as dt
import time

import pytest

from monitor.store.batch import Batch, Run, write
from monitor.store.retention import DAY, horizon, prune
from tests.store.filled import asked, event, numbers, sound, writing

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "last_alive", "expected"),
    [
        pytest.param(NOW, NOW - 5, NOW - 400 * DAY, id="all-is-well"),
        pytest.param(NOW, 0.0, NOW - 400 * DAY, id="never-alive-before"),
        pytest.param(NOW, NOW - 29 * DAY, NOW - 400 * DAY, id="off-for-a-month"),
        pytest.param(NOW, NOW + 3600, NOW - 400 * DAY, id="set-back-by-an-hour"),
        pytest.param(NOW, NOW - 31 * DAY, None, id="jumped-ahead"),
        pytest.param(NOW + 3650 * DAY, NOW, None, id="ten-years-ahead"),
        pytest.param(NOW, NOW + 31 * DAY, None, id="jumped-back"),
        pytest.param(86_400.0, 0.0, None, id="never-set"),
        pytest.param(86_400.0, 86_395.0, None, id="never-set-for-long"),
    ],
)
def test_nothing_goes_by_a_clock_that_may_be_wrong(now, last_alive, expected):
    assert horizon(now, 400, last_alive) == expected


def test_less_than_180_days_is_refused():
    assert horizon(NOW, 180, NOW) == NOW - 180 * DAY
    with pytest.raises(ValueError, match="at least 180 days, not 179"):
        horizon(NOW, 179, NOW)


@pytest.fixture
def log(tmp_path):
    """Give the connection to a log of 2500 old and 500 new events."""
    path = tmp_path / "log-city.db"
    with writing(path) as connection:
        with connection.begin():
            write(connection, Batch(events=[event(n) for n in range(1, 3001)]))
            connection.exec_driver_sql(
                "UPDATE events SET recorded_at = 100 + position WHERE position <= 2500"
            )
        yield connection, path


def in_chunks(connection, before, chunk):
    gone = []
    while not gone or gone[-1] == chunk:
        with connection.begin():
            gone.append(prune(connection, before, chunk))
    return gone


def test_the_oldest_go_chunk_by_chunk(log):
    connection, path = log
    gone = in_chunks(connection, time.time() - 200 * DAY, 1000)

    assert gone == [1000, 1000, 500]
    assert numbers(path) == list(range(2501, 3001))
    assert sound(path)


def test_after_each_chunk_the_oldest_are_gone_and_none_other(log):
    connection, path = log
    with connection.begin():
        prune(connection, time.time() - 200 * DAY, 300)

    assert numbers(path)[0] == 301


def test_the_horizon_itself_stays(log):
    connection, path = log
    in_chunks(connection, 101.0, 1000)

    assert numbers(path)[0] == 1


def test_the_latest_event_stays_however_old_it_is(log):
    connection, path = log
    in_chunks(connection, time.time() + DAY, 1000)

    assert numbers(path) == [3000]


def test_nothing_old_is_nothing_gone(log):
    connection, path = log

    assert in_chunks(connection, 50.0, 1000) == [0]
    assert len(numbers(path)) == 3000


def test_what_was_recorded_by_a_clock_ahead_stays_and_holds_nothing_up(log):
    connection, path = log
    with connection.begin():
        connection.exec_driver_sql("UPDATE events SET recorded_at = 9e9 WHERE position <= 1200")
    in_chunks(connection, time.time() - 200 * DAY, 1000)

    assert numbers(path) == [*range(1, 1201), *range(2501, 3001)]


def test_others_events_are_kept_by_when_they_reached_us(log):
    connection, path = log
    late = event(3001, boot="b9", vantage="danjiangkou", at=10.0, received_at=time.time())
    newer = event(3002)
    with connection.begin():
        write(connection, Batch(events=[late, newer]))
    in_chunks(connection, time.time() - 200 * DAY, 1000)

    assert numbers(path)[-2:] == [3001, 3002]


def test_the_quarantine_is_bounded_by_number_and_age(log):
    connection, path = log
    insert = "INSERT INTO quarantine (at, vantage, topic, reason, payload) VALUES (?, 'x', 't', 'poison', '')"
    with connection.begin():
        for n in range(1500):
            connection.exec_driver_sql(insert, (100.0 if n >= 1490 else time.time(),))
    in_chunks(connection, time.time() - 200 * DAY, 1000)

    assert asked(path, "SELECT count(*), min(id), max(id) FROM quarantine") == [(990, 501, 1490)]


def test_old_runs_go_but_not_the_latest(log):
    connection, path = log
    with connection.begin():
        for boot, alive in (("b1", 100.0), ("b2", 200.0)):
            write(connection, Batch(run=Run(boot, 90.0, alive)))
    in_chunks(connection, time.time() - 200 * DAY, 1000)

    assert asked(path, "SELECT boot FROM runs") == [("b2",)]
