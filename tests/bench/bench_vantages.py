"""Measures what a report costs the daemon that makes it: a backlog drained, and what is live meanwhile.

    python -m tests.bench.bench_vantages [--backlog 100000] [--changes 200]

The log is a real one on disk, the broker a real mosquitto. Who takes in what comes is a process of its own
that acknowledges at once (the collecting side is measured by bench_gathering), on the same machine, so that
one clock tells all times. A belief is timed from its change until that process has read it, an event from
when it was appended to the log. The slow lines are a relay that lets so many bytes a second through.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

from monitor.core.detection import Belief, Verdict
from monitor.core.record import Record
from monitor.core.world import Event
from monitor.vantages.options import ReportOptions
from monitor.vantages.reporter import Reporter
from tests.logs import opened
from tests.mosquitto import OPEN, mosquitto
from tests.vantages.report_ground import VANTAGE, BeliefFeed, Taker, line_to, taking, world_of

SETTINGS = (OPEN, "set_tcp_nodelay true")
CHECKS = tuple(f"danjiangkou/device-{n}/icmp" for n in range(40))
EVERY = 0.05
"""Seconds between two changes."""
SELDOM = 0.5
"""The same over a slow line, which could not carry more."""
PAGE = 500
DATA = {"was": "up", "now": "down", "suspected": False, "reason": "timeout", "detail": "no answer in 0.25 s"}


class Clocked(Taker):
    """Notes how long what is live took."""

    def __init__(self) -> None:
        super().__init__()
        self.beliefs_took: list[float] = []
        self.events_took: list[float] = []
        self.count = 0
        self._since: dict[str, float] = {}

    def take(self, chunk) -> bool:
        now, gap = time.time(), chunk.after > self.position and chunk.log == self.log
        if chunk.log != self.log:
            self.log, self.position = chunk.log, 0
        if not gap and chunk.upto > self.position:
            self.position = chunk.upto
            self.count += len(chunk.entries)
            self.events_took += [now - e.at for e in chunk.entries if e.boot == "live"]
        self.chunks.clear()
        return gap

    async def hear_live(self, delivery) -> None:
        await super().hear_live(delivery)
        word = self.beliefs.pop()[1] if self.beliefs else None
        if word is not None and word.reason == "bench" and self._since.get(word.check) != word.since:
            self._since[word.check] = word.since
            self.beliefs_took.append(time.time() - word.since)


async def be_taker(port: int, wanted: int) -> None:
    """Take in until so many events came and a line tells to end; print when, and what was measured."""
    async with taking(port, Clocked()) as taker:
        print("ready", flush=True)
        while taker.count < wanted:
            await asyncio.sleep(0.01)
        print(time.time(), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(json.dumps([taker.beliefs_took, taker.events_took, taker.count]), flush=True)


class Other:
    """The process that takes in."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, port: int, wanted: int) -> "Other":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.bench_vantages",
            "--taker", str(port), "--backlog", str(wanted),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        other = cls(process)
        await other.line()
        return other

    async def line(self) -> str:
        return (await self._process.stdout.readline()).decode()

    async def end(self) -> tuple[list[float], list[float], int]:
        """Have it end; return how long beliefs and events took, seconds, and how many events came."""
        self._process.stdin.write(b"\n")
        beliefs, events, count = json.loads(await self.line())
        await self._process.wait()
        return beliefs, events, count


async def lateness(late: list[float]) -> None:
    while True:
        due = time.monotonic() + 0.005
        await asyncio.sleep(0.005)
        late.append(time.monotonic() - due)


async def record(log, count: int) -> None:
    """Fill a log, no faster than it can be written."""
    for first in range(1, count + 1, PAGE):
        numbers = range(first, min(first + PAGE, count + 1))
        log.append(
            Record(
                tuple(
                    Event(VANTAGE, "old", n, time.time(), "status", "danjiangkou/city", DATA) for n in numbers
                )
            )
        )
        while log.end < first - 10 * PAGE:
            await asyncio.sleep(0.01)
    while log.end < count:
        await asyncio.sleep(0.05)


async def change(feed, log, changes: int, every: float) -> None:
    """Change a belief again and again, and record that."""
    for seq in range(1, changes + 1):
        check, at = CHECKS[seq % len(CHECKS)], time.time()
        verdict = Verdict.DOWN if seq // len(CHECKS) % 2 else Verdict.UNKNOWN
        feed.world.beliefs[check] = Belief(verdict, at, "bench")
        feed.tell(check)
        log.append(Record((Event(VANTAGE, "live", seq, at, "belief", check, DATA),)))
        await asyncio.sleep(every)


async def trial(folder: Path, name: str, backlog: int, changes: int, rate: float | None = None) -> None:
    """Drain a backlog while beliefs change, and print a row of the table."""
    feed, late = BeliefFeed(world_of(*CHECKS, boot="live")), []
    async with (
        opened(folder, VANTAGE) as (log, vitals),
        mosquitto(folder, *SETTINGS) as broker,
        line_to(broker.port) as line,
    ):
        await record(log, backlog)
        other = await Other.start(broker.port, backlog if rate is None else 1)
        line.rate = rate
        port = line.entry if rate else broker.port
        reporter = Reporter("city", ReportOptions(host="127.0.0.1", port=port, timeout=20), vitals, log)
        began, cpu, at = time.monotonic(), time.process_time(), time.time()
        tasks = [asyncio.create_task(reporter.run(feed)), asyncio.create_task(lateness(late))]
        if rate is not None or not backlog:
            await asyncio.sleep(1 if not backlog else 10)
        await change(feed, log, changes, SELDOM if rate else EVERY)
        drained = float(await other.line()) - at
        cpu = (time.process_time() - cpu) / (time.monotonic() - began)
        await asyncio.sleep(2)
        beliefs, events, count = await other.end()
        seconds = time.time() - at
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    whole = f"{drained:7.1f} s" if rate is None else f"{count / seconds:6.0f} /s"
    whole = whole if backlog else f"{'':9}"
    print(f"{name:<44}{whole}  {points(beliefs)}  {points(events)}  {points(late)}  {cpu:5.0%}", flush=True)


def points(values: list[float]) -> str:
    """Return median, 95th percentile and largest, milliseconds."""
    ordered = sorted(values) or [float("nan")]
    picked = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95, 1.0)]
    return " ".join(f"{value * 1e3:6.0f}" if value >= 0.1 else f"{value * 1e3:6.1f}" for value in picked)


async def main(backlog: int, changes: int) -> None:
    columns = ("belief, ms p50/p95/max", "event, ms p50/p95/max", "loop late, ms")
    print(f"{'':<44}{'drained':>9}  " + "  ".join(f"{column:>20}" for column in columns) + "    CPU")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("quiet", "full", "512", "64"):
            (folder / name).mkdir()
        await trial(folder / "quiet", "no backlog", 0, changes)
        await trial(folder / "full", f"{backlog} events of backlog", backlog, changes)
        for kilobits in (512, 64):
            name = f"the same over a line of {kilobits} kbit/s"
            await trial(folder / str(kilobits), name, backlog, changes // 4, rate=kilobits * 125)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--taker", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            be_taker(given.taker, given.backlog) if given.taker else main(given.backlog, given.changes)
        )
