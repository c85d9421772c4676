"""Taking in a log: in order, without gaps, nothing twice, and acknowledged only once it is recorded."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ports import Gathered
from monitor.store import log_file
from monitor.vantages.intake import Fit, fit
from monitor.vantages.wire import Chunk
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.store.log_ground import locked
from tests.vantages.collect_ground import CHECK, MemoryArchive, beating, city, collecting, mouth, on_disk
from tests.vantages.report_ground import MemoryJournal, events, reporting, world_of

server = [pytest.mark.server, needs_mosquitto]


@pytest.fixture
async def broker(tmp_path):
    async with mosquitto(tmp_path) as it:
        yield it


@pytest.fixture
async def collector(broker, tmp_path):
    async with on_disk(tmp_path) as archive, collecting(broker.port, archive) as it:
        yield it


@pytest.fixture
def dan(broker):
    with mouth(broker.port) as it:
        yield it


def numbers(first, last, boot="boot-1"):
    return [(boot, seq) for seq in range(first, last + 1)]


async def acknowledged(collector, dan, position, log="log-1"):
    await collector.until(
        lambda: dan.acks and (dan.acks[-1]["log"], dan.acks[-1]["position"]) == (log, position)
    )


@pytest.mark.server
@needs_mosquitto
class TestAChunk:
    """Numbered, recorded, acknowledged."""

    async def test_with_a_trace_is_told_to_whoever_has_incidents_once(self, collector, dan):
        entries = [
            dan.entry(1),
            dan.entry(2, kind="trace", subject="dan/city/primary", data={"last": "10.0.0.1"}),
        ]

        await dan.tell(0, 2, entries)
        await acknowledged(collector, dan, 2)
        await dan.tell(0, 2, entries)
        await collector.until(lambda: collector.agent("dan").repeated == 2)

        (event,) = collector.ear.traces
        assert (event.vantage, event.subject, event.data) == ("dan", "dan/city/primary", {"last": "10.0.0.1"})

    async def test_is_recorded_with_its_own_times_and_that_of_its_coming(self, collector, dan):
        entry = dan.entry(1, at=time.time() - 3600, data={"now": "down"})

        await dan.tell(0, 1, [entry])
        await acknowledged(collector, dan, 1)

        (event,) = collector.archive.events.values()

        assert (event.vantage, event.boot, event.seq, event.at) == ("dan", "boot-1", 1, entry["at"])
        assert event.data == {"now": "down"}
        assert time.time() - 10 < event.received_at <= time.time()
        assert collector.agent().gathered == 1

    async def test_is_not_acknowledged_before_it_is_recorded(self, broker, dan):
        async with collecting(broker.port) as collector:
            collector.archive.good.clear()
            await dan.tell(0, 3)
            await asyncio.sleep(0.5)
            early = list(dan.acks)

            collector.archive.good.set()
            await acknowledged(collector, dan, 3)

        assert early == []

    async def test_that_comes_twice_is_recorded_once_and_acknowledged_twice(self, collector, dan):
        await dan.tell(0, 3)
        await dan.tell(0, 3)

        await collector.until(lambda: len(dan.acks) == 2)

        assert collector.archive.of("dan") == numbers(1, 3)
        assert collector.agent().repeated == 3

    async def test_that_overlaps_what_is_recorded_brings_only_what_is_new(self, collector, dan):
        await dan.tell(0, 3)
        await dan.tell(2, 5)

        await acknowledged(collector, dan, 5)

        assert collector.archive.of("dan") == numbers(1, 5)
        assert collector.agent().repeated == 1

    async def test_with_something_missing_before_it_is_answered_with_where_to_send_from(self, collector, dan):
        await dan.tell(0, 3)
        await acknowledged(collector, dan, 3)

        await dan.tell(5, 7)
        await collector.until(lambda: dan.acks[-1]["gap"])
        gap = dan.acks[-1]
        await dan.tell(3, 7)
        await acknowledged(collector, dan, 7)

        assert gap["position"] == 3
        assert collector.archive.of("dan") == numbers(1, 7)
        assert dan.acks[-1]["gap"] is False

    async def test_a_gap_is_told_once_for_all_the_chunks_behind_it(self, collector, dan):
        await dan.tell(0, 1)
        for after in range(5, 15):
            await dan.tell(after, after + 1)

        await collector.until(lambda: dan.acks and dan.acks[-1]["gap"])
        await asyncio.sleep(0.3)

        assert [ack["gap"] for ack in dan.acks] == [False, True]

    async def test_without_entries_moves_the_position_on(self, collector, dan):
        await dan.tell(0, 3)

        await dan.tell(3, 900, [])
        await acknowledged(collector, dan, 900)

        assert collector.archive.of("dan") == numbers(1, 3)

    async def test_of_a_log_that_begins_anew_is_taken_from_its_beginning(self, collector, dan):
        await dan.tell(0, 500, [dan.entry(seq) for seq in range(1, 10)])
        await acknowledged(collector, dan, 500)

        dan.log, dan.boot = "log-2", "boot-2"
        await dan.tell(0, 2)
        await acknowledged(collector, dan, 2, "log-2")

        assert collector.archive.of("dan") == numbers(1, 9) + numbers(1, 2, "boot-2")

    async def test_of_a_log_that_we_do_not_have_is_asked_for_from_its_beginning(self, collector, dan):
        await dan.tell(500, 502)

        await acknowledged(collector, dan, 0)

        assert dan.acks[-1]["gap"] is True
        assert collector.archive.of("dan") == []

    async def test_of_a_second_daemon_does_not_tear_a_hole_into_the_log_of_the_first(self, broker, collector):
        with mouth(broker.port, boot="one", log="log-one") as one:
            await one.beat()
            await one.tell(0, 3)
            await acknowledged(collector, one, 3, "log-one")
            with mouth(broker.port, boot="two", log="log-two") as two:
                await two.beat()
                await collector.until(lambda: collector.agent().boot == "two")
                await two.tell(0, 2)
                await acknowledged(collector, two, 2, "log-two")
                await one.tell(5, 6)
                await one.beat()
                await collector.told("agent_doubled")
                await two.tell(2, 4)
                await acknowledged(collector, two, 4, "log-two")

        assert collector.archive.of("dan") == numbers(1, 3, "one") + numbers(1, 4, "two")
        assert (await collector.archive.gathered("dan")).log == "log-two"

    async def test_of_a_past_boot_in_the_log_that_goes_on_is_taken(self, broker, collector, dan):
        await dan.beat()
        await dan.tell(0, 1)
        with mouth(broker.port, boot="boot-2") as two:
            await two.beat()
            await collector.until(lambda: collector.agent().boot == "boot-2")

            await dan.tell(1, 2)
            await acknowledged(collector, dan, 2)

        assert collector.archive.of("dan") == numbers(1, 2)


@pytest.mark.server
@needs_mosquitto
class TestAnAcknowledgement:
    """It is kept at the broker, and told again to whoever has missed it."""

    async def test_is_found_by_an_agent_that_comes_later(self, broker, collector, dan):
        await dan.tell(0, 3)
        await acknowledged(collector, dan, 3)

        with mouth(broker.port, session=2) as again:
            await acknowledged(collector, again, 3)

        assert again.acks[-1]["collector"] == "city"

    async def test_is_told_anew_by_a_collector_that_starts(self, broker, dan):
        archive = MemoryArchive()
        async with collecting(broker.port, archive) as collector:
            await dan.tell(0, 3)
            await acknowledged(collector, dan, 3)
        broker.kill()
        await broker.start()

        async with collecting(broker.port, archive) as collector:
            with mouth(broker.port, session=2) as again:
                await acknowledged(collector, again, 3)

        assert again.acks[-1]["gap"] is False

    async def test_is_told_again_to_an_agent_that_does_not_know_of_it(self, collector, dan):
        await dan.tell(0, 3)
        await acknowledged(collector, dan, 3)
        dan.acks.clear()

        await dan.beat(acknowledged=1)

        await acknowledged(collector, dan, 3)

        assert dan.acks[-1]["gap"] is False

    async def test_goes_back_if_we_have_lost_what_we_had(self, broker, dan):
        async with collecting(broker.port) as collector:
            await dan.tell(0, 3)
            await acknowledged(collector, dan, 3)
            collector.archive.known["dan"] = Gathered("log-1", 1, ("boot-1",))

            await dan.beat(acknowledged=3)

            await acknowledged(collector, dan, 1)

        assert dan.acks[-1]["gap"] is True

    @pytest.mark.parametrize(
        "known", [Gathered(), Gathered("log-0", 7, ("boot-0",))], ids=["none", "another"]
    )
    async def test_asks_for_all_of_a_log_of_which_we_have_nothing(self, broker, dan, known):
        async with collecting(broker.port) as collector:
            collector.archive.known["dan"] = known

            await dan.beat(acknowledged=3)

            await acknowledged(collector, dan, 0)

        assert (dan.acks[-1]["log"], dan.acks[-1]["gap"]) == ("log-1", True)


@pytest.mark.server
@needs_mosquitto
class TestABadDisk:
    """It holds up logs, for as long as it takes, and nothing else."""

    async def test_does_not_delay_live_words_nor_end_the_session_nor_lose_anything(
        self, collector, dan, tmp_path
    ):
        async with beating(dan):
            with locked(log_file(tmp_path, "city")):
                for after in range(0, 40, 2):
                    await dan.tell(after, after + 2)
                for number in range(5):
                    began = time.monotonic()
                    await believed(collector, dan, f"r{number}")
                    assert time.monotonic() - began < 0.5
                    await asyncio.sleep(0.8)
                early, trouble = list(dan.acks), collector.vitals.trouble
            await acknowledged(collector, dan, 40)

        assert early == []
        assert trouble == ""
        assert collector.vitals.reconnects == 0
        assert collector.archive.of("dan") == numbers(1, 40)

    async def test_holds_up_poison_without_holding_up_words(self, broker, dan):
        async with collecting(broker.port) as collector:
            collector.archive.good.clear()
            for _ in range(300):
                dan.client.publish(dan.topic("daemon"), b"poison", 1)
            await believed(collector, dan, "r")

            collector.archive.good.set()
            await collector.until(lambda: len(collector.archive.kept) >= 100)

        assert collector.agent().refused == 300


async def believed(collector, dan, reason):
    """Believe something and wait until it is held."""
    await dan.believe(verdict="down", reason=reason)
    held = collector.world.heard.setdefault("dan", {})
    await collector.until(lambda: CHECK in held and held[CHECK].reason == reason)


@pytest.mark.server
@needs_mosquitto
async def test_what_was_said_while_we_were_down_is_taken_in_afterwards(broker, dan):
    archive = MemoryArchive()
    async with collecting(broker.port, archive):
        pass
    for after in range(10):
        await dan.tell(after, after + 1)

    async with collecting(broker.port, archive) as collector:
        await acknowledged(collector, dan, 10)

    assert archive.of("dan") == numbers(1, 10)


@pytest.mark.server
@needs_mosquitto
async def test_a_report_is_taken_in_to_its_end_though_the_broker_is_killed_again_and_again(broker):
    # The broker's persistence is off: all that it had taken is lost each time.
    journal, world = MemoryJournal(), world_of("danjiangkou/province/primary/icmp")
    journal.record(*events(3000))
    at = {"inventory": city("danjiangkou")}
    async with collecting(broker.port, **at) as collector, reporting(broker.port, world, journal):
        for share in (500, 1500):
            await collector.until(lambda n=share: len(collector.archive.events) > n, 30)
            broker.kill()
            await broker.start()
        await collector.until(lambda: len(collector.archive.events) == 3000, 30)

    assert collector.archive.of("danjiangkou") == numbers(1, 3000)


CHUNKS = st.tuples(st.integers(0, 20), st.integers(0, 6))


def chunk(after, length, log="log-1"):
    return Chunk(
        vantage="dan",
        boot="b",
        session=1,
        n=1,
        sent_at=0.0,
        log=log,
        after=after,
        upto=after + length,
        entries=(),
    )


@given(st.lists(CHUNKS, max_size=60))
def test_whatever_the_order_of_chunks_the_position_never_passes_a_hole(chunks):
    known, covered = Gathered("log-1", 0), set()
    for after, length in chunks:
        piece = chunk(after, length)
        if fit(known, piece, past=False) is Fit.NEXT:
            covered |= set(range(after + 1, piece.upto + 1))
            known = Gathered("log-1", max(piece.upto, known.position))

    assert covered == set(range(1, known.position + 1))


@given(st.lists(CHUNKS, max_size=40))
def test_what_is_known_is_never_asked_for_again(chunks):
    known = Gathered("log-1", 10)
    found = [fit(known, chunk(after, length), past=False) for after, length in chunks if after + length <= 10]

    assert set(found) <= {Fit.KNOWN}
