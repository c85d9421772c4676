"""The scheduler: keeps the beat whatever happens in it."""

import asyncio
import time

from monitor.core.detection import Belief, manner
from monitor.core.inventory import Look
from monitor.core.learning import Learned
from monitor.core.vitals import Vitals
from monitor.core.world import Check
from monitor.engine.scheduler import Scheduler
from monitor.engine.watch import Watch


def watch():
    look = Look("icmp", "icmp", None, period=0.1, deadline=0.1)
    how = manner(0.1, None, suspicions_per_year=26.0, false_alarms_per_year=0.01)
    return Watch(Check("a/icmp", "a", look), how, mark="", belief=Belief(since=0.0), learned=Learned())


async def test_the_beat_goes_on_though_a_look_breaks():
    loop, told, launched = asyncio.get_running_loop(), [], asyncio.Event()
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    ours = watch()

    def launch(due):
        scheduler.put_first(ours)
        if not told:
            raise RuntimeError("a look broke")
        if due:
            launched.set()

    scheduler = Scheduler(launch, Vitals(), time.time())
    scheduler.put_first(ours)
    scheduler.start()
    try:
        async with asyncio.timeout(5):
            await launched.wait()
    finally:
        scheduler.stop()

    assert told == ["a look broke"]
