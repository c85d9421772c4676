"""thinking: what changes while a diagnosis is being made beside the loop is not overruled by it."""

import asyncio
from concurrent.futures import Executor, Future

from monitor.core.planned_news import By
from tests.engine.city import SILENT, Script, city, hear, running
from tests.engine.test_diagnosing import incident, well
from tests.engine.test_planning import CIRCUIT, two_centers, window


class Gate(Executor):
    """Does what it is given at once while it is open, and only then."""

    def __init__(self):
        self.is_open = False
        self.waiting = []

    def submit(self, work, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, lambda: work(*args, **kwargs)))
        if self.is_open:
            self.open()
        return future

    def open(self):
        """Do all that waits."""
        self.is_open = True
        while self.waiting:
            future, work = self.waiting.pop(0)
            if future.set_running_or_notify_cancel():
                future.set_result(work())

    async def reached(self):
        """Wait until somebody waits."""
        async with asyncio.timeout(20):
            while not self.waiting:
                await asyncio.sleep(0.01)


def gated(engine):
    gate = engine._diagnostician._threads = Gate()
    return gate


async def test_the_engine_looks_and_judges_while_a_diagnosis_is_being_made():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = gated(engine)
        script.says[CIRCUIT] = SILENT
        await gate.reached()
        down, _ = await hear(feed, lambda e: e.kind == "belief" and e.data["now"] == "down")
        assert not engine.world.incidents
        gate.open()
        confirmed, _ = await hear(feed, incident("confirmed"))

    assert down.subject.startswith(CIRCUIT)
    assert confirmed.subject == CIRCUIT


async def test_of_what_is_no_longer_watched_no_diagnosis_that_was_under_way_is_told():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = gated(engine)
        script.says[CIRCUIT] = SILENT
        await gate.reached()
        engine.reload(city(centers=("fang",)))
        script.says = {"fang/city/primary": SILENT}
        gate.open()
        _, heard = await hear(feed, incident("confirmed"))

    assert {e.subject for e in heard if e.kind == "incident"} == {"fang/city/primary"}


async def test_work_that_is_entered_while_a_diagnosis_is_being_made_keeps_it_from_being_an_alarm():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = gated(engine)
        script.says[CIRCUIT] = SILENT
        await gate.reached()
        engine.planner.add(window(CIRCUIT), By("王", 1000))
        gate.open()
        _, heard = await hear(feed, incident("confirmed"))

    assert all(e.data["planned"] for e in heard if e.kind == "incident")
