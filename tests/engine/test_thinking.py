"""thinking: what changes while a diagnosis is being made beside the loop is not overruled by it."""

import asyncio
from concurrent.futures import Executor, Future

from monitor.core.detection import Verdict
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
            self.let_one_through()

    def let_one_through(self):
        """Do the first that waits."""
        future, work = self.waiting.pop(0)
        if future.set_running_or_notify_cancel():
            future.set_result(work())

    async def reached(self):
        """Wait until somebody waits."""
        async with asyncio.timeout(20):
            while not self.waiting:
                await asyncio.sleep(0.01)


async def thinking_of_a_cut(engine, script):
    """Cut the circuit; return the gate at which a diagnosis waits that is going to say so."""
    gate = engine._diagnostician._threads = Gate()
    script.says[CIRCUIT] = SILENT
    await gate.reached()
    first = engine._diagnostician._thought
    async with asyncio.timeout(20):
        while engine.world.beliefs[f"{CIRCUIT}/script"].verdict is not Verdict.DOWN:
            await asyncio.sleep(0.01)
    while engine._diagnostician._thought is first:
        await gate.reached()
        gate.let_one_through()
        await asyncio.sleep(0.1)
    await gate.reached()
    return gate


async def test_the_engine_looks_and_judges_while_a_diagnosis_is_being_made():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = await thinking_of_a_cut(engine, script)
        script.says["fang/city/primary"] = SILENT
        await hear(feed, lambda event: event.kind == "belief" and event.subject == "fang/city/primary/script")
        assert not engine.world.incidents
        gate.open()
        confirmed, _ = await hear(feed, incident("confirmed"))

    assert confirmed.subject == CIRCUIT


async def test_of_what_is_no_longer_watched_no_diagnosis_that_was_under_way_is_told():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = await thinking_of_a_cut(engine, script)
        engine.reload(city(centers=("fang",)))
        script.says = {"fang/city/primary": SILENT}
        gate.open()
        _, heard = await hear(feed, incident("confirmed"))

    assert {e.subject for e in heard if e.kind == "incident"} == {"fang/city/primary"}


async def test_work_that_is_entered_while_a_diagnosis_is_being_made_keeps_it_from_being_an_alarm():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        gate = await thinking_of_a_cut(engine, script)
        engine.planner.add(window(CIRCUIT), By("王", 1000))
        gate.open()
        _, heard = await hear(feed, incident("confirmed"))

    assert all(e.data["planned"] for e in heard if e.kind == "incident")


async def test_what_is_missed_while_the_engine_ends_is_thought_of_no_more():
    async with running(two_centers(), script := Script()) as (engine, feed):
        await well(engine)
        script.says[CIRCUIT] = SILENT
        await hear(feed, incident("confirmed"))
    engine._diagnostician.stir()
    await asyncio.sleep(0.1)

    assert engine._diagnostician._thought is None
    assert engine.vitals.mishaps == 0
