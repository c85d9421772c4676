"""diagnosing: one incident for one cause, named right the first time, and closed when all is well."""

import asyncio
import time
from dataclasses import replace

from monitor.core.agent import Agent, Heard, Presence
from monitor.core.detection import Verdict
from monitor.core.health import Health
from monitor.core.inventory import Vantage
from monitor.core.observation import failed, ok
from tests.engine.city import NAME, SILENT, Script, city, hear, look, running

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


def with_county(inventory):
    """Return *inventory* with a daemon in `dan`, which alone sees the far ends on the province's side."""

    def looking_out(link):
        circuits = (replace(c, far_look=look(f"far/{c.id}")) for c in link.circuits)
        return replace(link, circuits=tuple(circuits))

    dan = inventory.centers["dan"]
    centers = {**inventory.centers, "dan": replace(dan, links=tuple(map(looking_out, dan.links)))}
    vantages = {
        "city": Vantage("city", NAME, networks=("city",)),
        "dan": Vantage("dan", NAME, center="dan"),
    }
    return replace(inventory, centers=centers, vantages=vantages)


def told_by_county(engine, **verdicts):
    """Let the county's daemon say what it believes of its four circuits and its router, as of now."""
    now = time.monotonic()
    engine.ear.agent(Agent("dan", Presence.ONLINE, heard_at=now, valid_for=30.0, clock_offset=0.0))
    subjects = [*CIRCUITS, "dan/router"]
    engine.ear.heard(
        "dan",
        {
            f"{subject}/script": Heard(
                verdicts.get(subject.replace("/", "_"), "up"),
                suspected=False,
                reason="timeout",
                since=time.time() - 5.0,
                until=now + 30.0,
                at=now,
            )
            for subject in subjects
        },
    )


async def test_what_only_the_county_can_see_is_named_by_the_city():
    async with running(with_county(city(centers=("dan", "fang"))), Script()) as (engine, feed):
        await well(engine)
        told_by_county(engine)
        told_by_county(engine, dan_province_primary="down")
        confirmed, _ = await hear(feed, incident("confirmed"))

        assert confirmed.subject == "dan/province/primary"
        assert confirmed.data["evidence"] == ["dan:dan/province/primary/script"]


async def test_a_county_that_falls_silent_is_a_silent_daemon_and_no_dead_center():
    async with running(with_county(city(centers=("dan", "fang"))), Script()) as (engine, feed):
        await well(engine)
        told_by_county(engine)
        before = engine.world.agents["dan"]
        engine.ear.heard("dan", dict.fromkeys(engine.world.heard["dan"]))
        engine.ear.agent(replace(before, presence=Presence.SILENT, since=time.time() - 5.0))
        confirmed, _ = await hear(feed, incident("confirmed"))

        assert confirmed.subject == "vantage/dan/agent"
        assert [one.component for one in engine.world.incidents.values()] == ["vantage/dan/agent"]


async def test_a_center_that_is_lost_again_while_it_recovers_is_the_same_incident_by_the_same_name():
    script = Script()
    async with running(city(centers=("dan", "fang")), script, hold=20.0) as (engine, feed):
        await well(engine)
        heard = []
        for _ in range(2):
            script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
            heard += (await hear(feed, incident("confirmed")))[1]
            script.says.clear()
            heard += (await hear(feed, incident("recovering")))[1]

    told = [e for e in heard if e.kind == "incident"]
    assert {(e.subject, e.data["incident"]) for e in told} == {(told[0].subject, told[0].data["incident"])}
    assert [e.data["stage"] for e in told if e.data["stage"] != "suspected"] == [
        "confirmed",
        "recovering",
    ] * 2


async def test_a_center_whose_router_answers_before_its_circuits_are_up_again_is_not_renamed():
    script = Script()
    async with running(city(centers=("dan", "fang")), script) as (engine, feed):
        await well(engine)
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
        confirmed, _ = await hear(feed, incident("confirmed"))
        script.says = dict.fromkeys(CIRCUITS[1:], SILENT)
        async with asyncio.timeout(20):
            while not engine.world.beliefs["dan/router/script"].sound:
                await asyncio.sleep(0.01)
        script.says.clear()
        recovering, heard = await hear(feed, incident("recovering"))

    told = [e for e in heard if e.kind == "incident"]
    assert recovering.data["incident"] == confirmed.data["incident"]
    assert {e.subject for e in told} == {confirmed.subject}


def with_slow_look(inventory, seconds):
    """Return *inventory* with the router of `dan` looked at only so often, so that an old answer counts."""
    dan = inventory.centers["dan"]
    router = replace(dan.devices[0], looks=(look("dan/router", seconds),))
    return replace(inventory, centers={**inventory.centers, "dan": replace(dan, devices=(router,))})


