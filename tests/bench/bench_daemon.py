"""Measures the daemon as its users run it: 10,000 circuits at one look a second, scraped meanwhile.

    python -m tests.bench.bench_daemon [--checks 10000] [--runs 5] [--scrapes 10] [--events 1000000]

Starts `command-monitor run` with an inventory of addresses in 127.0.0.0/8 and asks it over HTTP, as
Prometheus would. Lag is the daemon's own histogram, its difference over the time of the scrapes; losses are
all its own, for these addresses always answer. Needs root or a ping_group_range, as the daemon does.

Then it is started again and again with so many events in its log, after a stop and after kill -9; --events 0
leaves that out.
"""

import argparse
import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

from tests.bench.bench_storage import CHUNK, append, checkpoint
from tests.bench.peers import cpu_of, fetch, free_port
from tests.store.filled import writing

SHARE = 0.99
RESTARTS = (
    ("restart to ready after a stop", "stopped", "s", 1),
    ("restart to ready after kill -9", "killed", "s", 1),
    ("CPU of a restart until ready", "used", "s", 1),
    ("memory (RSS)", "rss", "MiB", 1),
    ("size of the log", "size", "MiB", 1),
)


def inventory(checks):
    """Return YAML of *checks* circuits: centers of four circuits from one template."""
    lines = [
        "city: {zh: 大市, en: Big}",
        "networks: {city: {name: 市网}, province: {name: 省网}}",
        "templates:",
        "  like:",
        "    level: county",
        "    links:",
    ]
    for number, network in enumerate(("city", "province")):
        lines.append(f"      {network}:")
        lines.append(f'        primary: {{near: "127.{{a}}.{{b}}.{4 * number + 1}"}}')
        lines.append(f'        backup: {{near: "127.{{a}}.{{b}}.{4 * number + 2}"}}')
    lines.append("centers:")
    centers = (
        f"{{template: like, variables: {{a: {1 + n // 250}, b: {n % 250}}}}}" for n in range(checks // 4)
    )
    lines += [f"  c{n}: {center}" for n, center in enumerate(centers)]
    return "\n".join(lines)


def ask(port, path):
    return fetch(port, path).decode()


def ready(port, process, folder):
    while process.poll() is None:
        try:
            return ask(port, "/-/ready")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise SystemExit((folder / "daemon.log").read_text())


def lags(page):
    found = re.findall(r'command_monitor_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', page)
    return [(float(bound), int(count)) for bound, count in found]


def quantile(before, after, share):
    counts = [(bound, now - then) for (bound, now), (_, then) in zip(after, before, strict=True)]
    return next(bound for bound, count in counts if count >= share * counts[-1][1])


def total(page, name, match=""):
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith(name) and match in line
    )


def prepare(checks, folder):
    """Write inventory and settings; return the port."""
    port = free_port()
    (folder / "city.yaml").write_text(inventory(checks))
    (folder / "settings.yaml").write_text(f"inventory: city.yaml\nstate_dir: state\nhttp: {{port: {port}}}\n")
    return port


@contextlib.contextmanager
def started(folder, port):
    """Start a daemon; give its process once it is ready and the seconds that it took, and end it."""
    command = [sys.executable, "-m", "monitor", "run", "--settings", str(folder / "settings.yaml")]
    began = time.monotonic()
    with (folder / "daemon.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    try:
        ready(port, process, folder)
        yield process, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()


def once(checks, scrapes, folder):
    port = prepare(checks, folder)
    with started(folder, port) as (process, start):
        time.sleep(3)
        asked = time.monotonic()
        first = ask(port, "/metrics")
        earliest, cpu = time.monotonic() - asked, cpu_of(process.pid)
        took = []
        for _ in range(scrapes):
            time.sleep(1)
            asked = time.monotonic()
            page = ask(port, "/metrics")
            took.append(time.monotonic() - asked)
        used = cpu_of(process.pid) - cpu
    names = ("command_monitor_check_looks_total", "command_monitor_check_")
    looks = total(page, names[0]) - total(first, names[0])
    return {
        "start": start,
        "earliest": earliest,
        "ever": quantile([(bound, 0) for bound, _ in lags(page)], lags(page), 1.0),
        "scrape": statistics.median(took),
        "worst": max(took),
        "lag99": quantile(lags(first), lags(page), SHARE),
        "lag100": quantile(lags(first), lags(page), 1.0),
        "rss": total(page, "process_resident_memory_bytes") / 2**20,
        "series": sum(line.startswith(names[1]) for line in page.splitlines()) / checks,
        "lost": total(page, names[0], 'outcome="failed"'),
        "looks": looks,
        "cpu": used / looks,
    }


def restarts(checks, events, runs, folder):
    """Start a daemon that knows all checks anew with *events* in its log, after a stop and after a kill."""
    port = prepare(checks, folder)
    with started(folder, port):
        time.sleep(3)
    log = folder / "state" / "log-city.db"
    fill(log, events)
    found = {"stopped": [], "killed": [], "used": [], "rss": []}
    for _ in range(runs):
        with started(folder, port) as (process, start):
            found["stopped"].append(start)
            found["used"].append(cpu_of(process.pid))
            time.sleep(3)
            process.kill()
        with started(folder, port) as (process, start):
            found["killed"].append(start)
            time.sleep(3)
            found["rss"].append(total(ask(port, "/metrics"), "process_resident_memory_bytes") / 2**20)
    return found | {"size": [log.stat().st_size / 2**20]}


def fill(log, events):
    with writing(log) as connection:
        first = 1 + connection.exec_driver_sql("SELECT max(position) FROM events").scalar()
        connection.rollback()
        for number in range(first, first + events, CHUNK):
            append(connection, number, min(number + CHUNK, first + events))
            if number % 50_000 < CHUNK:
                checkpoint(connection, "PASSIVE")
        checkpoint(connection, "TRUNCATE")


def show(rows, values):
    print(f"{'':<36}{'median':>10}{'worst':>10}")
    for title, key, unit, scale in rows:
        scaled = [value * scale for value in values[key]]
        print(f"{title:<36}{statistics.median(scaled):>10.2f}{max(scaled):>10.2f} {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scrapes", type=int, default=10)
    parser.add_argument("--events", type=int, default=1_000_000)
    args = parser.parse_args()
    runs = []
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(once(args.checks, args.scrapes, Path(folder)))
    print(f"{args.checks:,} circuits at 1 s, scraped once a second; {args.runs} runs")
    rows = (
        ("start to ready", "start", "s", 1),
        ("/metrics, first after the start", "earliest", "ms", 1e3),
        ("/metrics, median", "scrape", "ms", 1e3),
        ("/metrics, slowest", "worst", "ms", 1e3),
        ("loop lag p99, at most", "lag99", "ms", 1e3),
        ("loop lag max, at most", "lag100", "ms", 1e3),
        ("the same, first scrape included", "ever", "ms", 1e3),
        ("memory (RSS)", "rss", "MiB", 1),
        ("series per check", "series", "", 1),
        ("CPU per look, scrapes included", "cpu", "us", 1e6),
        ("looks lost by ourselves", "lost", "", 1),
        ("looks in the time measured", "looks", "", 1),
    )
    show(rows, {key: [run[key] for run in runs] for key in runs[0]})
    if args.events:
        print(f"\nthe same checks, and {args.events:,} events in the log; {args.runs} runs")
        with tempfile.TemporaryDirectory() as folder:
            show(RESTARTS, restarts(args.checks, args.events, args.runs, Path(folder)))


if __name__ == "__main__":
    main()
