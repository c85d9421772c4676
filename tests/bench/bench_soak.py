"""A long calm: a town of 200 checks in which little breaks, two daemons, and a broker that is restarted.

    python -m tests.bench.bench_soak [--minutes 30] [--busy 10] [--storm 800] [--every 180] [--seed N]

A daemon in the city looks at the near ends of all circuits, one in a county at the far ends of its own and
reports to the city. It begins with a storm: all circuits break and are mended again and again, until each
daemon has recorded so many events; that fills what is kept in memory up to a bound. For ten minutes more
ten times as much breaks as in the calm, so that each circuit is traced once and the latest events are of
the calm's kind. In the calm, which is measured, one circuit in a hundred breaks each minute, and is mended
after half a minute. The broker is stopped and started again every three minutes, all the time. Growth is
the slope of a line through the means of each minute, samples being taken each 5 s; `+-` is its standard
error. The account at the end is that of `bench_crash`, storm and calm together; a consumer whose session
the broker keeps hears of all events of both daemons, and of some twice when the broker is restarted.
"""

import argparse
import asyncio
import contextlib
import math
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import fmean, linear_regression

from monitor.store import log_file
from tests.bench.bench_daemon import lags, quantile
from tests.lab.ledger import compare
from tests.mosquitto import OPEN, mosquitto
from tests.system.account import HEAD, Hearing, book, line, recorded
from tests.system.daemon import Daemon, broker_at, daemon, subjects
from tests.system.ear import hearing
from tests.system.script import Script
from tests.system.town import town

COUNTY = "c1"
SAMPLE = 5.0
BROKEN = (20.0, 40.0)
"""Seconds for which a circuit is broken."""
RAGE = (0.5, 3.0)
"""The same in the storm, after it was seen."""
BUSY = 10
"""So many times as often as in the calm things break before it."""
STORMY = 1800.0
"""Seconds that the storm may take."""
PERSISTENT = ("persistence true", "persistence_location {folder}/", "max_queued_messages 0")
PATIENCE = 60.0


@dataclass
class Watched:
    """One daemon, and what was measured of it."""

    one: Daemon
    script: Script
    vantage: str
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)
    """Monotonic seconds, RSS in MiB, descriptors, threads."""
    lags: list[list[tuple[float, int]]] = field(default_factory=list)
    recorded: int = 0
    """Events in its log, when last seen."""

    async def sample(self):
        proc = Path(f"/proc/{self.one.process.pid}")
        status = (proc / "status").read_text()
        rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        threads = int(re.search(r"Threads:\s+(\d+)", status)[1])
        self.samples.append((time.monotonic(), rss, len(list((proc / "fd").iterdir())), threads))
        self.lags.append(lags(await self.one.ask("/metrics")))

    async def see(self):
        """Hear what it says; tell the script what of it is recorded."""
        status = await self.one.status()
        self.recorded = status["store"]["recorded"]
        if not status["store"]["pending"]:
            self.script.see({one["id"]: one["health"] for one in subjects(status)})
        return status

    def growth(self):
        """Return the growth of RSS, MiB per hour, and of descriptors, per hour, each with its error."""
        return [fit([(at / 3600, sample[n]) for at, *sample in self.samples]) for n in (0, 1)]

    def lag(self):
        return quantile(self.lags[0], self.lags[-1], 0.99)

    def show(self):
        first, last = self.samples[0], self.samples[-1]
        files = [sample[2] for sample in self.samples]
        (rss, rss_error), (more, more_error) = self.growth()
        size = sum(file.stat().st_size for file in (self.one.folder / "state").glob("log-*.db*"))
        most = max(sample[1] for sample in self.samples)
        print(
            f"{self.vantage:<8}{first[1]:>8.1f}{last[1]:>8.1f}{most:>8.1f}{rss:>8.2f} +- {rss_error:<6.2f}"
            f"{min(files):>5}{max(files):>5}{more:>8.2f} +- {more_error:<6.2f}"
            f"{max(s[3] for s in self.samples):>8}{self.lag() * 1e3:>9.1f}{size / 2**20:>8.2f}",
            flush=True,
        )


def fit(points):
    """Return the slope of a line through *points*, of an abscissa in hours, and its standard error.

    Neighbouring samples err alike, so what is fitted are the means of each minute.
    """
    minutes = defaultdict(list)
    for at, value in points:
        minutes[int((at - points[0][0]) * 60)].append((at, value))
    means = [tuple(map(fmean, zip(*minute, strict=True))) for minute in minutes.values()]
    middle = fmean(at for at, _ in means)
    line = linear_regression(*zip(*means, strict=True))
    left = sum((value - line.intercept - line.slope * at) ** 2 for at, value in means)
    spread = sum((at - middle) ** 2 for at, _ in means)
    return line.slope, math.sqrt(left / max(1, len(means) - 2) / spread)


TITLES = (
    f"{'':<8}{'RSS at':>8}{'at the':>8}{'at':>8}{'growth':>18}{'descrip-':>10}{'growth':>18}"
    f"{'threads':>8}{'lag p99':>9}{'log':>8}\n"
    f"{'':<8}{'first':>8}{'end':>8}{'most':>8}{'MiB/h':>18}{'tors':>10}{'1/h':>18}"
    f"{'':>8}{'< ms':>9}{'MiB':>8}"
)


async def storm(watched, events):
    """Let everything break and be mended until the daemon has recorded so many events."""
    script = watched.script
    script.going = True
    while watched.recorded < events:
        await asyncio.sleep(0.5)
    script.going = False
    await mended(watched)


