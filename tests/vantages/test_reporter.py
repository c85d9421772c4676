"""reporter: another level hears what is believed here at once, and the log until it has all of it."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from monitor.core.detection import Belief, Verdict
from monitor.core.vitals import Vitals
from monitor.simulator.broker import broker as embedded_broker
from monitor.vantages.options import ReportOptions
from monitor.vantages.wire import ENTRIES, LAST
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.report_ground import (
    ACK,
    BELIEF,
    DAEMON,
    NAME,
    ROOT,
    TREE,
    BeliefFeed,
    MemoryJournal,
    Taker,
    add,
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

CHECKS = ("danjiangkou/city/primary/icmp", "danjiangkou/province/primary/icmp", "danjiangkou/router/icmp")


def small(packet):
    """Return the settings of a broker that takes no packets larger than that."""
    return ("allow_anonymous true", f"max_packet_size {packet}")


async def publish(port, topic, payload, *options):
    """Say something on a topic as somebody else."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", topic, "-m", payload, *options
    )
    assert await process.wait() == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_it_is_born_says_what_it_believes_and_takes_its_leave(tmp_path, protocol):
    async with mosquitto(tmp_path) as broker, listening(broker.port, f"{TREE}/#") as listener:
        async with reporting(broker.port, world_of(*CHECKS), protocol=protocol):
            await listener.until(lambda _: len(listener.retained()) == 1 + len(CHECKS))
        heard = await listener.until(lambda all_: all_[-1].topic == DAEMON and "offline" in all_[-1].payload)

    born, *_, gone = [h.told for h in heard if h.topic == DAEMON]
    assert heard[0].topic == DAEMON
    assert (born["state"], born["boot"], born["session"], born["n"]) == ("online", "boot-1", 1, 1)
    assert (gone["state"], gone["reason"]) == ("offline", "stopped")
    assert {topic.removeprefix(BELIEF) for topic in listener.retained()} == {DAEMON, *CHECKS}


async def test_a_belief_is_told_with_all_that_is_known_of_it(tmp_path):
    world = world_of(*CHECKS)
    async with at_work(tmp_path, world) as (taker, _):
        await taker.until(lambda: set(CHECKS) == taker.said().keys())
    word = taker.said()[CHECKS[0]]

    assert (word.check, word.subject) == (CHECKS[0], "danjiangkou/city/primary")
    assert (word.verdict, word.suspected, word.reason, word.since) == ("up", False, "ok", 1_700_000_000.0)
    assert (word.rtt, word.loss, word.valid_for) == (0.0123, 0.0, 30.0)
    assert abs(word.sent_at - time.time()) < 60


async def test_what_is_not_well_is_told_first(tmp_path):
    world = world_of(*(f"center-{n}/router/icmp" for n in range(300)))
    world.beliefs["center-250/router/icmp"] = Belief(Verdict.DOWN, 1.7e9, "timeout")
    async with at_work(tmp_path, world) as (taker, _):
        await taker.until(lambda: len(taker.said()) == 300)

    assert taker.beliefs[0][2] == "center-250/router/icmp"


async def test_a_change_is_told_at_once_and_a_repetition_of_it_is_not(tmp_path):
    async with at_work(tmp_path, world_of(*CHECKS), valid_for=600) as (taker, report):
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        before = len(taker.beliefs)
        believe(report.feed, CHECKS[1], Verdict.DOWN)
        await taker.until(lambda: taker.said()[CHECKS[1]].verdict == "down")
        report.feed.tell(*CHECKS)
        believe(report.feed, CHECKS[2], Verdict.UNKNOWN)
        await taker.until(lambda: taker.said()[CHECKS[2]].verdict == "unknown")

    assert [check for _, _, check in taker.beliefs[before:]] == [CHECKS[1], CHECKS[2]]


async def test_an_unchanged_belief_is_told_thrice_within_its_validity(tmp_path):
    async with at_work(tmp_path, world_of(*CHECKS), valid_for=1.5) as (taker, _):
        await taker.until(lambda: len(taker.beliefs) >= 6 * len(CHECKS))
    times = [at for at, _, check in taker.beliefs if check == CHECKS[0]]
    gaps = [later - earlier for earlier, later in pairwise(times[1:])]

    assert gaps
    assert max(gaps) < 1.5


