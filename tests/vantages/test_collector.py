"""The collector: what other vantages say is held for as long as it holds, and silence is told as silence."""

import asyncio
import signal
import sys
import time

import pytest

from monitor.core.agent import Presence
from monitor.core.world import Event
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.collect_ground import (
    CHECK,
    LONG_AGO,
    ROOT,
    MemoryArchive,
    Mouth,
    beating,
    checks,
    city,
    collecting,
    mouth,
    without,
)
from tests.vantages.report_ground import MemoryJournal, events, reporting, world_of

pytestmark = [pytest.mark.server, needs_mosquitto]


@pytest.fixture
async def broker(tmp_path):
    async with mosquitto(tmp_path) as it:
        yield it


@pytest.fixture
async def collector(broker):
    async with collecting(broker.port) as it:
        yield it


@pytest.fixture
def dan(broker):
    with mouth(broker.port) as it:
        yield it


async def test_first_words_are_told_and_the_vantage_is_online(collector, dan):
    await dan.beat(backlog=7)

    await collector.told("agent_online")

    assert collector.agent().presence is Presence.ONLINE
    assert collector.agent().backlog == 7
    assert collector.agent("yun").presence is Presence.UNHEARD


async def test_a_belief_is_held_until_it_is_told_otherwise(collector, dan):
    await dan.believe(CHECK, "up")
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
    await dan.believe(CHECK, "down", rtt=None)

    await collector.until(lambda: collector.world.heard["dan"][CHECK].verdict == "down")

    assert collector.world.heard["dan"][CHECK].reason == "timeout"


async def test_a_belief_that_is_not_told_again_is_missing_when_its_time_is_over(collector, dan):
    async with beating(dan):
        await dan.believe(valid_for=1.0)
        await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
        began = time.monotonic()

        await collector.until(lambda: CHECK not in collector.world.heard["dan"])

    assert 0.5 < time.monotonic() - began < 2.5
    assert collector.agent().presence is Presence.ONLINE


async def test_a_belief_is_missing_when_it_is_cleared(collector, dan):
    await dan.believe()
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))

    await dan.publish(dan.topic(f"belief/{CHECK}"), b"", retain=True)
    await collector.until(lambda: CHECK not in collector.world.heard["dan"])

    assert collector.agent().refused == 0


async def test_what_a_daemon_told_an_hour_ago_by_its_own_clock_holds_if_the_clock_is_an_hour_wrong(broker):
    with mouth(broker.port, ahead=-3600) as dan:
        async with collecting(broker.port) as collector, beating(dan):
            await dan.believe(valid_for=30)

            await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
            await collector.told("agent_clock", 20)

    assert collector.details("agent_clock")[0]["wrong"] is True
    assert abs(collector.agent().clock_offset + 3600) < 1
    assert "agent_silent" not in collector.whats()


async def test_what_the_broker_kept_counts_by_its_own_age(broker, dan):
    await dan.beat()
    await dan.believe(checks("dan")[0], valid_for=60)
    await dan.believe(checks("dan")[1], valid_for=60, sent_at=time.time() - 61)

    async with collecting(broker.port) as collector:
        await collector.until(lambda: checks("dan")[0] in collector.world.heard.get("dan", {}))
        await dan.believe(checks("dan")[2])
        await collector.until(lambda: checks("dan")[2] in collector.world.heard["dan"])

    assert checks("dan")[1] not in collector.world.heard["dan"]
    assert collector.agent().refused == 0


async def test_what_the_broker_kept_of_a_daemon_long_gone_shows_nobody_there(broker, dan):
    await dan.beat(sent_at=time.time() - LONG_AGO)
    await dan.believe(sent_at=time.time() - LONG_AGO)

    async with collecting(broker.port) as collector:
        await collector.told("agent_silent")

    assert collector.whats() == ["agent_silent"]
    assert collector.world.heard.get("dan", {}) == {}


async def test_a_silent_agent_is_told_once_and_its_beliefs_are_missing(broker, collector, dan):
    with mouth(broker.port, "yun") as yun:
        async with beating(yun):
            await dan.beat()
            await dan.believe(valid_for=600)
            await collector.told("agent_silent")
            missing = dict(collector.world.heard["dan"])
            await dan.beat()
            back = await collector.told("agent_back")

    assert missing == {}
    assert collector.whats("dan") == ["agent_online", "agent_silent", "agent_back"]
    assert 2.5 < back["seconds"] < 6


async def test_a_killed_agent_is_silent_sooner_for_its_will(broker, collector):
    dan = Mouth(broker.port, valid_for=9.0).connect(will=True)
    with mouth(broker.port, "yun") as yun:
        async with beating(yun):
            await dan.beat()
            await collector.told("agent_online")
            began = time.monotonic()
            dan.cut()

            await collector.told("agent_silent", 20)

    assert 2.5 < time.monotonic() - began < 7


