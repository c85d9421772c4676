"""Measures the event log: what a kill costs, how fast it commits, how soon it is there again.

    python -m tests.bench.bench_store [--rounds 200] [--events 1000000] [--seed 1]

Everything is done on the disk of --folder (by default the system's folder for passing files), each figure but
the first in a process of its own, whose resident memory is read at its end. Loop lag is how much later than
asked a sleep of one millisecond ends.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from monitor.core.detection import Belief, Verdict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.learning import Learned
from monitor.core.record import Kept, Record
from monitor.core.vitals import StoreVitals
from monitor.core.world import Event
from monitor.store import Store, StoreOptions, log_file
from monitor.store.batch import Batch, write
from tests.bench.bench_storage import fill
from tests.store.crash_ledger import ledgers, run
from tests.store.filled import writing

CHANGES = 10_000
CHECKS = 10_000
GATHERED = 100_000
CHUNK = 200
FEW = 500
SENTENCE = {
    "zh": "丹江口到省网的主用电路中断, 已切换到备用电路",
    "en": "Danjiangkou lost its primary to the province",
}


def change(n, vantage="city"):
    """Return an event as large as those of the daemon, with what it implies."""
    subject = f"center{n % 500}/province/primary"
    data = {
        "kind": "circuit",
        "was": "up",
        "now": "down",
        "since": 1.7e9,
        "reason": "timeout",
        "sentence": SENTENCE,
    }
    event = Event(vantage, "boot", n, time.time(), "status", subject, data)
    kept = Kept("mark", Belief(Verdict.DOWN, 1.7e9, "timeout", "no answer"), Learned(1e4, 12.0))
    status = Status(subject, SubjectKind.CIRCUIT, Health.DOWN, 1.7e9, "timeout")
    return Record((event,), {f"{subject}/icmp{n % CHECKS}": kept}, {subject: status})


@contextlib.asynccontextmanager
async def opened(folder):
    vitals = StoreVitals()
    store = Store(log_file(folder, "city"), "city", vitals, options=StoreOptions(reserve_mib=0))
    began = time.perf_counter()
    await store.open()
    try:
        yield store, vitals, time.perf_counter() - began
    finally:
        await store.close()


class Lag:
    """Watches how late the event loop is."""

    async def __aenter__(self):
        self.seen = []
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _watch(self):
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.seen.append(time.perf_counter() - began - 0.001)

    def at(self, share):
        return sorted(self.seen)[int(len(self.seen) * share)] if self.seen else 0.0


async def recorded(vitals, count):
    async with asyncio.timeout(120):
        while vitals.recorded < count:
            await asyncio.sleep(0.001)


async def burst(folder, *, seconds):
    """Record ten thousand changes within *seconds*."""
    async with opened(folder) as (store, vitals, _), Lag() as lag:
        changes = [change(n) for n in range(CHANGES)]
        await asyncio.sleep(0.2)
        lag.seen.clear()
        began = time.perf_counter()
        for n, one in enumerate(changes):
            store.append(one)
            ahead = began + n / CHANGES * seconds - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
        await recorded(vitals, CHANGES)
        took = time.perf_counter() - began
        return {
            "took": took, "p99": lag.at(0.99), "worst": max(lag.seen), "commits": vitals.commits, "rss": rss()
        }  # fmt: skip


async def single(folder):
    """Commit one change after the other for two seconds."""
    async with opened(folder) as (store, vitals, _):
        times = []
        began = time.perf_counter()
        while (now := time.perf_counter()) < began + 2.0:
            store.append(change(len(times)))
            while vitals.recorded <= len(times):
                await asyncio.sleep(0)
            times.append(time.perf_counter() - now)
        times.sort()
        return {"rate": len(times) / 2.0, "p50": times[len(times) // 2], "p95": times[len(times) * 95 // 100]}


async def steady(folder):
    """Record ten thousand changes of few circuits and read them; measure memory at a fifth and at the end."""
    async with opened(folder) as (store, vitals, _):
        reader = store.reader("bench", lambda: None)
        for n in range(CHANGES):
            few = change(n % FEW)
            store.append(replace(few, events=(replace(few.events[0], seq=n),)))
            if n % 4 == 0:
                await recorded(vitals, n + 1)
                reader.told((await reader.read(CHUNK))[-1].position)
            if n == CHANGES // 5:
                early = rss()
        return {"early": early, "late": rss()}


def grow(path, events):
    """Fill the log in *path* with many events and checks, past the daemon."""
    fill(path, events)
    checks = {name: kept for n in range(CHECKS) for name, kept in change(n).checks.items()}
    with writing(path) as connection, connection.begin():
        write(connection, Batch(checks=checks))


async def restart(folder, events):
    """Open a large log."""
    async with opened(folder):
        pass
    path = log_file(folder, "city")
    grow(path, events)
    async with opened(folder) as (store, _, took):
        began = time.perf_counter()
        checks = len(store.remembered().checks)
        return {
            "took": took + time.perf_counter() - began,
            "checks": checks,
            "size": path.stat().st_size / 2**20,
            "rss": rss(),
        }


async def gather(folder):
    """Take in the log of another vantage."""
    async with opened(folder) as (store, vitals, _), Lag() as lag:
        events = [change(n, "dan").events[0] for n in range(GATHERED)]
        began = time.perf_counter()
        for at in range(0, GATHERED, CHUNK):
            await store.gather("dan", "log", at + CHUNK, events[at : at + CHUNK])
        took = time.perf_counter() - began
        for at in range(0, GATHERED, CHUNK):
            await store.gather("dan", "log", at + CHUNK, events[at : at + CHUNK])
        again = time.perf_counter() - began - took
        return {
            "took": took,
            "again": again,
            "p99": lag.at(0.99),
            "got": vitals.recorded,
            "rss": rss(),
        }


def rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def kills(folder, rounds, seed):
    """Kill a process that writes at random times, then let it end; print the ledger."""
    chance, total = random.Random(seed), rounds * 1_500 + 1_000  # noqa: S311 - a bench, not a secret
    killed = 0
    for _ in range(rounds):
        killed += await run(folder, total, kill_after=chance.uniform(0.6, 1.8)) == -signal.SIGKILL
    ended = await run(folder, total)
    found, sound, held = ledgers(folder, total)
    print(f"{killed} of {rounds} rounds killed (seed {seed}), last round ended with {ended}, file {sound}")
    for name, line in found.items():
        print(f"  {name:<9} {line}")
    print(
        f"  state as of change {held:.0f}; told again per kill: {found['told'].doubled / max(1, killed):.1f}"
    )


STAGES = {
    "burst": lambda folder, _: burst(folder, seconds=0.0),
    "second": lambda folder, _: burst(folder, seconds=1.0),
    "single": lambda folder, _: single(folder),
    "steady": lambda folder, _: steady(folder),
    "restart": restart,
    "gather": lambda folder, _: gather(folder),
}


def stage(name, folder, events):
    """Run one stage in a process of its own; return its figures."""
    command = [sys.executable, "-m", "tests.bench.bench_store", "--stage", name]
    with tempfile.TemporaryDirectory(dir=folder) as own:
        command += ["--folder", own, "--events", str(events)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def table(folder, events):
    for name, words in (("burst", "at once"), ("second", "within a second")):
        found = stage(name, folder, events)
        print(
            f"{CHANGES:,} changes {words}: recorded after {found['took']:.2f} s, {found['commits']} commits"
        )
        print(f"  {lag(found)}, worst {found['worst'] * 1e3:.1f} ms, {found['rss']:.0f} MiB")
    found = stage("single", folder, events)
    p50, p95 = found["p50"] * 1e3, found["p95"] * 1e3
    print(f"one at a time: {found['rate']:.0f} commits/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    found = stage("steady", folder, events)
    memory = f"{found['early']:.2f} MiB at a fifth, {found['late']:.2f} MiB in the end"
    print(f"{CHANGES:,} changes of {FEW} circuits: {memory}")
    found = stage("restart", folder, events)
    print(f"restart with {found['checks']:,} checks and {events:,} events ({found['size']:.0f} MiB):")
    print(f"  remembered after {found['took']:.2f} s, {found['rss']:.0f} MiB")
    found = stage("gather", folder, events)
    print(f"{GATHERED:,} events gathered, {CHUNK} at a time: {found['got']:,} in {found['took']:.1f} s,")
    print(f"  the same again in {found['again']:.1f} s, {lag(found)}, {found['rss']:.0f} MiB")


def lag(found):
    return f"loop lag p99 {found['p99'] * 1e3:.1f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--stage", choices=STAGES)
    args = parser.parse_args()
    if args.stage:
        print(json.dumps(asyncio.run(STAGES[args.stage](args.folder, args.events))))
        return
    table(args.folder, args.events)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        asyncio.run(kills(Path(folder), args.rounds, args.seed))


if __name__ == "__main__":
    main()