async def test_a_belief_that_nobody_looks_after_is_not_told_as_fresh(tmp_path):
    vitals = Vitals(ticks=10, last_tick=time.monotonic() - 100)
    async with at_work(tmp_path, world_of(*CHECKS), vitals=vitals, valid_for=1.5) as (taker, report):
        await report.until(lambda own: "nobody looks" in own.trouble)
        await taker.until(lambda: len(taker.daemon) >= 3)

    assert taker.beliefs == []


async def test_each_word_comes_after_those_before_it(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(ENTRIES * 3))
    async with at_work(tmp_path, world_of(*CHECKS), journal) as (taker, report):
        await taker.has(journal.events)
        believe(report.feed, CHECKS[0], Verdict.DOWN)
        await taker.until(lambda: taker.said()[CHECKS[0]].verdict == "down")
        await report.stop()
        await taker.until(lambda: taker.daemon[-1].state == "offline")
    live = list(taker.daemon)
    beliefs = [word for _, word, _ in taker.beliefs]
    numbers = [(word.session, word.n) for word in (*live, *beliefs, *taker.chunks)]

    assert len(set(numbers)) == len(numbers)
    for words in (live, beliefs, taker.chunks):
        assert [word.n for word in words] == sorted(word.n for word in words)
    assert live[-1].n == max(n for _, n in numbers)


async def test_a_vanished_check_is_cleared(tmp_path):
    world = world_of(*CHECKS)
    async with at_work(tmp_path, world) as (taker, report):
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        del world.checks[CHECKS[0]], world.beliefs[CHECKS[0]]
        report.feed.tell(CHECKS[0])
        await taker.until(lambda: CHECKS[0] not in taker.said())

    assert taker.beliefs[-1][1:] == (None, CHECKS[0])


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_an_earlier_life_left_is_cleared_and_what_others_left_is_not(tmp_path, protocol):
    gone, theirs = f"{BELIEF}gone/router/icmp", f"{ROOT}/vantage/yunxi/belief/yunxi/router/icmp"
    async with mosquitto(tmp_path) as broker:
        for topic in (gone, theirs, BELIEF + CHECKS[0]):
            await publish(broker.port, topic, "of old", "-r")
        async with listening(broker.port) as listener:
            await listener.until(lambda _: len(listener.retained()) == 3)
            async with reporting(broker.port, world_of(*CHECKS), protocol=protocol):
                await listener.until(lambda _: gone not in listener.retained())
    left = listener.retained()

    assert left.keys() - {DAEMON, f"{TREE}/echo"} == {theirs, *(BELIEF + check for check in CHECKS)}
    assert "of old" not in left[BELIEF + CHECKS[0]].payload


async def test_a_check_added_later_is_told_within_a_refresh(tmp_path):
    world = world_of(*CHECKS)
    async with at_work(tmp_path, world, valid_for=3) as (taker, _):
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        add(world, "danjiangkou/ups/icmp")
        await taker.until(lambda: "danjiangkou/ups/icmp" in taker.said(), 3.0)

    assert taker.said()["danjiangkou/ups/icmp"].verdict == "up"


async def test_a_check_without_a_possible_topic_is_told_of_and_hinders_nobody(tmp_path):
    world = world_of("danjiangkou/a+b/icmp", *CHECKS)
    async with at_work(tmp_path, world) as (taker, report):
        await report.until(lambda own: "a+b" in own.trouble)
        await taker.until(lambda: set(CHECKS) == taker.said().keys())

    assert report.own.failed >= 1


async def test_the_log_arrives_whole_and_in_order_and_its_place_is_saved(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(1500, boot="boot-0"), *events(700))
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await report.until(lambda own: own.queued > 0 or journal.places)
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)
        journal.record(event(701))
        await taker.has(journal.events)
        await taker.until(lambda: journal.places.get(NAME) == journal.end)

    assert taker.taken == [(e.boot, e.seq) for e in journal.events]
    assert (taker.repeated, taker.gaps) == (0, 0)


async def test_entries_say_what_the_events_said(tmp_path):
    journal = MemoryJournal()
    told = event(
        1, sentence={"zh": "郧西县断了", "en": "Yunxi is cut"}, since=1.5, works=["a/b"], active=None
    )
    journal.record(told)
    async with (
        mosquitto(tmp_path) as broker,
        taking(broker.port) as taker,
        reporting(broker.port, world_of(), journal),
    ):
        await taker.has(journal.events)
    (entry,) = taker.chunks[0].entries

    assert entry.data == told.data
    assert (entry.boot, entry.seq, entry.at, entry.kind, entry.subject) == (
        told.boot, told.seq, told.at, told.kind, told.subject,
    )  # fmt: skip


