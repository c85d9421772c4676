"""How long a scrape of 10,000 checks takes, and how long it holds up the event loop meanwhile.

The page is served as the daemon serves it and fetched by another process; beside it, in the same run,
prometheus_client's own `generate_latest` over the same families inside the loop. Medians of seven.

    python -m tests.bench.bench_metrics [CHECKS]
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from prometheus_client import generate_latest

from monitor.board.server import Board, BoardOptions
from monitor.outputs.prometheus import Metrics
from monitor.ports import News
from tests.board import city

RUNS = 7
CLIENT = """
import http.client, json, sys, time
host, port, path, encoding = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
began = time.perf_counter()
connection = http.client.HTTPConnection(host, port, timeout=60)
connection.request("GET", path, headers={"Accept-Encoding": encoding})
answer = connection.getresponse()
size = 0
while piece := answer.read1(1 << 20):
    size += len(piece)
print(json.dumps([time.perf_counter() - began, size]))
"""


class Still:
    """A feed in which nothing happens."""

    def __init__(self, world):
        self.world = world

    async def news(self):
        await asyncio.Event().wait()
        return News((), frozenset())


class Stalls:
    """Measures how late the event loop was at worst."""

    async def __aenter__(self):
        self.worst = 0.0
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0.01)
        self.worst = 0.0
        return self

    async def __aexit__(self, *error):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self):
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, time.perf_counter() - before - 0.001)


async def scrape(board, path, encoding):
    """Fetch the page from another process; give seconds, bytes, worst stall and own CPU seconds."""
    host, port = board.address
    async with Stalls() as stalls:
        cpu = time.process_time()
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, host, str(port), path, encoding, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await client.communicate()
        cpu = time.process_time() - cpu
    took, size = json.loads(told)
    return took, size, stalls.worst, cpu


async def peer(registry):
    async with Stalls() as stalls:
        began = time.perf_counter()
        size = len(generate_latest(registry))
        took = time.perf_counter() - began
        await asyncio.sleep(0.01)
    return took, size, stalls.worst, took


def rss():
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def line(name, results):
    took, size, stall, cpu = (statistics.median(column) for column in zip(*results, strict=True))
    worst = max(result[2] for result in results)
    print(f"{name:<34}{took * 1e3:>9.0f}{cpu * 1e3:>9.0f}{stall * 1e3:>11.1f}{worst * 1e3:>11.1f}", end="")
    print(f"{size / 1e6:>10.2f}")


async def main(checks):
    base = rss()
    world, vitals = city.grown(checks), city.vitals()
    gc.collect()
    with_world = rss()
    metrics = Metrics(lambda: world, vitals)
    board = Board(BoardOptions(port=0), metrics, vitals)
    run = asyncio.create_task(board.run(Still(world)))
    await board.listening.wait()
    first = await scrape(board, "/metrics", "identity")
    gc.collect()
    after = rss()
    counts = Counter()
    lines = 0
    view = metrics.view()
    for family in metrics.families:
        for _, labels, ending, _ in family.samples(view):
            lines += 1
            counts[dict(labels.pairs + ending.pairs).get("check")] += 1
    del counts[None]
    print(f"{len(world.checks)} checks, {len(world.statuses)} subjects, {lines} series;", end=" ")
    print(f"per check: mean {sum(counts.values()) / len(counts):.1f}, most {max(counts.values())}")
    print(
        f"RSS MiB: program {base:.0f}, world +{with_world - base:.0f}, by a scrape +{after - with_world:.0f}"
    )
    print(f"\n{'':<34}{'ms':>9}{'CPU ms':>9}{'stall ms':>11}{'worst ms':>11}{'MB':>10}")
    line("first scrape, labels new", [first])
    for name, path, encoding in (
        ("/metrics", "/metrics", "identity"),
        ("/metrics, gzip", "/metrics", "gzip"),
        ("/api/v1/status", "/api/v1/status", "identity"),
    ):
        line(name, [await scrape(board, path, encoding) for _ in range(RUNS)])
    registry = metrics.registry()
    line("generate_latest in the loop", [await peer(registry) for _ in range(RUNS)])
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
