"""Measures TCP connects and HTTP fetches, whole pipeline and probe alone, beside blackbox_exporter.

    python -m tests.bench.bench_tcp_http [--runs 5] [--seconds 3]

Everybody asks the same nginx on loopback, turn by turn, so that they meet the same machine. Ours is an
engine, schedule to world, in a process of its own, with so many checks at one a second; its CPU is user and
system time of the process. blackbox_exporter's is read from /proc while it is asked for probes one by one,
its Prometheus left out. "Alone" is the coroutine form without schedule and belief, ten at a time.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC
from pathlib import Path

from monitor.core.inventory import Center, Circuit, Inventory, Level, Link, Look, Name, Network, Role, Vantage
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.runner import observe
from monitor.probes import load_kinds
from tests.bench.peers import blackbox, blackbox_cost, free_port, plugin_cost, running
from tests.logs import opened

KINDS = load_kinds()
NAME = Name("甲", "A")
WARM_UP = 1.5
CHECKS = {"tcp": 1_000, "http": 200}
GOALS = {"tcp": 0.25, "http": 0.75}
BLACKBOX = """
modules:
  tcp: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4}}
  http: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4}}
"""


def options(kind, port):
    told = {"host": "127.0.0.1", "port": port} if kind == "tcp" else {"url": f"http://127.0.0.1:{port}/"}
    return KINDS[kind].options(**told)


def city(kind, port, count):
    """Return a city of so many circuits, each looked at once a second with *kind*."""
    look = Look(kind, kind, options(kind, port), 1.0, 1.0)
    centers = {}
    for n in range(0, count, 2):
        name = f"c{n}"
        circuits = tuple(
            Circuit(name, "city", role, f"127.1.{n // 250}.{n % 250}", near_look=look) for role in Role
        )
        centers[name] = Center(name, NAME, Level.COUNTY, (Link(name, "city", circuits),))
    vantage = Vantage("city", NAME, networks=("city",))
    return Inventory(NAME, {"city": Network("city", NAME)}, {}, centers, {"city": vantage})


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def pipeline(kind, port, seconds):
    tuning = Tuning(0.01, 26, 200, 30)
    async with opened() as (log, vitals):
        engine = Engine(
            city(kind, port, CHECKS[kind]),
            "city",
            KINDS,
            tuning,
            boot="bench",
            zone=UTC,
            log=log,
            vitals=vitals,
        )
        engine.start()
        await asyncio.sleep(WARM_UP)
        before, looks = cpu(), engine.vitals.looks
        await asyncio.sleep(seconds)
        cost = (cpu() - before) / (engine.vitals.looks - looks)
        readings = engine.world.readings.values()
        bad = sum(reading.failed + reading.unknown for reading in readings)
        await engine.stop()
    return {"cpu": cost, "bad": bad, "looks": engine.vitals.looks}


async def alone(kind, port, seconds):
    """Look again and again, ten at a time, through the coroutine form."""
    look = functools.partial(KINDS[kind].probe, options(kind, port))
    looks, before, end = 0, cpu(), time.monotonic() + seconds / 2
    while time.monotonic() < end:
        await asyncio.gather(*(observe(look, 1.0) for _ in range(10)))
        looks += 10
    return {"cpu": (cpu() - before) / looks, "bad": 0, "looks": looks}


def child(form, kind, port, seconds):
    command = [
        sys.executable,
        "-m",
        "tests.bench.bench_tcp_http",
        "--child",
        form,
        kind,
        str(port),
        str(seconds),
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


@contextlib.contextmanager
def nginx(folder):
    port = free_port()
    places = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log /dev/null; events {{}}"
        f" http {{ access_log off; {places} server {{ listen 127.0.0.1:{port} backlog=4096;"
        f' location / {{ return 200 "all is well\\n"; }} }} }}'
    )
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "/dev/null"]
    with running(command, port):
        yield port


def theirs(server, port, pid, kind, probes=400):
    """Return blackbox_exporter's own CPU per probe, seconds."""
    target = f"127.0.0.1:{server}" if kind == "tcp" else f"http://127.0.0.1:{server}/"
    return blackbox_cost(port, pid, [f"/probe?module={kind}&target={target}"] * probes)


def plugin(kind, server):
    """Return the CPU of check_tcp or check_http, seconds."""
    return plugin_cost(f"check_{kind}", "-H", "127.0.0.1", "-p", str(server))


def compare(kind, runs, seconds, server, port, pid):
    rounds = [
        (
            child("pipeline", kind, server, seconds),
            child("alone", kind, server, seconds),
            theirs(server, port, pid, kind),
            plugin(kind, server),
        )
        for _ in range(runs)
    ]
    ours, single, other, forked = (
        statistics.median(column) * 1e6
        for column in zip(*((a["cpu"], b["cpu"], c, d) for a, b, c, d in rounds), strict=True)
    )
    ratio = statistics.median(a["cpu"] / c for a, _, c, _ in rounds)
    bad, looks = sum(a["bad"] for a, *_ in rounds), sum(a["looks"] for a, *_ in rounds)
    print(
        f"{kind:<5} {CHECKS[kind]:>6}/s {ours:>9.0f} {single:>9.0f} {other:>9.0f} {forked:>9.0f}"
        f" {ratio:>7.2f} {GOALS[kind]:>6.2f} {bad:>5}/{looks}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    print("CPU per look in microseconds: medians; the ratio of pipeline to blackbox is the median of pairs")
    print("kind      rate  pipeline     alone  blackbox   check_*   ratio   goal   bad looks")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nginx(folder) as server, blackbox(folder, BLACKBOX) as (port, pid):
            for kind in CHECKS:
                compare(kind, args.runs, args.seconds, server, port, pid)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        form, kind, port, seconds = sys.argv[2:]
        run = {"pipeline": pipeline, "alone": alone}[form]
        print(json.dumps(asyncio.run(run(kind, int(port), float(seconds)))))
    else:
        main()
