"""A process of its own that tells a broker what a real log holds; made to be killed.

Run: python -m tests.outputs.mqtt_child PORT FOLDER BOOT COUNT
"""

import asyncio
import sys
import time
from pathlib import Path

from monitor.core.record import Record
from monitor.core.world import Event
from monitor.engine.feed import LogFeed
from monitor.outputs.mqtt import MqttOptions, MqttOutput
from tests.board import city
from tests.logs import opened

NAME = "mqtt"
BURST = 10


def event(boot: str, seq: int) -> Event:
    return Event("shiyan", boot, seq, time.time(), "status", "maojian", {"was": "up", "now": "down"})


async def main(port: int, folder: Path, boot: str, count: int) -> None:
    """Record *count* events while telling them, end when all that the log holds is told."""
    world = city.world({"maojian": city.NAMES["maojian"]})
    world.boot = boot
    async with opened(folder, "shiyan") as (log, vitals):
        options = MqttOptions(host="127.0.0.1", port=port, keepalive=1, timeout=2.0)
        output = MqttOutput(options, vitals)
        telling = asyncio.create_task(output.run(LogFeed(world, log, NAME)))
        for first in range(1, count + 1, BURST):
            log.append(Record(tuple(event(boot, seq) for seq in range(first, first + BURST))))
            await asyncio.sleep(0.002)
        while not telling.done() and (vitals.store.pending or log.place(NAME) < log.end):
            await asyncio.sleep(0.02)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
