"""A process whose log is looked at after it has died.

    python -m tests.store.crash_child FOLDER TOTAL [CYCLES]

The world has TOTAL changes, each to be recorded once with what it implies and whose act it was. After a
restart it goes on from what is remembered, as a daemon sees a second time what it did not record. A reader
writes what it is told to `FOLDER/sink`, and another vantage's log of as many events is gathered. Before all
that the log is opened and closed CYCLES times. It prints `done` when nothing is left to do.
"""

import asyncio
import os
import secrets
import sys
import time
from pathlib import Path

from monitor.core.act import Act
from monitor.core.detection import Belief
from monitor.core.learning import Learned
from monitor.core.record import Kept, Record
from monitor.core.vitals import StoreVitals
from monitor.core.world import Event
from monitor.store import Store, StoreOptions, log_file

CHUNK = 20
PAGE = 50


def store_in(folder):
    return Store(log_file(folder, "city"), "city", StoreVitals(), options=StoreOptions(reserve_mib=0))


async def live(store, total):
    """Record what the world does from what is remembered on."""
    kept = store.remembered().checks.get("world")
    boot = secrets.token_hex(4)
    for n in range(int(kept.learned.looks) + 1 if kept else 1, total + 1):
        event = Event("city", boot, n, time.time(), "belief", "world", {"n": n})
        act = Act(time.time(), "who", 0, "socket", "world/turn", str(n))
        store.append(Record((event,), {"world": Kept("m", Belief(), Learned(float(n)))}, acts=(act,)))
        await asyncio.sleep(0 if n % 5 else 0.001)


async def listen(store, folder, total):
    """Write down what is told, and note that it was told."""
    more = asyncio.Event()
    reader = store.reader("sink", more.set)
    sink = os.open(folder / "sink", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    last = 0
    while last < total:
        more.clear()
        for event in (page := await reader.read(PAGE)):
            if event.vantage == "city":
                last = max(last, event.data["n"])
                os.write(sink, b"%d\n" % event.data["n"])
        if page:
            reader.told(page[-1].position)
        else:
            await more.wait()


async def gather(store, total):
    """Take in the log of another vantage, again and again from where we are with it."""
    position = (await store.gathered("dan")).position
    while position < total:
        upto = min(position + CHUNK, total)
        events = [Event("dan", "x", n, float(n), "belief", "far", {}) for n in range(position + 1, upto + 1)]
        await store.gather("dan", "far-log", upto, events)
        position = (await store.gathered("dan")).position


async def main(folder, total, cycles):
    for _ in range(cycles):
        store = store_in(folder)
        await store.open()
        await store.close()
    store = store_in(folder)
    await store.open()
    reading = asyncio.create_task(listen(store, folder, total))
    await asyncio.gather(live(store, total), gather(store, total))
    while store.end == 0 or store._memory.pending.events:
        await asyncio.sleep(0.01)
    if told(folder) < total:
        await reading
    reading.cancel()
    await store.close()
    print("done", flush=True)


def told(folder):
    """Return the largest number that the sink was ever told."""
    try:
        return max(map(int, (folder / "sink").read_text().split()), default=0)
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 0))
