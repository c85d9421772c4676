"""Print what mosquitto's ways of saving cost and what is left after a power cut, for the statuses of a city.

Run: python -m tests.bench.bench_mosquitto [TOPICS [SECONDS]]
"""

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from monitor.kit.mqtt import Message, Session
from tests.kit.mqtt_ground import broker, held
from tests.mosquitto import OPEN, Mosquitto, mosquitto

RATE = 200
"""Statuses a second that 2,000 subjects make when each is told thrice in 30 s."""
SIZE = 700
WAYS = {
    "1 change": ("autosave_on_changes true", "autosave_interval 1"),
    "100 changes": ("autosave_on_changes true", "autosave_interval 100"),
    "1000 changes": ("autosave_on_changes true", "autosave_interval 1000"),
    "10 s": ("autosave_on_changes false", "autosave_interval 10"),
}


@dataclass
class Cost:
    """What a process has used so far."""

    written: int
    cpu: float


def cost(process: int) -> Cost:
    """Read what the kernel counts: bytes written to the page cache's files, seconds of CPU."""
    told = dict(line.split(": ") for line in Path(f"/proc/{process}/io").read_text().splitlines())
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Cost(int(told["write_bytes"]), ticks / os.sysconf("SC_CLK_TCK"))


async def tell(session: Session, number: int) -> None:
    await session.publish(
        Message(f"command/v1/status/c/circuit/{number}", b"x" * SIZE, retain=True, expiry=30)
    )


async def kept(server: Mosquitto) -> int:
    """Return how many retained messages are there."""
    found = set()

    async def hear(delivery):
        found.add(delivery.topic)

    async with held(broker(server.port, "reader")) as reader:
        session = await reader.session()
        await session.subscribe("#", hear, qos=0)
        await asyncio.sleep(1)
    return len(found)


async def measure(way: str, folder: Path, topics: int, seconds: float) -> str:
    """Tell all topics at once, then go on at the rate of a city, then cut the power."""
    where = ("persistence true", f"persistence_location {folder}/", "set_tcp_nodelay true", OPEN)
    async with mosquitto(folder, *where, *WAYS[way]) as server:
        async with held(broker(server.port, "teller", timeout=60.0)) as teller:
            session = await teller.session()
            began = time.perf_counter()
            await asyncio.gather(*(tell(session, number) for number in range(topics)))
            burst = topics / (time.perf_counter() - began)
            before, began, told = cost(server.process.pid), time.perf_counter(), 0
            while (now := time.perf_counter() - began) < seconds:
                await tell(session, told % topics)
                told += 1
                await asyncio.sleep(max(0.0, told / RATE - now))
            after = cost(server.process.pid)
        server.kill()
        await server.start()
        left = await kept(server)
    written, cpu = (after.written - before.written) / now, (after.cpu - before.cpu) / now
    return f"{way:>14} {burst:9.0f} {told / now:9.0f} {written / 1e6:9.2f} {cpu:9.1%} {left:5} of {topics}"


async def main(topics: int, seconds: float) -> None:
    """Print a row for each way."""
    print(f"{'saved each':>14} {'burst/s':>9} {f'of {RATE}/s':>9} {'MB/s':>9} {'CPU':>9}  kept after kill -9")
    for way in WAYS:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # /tmp may be in memory
            print(await measure(way, Path(folder), topics, seconds), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(int(given[0]) if given else 2000, float(given[1]) if given[1:] else 5.0))