async def mended(watched):
    """Leave all well."""
    script = watched.script
    while script.unseen() or "down" in script.truth().values():
        for circuit in script.seen("down"):
            script.flip(circuit)
        await asyncio.sleep(0.5)


async def storms(all_watched, events):
    began = time.monotonic()
    async with asyncio.timeout(STORMY):
        await asyncio.gather(*(storm(watched, events) for watched in all_watched))
    recorded = ", ".join(f"{watched.recorded:,} in the log of {watched.vantage}" for watched in all_watched)
    print(f"a storm of {time.monotonic() - began:.0f} s: {recorded}", flush=True)


async def breaking(script, chance, per_minute):
    """Break a circuit now and then, and mend it."""
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(chance.expovariate(per_minute / 60))
            if well := script.seen("up"):
                circuit = chance.choice(well)
                script.flip(circuit)
                group.create_task(mending(script, circuit, chance.uniform(*BROKEN)))


async def mending(script, circuit, seconds):
    await asyncio.sleep(seconds)
    while not script.is_seen(circuit):
        await asyncio.sleep(0.2)
    script.flip(circuit)


async def restarting(broker, every):
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(broker.stop)
        await asyncio.sleep(2)
        await broker.start()


async def watching(all_watched):
    while True:
        for watched in all_watched:
            await watched.see()
        await asyncio.sleep(0.5)


async def sampling(all_watched):
    while True:
        for watched in all_watched:
            await watched.sample()
        await asyncio.sleep(SAMPLE)


async def soak(args, folder):
    """Run it all; return whether all is as it should be."""
    chance = random.Random(args.seed)  # noqa: S311 - no secret
    centers = {f"c{n}": n for n in range(1, args.centers + 1)}
    settings = [OPEN, *(line.format(folder=folder) for line in PERSISTENT)]
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        built = await enter(town(folder, centers, counties=(COUNTY,)))
        broker = await enter(mosquitto(folder, *settings))
        ear = await enter(hearing(broker, ("-c", "-i", "soak")))
        for name in ("city", COUNTY):
            (folder / name).mkdir()
        place = broker_at(broker.port)
        far_end = replace(built, echoes=built.far, flips=built.far_flips)
        near, far = Script(built, RAGE, chance), Script(far_end, RAGE, chance)
        near.going = far.going = False
        city = await enter(daemon(folder / "city", built.file, mqtt=place, collect=True))
        county = await enter(daemon(folder / COUNTY, built.file, vantage=COUNTY, reports={"city": place}))
        both = [Watched(city, near, "city"), Watched(county, far, COUNTY)]
        always = [near.run, far.run, partial(restarting, broker, args.every), partial(watching, both)]
        await for_a_while([*always, partial(storms, both, args.storm)], STORMY + SAMPLE)
        near.stall = 0.0
        rates = (near, 0.04 * args.centers), (far, 1.0)
        busy, calm = ([partial(breaking, s, chance, rate * n) for s, rate in rates] for n in (BUSY, 1))
        await for_a_while([*always, *busy], 60 * args.busy)
        for watched in both:
            await for_a_while([*always, partial(mended, watched)], PATIENCE)
        await for_a_while([*always, *calm, partial(sampling, both)], 60 * args.minutes)
        if broker.process.poll() is not None:
            await broker.start()
        print(TITLES)
        for watched in both:
            watched.show()
        return await close(both, ear, near)


async def for_a_while(deeds, seconds):
    """Do all at once, for so long or until one comes to its end."""
    tasks = [asyncio.create_task(deed()) for deed in deeds]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def close(both, ear, near):
    """Wait until all is seen, told and gathered; write the account and say whether it is good."""
    heard = Hearing(ear.heard)
    async with asyncio.timeout(PATIENCE):
        while not all([await is_done(watched) for watched in both]):
            await asyncio.sleep(0.5)
        for watched in reversed(both):
            await watched.one.end()
        city = book(log_file(both[0].one.folder / "state", "city"))
        copies = book(log_file(both[0].one.folder / "state", "city"), COUNTY)
        while heard.lacks([*city.events, *copies.events]):
            await asyncio.sleep(0.2)
    own = book(log_file(both[1].one.folder / "state", COUNTY), COUNTY)
    good = True
    print(f"\n{HEAD}")
    for watched, held, copied in zip(both, (city, own), (city, copies), strict=True):
        found, told = recorded(watched.script, held), heard.told(copied.events)
        print(line(watched.vantage, found, told, 0))
        for blemish in found.blemishes:
            print(f"    {blemish}")
        good = good and not (found.blemishes or found.lost or told.lost)
    ledger = compare(own.events, copies.events)
    print(f"gathered from {COUNTY}: {ledger.got} of {ledger.expected}, blemishes {list(ledger.blemishes)}")
    print(f"the town itself kept silent for {near.stall:.2f} s at most")
    return good and not ledger.blemishes


async def is_done(watched):
    status = await watched.see()
    outputs = status["vitals"]["outputs"].values()
    told = all(own["connected"] and not own["queued"] for own in outputs)
    return told and not status["store"]["pending"] and not watched.script.unseen()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--busy", type=float, default=10.0, help="minutes between the storm and the calm")
    parser.add_argument("--storm", type=int, default=800, help="events of each daemon before the calm")
    parser.add_argument("--centers", type=int, default=48)
    parser.add_argument(
        "--every", type=float, default=180.0, help="seconds from one restart of the broker to the next"
    )
    parser.add_argument("--seed", type=int, default=time.time_ns())
    args = parser.parse_args()
    print(f"{args.minutes:g} minutes, {4 * args.centers} checks, seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        return int(not asyncio.run(soak(args, Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