async def test_an_agent_that_reconnects_is_not_silent_for_the_will_of_its_session_before(broker, collector):
    dan = Mouth(broker.port).connect(will=True)
    await dan.beat()
    await collector.told("agent_online")
    dan.cut()

    with mouth(broker.port, session=2) as again:
        await again.beat()
        async with beating(again):
            await asyncio.sleep(4)

    assert collector.whats() == ["agent_online"]


async def test_a_farewell_is_told_and_is_no_silence(collector, dan):
    await dan.believe(valid_for=600)
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))

    await dan.beat("offline", "stopped")
    await collector.told("agent_stopped")
    await asyncio.sleep(4)

    assert collector.whats() == ["agent_online", "agent_stopped"]
    assert collector.world.heard["dan"] == {}


async def test_all_silent_together_are_told_once_and_once_when_they_are_back(broker, collector):
    with mouth(broker.port) as dan, mouth(broker.port, "yun") as yun, mouth(broker.port, "wu") as wu:
        async with beating(dan, yun, wu):
            await collector.until(lambda: collector.whats().count("agent_online") == 3)
        silent = await collector.told("all_agents_silent", 20)
        async with beating(dan, yun, wu):
            back = await collector.told("agents_back")

    assert sorted(silent["agents"]) == sorted(back["agents"]) == ["dan", "wu", "yun"]
    assert sorted(collector.whats()) == ["agent_online"] * 3 + ["agents_back", "all_agents_silent"]


async def test_nobody_is_judged_while_our_own_connection_is_away(broker, collector):
    with mouth(broker.port) as dan, mouth(broker.port, "yun") as yun:
        async with beating(dan, yun):
            await collector.until(lambda: collector.whats().count("agent_online") == 2)
    broker.send(signal.SIGSTOP)
    await collector.until(lambda: not collector.vitals.connected)
    await asyncio.sleep(4)
    quiet, lost_at = collector.whats(), collector.ear.world.broker_lost_at
    broker.kill()
    await broker.start()
    await collector.ready()
    came_back = time.monotonic()

    await collector.told("all_agents_silent", 20)

    assert quiet == ["agent_online"] * 2
    assert time.monotonic() - came_back > 2.5
    assert lost_at is not None
    assert collector.ear.world.broker_lost_at is None


@pytest.mark.long
async def test_nobody_is_judged_for_a_time_in_which_our_own_loop_stood_still(broker, collector):
    words = ("-m", "tests.vantages.flood", str(broker.port), "dan", "beat", "3", "8")
    honest = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.DEVNULL)
    await collector.told("agent_online")

    time.sleep(4)  # noqa: ASYNC251 - that is the point
    await asyncio.sleep(2)
    quiet = collector.whats()
    await honest.wait()
    await collector.told("agent_silent")

    assert quiet == ["agent_online"]


async def test_agents_that_come_back_with_the_broker_were_never_silent(broker, collector):
    with mouth(broker.port) as dan:
        await dan.beat()
        await collector.told("agent_online")
    broker.kill()
    await collector.until(lambda: not collector.vitals.connected)
    await broker.start()
    await collector.ready()

    with mouth(broker.port, session=2) as again:
        async with beating(again):
            await asyncio.sleep(5)

    assert collector.whats() == ["agent_online"]


async def test_two_daemons_under_one_name_are_told_within_two_heartbeats_and_single_again(broker, collector):
    with mouth(broker.port, boot="one") as one, mouth(broker.port, boot="two") as two:
        async with beating(one, two):
            began = time.monotonic()
            doubled = await collector.told("agent_doubled")
            took = time.monotonic() - began
            await two.believe(verdict="down")
            await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
            await one.believe(verdict="up")
            await asyncio.sleep(2)
            held = collector.world.heard["dan"][CHECK].verdict
        async with beating(two):
            await collector.told("agent_single")

    assert took < 2
    assert doubled == {"boot": "two", "other": "one"}
    assert held == "down"
    assert collector.whats() == ["agent_online", "agent_doubled", "agent_single"]
    assert not collector.agent().duplicate


