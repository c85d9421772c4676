"""Measures the collecting side beside real reports, real logs on disk and a real mosquitto.

    python -m tests.bench.bench_gathering [--backlog 100000] [--changes 200] [--flood 10]

The agents are processes of their own, each with its log; so is whoever floods. All stand on this machine, so
that one clock tells all times. A change is timed from when the agent appends it to its own log until the city
has committed it; a belief from when the agent holds it until the city does.
"""

import argparse
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from pathlib import Path

from monitor.core.detection import Belief, Verdict
from monitor.core.record import Record
from monitor.core.vitals import StoreVitals, Vitals
from monitor.core.world import Event
from monitor.store import Store, StoreOptions, log_file
from monitor.vantages.options import ReportOptions
from monitor.vantages.reporter import Reporter
from tests.mosquitto import OPEN, mosquitto
from tests.vantages.collect_ground import Ear, collecting, on_disk
from tests.vantages.report_ground import BeliefFeed, world_of

SETTINGS = (OPEN, "set_tcp_nodelay true", "max_queued_messages 10000", "persistence false")
AGENTS = ("dan", "yun", "wu")
EVERY = 0.05
"""Seconds between two changes of an agent."""
PAGE = 500


# An agent


async def be_agent(vantage: str, port: int, folder: str, backlog: int, changes: int) -> None:
    """Record *backlog* events, report them, and when told to (a line) make so many changes."""
    store = Store(
        log_file(Path(folder), vantage), vantage, StoreVitals(), options=StoreOptions(reserve_mib=0)
    )
    await store.open()
    await _record(store, vantage, backlog)
    check = f"{vantage}/province/primary/icmp"
    world = world_of(check, boot="live")
    world.vantage = vantage
    feed = BeliefFeed(world)
    reporter = Reporter("city", ReportOptions(host="127.0.0.1", port=port), Vitals(), store)
    print("ready", flush=True)
    await _line()
    task = asyncio.create_task(reporter.run(feed))
    await _line()
    for seq in range(1, changes + 1):
        at = time.time()
        verdict = Verdict.DOWN if seq % 2 else Verdict.UP
        world.beliefs[check] = Belief(verdict, at, "bench")
        feed.tell(check)
        store.append(Record((Event(vantage, "live", seq, at, "belief", check, {"now": str(verdict)}),)))
        await asyncio.sleep(EVERY)
    await _line()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def _record(store: Store, vantage: str, backlog: int) -> None:
    data = {
        "was": "up",
        "now": "down",
        "suspected": False,
        "reason": "timeout",
        "detail": "no answer in 0.25 s",
    }
    for first in range(1, backlog + 1, PAGE):
        numbers = range(first, min(first + PAGE, backlog + 1))
        subject = f"{vantage}/province/primary"
        events = tuple(Event(vantage, "old", n, time.time(), "status", subject, data) for n in numbers)
        store.append(Record(events))
        while store.end < first - 10 * PAGE:
            await asyncio.sleep(0.01)
    while await store.waiting(0) < backlog:
        await asyncio.sleep(0.05)


async def _line() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


class Agent:
    """An agent's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, vantage: str, port: int, folder: Path, backlog: int, changes: int) -> "Agent":
        words = ("-m", "tests.bench.bench_gathering", "--agent", vantage, str(port), str(folder))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, "--backlog", str(backlog), "--changes", str(changes),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await process.stdout.readline()
        return cls(process)

    def go_on(self) -> None:
        self._process.stdin.write(b"\n")

    async def end(self) -> None:
        with contextlib.suppress(ConnectionError):
            self.go_on()
        await self._process.wait()


# The city


class TimedEar(Ear):
    """Notes how long each changed belief took."""

    def __init__(self, inventory) -> None:
        super().__init__(inventory)
        self.took: dict[str, list[float]] = {}
        self._since: dict[str, float] = {}

    def heard(self, vantage, beliefs) -> None:
        super().heard(vantage, beliefs)
        for check, belief in beliefs.items():
            if belief is not None and belief.reason == "bench" and self._since.get(check) != belief.since:
                self._since[check] = belief.since
                self.took.setdefault(vantage, []).append(time.time() - belief.since)


class TimedArchive:
    """Notes how long each change took until it was committed."""

    def __init__(self, archive) -> None:
        self.gathered = archive.gathered
        self.quarantine = archive.quarantine
        self._archive = archive
        self.took: dict[str, list[float]] = {}
        self.taken: dict[str, int] = {}

    async def gather(self, vantage, log, upto, events) -> int:
        new = await self._archive.gather(vantage, log, upto, events)
        now = time.time()
        self.taken[vantage] = self.taken.get(vantage, 0) + new
        self.took.setdefault(vantage, []).extend(now - e.at for e in events if e.boot == "live")
        return new


class Lag:
    """How late the event loop is, and how much memory it takes."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.memory: list[float] = []
        """MiB."""

    def begin(self) -> None:
        self.late, self.memory = [], []

    async def measure(self) -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            self.late.append(time.monotonic() - due)
            if len(self.late) % 10 == 1:
                pages = int(Path("/proc/self/statm").read_text().split()[1])  # noqa: ASYNC240 - not on a disk
                self.memory.append(pages * resource.getpagesize() / 2**20)


