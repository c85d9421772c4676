"""engine: what loses packets or is slow is told once as degraded, a cut inside it as down, and its end."""

import asyncio
import random
from dataclasses import replace
from itertools import groupby

import pytest

from monitor.core.health import Health
from monitor.core.learning import DAY, Learned
from monitor.core.observation import ok, poor
from monitor.core.quantile import Sketch
from tests.engine.city import SILENT, Script, city, hear, is_status, running
from tests.engine.test_engine import settled, whole

PERIOD = 0.02
PRIMARY, BACKUP = "dan/city/primary", "dan/city/backup"
CHECK = f"{PRIMARY}/script"


class Lossy(Script):
    """Hosts that answer only now and then, and some that take their time."""

    def __init__(self):
        super().__init__()
        self.loss = {}
        self.chance = random.Random(4)  # noqa: S311 - a simulation

    async def probe(self, options):
        if self.chance.random() < self.loss.get(options.host, 0.0):
            self.looks.append(options.host)
            return SILENT
        return await super().probe(options)


def told_of(events, subject):
    """Return what was said of a subject, one after the other."""
    return [
        e.data["now"] for e in events if (e.kind, e.subject) == ("status", subject) and "sentence" in e.data
    ]


async def test_a_circuit_that_loses_a_fifth_is_degraded_once_and_recovers():
    script = Lossy()
    async with running(city(period=PERIOD), script) as (engine, feed):
        await whole(engine)
        script.loss[PRIMARY] = 0.2
        _, before = await hear(feed, is_status("dan", "degraded"))
        lossy = next(event for event in before if is_status(PRIMARY, "degraded")(event))
        looked = len(script.looks)
        async with asyncio.timeout(20):
            while len(script.looks) < looked + 400:
                await asyncio.sleep(0.01)
        script.loss.clear()
        _, after = await hear(feed, is_status("dan", "up"))
        mended = next(event for event in after if is_status(PRIMARY, "up")(event))

        assert told_of(before + after, PRIMARY) == ["degraded", "up"]
        assert told_of(before + after, "dan/city") == ["degraded", "up"]
        assert (lossy.data["reason"], lossy.data["severity"]) == ("loss", "warn")
        assert lossy.data["loss"] == pytest.approx(0.2, abs=0.15)
        assert "丢包" in lossy.data["sentence"]["zh"]
        assert "up again" in mended.data["sentence"]["en"]
        assert told_of(before + after, BACKUP) == told_of(before + after, "dan/province") == []


async def test_a_cut_inside_a_lossy_time_is_down_and_its_end_is_not_the_end_of_that():
    script = Lossy()
    async with running(city(period=PERIOD), script) as (engine, feed):
        await whole(engine)
        script.loss[PRIMARY] = 0.2
        await hear(feed, is_status(PRIMARY, "degraded"))
        script.says[PRIMARY] = SILENT
        script.loss.clear()
        _, cut = await hear(feed, is_status(PRIMARY, "down"))
        script.says.clear()
        _, back = await hear(feed, is_status(PRIMARY, "degraded"))

        assert told_of(cut, PRIMARY) == ["down"]
        assert told_of(back, PRIMARY) == ["degraded"]
        assert engine.world.statuses["dan/city"].health is Health.DEGRADED


async def test_a_cut_is_never_told_as_degraded():
    script = Lossy()
    async with running(city(period=PERIOD), script) as (engine, feed):
        await whole(engine)
        script.says[PRIMARY] = SILENT
        _, heard = await hear(feed, is_status(PRIMARY, "down"))

        assert "degraded" not in told_of(heard, PRIMARY)


async def test_what_the_network_loses_is_not_held_against_the_circuits_behind_it():
    script = Lossy()
    inventory = city(centers=("dan", "fang"), period=PERIOD)
    look = inventory.centers["dan"].links[0].circuits[0].near_look
    anchor = replace(look, options=replace_host(look.options, "anchor"))
    networks = {
        **inventory.networks,
        "city": replace(inventory.networks["city"], anchor="10.1.1.1", look=anchor),
    }
    async with running(replace(inventory, networks=networks), script) as (engine, feed):
        await whole(engine)
        behind = [f"{center}/city/{role}" for center in ("dan", "fang") for role in ("primary", "backup")]
        script.loss = dict.fromkeys(["anchor", *behind], 0.3)
        _, heard = await hear(feed, is_status("network/city", "degraded"))
        await believed(engine, behind, "degraded")
        script.loss.clear()
        _, after = await hear(feed, is_status("network/city", "up"))
        await believed(engine, behind, "up")
        after += (await feed.news(0.05)).events

        assert [told_of(heard + after, circuit) for circuit in behind].count([]) >= 3
        # That it got graver is told again, and how grave it looks is a matter of chance.
        assert [now for now, _ in groupby(told_of(heard + after, "network/city"))] == ["degraded", "up"]


