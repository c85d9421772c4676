"""Measures the whole pipeline on loopback, schedule to world, against fping and others.

    python -m tests.bench.bench_pipeline [--runs 5] [--seconds 5]

Every address of 127.0.0.0/8 that is pinged is a circuit of its own, looked at once a second by an engine in a
process of its own. CPU is user and system time of whole processes; fping's from wait4, blackbox_exporter's
(its Prometheus left out) from /proc while it is asked for ICMP probes. Loop lag is the engine's own measure.
Needs root, for fping as for us.
"""

import argparse
import asyncio
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
from monitor.core.vitals import LAG_BOUNDS
from monitor.engine.lifecycle import Engine, Tuning
from monitor.probes import load_kinds
from tests.bench.bench_icmp import addresses, run_fping
from tests.bench.peers import blackbox, blackbox_cost, plugin_cost
from tests.logs import opened

NAME = Name("甲", "A")
RATES = (100, 1_000, 10_000)
WARM_UP = 2.0
BLACKBOX = "modules: {icmp: {prober: icmp, timeout: 1s, icmp: {preferred_ip_protocol: ip4}}}"


def city(hosts, kind):
    """Return a city with one center per two hosts, each host a circuit looked at once a second."""
    centers = {}
    for n in range(0, len(hosts), 2):
        name = f"c{n}"
        pairs = zip(Role, hosts[n : n + 2], strict=False)
        circuits = tuple(
            Circuit(name, "city", r, h, near_look=Look("icmp", "icmp", kind.options(host=h), 1.0, 1.0))
            for r, h in pairs
        )
        centers[name] = Center(name, NAME, Level.COUNTY, (Link(name, "city", circuits),))
    vantage = Vantage("city", NAME, networks=("city",))
    return Inventory(NAME, {"city": Network("city", NAME)}, {}, centers, {"city": vantage})


async def pipeline(count, seconds):
    kinds = load_kinds()
    began = time.monotonic()
    async with opened() as (log, vitals):
        engine = Engine(
            city(addresses(count), kinds["icmp"]),
            "city",
            kinds,
            Tuning(0.01, 26, 200, 30),
            boot="bench",
            zone=UTC,
            log=log,
            vitals=vitals,
        )
        return await measured(engine, seconds, began)


async def measured(engine, seconds, began):
    feed = engine.feed(None)
    engine.start()
    started = time.monotonic() - began
    await asyncio.sleep(WARM_UP)
    await feed.news(0.01)
    lags = list(engine.vitals.lag_buckets)
    sent = engine.vitals.looks
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.sleep(seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    looks = engine.vitals.looks - sent
    failed = sum(r.failed for r in engine.world.readings.values())
    lags = [now - then for now, then in zip(engine.vitals.lag_buckets, lags, strict=True)]
    events = len((await feed.news(0.01)).events)
    total = sum(r.ok + r.failed for r in engine.world.readings.values())
    await engine.stop()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "cpu": cpu / looks,
        "rate": looks / seconds,
        "lost": failed,
        "looks": total,
        "events": events,
        "start": started,
        "rss": after.ru_maxrss / 1024,
        "lag99": bound(lags, 0.99),
    }


def bound(buckets, share):
    """Return the upper bound of the bucket below which *share* of all values lie."""
    wanted, seen = sum(buckets) * share, 0
    for upper, count in zip((*LAG_BOUNDS, float("inf")), buckets, strict=True):
        seen += count
        if seen >= wanted:
            return upper
    return float("inf")


def run_ours(count, seconds):
    command = [sys.executable, "-m", "tests.bench.bench_pipeline", "--child", str(count), str(seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def others(runs):
    """Return the CPU per ping of blackbox_exporter and of check_icmp, seconds, medians."""
    paths = [f"/probe?module=icmp&target={host}" for host in addresses(300)]
    with tempfile.TemporaryDirectory() as folder, blackbox(Path(folder), BLACKBOX) as (port, pid):
        theirs = [blackbox_cost(port, pid, paths) for _ in range(runs)]
    plugin = [plugin_cost("check_icmp", "-H", "127.1.0.1", "-n", "1") for _ in range(runs)]
    return statistics.median(theirs), statistics.median(plugin)


def compare(count, runs, seconds):
    pairs = [(run_ours(count, seconds), run_fping(count, min(seconds, 3))) for _ in range(runs)]
    ours = [mine for mine, _ in pairs]
    mine = statistics.median(run["cpu"] for run in ours) * 1e6
    theirs = statistics.median(run["cpu"] for _, run in pairs) * 1e6
    ratio = statistics.median(a["cpu"] / b["cpu"] for a, b in pairs)
    lost, looks = sum(run["lost"] for run in ours), sum(run["looks"] for run in ours)
    print(
        f"{count:>7,}/s {mine:>8.1f} {theirs:>8.1f} {ratio:>7.2f} {lost:>6}/{looks:<9,}"
        f" {max(run['lag99'] for run in ours) * 1e3:>7.1f} ms"
        f" {statistics.median(run['start'] for run in ours):>7.2f} s"
        f" {max(run['rss'] for run in ours):>6.0f} MiB {sum(run['events'] for run in ours):>6}"
    )
    return mine


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    print("Whole pipeline, CPU per probe in microseconds (medians; the ratio is the median of pairs)")
    print("  checks     ours    fping   ratio    lost/looks      lag p99    start   peak RSS  events")
    costs = {count: compare(count, args.runs, args.seconds) for count in RATES}
    print(
        f"cost per probe, {RATES[-1]:,} checks against {RATES[0]:,}: {costs[RATES[-1]] / costs[RATES[0]]:.2f}"
    )
    for name, cost in zip(("blackbox_exporter", "check_icmp"), others(args.runs), strict=True):
        times = cost * 1e6 / costs[1_000]
        print(f"{name}: {cost * 1e6:,.0f} per ping, {times:.0f} times ours at 1,000/s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(asyncio.run(pipeline(int(sys.argv[2]), float(sys.argv[3])))))
    else:
        main()