@pytest.mark.long
async def test_two_daemons_that_push_each_other_off_the_broker_do_not_come_and_go(broker):
    worlds = [world_of("danjiangkou/province/primary/icmp", boot=boot) for boot in ("one", "two")]
    journals = [MemoryJournal(f"log-{number}") for number in (1, 2)]
    for journal, boot in zip(journals, ("one", "two"), strict=True):
        journal.record(*events(50, boot=boot))
    at = {"inventory": city("danjiangkou")}
    async with collecting(broker.port, **at) as collector, reporting(broker.port, worlds[0], journals[0]):
        await collector.told("agent_online")
        async with reporting(broker.port, worlds[1], journals[1]):
            await collector.told("agent_doubled")
            await asyncio.sleep(4)
            doubled = collector.whats()
        await collector.until(lambda: collector.agent("danjiangkou").boot == "one", 30)
        await collector.until(lambda: ("one", 50) in collector.archive.of("danjiangkou"), 30)

    assert set(doubled) == {"agent_online", "agent_doubled"}
    assert [seq for boot, seq in collector.archive.of("danjiangkou") if boot == "one"] == list(range(1, 51))


async def test_a_frozen_agent_is_silent_and_then_back(broker, collector):
    with mouth(broker.port, "yun") as yun:
        async with beating(yun):
            words = ("-m", "tests.vantages.flood", str(broker.port), "dan", "beat", "3", "12")
            agent = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdout=asyncio.subprocess.DEVNULL
            )
            await collector.until(lambda: collector.whats("dan") == ["agent_online"])
            agent.send_signal(signal.SIGSTOP)
            await collector.told("agent_silent")
            agent.send_signal(signal.SIGCONT)
            back = await collector.told("agent_back")
            agent.kill()
            await agent.wait()

    assert collector.whats("dan") == ["agent_online", "agent_silent", "agent_back"]
    assert back["restarted"] is False
    assert back["seconds"] > 3


async def test_an_agent_that_starts_anew_is_no_double(broker, collector):
    with mouth(broker.port, boot="one") as one:
        await one.beat()
        await collector.told("agent_online")
    with mouth(broker.port, boot="two") as two:
        async with beating(two):
            await collector.until(lambda: collector.agent().boot == "two")
            await asyncio.sleep(1)

    assert collector.whats() == ["agent_online"]


async def test_a_vantage_that_a_reload_adds_is_heard_and_one_that_it_takes_away_no_longer(broker):
    with mouth(broker.port) as dan, mouth(broker.port, "yun") as yun:
        async with collecting(broker.port, inventory=without(city(), "yun")) as collector:
            async with beating(dan, yun):
                await collector.told("agent_online")
                before = set(collector.world.agents)
                collector.reload(without(city(), "dan"))
                await collector.until(lambda: collector.whats("yun") == ["agent_online"])
                await asyncio.sleep(1)

            assert before == {"dan", "wu"}
            assert set(collector.world.agents) == {"yun", "wu"}


async def test_a_check_that_a_reload_takes_away_is_no_longer_believed(broker):
    inventory = city()
    with mouth(broker.port) as dan:
        async with collecting(broker.port, inventory=inventory) as collector, beating(dan):
            await dan.believe(valid_for=600)
            await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
            bare = city("yun", "wu")
            collector.reload(
                type(bare)(
                    bare.city,
                    bare.networks,
                    {},
                    bare.centers | {"dan": bare.centers["yun"]},
                    inventory.vantages,
                )
            )

            await collector.until(lambda: CHECK not in collector.world.heard["dan"])

    assert collector.agent().presence is Presence.ONLINE


async def test_our_own_reports_are_not_listened_to(broker, collector):
    with mouth(broker.port, "city") as own:
        await own.beat()
        with mouth(broker.port) as dan:
            await dan.beat()
            await collector.told("agent_online")

    assert "city" not in collector.world.agents


async def test_a_broker_that_refuses_our_acknowledgements_is_told(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text(f"topic readwrite {ROOT}/daemon/#\ntopic readwrite {ROOT}/vantage/#\n")
    async with (
        mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as broker,
        collecting(broker.port) as collector,
    ):
        with mouth(broker.port) as dan:
            await dan.tell(0, 3)
            await collector.until(lambda: "ack/dan" in collector.vitals.trouble)

    assert collector.vitals.failed >= 1
    assert collector.archive.of("dan") == [("boot-1", seq) for seq in (1, 2, 3)]


async def test_a_broker_that_brings_us_nothing_is_told_and_nobody_is_judged_by_its_silence(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text(f"topic write {ROOT}/#\n")
    async with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as broker:
        archive = MemoryArchive()
        await archive.gather("dan", "log-1", 1, [Event("dan", "boot-1", 1, 0.0, "daemon", "dan", {})])
        async with collecting(broker.port, archive) as collector:
            await collector.until(lambda: "nothing that we subscribe to" in collector.vitals.trouble)
            await asyncio.sleep(4)

            assert collector.whats() == []


async def test_the_old_protocol_will_do(broker):
    async with collecting(broker.port, protocol="3.1.1") as collector:
        with mouth(broker.port) as dan:
            async with beating(dan):
                await dan.believe()
                await dan.tell(0, 3)
                await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
                await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 3)

    assert collector.whats() == ["agent_online"]