def replace_host(options, host):
    return options.model_copy(update={"host": host})


async def believed(engine, subjects, verdict):
    """Wait until the checks of these subjects are all believed to be so."""
    async with asyncio.timeout(20):
        while any(engine.world.beliefs[f"{subject}/script"].verdict != verdict for subject in subjects):
            await asyncio.sleep(0.01)


async def test_a_circuit_that_is_slow_for_longer_than_is_usual_is_degraded(tmp_path):
    script = Lossy()
    async with running(city(period=PERIOD), script, tmp_path) as (engine, feed):
        await whole(engine)
        watch = engine._pipeline.watches[CHECK]
        usual = Sketch()
        for _ in range(1000):
            usual.add(0.001)
        watch.judge.learned = Learned(1e5, 10.0, seconds=2 * DAY, rtts=usual.counts)
        watch.judge._sketch = usual
        watch.judge.learn()
        watch.judge._slow.alarm = 4.0  # patience is counted in seconds, of which a test has few
        watch.settle()
        script.says[PRIMARY] = ok(rtt=0.3)
        slow, _ = await hear(feed, is_status(PRIMARY, "degraded"))

        assert slow.data["reason"] == "slow"
        assert "ms" in slow.data["sentence"]["en"]
        await settled(engine, PRIMARY, Health.DEGRADED)


async def test_what_is_degraded_outlasts_a_restart_without_being_told_again(tmp_path):
    script = Lossy()
    async with running(city(period=PERIOD), script, tmp_path) as (engine, feed):
        await whole(engine)
        script.loss[PRIMARY] = 0.2
        await hear(feed, is_status(PRIMARY, "degraded"))
    async with running(city(period=PERIOD), script, tmp_path) as (engine, feed):
        said = engine.world.statuses[PRIMARY]
        script.loss.clear()
        _, heard = await hear(feed, is_status(PRIMARY, "up"))

        assert (said.health, said.decline.severity) == (Health.DEGRADED, "warn")
        assert told_of(heard, PRIMARY) == ["up"]


async def test_what_works_beyond_a_limit_is_degraded_and_told_with_the_value():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        script.says["dan/router"] = poor("offset", "offset 0.3 s, limit 0.1 s", offset=0.3)
        told, heard = await hear(feed, is_status("dan/router", "degraded"))
        belief = next(event for event in heard if event.kind == "belief")
        beyond = engine.world.statuses["dan/router"]
        script.says.clear()
        back, _ = await hear(feed, is_status("dan/router", "up"))

    assert (belief.data["now"], belief.data["detail"]) == ("degraded", "offset 0.3 s, limit 0.1 s")
    assert (told.data["reason"], told.data["severity"]) == ("offset", "warn")
    assert "起在用，但指标超限（时钟偏差过大）" in told.data["sentence"]["zh"]
    assert "works, but not as it should" in told.data["sentence"]["en"]
    assert beyond.health is Health.DEGRADED
    assert back.data["was"] == "degraded"


async def test_lessons_that_come_all_at_once_are_recorded_some_at_a_time_and_none_is_left_out():
    async with running(city(centers=("dan", "fang")), Script()) as (engine, _):
        await whole(engine)
        pipeline = engine._pipeline
        for watch in pipeline.watches.values():
            watch.judge.learn()
        first, second = pipeline.relearned(3), pipeline.relearned()

        assert len(first) == 3
        assert {**first, **second}.keys() == pipeline.watches.keys()
        assert not first.keys() & second.keys()
        assert pipeline.relearned() == {}


async def test_a_device_that_is_lossy_only_while_the_way_to_it_is_cut_is_not_called_degraded():
    script = Lossy()
    async with running(city(period=PERIOD), script) as (engine, feed):
        await whole(engine)
        circuits = [circuit for circuit in engine.world.inventory.circuits if circuit.startswith("dan/")]
        script.says |= dict.fromkeys(circuits, SILENT)
        await hear(feed, is_status("dan", "down"))
        engine._pipeline.watches["dan/router/script"].judge._loss.alarm = 2.0  # of patience a test has little
        script.loss["dan/router"] = 0.4
        await believed(engine, ["dan/router"], "degraded")
        script.loss.clear()
        script.says.clear()
        _, heard = await hear(feed, is_status("dan/router", "up"))
        await settled(engine, "dan", Health.UP)

        assert "degraded" not in told_of(heard, "dan/router")
        assert engine.world.beliefs["dan/router/script"].verdict == "up"