def row(what: str, values: list[float], unit: str = "ms") -> None:
    ordered = sorted(values)
    points = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1000 for q in (0.5, 0.95, 0.99)]
    cells = "".join(f"{value:9.1f}" for value in (*points, ordered[-1] * 1000))
    print(f"{what:<58}{len(ordered):>7}{cells}  {unit}")


def heading() -> None:
    print(f"{'':<58}{'number':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}")


async def until(condition, seconds: float = 300.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def a_city(folder: Path, name: str):
    """Give a broker's port, an archive and a collector with its ear and its lag."""
    here = folder / name
    here.mkdir()
    async with mosquitto(here, *SETTINGS) as broker, on_disk(here) as disk:
        archive, lag = TimedArchive(disk), Lag()
        measuring = asyncio.create_task(lag.measure())
        try:
            async with collecting(broker.port, archive, keepalive=10, timeout=5.0, ear=TimedEar) as collector:
                yield here, broker.port, archive, collector, lag
        finally:
            measuring.cancel()


async def quiet(folder: Path, changes: int) -> None:
    async with a_city(folder, "quiet") as (here, port, archive, collector, lag):
        agent = await Agent.start("dan", port, here, 0, changes)
        agent.go_on()
        await until(lambda: collector.agent("dan").heard_at)
        agent.go_on()
        await until(lambda: archive.taken.get("dan", 0) >= changes)
        row("change at the agent, committed at the city", archive.took["dan"])
        row("belief at the agent, held at the city", collector.ear.took["dan"])
        row("loop lag of the city", lag.late)
        await agent.end()


async def draining(folder: Path, backlog: int, changes: int) -> None:
    async with a_city(folder, "draining") as (here, port, archive, collector, lag):
        full = await Agent.start("dan", port, here, backlog, changes)
        other = await Agent.start("yun", port, here, 0, changes)
        other.go_on()
        await until(lambda: collector.agent("yun").heard_at)
        lag.begin()
        began = time.monotonic()
        full.go_on()
        await until(lambda: archive.taken.get("dan", 0) > 0)
        full.go_on()
        other.go_on()
        await until(lambda: archive.taken["dan"] >= backlog)
        seconds = time.monotonic() - began
        await until(lambda: archive.taken["dan"] >= backlog + changes)
        await until(lambda: archive.taken.get("yun", 0) >= changes)
        row("change at another agent, committed, while it drains", archive.took["yun"])
        row("belief of the agent that drains, held", collector.ear.took["dan"])
        row("belief of the other agent, held", collector.ear.took["yun"])
        row("loop lag of the city", lag.late)
        print(f"{backlog} events drained in {seconds:.1f} s, {backlog / seconds:.0f} a second")
        await full.end()
        await other.end()


async def flooded(folder: Path, rate: int, seconds: float) -> None:
    async with a_city(folder, "flooded") as (here, port, _, collector, lag):
        changes = int(seconds / EVERY)
        agents = [await Agent.start(vantage, port, here, 0, changes) for vantage in ("dan", "wu")]
        for agent in agents:
            agent.go_on()
        await until(lambda: all(collector.agent(vantage).heard_at for vantage in ("dan", "wu")))
        lag.begin()
        words = ("-m", "tests.vantages.flood", str(port), "yun", "belief", str(rate), str(seconds))
        began = time.monotonic()
        flood = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        for agent in agents:
            agent.go_on()
        await until(lambda: collector.agent("yun").heard_at)
        first = time.monotonic()
        await until(lambda: collector.agent("yun").quarantined)
        shut = time.monotonic()
        said, _ = await flood.communicate()
        await until(lambda: all(len(collector.ear.took.get(v, ())) >= changes for v in ("dan", "wu")))
        row("belief of the other agents, held", collector.ear.took["dan"] + collector.ear.took["wu"])
        row("loop lag of the city", lag.late)
        grown = max(lag.memory) - lag.memory[0]
        count, passed = said.decode().strip(), time.monotonic() - began
        print(
            f"{count} said in {passed:.1f} s; shut out {shut - first:.2f} s after the first was heard; "
            f"memory of the city grew by {grown:.1f} MiB"
        )
        for agent in agents:
            await agent.end()


async def words(folder: Path, count: int) -> None:
    """How many words one city takes in a second, all of them beliefs of one vantage."""
    async with a_city(folder, "words") as (_, port, _, collector, _):
        said = time.monotonic()
        flood = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.vantages.flood", str(port), "yun", "belief", str(count), "1",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await until(lambda: collector.agent("yun").heard_at)
        began, cpu = time.monotonic(), time.process_time()
        last, heard = 0.0, began
        while time.monotonic() - heard < 1.0:
            if collector.agent("yun").heard_at != last:
                last, heard = collector.agent("yun").heard_at, time.monotonic()
            await asyncio.sleep(0.02)
        await flood.wait()
        spent = time.process_time() - cpu
        print(f"{count} words: {spent / count * 1e6:.0f} us of CPU each, taken in after {heard - said:.2f} s")


async def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="cmt-gathering-") as name:
        folder = Path(name)
        heading()
        await quiet(folder, options.changes)
        print()
        await draining(folder, options.backlog, options.changes)
        print()
        await flooded(folder, 5000, options.flood)
        print()
        await words(folder, 800)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agent", nargs=3)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--flood", type=float, default=10.0)
    options = parser.parse_args()
    if options.agent:
        vantage, port, folder = options.agent
        asyncio.run(be_agent(vantage, int(port), folder, options.backlog, options.changes))
    else:
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
