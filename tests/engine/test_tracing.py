"""tracing: the way over a circuit is known while it is well, and told to end somewhere when it is cut."""

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import UTC

import pytest

from monitor.core.inventory import Look
from monitor.core.topology import Kind
from monitor.core.world import Event
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.tracing import PER_INCIDENT, asked
from monitor.kit.mishap import at_once
from monitor.kit.resolver import close_shared
from monitor.kit.trace import Hop, Path, TraceError
from monitor.probes import load_kinds
from tests.engine.city import PERIOD, SILENT, Options, Script, city, hear
from tests.engine.test_diagnosing import CIRCUITS, incident, well, with_county
from tests.logs import opened

CIRCUIT = "dan/city/primary"
HOSTS = {name: f"127.0.1.{number}" for number, name in enumerate([*CIRCUITS, "dan/router"], 1)}
WHOLE, CUT = ("10.0.0.1", "10.0.0.2", "10.0.0.3"), ("10.0.0.1", "")


class Tracer:
    """Answers as the test says, by host; a host that is not named is reached in three hops."""

    def __init__(self):
        self.says = {}
        self.asked = []

    async def __call__(self, wanted):
        self.asked.append(wanted)
        hops = self.says.get(wanted.host, WHOLE)
        if isinstance(hops, Exception):
            raise hops
        told = tuple(Hop(ttl, address) for ttl, address in enumerate(hops, 1))
        reached = hops is WHOLE
        return Path(wanted.host, "icmp", told, reached, "echo_reply" if reached else "silence")


def with_hosts(inventory):
    """Return *inventory* with addresses in place of names, which would have to be resolved before a trace."""

    def aimed(circuit):
        look = replace(circuit.near_look, options=Options(host=HOSTS[circuit.id]))
        return replace(circuit, near_look=look)

    dan = inventory.centers["dan"]
    links = (replace(link, circuits=tuple(map(aimed, link.circuits))) for link in dan.links)
    return replace(inventory, centers={**inventory.centers, "dan": replace(dan, links=tuple(links))})


@contextlib.asynccontextmanager
async def traced(script, tracer, inventory=None, every=600.0):
    """Run an engine that traces with *tracer*; give it and a feed that heard everything."""
    tuning = Tuning(0.01, 26, 50, hold=1.0, trace_every=every, trace_beat=0.02)
    async with opened() as (log, vitals):
        engine = Engine(
            inventory or with_hosts(city()),
            "city",
            {"script": script.kind()},
            tuning,
            boot="b1",
            zone=UTC,
            log=log,
            vitals=vitals,
            tracer=tracer,
        )
        feed = engine.feed(None)
        engine.start()
        try:
            yield engine, feed
        finally:
            await engine.stop()
            await close_shared()


def of(circuit):
    return lambda event: event.kind == "trace" and event.subject == circuit


async def known(engine, *circuits):
    """Wait until good traces of these circuits are kept."""
    async with asyncio.timeout(30):
        while not engine.tracing.good.keys() >= set(circuits):
            await asyncio.sleep(0.05)


async def test_a_cut_circuit_is_traced_once_and_the_incident_says_where_its_way_ends():
    script, tracer = Script(), Tracer()
    async with traced(script, tracer) as (engine, feed):
        await known(engine, *CIRCUITS)
        before = len(tracer.asked)
        tracer.says[HOSTS[CIRCUIT]] = CUT
        script.says[HOSTS[CIRCUIT]] = SILENT
        event, _ = await hear(feed, of(CIRCUIT))
        (story,) = engine.world.stories.values()
        script.says.clear()
        closed, after = await hear(feed, incident("closed"))

    assert [one.host for one in tracer.asked[before:]] == [HOSTS[CIRCUIT]]
    assert (event.data["last"], event.data["gone"]) == ("10.0.0.1", "10.0.0.2")
    assert event.data["was"] == list(WHOLE)
    assert event.data["incidents"] == [story.incident.id]
    assert "断点在 10.0.0.1 之后、10.0.0.2 之前" in story.sentence["zh"]
    assert "between 10.0.0.1 and 10.0.0.2" in story.sentence["en"]
    assert closed.data["traces"][0]["told"]["zh"].endswith("上次经由 10.0.0.1 → 10.0.0.2 → 10.0.0.3")
    assert [one.subject for one in after if one.kind == "trace"] == []


async def test_what_is_well_is_traced_now_and_then_and_not_all_at_once():
    script, tracer = Script(), Tracer()
    async with traced(script, tracer) as (engine, _):
        await known(engine, *CIRCUITS)

    assert sorted(one.host for one in tracer.asked) == sorted(HOSTS[name] for name in CIRCUITS)


