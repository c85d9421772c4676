"""A process of its own that reports what a real log holds; made to be killed.

Run: python -m tests.vantages.report_child PORT FOLDER BOOT COUNT
"""

import asyncio
import sys
import time
from pathlib import Path

from monitor.core.record import Record
from monitor.core.world import Event, World
from monitor.vantages.options import ReportOptions
from monitor.vantages.reporter import Reporter
from tests.logs import opened
from tests.vantages.collect_ground import city
from tests.vantages.report_ground import NAME, BeliefFeed

VANTAGE = "dan"
BURST = 5
SMALL_PACKETS = 1024
"""Bytes: so that many chunks are needed."""


def event(boot: str, seq: int) -> Event:
    return Event(VANTAGE, boot, seq, time.time(), "status", "dan/city", {"was": "up", "now": "down"})


async def main(port: int, folder: Path, boot: str, count: int) -> None:
    """Record *count* events while reporting them, end when all that the log holds is acknowledged."""
    async with opened(folder, VANTAGE) as (log, vitals):
        options = ReportOptions(
            host="127.0.0.1", port=port, keepalive=1, timeout=2.0, max_packet=SMALL_PACKETS
        )
        reporter = Reporter("city", options, vitals, log)
        reporting = asyncio.create_task(reporter.run(BeliefFeed(World(city(), VANTAGE, boot))))
        for first in range(1, count + 1, BURST):
            log.append(Record(tuple(event(boot, seq) for seq in range(first, first + BURST))))
            await asyncio.sleep(0.005)
        while not reporting.done() and (vitals.store.pending or log.place(NAME) < log.end):
            await asyncio.sleep(0.02)
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
