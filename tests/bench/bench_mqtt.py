"""Print what telling a broker costs: delay of a change, messages a second, CPU each, the loop's lag.

Run: python -m tests.bench.bench_mqtt [CENTERS]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from monitor.core.inventory import Name
from tests.board import city
from tests.listener import Listener, listening
from tests.mosquitto import OPEN, mosquitto
from tests.outputs.mqtt_ground import EVENT, event, telling

ROUNDS = 5
CHANGES = 50


class Lag:
    """Measures how late the event loop wakes a task that sleeps a millisecond."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.lags.append(time.perf_counter() - began - 0.001)

    def stop(self) -> str:
        self._task.cancel()
        lags = sorted(self.lags)
        return f"{lags[int(len(lags) * 0.99)] * 1e3:6.2f} {lags[-1] * 1e3:6.2f}"


async def delay(output, listener: Listener) -> list[float]:
    """Return how long changes took from the feed to another process and back into this one, seconds."""
    delays = []
    for seq in range(CHANGES):
        known, began = len(listener.on(EVENT)), time.perf_counter()
        output.feed.tell(event(seq), changed=["c0"])
        await listener.until(lambda _, known=known: len(listener.on(EVENT)) > known)
        delays.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    return delays


async def once(
    folder: Path, centers: int, protocol: str, *settings: str
) -> tuple[float, float, str, float, float]:
    world = city.world({f"c{n}": Name("某县", "Some county") for n in range(centers)}, devices=False)
    count = len(world.statuses)
    async with (
        mosquitto(folder, OPEN, "max_queued_messages 100000", *settings) as broker,
        telling(broker.port, world, keepalive=10, timeout=5.0, valid_for=300, protocol=protocol) as output,
    ):
        await output.until(lambda own: own.delivered > 1)
        lag, cpu, began = Lag(), time.process_time(), time.perf_counter()
        await output.until(lambda own: own.delivered > count, patience=120)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        words = lag.stop()
        async with listening(broker.port, EVENT) as listener:
            await asyncio.sleep(1.5)
            delays = sorted(await delay(output, listener))
    return count / took, cpu / count, words, statistics.median(delays), delays[-1]


async def main(centers: int) -> None:
    print(f"{centers * 7 + 2} statuses told anew after a connect; medians of {ROUNDS} runs")
    print(
        "broker                  MQTT    messages/s  µs CPU each   loop lag ms p99/max   change ms median/max"
    )
    for name, settings in (("default", ()), ("set_tcp_nodelay true", ("set_tcp_nodelay true",))):
        for protocol in ("5", "3.1.1"):
            runs = []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(await once(Path(folder), centers, protocol, *settings))
            rate, cpu, middle, worst = (statistics.median(run[i] for run in runs) for i in (0, 1, 3, 4))
            lag = sorted(run[2] for run in runs)[ROUNDS // 2]
            change = f"{middle * 1e3:9.2f} {worst * 1e3:8.2f}"
            print(f"{name:23} {protocol:7} {rate:10.0f} {cpu * 1e6:12.0f}   {lag:>20}   {change}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