async def test_what_is_not_well_is_not_traced_as_if_it_were():
    script, tracer = Script(), Tracer()
    script.says[HOSTS[CIRCUIT]] = SILENT
    async with traced(script, tracer) as (engine, _):
        await known(engine, *(name for name in CIRCUITS if name != CIRCUIT))

        assert CIRCUIT not in engine.tracing.good


async def test_a_trace_that_did_not_arrive_is_not_kept():
    script, tracer = Script(), Tracer()
    tracer.says[HOSTS[CIRCUIT]] = CUT
    async with traced(script, tracer) as (engine, _):
        await known(engine, *(name for name in CIRCUITS if name != CIRCUIT))
        async with asyncio.timeout(20):
            while HOSTS[CIRCUIT] not in [one.host for one in tracer.asked]:
                await asyncio.sleep(0.05)

        assert CIRCUIT not in engine.tracing.good


async def test_nothing_is_traced_where_it_is_turned_off():
    script, tracer = Script(), Tracer()
    async with traced(script, tracer, every=0.0) as (engine, feed):
        await well(engine)
        script.says[HOSTS[CIRCUIT]] = SILENT
        await hear(feed, incident("confirmed"))
        await asyncio.sleep(0)

    assert tracer.asked == []


async def test_a_dark_center_is_traced_over_a_few_of_its_circuits():
    script, tracer = Script(), Tracer()
    async with traced(script, tracer, with_hosts(city(centers=("dan", "fang")))) as (engine, feed):
        await well(engine)
        script.says = dict.fromkeys([*HOSTS.values(), "dan/router"], SILENT)
        confirmed, _ = await hear(feed, incident("confirmed"))
        await hear(feed, lambda event: event.kind == "trace")

        assert confirmed.data["kind"] in {Kind.POWER, Kind.ROUTER}
        assert 1 <= len(next(iter(engine.world.incidents.values())).endings) <= PER_INCIDENT


@pytest.mark.parametrize("trouble", [TraceError(at_once(1)), RuntimeError("a bug")])
async def test_a_trace_that_cannot_be_made_costs_the_incident_nothing(trouble):
    script, tracer = Script(), Tracer()
    async with traced(script, tracer) as (engine, feed):
        await well(engine)
        tracer.says = dict.fromkeys(HOSTS.values(), trouble)
        script.says[HOSTS[CIRCUIT]] = SILENT
        await hear(feed, incident("confirmed"))
        script.says.clear()
        closed, heard = await hear(feed, incident("closed"))

    assert closed.data["traces"] == []
    assert not any(event.kind == "trace" for event in heard)


async def test_what_another_vantage_traced_joins_the_incident_as_its_other_end():
    script, tracer = Script(), Tracer()
    async with traced(script, tracer, with_county(with_hosts(city()))) as (engine, feed):
        await well(engine)
        tracer.says[HOSTS[CIRCUIT]] = CUT
        script.says[HOSTS[CIRCUIT]] = SILENT
        event, heard = await hear(feed, of(CIRCUIT))
        told = {**event.data, "last": "10.0.9.1", "gone": "10.0.9.2"}
        engine.ear.traced(Event("dan", "b7", 3, time.time(), "trace", CIRCUIT, told, received_at=time.time()))
        (one,) = engine.world.incidents.values()
        engine.ear.traced(Event("dan", "b7", 4, time.time(), "trace", CIRCUIT, {"last": 7}))
        engine.ear.traced(Event("dan", "b7", 5, 1.0, "trace", CIRCUIT, told))
        (same,) = engine.world.incidents.values()
        (story,) = engine.world.stories.values()

    assert [(end.vantage, end.last) for end in one.endings] == [("city", "10.0.0.1"), ("dan", "10.0.9.1")]
    assert same.endings == one.endings
    assert "10.0.9.1 之后、10.0.9.2 之前" in story.sentence["zh"]
    assert [e.data["stage"] for e in heard if e.kind == "incident"] == ["suspected", "confirmed"]


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("icmp", {"source": "127.0.0.2"}, ("127.0.0.1", "auto", None, "127.0.0.2", None)),
        ("icmp", {"interface": "lo"}, ("127.0.0.1", "auto", None, None, "lo")),
        ("tcp", {"port": 22}, ("127.0.0.1", "tcp", 22, None, None)),
        ("udp", {}, ("127.0.0.1", "udp", 7, None, None)),
    ],
)
async def test_a_trace_goes_where_the_look_goes(kind, options, expected):
    made = load_kinds()[kind].options(host="127.0.0.1", **options)

    assert await asked(Look("way", kind, made, PERIOD, 1.0)) == expected
    await close_shared()
