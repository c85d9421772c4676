"""reporter: whatever happens to broker and line, what is live comes back first and the log arrives whole."""

import asyncio
import random
import signal
import time

import pytest

from monitor.core.detection import Verdict
from monitor.core.vitals import Vitals
from tests.mosquitto import Mosquitto, free_port, mosquitto, needs_mosquitto
from tests.vantages.report_ground import (
    LOG,
    QUICKLY,
    TREE,
    MemoryJournal,
    Taker,
    at_work,
    believe,
    event,
    events,
    line_to,
    reporting,
    taking,
    world_of,
)

pytestmark = [pytest.mark.server, needs_mosquitto]

CHECKS = tuple(f"danjiangkou/device-{n}/icmp" for n in range(8))


def in_order(taker, journal):
    """Say whether all events of *journal* were taken in, in its order, each once."""
    return taker.taken == [(e.boot, e.seq) for e in journal.events]


async def test_what_happened_during_an_outage_arrives_in_order_with_its_own_times(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(10))
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        taking(broker.port) as taker,
        reporting(broker.port, world_of(*CHECKS), journal) as report,
    ):
        await taker.has(journal.events)
        broker.kill()
        await report.until(lambda own: not own.connected and own.trouble)
        for seq in range(11, 1211):
            journal.record(event(seq))
        believe(report.feed, CHECKS[3], Verdict.DOWN)
        await report.until(lambda own: own.queued > 0)
        await broker.start()
        await taker.has(journal.events, 30)
        await taker.until(lambda: taker.said()[CHECKS[3]].verdict == "down")
        await report.until(lambda own: own.queued == 0 and own.trouble == "")
    times = [entry.at for chunk in taker.chunks for entry in chunk.entries]

    assert in_order(taker, journal)
    assert set(times) == {e.at for e in journal.events}


@pytest.mark.parametrize("mishap", ["killed", "frozen", "restarted", "forgetful"])
async def test_a_broker_that_fails_in_the_middle_of_a_backlog_costs_nothing(tmp_path, mishap):
    journal = MemoryJournal()
    journal.record(*events(6000))
    settings = (*QUICKLY, "persistence true", "autosave_interval 1", "autosave_on_changes true")
    async with (
        mosquitto(tmp_path, *settings) as broker,
        taking(broker.port) as taker,
        reporting(broker.port, world_of(*CHECKS), journal) as report,
    ):
        await taker.until(lambda: len(taker.taken) > 1000)
        await fail(broker, mishap)
        journal.record(*events(50, first=6001))
        await taker.has(journal.events, 40)
        await report.until(lambda own: own.queued == 0, 40)
        await taker.until(lambda: taker.said().keys() == set(CHECKS))

    assert in_order(taker, journal)


async def fail(broker: Mosquitto, mishap: str) -> None:
    """Let a broker fail in one of several ways, and come back."""
    if mishap == "frozen":
        broker.send(signal.SIGSTOP)
        await asyncio.sleep(3)  # longer than anybody waits for it
        broker.send(signal.SIGCONT)
        return
    if mishap == "restarted":
        broker.stop()
    else:
        broker.kill()
    if mishap == "forgetful":
        (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    await broker.start()


async def test_a_line_that_is_cut_again_and_again_costs_nothing(tmp_path):
    journal, chance = MemoryJournal(), random.Random(7)  # noqa: S311 - no secret
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        taking(broker.port) as taker,
        line_to(broker.port) as line,
        reporting(line.entry, world_of(*CHECKS), journal) as report,
    ):
        for cut in range(12):
            journal.record(*events(400, first=1 + 400 * cut))
            await report.until(lambda own: own.connected)
            await asyncio.sleep(chance.random() * 0.3)
            line.cut()
            await report.until(lambda own, cut=cut: own.reconnects > cut or not own.connected)
        await taker.has(journal.events, 30)

    assert in_order(taker, journal)
    assert report.own.reconnects >= 10


async def test_a_line_that_goes_dead_is_noticed_and_what_is_live_comes_first_when_it_is_back(tmp_path):
    journal = MemoryJournal()
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        taking(broker.port) as taker,
        line_to(broker.port) as line,
        reporting(line.entry, world_of(*CHECKS), journal) as report,
    ):
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        line.hold()
        await report.until(lambda own: not own.connected, 6)
        journal.record(*events(5000))
        believe(report.feed, CHECKS[5], Verdict.DOWN)
        line.cut()
        line.release()
        await taker.until(lambda: taker.said()[CHECKS[5]].verdict == "down")
        early = len(taker.taken)
        await taker.has(journal.events)

    assert early < 5000
    assert in_order(taker, journal)


async def test_on_a_slow_line_a_change_overtakes_the_backlog(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(3000))
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        taking(broker.port) as taker,
        line_to(broker.port) as line,
    ):
        line.rate = 32_000
        async with reporting(line.entry, world_of(*CHECKS), journal, keepalive=5, timeout=5.0) as report:
            await taker.until(lambda: len(taker.taken) > 200)
            delays = []
            for check in CHECKS[:5]:
                began = time.monotonic()
                believe(report.feed, check, Verdict.DOWN)
                await taker.until(lambda check=check: taker.said()[check].verdict == "down")
                delays.append(time.monotonic() - began)
            backlog = len(journal.events) - len(taker.taken)

    assert backlog > 500
    assert max(delays) < 3


async def test_a_collector_that_was_away_gets_all_of_it_without_being_buried(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(3000))
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        reporting(broker.port, world_of(*CHECKS), journal) as report,
    ):
        await report.until(lambda own: own.delivered > 10)
        async with taking(broker.port) as taker:
            await taker.has(journal.events)
            await report.until(lambda own: own.queued == 0)

    assert in_order(taker, journal)


