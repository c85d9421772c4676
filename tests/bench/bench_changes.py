"""Measures a storm: every check changes within one second, through the real engine and the real log.

    python -m tests.bench.bench_changes [--checks 10000] [--runs 3] [--profile] [--usual] [--no-diagnosis]

A probe kind in memory answers for all hosts, then for none, then for all again; who is down, and what is said
of circuits, links and centers, is concluded by the engine and recorded by the log, which an output reads.
Detection is as hasty as can be, so that all changes fall into one period; with --usual it is as in the
settings' defaults, and each check is looked at many times before it is believed. The time to commit counts
from the last change of belief. Lag is that of a task that wants to run every 5 ms; on a machine
that has other things to do, its share that is work of the loop itself says more.
"""

import argparse
import asyncio
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections import deque
from datetime import UTC
from functools import partial
from pathlib import Path

from monitor.app import HAND_OVER
from monitor.core.detection import Verdict
from monitor.core.inventory import Center, Circuit, Inventory, Level, Link, Look, Name, Network, Role, Vantage
from monitor.core.observation import failed
from monitor.engine.lifecycle import Engine, Tuning
from monitor.kit.allocation import take_as_lasting
from monitor.kit.icmp.deadlines import AT_A_TIME
from monitor.ports import ProbeKind, ProbeOptions
from tests.logs import opened

NAME = Name("甲", "A")
NETWORKS = ("city", "province")
LATE = 0.005
"""Seconds after which an answer, or its absence, is known."""
BEAT = 0.005
HASTY, USUAL = (90_000, 100_000), (0.01, 26)
SILENT = failed("timeout", "no answer within 0.25 s")


class Options(ProbeOptions):
    """Whom to ask."""

    host: str


class Peers:
    """All hosts, as a batch engine: they answer, or none does; it tells so a slice of time at a time."""

    def __init__(self, sink):
        self.sink = sink
        self.silent = False
        self.overdue = deque()

    def prepare(self, options):
        return options

    def send(self, due):
        sent_at = time.monotonic()
        asyncio.get_running_loop().call_later(LATE, self._end, [(key, sent_at) for _, key, _ in due])

    def _end(self, looks=()):
        going_on = bool(self.overdue)
        self.overdue.extend(looks)
        if not (looks and going_on):
            self._give()

    def _give(self):
        until = time.monotonic() + AT_A_TIME
        while self.overdue and time.monotonic() < until:
            key, sent_at = self.overdue.popleft()
            if self.silent:
                self.sink.found(key, sent_at, SILENT)
            else:
                self.sink.answered(key, sent_at, LATE)
        if self.overdue:
            asyncio.get_running_loop().call_later(0.0, self._end)

    def close(self):
        """Nothing is held."""


class Kind:
    """The probe kind, and its engine once it was asked for."""

    def __init__(self):
        self.kind = ProbeKind(
            "memory", "Answers from memory.", Options, self.probe, reasons={}, engine=self.make
        )

    async def probe(self, options):
        raise NotImplementedError(options)

    def make(self, sink):
        self.peers = Peers(sink)
        return self.peers