async def test_a_restart_sends_nothing_twice_that_was_acknowledged(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(500))
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await report.until(lambda own: own.delivered and own.queued == 0)
        await report.stop()
        journal.record(*events(3, boot="boot-2"))
        async with reporting(report.port, world_of(boot="boot-2"), journal):
            await taker.has(journal.events)

    assert (taker.repeated, taker.gaps) == (0, 0)


async def test_a_lost_saved_place_costs_nothing_if_the_broker_keeps_the_acknowledgement(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(500))
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await report.until(lambda own: own.delivered and own.queued == 0)
        await report.stop()
        journal.places.clear()
        journal.record(*events(3, boot="boot-2"))
        async with reporting(report.port, world_of(boot="boot-2"), journal):
            await taker.has(journal.events)

    assert taker.repeated == 0


async def test_events_of_others_in_our_log_are_passed_over(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(3))
    journal.foreign = 5000
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)
        reads = journal.reads
        await taker.until(lambda: len(taker.daemon) >= 3)
        journal.record(event(4))
        await taker.has(journal.events)

    assert journal.reads <= reads + 2
    assert taker.gaps == 0


async def test_an_acknowledgement_of_another_log_means_nothing(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(5))
    async with mosquitto(tmp_path) as broker, taking(broker.port) as taker:
        await taker.acknowledge(position=15, log="another")
        async with reporting(broker.port, world_of(), journal) as report:
            await taker.has(journal.events)
            await report.until(lambda own: own.queued == 0)

    assert len(taker.taken) == 5


async def test_an_acknowledgement_of_what_never_was_is_told_of_and_ignored(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(5))
    async with mosquitto(tmp_path) as broker, taking(broker.port) as taker:
        await taker.acknowledge(position=9000, log=journal.identity)
        async with reporting(broker.port, world_of(), journal) as report:
            async with asyncio.timeout(15):
                while "9000" not in report.own.trouble:  # until the next acknowledgement, which is not far
                    await asyncio.sleep(0)
            await taker.has(journal.events)
            await report.until(lambda own: own.trouble == "" and own.queued == 0)

    assert journal.places[NAME] == journal.end


async def test_an_acknowledgement_that_goes_back_has_what_was_lost_sent_again(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(500))
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)
        restored = Taker(journal.identity, 600, taker.taken[:200], dict(list(taker.entries.items())[:200]))
        taker.position, taker.taken, taker.entries = restored.position, restored.taken, restored.entries
        await taker.acknowledge()
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)

    assert taker.taken == [("boot-1", seq) for seq in range(1, 501)]


@pytest.mark.parametrize("payload", ["", "{", "null", '{"collector": "shiyan"}', "\u0001"])
async def test_an_acknowledgement_that_is_none_is_told_of(tmp_path, payload):
    async with at_work(tmp_path, world_of(), MemoryJournal()) as (taker, report):
        await taker.until(lambda: taker.daemon)
        await publish(report.port, ACK, payload, "-r")
        if payload:
            await report.until(lambda own: "cannot be read" in own.trouble)
        report.journal.record(event(1))
        await taker.has(report.journal.events)
        await report.until(lambda own: own.trouble == "")

    assert taker.gaps == 0


async def test_a_new_log_is_told_from_its_own_place(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(50))
    async with at_work(tmp_path, world_of(), journal) as (taker, report):
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)
        journal.events.clear()
        journal.places.clear()
        journal.identity = "log-2"
        journal.record(*events(3, first=1000))
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)

    assert taker.log == "log-2"
    assert journal.places[NAME] == journal.end


async def test_a_log_that_cannot_be_read_is_not_taken_for_one_without_events(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(5))
    async with at_work(tmp_path, world_of(*CHECKS), journal) as (taker, report):
        await taker.has(journal.events)
        journal.unreadable = True
        journal.record(*events(5, first=6))
        reads = journal.reads
        await taker.until(lambda: journal.reads > reads + 3)
        believe(report.feed, CHECKS[0], Verdict.DOWN)
        await taker.until(lambda: taker.said()[CHECKS[0]].verdict == "down")
        journal.unreadable = False
        journal.record(*events(5, first=11))
        await taker.has(journal.events)

    assert taker.taken == [("boot-1", seq) for seq in range(1, 16)]


