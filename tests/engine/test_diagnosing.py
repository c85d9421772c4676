"""diagnosing: one incident for one cause, named right the first time, and closed when all is well."""

import asyncio

from tests.engine.city import SILENT, Script, city, hear, running

CIRCUITS = [f"dan/{n}/{r}" for n in ("city", "province") for r in ("primary", "backup")]
OTHERS = [f"fang/{n}/{r}" for n in ("city", "province") for r in ("primary", "backup")]


def incident(stage, component=None):
    """Return what is true of an event that tells this stage of an incident, be it of any component."""
    return lambda event: (
        event.kind == "incident" and event.data["stage"] == stage and component in {None, event.subject}
    )


async def well(engine):
    async with asyncio.timeout(20):
        while any(not belief.steady for belief in engine.world.beliefs.values()):
            await asyncio.sleep(0.01)


async def test_a_cut_circuit_is_suspected_confirmed_and_after_its_recovery_closed():
    script = Script()
    async with running(city(centers=("dan", "fang")), script, hold=1.0) as (engine, feed):
        await well(engine)
        script.says["dan/city/primary"] = SILENT
        _, heard = await hear(feed, incident("confirmed"))
        script.says.clear()
        _, after = await hear(feed, incident("closed"))

    told = [(e.subject, e.data["stage"]) for e in heard + after if e.kind == "incident"]
    assert told == [
        ("dan/city/primary", stage) for stage in ("suspected", "confirmed", "recovering", "closed")
    ]
    assert not engine.world.incidents


async def test_a_center_that_is_silent_altogether_is_one_incident():
    script = Script()
    async with running(city(centers=("dan", "fang")), script) as (engine, feed):
        await well(engine)
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
        confirmed, heard = await hear(feed, incident("confirmed"))

        assert confirmed.data["center"] == "dan"
        assert confirmed.data["kind"] in ("power", "router")
        assert len({e.data["incident"] for e in heard if e.kind == "incident"}) == 1
        assert len(engine.world.incidents) == 1