def city(checks):
    """Return an inventory of so many circuits, four of them a center's."""
    centers = {f"c{n}": center(f"c{n}") for n in range(checks // 4)}
    networks = {name: Network(name, Name(name, name)) for name in NETWORKS}
    return Inventory(NAME, networks, {}, centers, {"city": Vantage("city", NAME, networks=NETWORKS)})


def center(name):
    def circuit(network, role):
        host = f"{name}/{network}/{role}"
        return Circuit(
            name, network, role, "10.0.0.1", near_look=Look("m", "memory", Options(host=host), 1.0, 1.0)
        )

    links = tuple(Link(name, n, tuple(circuit(n, role) for role in Role)) for n in NETWORKS)
    return Center(name, NAME, Level.COUNTY, links)


class Beat:
    """How late a task of the loop is, and how much of that is work of the loop itself."""

    def __init__(self):
        self.lags, self.work = [], []

    async def run(self):
        while True:
            due, used = time.monotonic() + BEAT, time.thread_time()
            await asyncio.sleep(BEAT)
            self.lags.append(time.monotonic() - due)
            self.work.append(time.thread_time() - used)

    def taken(self):
        found = sorted(self.lags), sorted(self.work)
        self.lags, self.work = [], []
        return found


async def consume(feed):
    """Read the feed as an output does."""
    while True:
        news = await feed.news()
        if news.events:
            feed.told(news.events[-1].position)


async def storm(engine, vitals, beat, verdict):
    """Wait until all checks are believed to be *verdict* and that is recorded; return what it took."""
    began, events, used = time.monotonic(), vitals.events, time.process_time()
    beliefs = engine.world.beliefs
    first = None
    while (left := sum(b.verdict is not verdict for b in beliefs.values())) > 0:
        if first is None and left < len(beliefs):
            first = time.monotonic()
        await asyncio.sleep(0.02)
    last = time.monotonic()
    while vitals.store.pending:
        await asyncio.sleep(0.005)
    committed = time.monotonic()
    lags, work = beat.taken()
    return {
        "first": first - began,
        "changes": last - first,
        "commit": committed - last,
        "cpu": time.process_time() - used,
        "events": vitals.events - events,
        "p50": lags[len(lags) // 2],
        "p99": lags[int(len(lags) * 0.99)],
        "max": lags[-1],
        "work99": work[int(len(work) * 0.99)],
        "work100": work[-1],
        "lost": vitals.store.dropped,
        "skipped": vitals.skipped,
        "own_lag": vitals.evidence_dropped,
    }


async def once(checks, tuning, *, thinks):
    memory = Kind()
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as (log, vitals):
            known = Tuning(*tuning, concurrency=200, hold=30.0)
            engine = Engine(
                city(checks),
                "city",
                {"memory": memory.kind},
                known,
                boot="bench",
                zone=UTC,
                log=log,
                vitals=vitals,
            )
            if not thinks:
                engine._pipeline.stirred = lambda _: None
                engine._diagnostician.stir = lambda: None
            beat = Beat()
            tasks = [asyncio.create_task(consume(engine.feed("bench"))), asyncio.create_task(beat.run())]
            engine.start()
            sys.setswitchinterval(HAND_OVER)  # as the daemon does, and so it
            take_as_lasting()
            await settled(engine, Verdict.UP)
            await asyncio.sleep(2)
            beat.taken()
            memory.peers.silent = True
            down = await storm(engine, vitals, beat, Verdict.DOWN)
            await asyncio.sleep(2)
            beat.taken()
            memory.peers.silent = False
            up = await storm(engine, vitals, beat, Verdict.UP)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.stop()
    return {"all go down": down, "all come back": up}


async def settled(engine, verdict):
    while any(belief.verdict is not verdict for belief in engine.world.beliefs.values()):
        await asyncio.sleep(0.05)


ROWS = (
    ("from the cut to the first change", "first", "s", 1),
    ("from the first to the last change", "changes", "s", 1),
    ("from the last change to the last commit", "commit", "s", 1),
    ("CPU from the cut to the last commit", "cpu", "s", 1),
    ("events", "events", "", 1),
    ("events lost", "lost", "", 1),
    ("loop lag, median", "p50", "ms", 1e3),
    ("loop lag, p99", "p99", "ms", 1e3),
    ("loop lag, largest", "max", "ms", 1e3),
    ("CPU of the loop between two beats, p99", "work99", "ms", 1e3),
    ("CPU of the loop between two beats, most", "work100", "ms", 1e3),
    ("looks skipped so far", "skipped", "", 1),
    ("silences not counted for our own lag", "own_lag", "", 1),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where the time of one run goes")
    parser.add_argument("--usual", action="store_true", help="detect as the settings' defaults do")
    parser.add_argument("--no-diagnosis", action="store_true", help="leave out the search for causes")
    args = parser.parse_args()
    tuning = USUAL if args.usual else HASTY
    run = partial(once, args.checks, tuning, thinks=not args.no_diagnosis)
    if args.profile:
        profile = cProfile.Profile()
        profile.runcall(asyncio.run, run())
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
        return
    runs = [asyncio.run(run()) for _ in range(args.runs)]
    for title in runs[0]:
        print(f"{args.checks:,} checks, {title}; {args.runs} runs {'':<6}{'median':>10}{'worst':>10}")
        for words, key, unit, scale in ROWS:
            values = [run[title][key] * scale for run in runs]
            print(f"{words:<42}{statistics.median(values):>10.2f}{max(values):>10.2f} {unit}")
        print()


if __name__ == "__main__":
    main()
