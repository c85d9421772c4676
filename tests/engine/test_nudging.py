"""nudging: who speaks up unasked is looked at at once, and cannot have more than that."""

import asyncio
from types import SimpleNamespace

from monitor.core.observation import Outcome, failed
from monitor.core.vitals import Vitals
from monitor.engine.nudging import Nudger
from tests.engine.city import Options, Script, city, running

LONG = 30.0


async def looked(script, host, count):
    async with asyncio.timeout(5):
        while script.looks.count(host) < count:
            await asyncio.sleep(0.005)


def some_host(engine):
    return next(iter(engine.world.checks.values())).look.options.host


async def test_a_trap_of_a_device_has_it_looked_at_long_before_its_turn():
    script = Script()
    async with running(city(period=LONG), script) as (engine, _):
        host = some_host(engine)
        script.says[host] = failed("oper_down", path_up=True)
        engine.nudger.nudge(host)
        await looked(script, host, 1)

        assert engine.vitals.traps == 1
        assert any(
            reading.finding is not None and reading.finding.outcome is Outcome.FAILED
            for reading in engine.world.readings.values()
        )


async def test_a_storm_of_traps_is_one_look():
    script = Script()
    async with running(city(period=LONG), script) as (engine, _):
        host = some_host(engine)
        for _ in range(50):
            engine.nudger.nudge(host)
            await asyncio.sleep(0)
        await looked(script, host, 1)
        await asyncio.sleep(0.1)

        checks = sum(check.look.options.host == host for check in engine.world.checks.values())
        assert script.looks.count(host) == checks
        assert engine.vitals.traps == 50


async def test_a_stranger_is_counted_and_changes_nothing():
    script = Script()
    async with running(city(period=LONG), script) as (engine, _):
        engine.nudger.nudge("192.0.2.1")
        engine.nudger.nudge("no address at all")

        assert (engine.vitals.traps, engine.vitals.traps_of_strangers) == (0, 2)


def watch(host, subject="dan/router", about=None):
    look = SimpleNamespace(options=Options(host=host), about=about)
    return SimpleNamespace(check=SimpleNamespace(look=look, subject=subject), flying=False)


def nudging(put, *watches, **more):
    """Return a nudger that knows *watches* and puts down which are looked at."""
    nudger = Nudger(Vitals(), **more)
    nudger.scheduler = SimpleNamespace(put_at=lambda watch, _: put.append(watch))
    nudger.adopt({str(number): one for number, one in enumerate(watches)})
    return nudger


async def test_it_is_looked_at_once_more_for_the_agent_may_have_answered_from_memory():
    put, one = [], watch("10.0.0.1")
    nudger = nudging(put, one, again=0.05)
    nudger.nudge("10.0.0.1")
    nudger.nudge("10.0.0.1")
    at_once = len(put)
    async with asyncio.timeout(5):
        while len(put) == at_once:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)

    assert (at_once, put) == (1, [one, one])


async def test_a_router_that_speaks_from_the_end_of_a_circuit_is_asked_about_its_circuits():
    put, end = [], watch("10.9.0.2", "dan/city/primary")
    word, plain = watch("10.0.0.1", about="dan/province/primary"), watch("10.0.0.1")
    elsewhere = watch("10.0.0.7", "fang/router", about="fang/province/primary")
    nudging(put, end, word, plain, elsewhere).nudge("10.9.0.2")

    assert put == [end, word]


async def test_an_address_of_ipv4_is_known_by_its_longer_name_too():
    put, one = [], watch("10.0.0.1")
    nudging(put, one).nudge("::ffff:10.0.0.1")

    assert put == [one]
