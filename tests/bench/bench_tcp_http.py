"""Measures TCP connects and HTTP fetches, whole pipeline and probe alone, beside blackbox_exporter.

    python tests/bench/bench_tcp_http.py [--runs 5] [--seconds 3]

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
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC
from pathlib import Path

from monitor.core.inventory import Center, Circuit, Inventory, Level, Link, Look, Name, Network, Role, Vantage
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.runner import observe
from monitor.probes import load_kinds

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
    tuning = Tuning(0.01, 26, 200)
    engine = Engine(
        city(kind, port, CHECKS[kind]), "city", KINDS, tuning, boot="bench", zone=UTC, state_file=None
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
    command = [sys.executable, __file__, "--child", form, kind, str(port), str(seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def running(command, port):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            fetch(port, "/", tries=50)
            yield process.pid
        finally:
            process.terminate()


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


@contextlib.contextmanager
def blackbox(folder):
    port = free_port()
    (folder / "blackbox.yml").write_text(BLACKBOX)
    command = [
        "prometheus-blackbox-exporter",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--config.file={folder / 'blackbox.yml'}",
    ]
    with running(command, port) as pid:
        yield port, pid


def fetch(port, path, tries=1):
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.read()
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
    return None


def theirs(server, port, pid, kind, probes=400):
    """Return blackbox_exporter's own CPU per probe, seconds."""
    target = f"127.0.0.1:{server}" if kind == "tcp" else f"http://127.0.0.1:{server}/"
    path = f"/probe?module={kind}&target={target}"
    before = cpu_of(pid)
    for _ in range(probes):
        fetch(port, path)
    if b"probe_success 1" not in fetch(port, path):
        raise SystemExit(f"blackbox_exporter does not reach {target}")
    return (cpu_of(pid) - before) / (probes + 1)


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def compare(kind, runs, seconds, server, port, pid):
    rounds = [
        (
            child("pipeline", kind, server, seconds),
            child("alone", kind, server, seconds),
            theirs(server, port, pid, kind),
        )
        for _ in range(runs)
    ]
    ours, single, other = (
        statistics.median(column) * 1e6
        for column in zip(*((a["cpu"], b["cpu"], c) for a, b, c in rounds), strict=True)
    )
    ratio = statistics.median(a["cpu"] / c for a, _, c in rounds)
    bad, looks = sum(a["bad"] for a, _, _ in rounds), sum(a["looks"] for a, _, _ in rounds)
    print(
        f"{kind:<5} {CHECKS[kind]:>6}/s {ours:>9.0f} {single:>9.0f} {other:>9.0f} {ratio:>7.2f}"
        f" {GOALS[kind]:>6.2f} {bad:>5}/{looks}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    print("CPU per look in microseconds: medians; the ratio of pipeline to blackbox is the median of pairs")
    print("kind      rate  pipeline     alone  blackbox   ratio   goal   bad looks")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nginx(folder) as server, blackbox(folder) as (port, pid):
            for kind in CHECKS:
                compare(kind, args.runs, args.seconds, server, port, pid)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        form, kind, port, seconds = sys.argv[2:]
        run = {"pipeline": pipeline, "alone": alone}[form]
        print(json.dumps(asyncio.run(run(kind, int(port), float(seconds)))))
    else:
        main()