async def test_while_the_log_is_not_open_only_what_is_live_is_told(tmp_path):
    journal = MemoryJournal(identity="")
    async with at_work(tmp_path, world_of(*CHECKS), journal) as (taker, _):
        await taker.until(lambda: len(taker.said()) == len(CHECKS) and taker.daemon)
        assert taker.daemon[-1].log == ""
        journal.identity = "log-1"
        journal.record(event(1))
        await taker.has(journal.events)

    assert taker.log == "log-1"


async def test_an_event_larger_than_a_packet_is_cut_and_blocks_nobody(tmp_path):
    journal = MemoryJournal()
    journal.record(event(1), event(2, detail="x" * 100_000, many=["y" * 1000] * 200), event(3))
    async with at_work(tmp_path, world_of(), journal, settings=small(4000)) as (taker, _):
        await taker.has(journal.events)

    assert taker.entries["boot-1", 2] == {"was": "up", "now": "down", "too_large": True}


@pytest.mark.parametrize("packet", [700, 1100, 2000])
async def test_events_of_every_size_pass(tmp_path, packet):
    journal = MemoryJournal()
    sizes = [*range(packet - 600, packet + 100, 7), packet * 2]
    journal.record(*(event(seq, detail="x" * max(1, size)) for seq, size in enumerate(sizes, 1)))
    async with at_work(tmp_path, world_of(), journal, settings=small(packet)) as (taker, report):
        await taker.has(journal.events)
        await report.until(lambda own: own.queued == 0)
    whole = [seq for (_, seq), data in taker.entries.items() if "too_large" not in data]

    assert report.own.failed == 0
    assert whole == list(range(1, len(whole) + 1))
    assert 0 < len(whole) < len(sizes)


async def test_chunks_stay_well_below_what_the_broker_takes(tmp_path):
    journal = MemoryJournal()
    journal.record(*[replace(e, data={"detail": "x" * 300}) for e in events(1000)])
    async with at_work(tmp_path, world_of(), journal, settings=small(8000)) as (taker, _):
        await taker.has(journal.events)

    assert max(len(chunk.payload()) for chunk in taker.chunks) <= 4000


async def test_the_will_is_the_last_word_of_its_session(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        taking(broker.port) as taker,
        line_to(broker.port) as line,
        reporting(line.entry, world_of(*CHECKS)) as report,
    ):
        await taker.until(lambda: len(taker.said()) == len(CHECKS))
        line.cut()
        await taker.until(lambda: any(word.reason == "lost" for word in taker.daemon))
        await report.until(lambda own: own.reconnects)
        await taker.until(lambda: taker.daemon[-1].state == "online" and taker.daemon[-1].session > 1)
    will = next(word for word in taker.daemon if word.reason == "lost")

    assert (will.state, will.session, will.n) == ("offline", 1, LAST)


async def test_the_daemon_says_how_far_its_log_is(tmp_path):
    journal = MemoryJournal()
    journal.record(*events(250))
    async with at_work(tmp_path, world_of(), journal, taker=Taker(mute=True)) as (taker, _):
        await taker.until(lambda: taker.daemon and taker.daemon[-1].backlog == 250)
        taker.mute = False
        await taker.until(lambda: taker.position == journal.end)
        await taker.acknowledge()
        await taker.until(lambda: taker.daemon[-1].acknowledged == journal.end)
    word = taker.daemon[-1]

    assert (word.log, word.end, word.backlog) == (journal.identity, journal.end, 0)


async def test_it_speaks_to_a_broker_in_python_too():
    journal = MemoryJournal()
    journal.record(*events(300))
    async with (
        embedded_broker() as port,
        taking(port, protocol="3.1.1") as taker,
        reporting(port, world_of(*CHECKS), journal, protocol="3.1.1"),
    ):
        await taker.has(journal.events)
        await taker.until(lambda: len(taker.said()) == len(CHECKS))

    assert taker.gaps == 0


async def test_it_stops_at_once_while_the_broker_is_away():
    async with reporting(1, world_of(*CHECKS)) as report:
        await report.until(lambda own: own.trouble and own.trouble != "not connected yet")
        began = time.monotonic()
        await report.stop()

    assert time.monotonic() - began < 1


def test_two_reports_of_one_vantage_have_names_of_their_own_at_the_broker():
    options = ReportOptions(host="127.0.0.1")

    assert options.report_broker("yunxi", "city").client_id == "command-monitor-yunxi-report-city"
    assert options.report_broker("yunxi", "province").client_id == "command-monitor-yunxi-report-province"


async def test_a_fake_feed_that_is_asked_for_events_says_so():
    with pytest.raises(AssertionError):
        await BeliefFeed(world_of()).news()