async def test_an_answer_that_was_under_way_when_a_center_was_told_proves_that_it_is_back():
    script, never = Script(), asyncio.get_running_loop().create_future()
    async with running(with_slow_look(city(centers=("dan", "fang")), 2.0), script) as (engine, feed):
        await well(engine)
        answer = asyncio.get_running_loop().create_future()
        script.says = {**dict.fromkeys(CIRCUITS, SILENT), "dan/router": answer}
        confirmed, _ = await hear(feed, incident("confirmed"))
        beliefs = engine.world.beliefs
        async with asyncio.timeout(20):
            while any(beliefs[f"{circuit}/script"].verdict is not Verdict.DOWN for circuit in CIRCUITS):
                await asyncio.sleep(0.01)
        script.says = {**dict.fromkeys(CIRCUITS[2:], SILENT), "dan/router": never}
        answer.set_result(ok(rtt=3.0))
        async with asyncio.timeout(20):
            while not beliefs["dan/city/primary/script"].sound:
                await asyncio.sleep(0.01)
        script.says.clear()
        _, heard = await hear(feed, incident("recovering"))

    told = [(e.subject, e.data["stage"]) for e in heard if e.kind == "incident"]
    assert told == [(confirmed.subject, "recovering")]


async def test_a_broker_that_is_gone_for_long_is_one_incident_until_it_is_back():
    async with running(with_county(city(centers=("dan", "fang"))), Script(), hold=1.0) as (engine, feed):
        await well(engine)
        told_by_county(engine)
        county = engine.world.agents["dan"]
        engine.ear.heard("dan", dict.fromkeys(engine.world.heard["dan"]))
        engine.ear.agent(replace(county, heard_at=county.heard_at - 25.0))
        engine.ear.broker(time.monotonic() - 20.0)
        confirmed, _ = await hear(feed, incident("confirmed"))
        engine.ear.broker(None)
        closed, _ = await hear(feed, incident("closed"))

    assert confirmed.subject == closed.subject == "broker"


async def test_a_broker_that_restarts_is_no_incident():
    async with running(with_county(city(centers=("dan", "fang"))), Script()) as (engine, _):
        await well(engine)
        told_by_county(engine)
        engine.ear.broker(time.monotonic() - 2.0)
        await asyncio.sleep(1.0)
        engine.ear.broker(None)

        assert not engine.world.incidents


def with_a_router_that_tells(inventory, about):
    """Return *inventory* with a router that tells how a circuit is, which nobody looks at."""
    dan = inventory.centers["dan"]
    word = replace(look("dan/router/uplink"), name="uplink", about=about)
    router = replace(dan.devices[0], looks=(*dan.devices[0].looks, word))

    def unseen(link):
        return replace(link, circuits=tuple(
            replace(circuit, near_look=None) if circuit.id == about else circuit for circuit in link.circuits
        ))  # fmt: skip

    told = replace(dan, devices=(router,), links=tuple(map(unseen, dan.links)))
    return replace(inventory, centers=inventory.centers | {"dan": told})


async def test_a_circuit_that_only_its_router_sees_is_told_by_name_and_its_end_too():
    script = Script()
    circuit = "dan/province/primary"
    inventory = with_a_router_that_tells(city(centers=("dan", "fang")), circuit)
    async with running(inventory, script, hold=1.0) as (engine, feed):
        await well(engine)
        script.says["dan/router/uplink"] = failed("oper_down", "GE0/0/1 is down", path_up=True)
        _, heard = await hear(feed, incident("confirmed"))
        script.says.clear()
        _, after = await hear(feed, incident("closed"))

    told = {(event.subject, event.data["incident"]) for event in heard + after if event.kind == "incident"}
    assert len(told) == 1
    assert next(iter(told))[0] == circuit
    assert not engine.world.incidents


async def test_a_router_that_does_not_say_how_its_circuit_is_makes_nobody_down():
    script, circuit = Script(), "dan/province/primary"
    script.words = frozenset({"oper_down"})
    inventory = with_a_router_that_tells(city(centers=("dan", "fang")), circuit)
    async with running(inventory, script, hold=1.0) as (engine, _):
        await well(engine)
        script.says["dan/router/uplink"] = failed("refused", "nobody listens", path_up=True)
        watch = engine._pipeline.watches["dan/router/uplink"]
        async with asyncio.timeout(10):
            while watch.belief.verdict is not Verdict.UNKNOWN:
                await asyncio.sleep(0.02)

        assert (watch.belief.reason, watch.belief.detail) == ("no_word", "refused: nobody listens")
        assert not engine.world.incidents
        assert engine.world.statuses["dan/router"].health is Health.UP


async def test_a_word_about_a_circuit_does_not_make_the_router_ill():
    script, circuit = Script(), "dan/province/primary"
    inventory = with_a_router_that_tells(city(centers=("dan", "fang")), circuit)
    async with running(inventory, script, hold=1.0) as (engine, feed):
        await well(engine)
        script.says["dan/router/uplink"] = failed("oper_down", "GE0/0/1 is down", path_up=True)
        await hear(feed, incident("confirmed"))

        assert engine.world.statuses["dan/router"].health is Health.UP