async def test_a_collector_that_does_not_answer_is_told_of_and_little_is_sent_to_it(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(3000))
    async with at_work(tmp_path, world_of(), journal, taker=Taker(mute=True)) as (taker, report):
        await taker.until(lambda: len(taker.chunks) == 5, 10)
        repeated = taker.repeated
        taker.mute = False
        await taker.acknowledge()
        await taker.has(journal.events, 30)
        await report.until(lambda own: own.queued == 0)

    assert repeated == 200
    assert in_order(taker, journal)


async def test_a_dead_broker_hurts_no_other(tmp_path):
    journal, vitals = MemoryJournal(), Vitals()
    world = world_of(*CHECKS)
    journal.record(*events(500))
    async with (
        mosquitto(tmp_path, *QUICKLY) as broker,
        taking(broker.port) as taker,
        reporting(free_port(), world, journal, name="province", vitals=vitals) as dead,
        reporting(broker.port, world, journal, name="city", vitals=vitals) as alive,
    ):
        await taker.has(journal.events)
        await alive.until(lambda own: own.queued == 0 and own.trouble == "")
        await dead.until(lambda own: own.queued == 500 and own.trouble and not own.connected)
        believe(alive.feed, CHECKS[0], Verdict.DOWN)
        await taker.until(lambda: taker.said()[CHECKS[0]].verdict == "down")

    assert vitals.outputs.keys() == {"report/city", "report/province"}
    assert journal.places.keys() == {"report/city"}


async def test_two_brokers_are_told_each_at_its_own_pace(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(800))
    folders = [tmp_path / name for name in ("city", "province")]
    for folder in folders:
        folder.mkdir()
    async with (
        mosquitto(folders[0]) as city,
        mosquitto(folders[1]) as province,
        taking(city.port) as there,
        reporting(city.port, world_of(*CHECKS), journal, name="city"),
        reporting(province.port, world_of(*CHECKS), journal, name="province"),
    ):
        await there.has(journal.events)
        async with taking(province.port) as later:
            await later.has(journal.events)

    assert in_order(there, journal)
    assert in_order(later, journal)


ACL = f"""
topic read {TREE}/#
topic read command/v1/ack/#
topic write {TREE}/daemon
topic write {TREE}/echo
user taker
topic readwrite #
"""


async def test_what_the_broker_refuses_is_told_of_and_told_as_soon_as_it_may_be(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text(ACL)
    acl.chmod(0o644)
    journal = MemoryJournal()
    journal.record(*events(20))
    settings = (*QUICKLY, f"acl_file {acl}")
    async with (
        mosquitto(tmp_path, *settings) as broker,
        taking(broker.port, username="taker") as taker,
        reporting(broker.port, world_of(*CHECKS), journal, valid_for=3) as report,
    ):
        await report.until(lambda own: own.failed > len(CHECKS), 5)
        await report.until(lambda own: "not taken" in own.trouble and TREE in own.trouble)
        await taker.until(lambda: taker.daemon)
        assert (taker.said(), taker.chunks) == ({}, [])
        acl.write_text(ACL.replace("/daemon", "/#"))
        broker.send(signal.SIGHUP)
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        await taker.has(journal.events, 20)
        await report.until(lambda own: own.trouble == "")

    assert in_order(taker, journal)


async def test_a_report_that_may_not_hear_acknowledgements_still_tells_what_is_live(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text(f"topic readwrite {TREE}/#\nuser taker\ntopic readwrite #\n")
    acl.chmod(0o644)
    journal = MemoryJournal()
    journal.record(*events(20))
    settings = (*QUICKLY, f"acl_file {acl}")
    async with (
        mosquitto(tmp_path, *settings) as broker,
        taking(broker.port, username="taker") as taker,
        reporting(broker.port, world_of(*CHECKS), journal) as report,
    ):
        await taker.has(journal.events)
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        await report.until(lambda own: own.queued == 20)

    assert len(taker.chunks) <= 2


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_hangs_up_on_large_packets_without_saying_so_gets_small_ones(tmp_path, protocol):
    """With MQTT 3.1.1 a broker cannot say how much it takes: it ends the session."""
    journal = MemoryJournal()
    journal.record(*events(300), event(301, many=["x" * 1000] * 9), *events(5, first=302))
    settings = (*QUICKLY, "max_packet_size 6000")
    async with at_work(tmp_path, world_of(*CHECKS), journal, settings=settings, protocol=protocol) as (
        taker,
        _,
    ):
        await taker.has(journal.events, 60)

    assert in_order(taker, journal)
    assert taker.entries["boot-1", 301]["too_large"] is True


async def test_chunks_for_a_collector_that_is_away_do_not_pile_up_at_the_broker(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(3000))
    async with mosquitto(tmp_path, *QUICKLY) as broker:
        async with taking(broker.port, Taker()) as taker:
            pass
        async with reporting(broker.port, world_of(), journal) as report:
            await report.until(lambda own: own.delivered >= 5)
            await asyncio.sleep(0.5)
            delivered = report.own.delivered
            async with taking(broker.port, taker):
                await taker.has(journal.events)

    assert delivered <= 6
    assert in_order(taker, journal)


async def test_chunks_that_nobody_takes_expire(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(10))
    async with mosquitto(tmp_path, *QUICKLY) as broker:
        process = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5", "-q", "1", "-t", LOG,
            "-C", "1", "-W", "10", "-F", "%E",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with reporting(broker.port, world_of(), journal):
            said, _ = await process.communicate()
        process._transport.close()

    assert 0 < int(said) <= 60
