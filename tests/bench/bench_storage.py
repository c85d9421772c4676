"""Measures the care of the event log: its size, backups beside a writer, pruning, salvage, questions.

    python -m tests.bench.bench_storage [--events 1000000]

Half of the events are changed beliefs, half are changed statuses with their sentences, as in the demo. The
writer beside the backup commits one event every 10 ms, each in a transaction of its own.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from monitor.cli import main as command
from monitor.core.world import Event
from monitor.store.backup import make, restore, verify
from monitor.store.batch import Batch, write
from monitor.store.retention import CHUNK, DAY, prune
from monitor.store.salvage import salvage, set_aside
from tests.store.filled import PAGE, overwrite, pages_of, writing

SENTENCE = {
    "zh": "丹江口市指挥中心至市网主用电路 03:54:03 起中断（无应答）；主用由电信承载，报修 10000。",
    "en": "Danjiangkou's primary circuit to the city network is down since 03:54:03 (no answer).",
}
BELIEF = {"subject": "danjiangkou/city/primary", "was": "up", "now": "down", "suspected": False}
BELIEF |= {"since": 1764000000.123, "reason": "timeout", "detail": "no answer within 0.25 s"}
STATUS = {"kind": "circuit", "was": "up", "now": "down", "suspected": False, "since": 1764000000.123}
STATUS |= {"reason": "timeout", "active": None, "sentence": SENTENCE}


def event(number):
    belief = number % 2
    subject = f"center{number % 40}/city/primary" + ("/icmp" if belief else "")
    kind, data = ("belief", BELIEF) if belief else ("status", STATUS)
    return Event("city", "0123456789abcdef", number, time.time(), kind, subject, data, number)


def append(connection, first, last):
    with connection.begin():
        write(connection, Batch(events=[event(number) for number in range(first, last)]))


def fill(log, count):
    with writing(log) as connection:
        for first in range(1, count + 1, CHUNK):
            append(connection, first, min(first + CHUNK, count + 1))
            if first % 50_000 == 1:
                checkpoint(connection, "PASSIVE")


def checkpoint(connection, how):
    """Bring the write-ahead log into the file, outside any transaction."""
    connection.connection.driver_connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()


def seconds(doing):
    began = time.perf_counter()
    doing()
    return time.perf_counter() - began


def spread(times, unit=1e3):
    times = sorted(times)
    far = times[min(len(times) - 1, round(len(times) * 0.99))]
    return f"{statistics.median(times) * unit:.1f} | {far * unit:.1f} | {times[-1] * unit:.1f}"


@contextlib.contextmanager
def writer(log, first, times):
    """Commit an event every 10 ms meanwhile, and note what each commit took."""
    stop = threading.Event()

    def go_on():
        with writing(log) as connection:
            number = first
            while not stop.wait(0.01):
                times.append(seconds(lambda number=number: append(connection, number, number + 1)))
                number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    stop.set()
    thread.join()


def backups(log, count, folder):
    size = log.stat().st_size
    print(f"events {count:,}, file {size / 1e6:.0f} MB, {size / count:.0f} bytes per event")
    print("\ncommits of one event, ms | median | p99 | worst")
    times = []
    with writer(log, count + 1, times):
        time.sleep(3)
    print(f"alone | {spread(times)}")
    first, times = count + 1 + len(times), []
    with writer(log, first, times):
        took = seconds(lambda: make(log, folder / "copy.db"))
    print(f"beside a backup of {took:.1f} s | {spread(times)}")
    print(f"\nquick look through the backup {seconds(lambda: verify(folder / 'copy.db')):.1f} s")
    print(f"thorough look {seconds(lambda: verify(folder / 'copy.db', thorough=True)):.1f} s")
    print(f"restore {seconds(lambda: restore(folder / 'copy.db', folder / 'restored.db')):.1f} s")
    (folder / "restored.db").unlink()


def questions(folder):
    print("\n`command-monitor events`, s")
    os.environ["COMMAND_MONITOR__STATE_DIR"] = str(folder)
    for asked in (
        [],
        ["--subject", "center7"],
        ["--since", "1h", "--kind", "status"],
        ["--vantage", "danjiangkou"],
    ):
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            took = seconds(lambda asked=asked: command(["events", *asked]))
        print(f"{' '.join(asked) or 'the latest 100'} | {took:.2f}")


def salvages(log, folder, count):
    print("\nsalvage of what a backup lacks | rescued | lost | s")
    half, sound = count // 2, log.read_bytes()
    with writing(folder / "old.db") as connection:
        for first in range(1, half + 1, CHUNK):
            append(connection, first, min(first + CHUNK, half + 1))
    make(folder / "old.db", folder / "old-backup.db")
    leaves, inner = pages_of(log, "events", 13), pages_of(log, "events", 5)
    for name, pages in (
        ("nothing damaged", []),
        ("one leaf page", leaves[-100:-99]),
        ("all inner pages", inner),
        ("the first page", [1]),
    ):
        log.write_bytes(sound)
        for page in pages:
            overwrite(log, (page - 1) * PAGE, os.urandom(PAGE) if page > 1 else bytes(PAGE))
        broken = set_aside(log, "20251124T190300Z")
        restore(folder / "old-backup.db", log)
        with writing(log) as connection, connection.begin():
            began = time.perf_counter()
            found = salvage(broken, connection, half)
            took = time.perf_counter() - began
            whole = connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one()
        print(f"{name} | {found:,} | {count - whole:,} | {took:.1f}")
        broken.unlink()
    log.write_bytes(sound)


def prunings(log):
    print(f"\npruning, chunks of {CHUNK}, ms per transaction | chunks | median | p99 | worst")
    with writing(log) as connection:
        with connection.begin():
            connection.exec_driver_sql(
                "UPDATE events SET recorded_at = 100 + position * 0.01 WHERE position <= 100000"
            )
        checkpoint(connection, "TRUNCATE")
        times, gone = [], CHUNK
        while gone == CHUNK:
            began = time.perf_counter()
            with connection.begin():
                gone = prune(connection, time.time() - 200 * DAY)
            times.append(time.perf_counter() - began)
            checkpoint(connection, "PASSIVE")
        for tenth in range(0, len(times), 10):
            print(" ".join(f"{took * 1e3:.0f}" for took in times[tenth : tenth + 10]))
        print(f"all | {len(times)} | {spread(times)}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=300_000)
    count = parser.parse_args().events
    with tempfile.TemporaryDirectory(prefix="command-monitor-bench-") as place:
        folder = Path(place)
        log = folder / "log-city.db"
        print(f"filled in {seconds(lambda: fill(log, count)):.0f} s")
        backups(log, count, folder)
        questions(folder)
        with writing(log) as connection, connection.begin():
            rows = connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one()
        salvages(log, folder, rows)
        prunings(log)


if __name__ == "__main__":
    main()
