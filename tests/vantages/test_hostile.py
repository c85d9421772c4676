"""A hostile agent: whatever it says is acknowledged, counted and kept aside, and harms nobody else."""

import asyncio
import json
import sys
import time

import pytest

from monitor.core.agent import Presence
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.collect_ground import CHECK, LONG_AGO, Mouth, beating, checks, collecting, mouth, on_disk

pytestmark = [pytest.mark.server, needs_mosquitto]


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


def nested(levels):
    data = {}
    for _ in range(levels):
        data = {"a": data}
    return data


def raw(word):
    return json.dumps(word).encode()


WORDS = {
    "is not JSON": lambda _: ("daemon", b"poison"),
    "is not UTF-8": lambda a: ("daemon", raw(a.daemon_word(version="\u00e9")).replace(b"\\u00e9", b"\xe9")),
    "is a list": lambda _: ("daemon", b"[1, 2]"),
    "is a number with more digits than there are atoms": lambda _: ("daemon", b"9" * 60_000),
    "is deeper than any stack": lambda _: ("daemon", b"[" * 60_000),
    "is as large as a packet": lambda _: ("daemon", b"x" * 65_000),
    "lacks what it must have": lambda _: ("daemon", raw({"vantage": "dan"})),
    "is in a state that there is not": lambda a: ("daemon", raw(a.daemon_word("asleep"))),
    "was sent at no time": lambda a: ("daemon", raw(a.daemon_word(sent_at=float("nan")))),
    "was sent at the end of time": lambda a: ("daemon", raw(a.daemon_word(sent_at=1e300))),
    "names another vantage": lambda a: ("daemon", raw(a.daemon_word(vantage="yun"))),
    "names a vantage that is a filter": lambda a: ("daemon", raw(a.daemon_word(vantage="+"))),
    "counts with a sign": lambda a: ("daemon", raw(a.daemon_word(n=-1))),
    "counts beyond all numbers": lambda a: ("daemon", raw(a.daemon_word(n=2**70))),
    "has a boot of a kilobyte": lambda a: ("daemon", raw(a.daemon_word(boot="b" * 1000))),
    "believes of another check than its topic": lambda a: (
        f"belief/{CHECK}", raw(a.belief_word(checks("dan")[1]))
    ),
    "believes of another center": lambda a: (
        f"belief/{checks('yun')[0]}", raw(a.belief_word(checks("yun")[0]))
    ),
    "believes of a check that nobody declared": lambda a: (
        "belief/dan/label-bomb", raw(a.belief_word("dan/label-bomb"))
    ),
    "believes of another subject than the check's": lambda a: (
        f"belief/{CHECK}", raw(a.belief_word(CHECK, subject="dan/city/backup"))
    ),
    "has lost more than all": lambda a: (f"belief/{CHECK}", raw(a.belief_word(CHECK, loss=float("inf")))),
    "holds for ever": lambda a: (f"belief/{CHECK}", raw(a.belief_word(CHECK, valid_for=1e9))),
}  # fmt: skip

CHUNKS = {
    "is not JSON": lambda _: b"poison",
    "goes backwards": lambda a: raw(a.chunk_word(5, 2, [])),
    "has entries but no positions": lambda a: raw(a.chunk_word(0, 0, [a.entry(1)])),
    "names another vantage": lambda a: raw(a.chunk_word(0, 1, vantage="yun")),
    "has more entries than a chunk may": lambda a: raw(
        a.chunk_word(0, 500, [a.entry(n, data={}) for n in range(1, 300)])
    ),
    "is of no log": lambda a: raw(a.chunk_word(0, 1, log="")),
}  # fmt: skip

ENTRIES = {
    "is about another center": lambda a: a.entry(2, subject="yun/province"),
    "is about a network that it does not look at": lambda a: a.entry(2, subject="network/city"),
    "is about a center that there is not": lambda a: a.entry(2, subject="nowhere/province/primary"),
    "is about a daemon that there is not": lambda a: a.entry(2, kind="daemon", subject="nowhere"),
    "is of a kind that there is not": lambda a: a.entry(2, kind="rumour"),
    "has no number": lambda a: a.entry(0),
    "comes out of order": lambda a: a.entry(1),
    "is deeper than anybody needs": lambda a: a.entry(2, data=nested(50)),
    "has a value that is no number": lambda a: a.entry(2, data={"rtt": float("nan")}),
    "has a whole number beyond 64 bits": lambda a: a.entry(2, data={"n": 2**80}),
    "has more values than anybody needs": lambda a: a.entry(2, data={str(n): n for n in range(1200)}),
    "has a key of a kilobyte": lambda a: a.entry(2, data={"k" * 1000: 1}),
    "is not an entry at all": lambda _: "entry",
}


@pytest.mark.parametrize("poison", WORDS.values(), ids=WORDS.keys())
async def test_a_word_is_refused_that(collector, dan, poison):
    where, payload = poison(dan)

    await dan.publish(dan.topic(where), payload)
    await collector.until(lambda: collector.agent().refused == 1 and collector.archive.kept)
    await dan.believe()
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))

    vantage, topic, reason, kept = collector.archive.kept[0]

    assert (vantage, topic, kept) == ("dan", dan.topic(where), payload)
    assert 0 < len(reason) <= 200
    assert reason.isprintable()
    assert collector.whats() == ["agent_online"]
    assert set(collector.world.agents) == {"dan", "yun", "wu"}
    assert collector.world.heard.keys() <= {"dan"}
    assert collector.vitals.reconnects == 0


@pytest.mark.parametrize("poison", CHUNKS.values(), ids=CHUNKS.keys())
async def test_a_chunk_is_refused_that(collector, dan, poison):
    await dan.publish(dan.topic("log"), poison(dan))
    await collector.until(lambda: collector.agent().refused == 1 and collector.archive.kept)
    await dan.tell(0, 3)
    await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 3)

    assert collector.archive.of("dan") == [("boot-1", seq) for seq in (1, 2, 3)]
    assert collector.vitals.reconnects == 0


@pytest.mark.parametrize("poison", ENTRIES.values(), ids=ENTRIES.keys())
async def test_only_the_entry_is_refused_that(collector, dan, poison):
    await dan.tell(0, 3, [dan.entry(1), poison(dan), dan.entry(3)])
    await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 3)

    assert collector.archive.of("dan") == [("boot-1", 1), ("boot-1", 3)]
    assert collector.agent().refused == 1
    assert len(collector.archive.kept) == 1


async def test_a_wrong_clock_makes_no_event_one_of_the_future(broker):
    with mouth(broker.port, ahead=3600) as dan:
        async with collecting(broker.port) as collector:
            await dan.tell(0, 3)
            await dan.beat()
            await collector.told("agent_online")
            await dan.tell(3, 5)
            await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 5)

    assert collector.agent().refused == 0
    assert len(collector.archive.of("dan")) == 5


async def test_what_was_told_by_a_clock_that_has_been_set_back_since_is_taken_in(collector, dan):
    ahead = dan.now + 3600
    await dan.beat()
    await dan.believe(CHECK, since=ahead)
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))
    since = collector.world.heard["dan"][CHECK].since
    await dan.tell(0, 2, [dan.entry(1, at=ahead), dan.entry(2)])
    await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 2)

    assert since < ahead - 3000
    assert collector.archive.of("dan") == [("boot-1", 1), ("boot-1", 2)]
    assert collector.agent().refused == 0


@pytest.mark.parametrize("cause", ["vantage/dan/uplink", "network/city", "broker", "yun/province"])
async def test_an_incident_may_have_its_cause_anywhere(collector, dan, cause):
    await dan.tell(0, 1, [dan.entry(1, kind="incident", subject=cause)])
    await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 1)

    assert collector.archive.of("dan") == [("boot-1", 1)]
    assert collector.agent().refused == 0


async def test_a_word_larger_than_we_take_never_reaches_us(collector, dan):
    await dan.publish(dan.topic("daemon"), b"x" * 100_000, retain=True)
    await dan.believe()
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))

    assert collector.agent().refused == 0
    assert collector.vitals.reconnects == 0


async def test_text_of_a_peer_is_made_fit_for_people(collector, dan):
    await dan.tell(0, 1, [dan.entry(1, data={"detail": "\x1b[2J\u202ebad\nline " + "x" * 5000})])
    await collector.until(lambda: dan.acks)

    (event,) = collector.archive.events.values()

    assert event.data["detail"].isprintable()
    assert len(event.data["detail"]) <= 2000


async def test_a_hundred_thousand_names_make_nothing_that_is_counted_by_name(collector, dan):
    async with beating(dan):
        for number in range(500):
            dan.client.publish(
                dan.topic(f"belief/dan/bomb{number}"), raw(dan.belief_word(f"dan/bomb{number}")), 1
            )
        await collector.until(lambda: collector.agent().refused == 500)

    assert collector.world.heard.get("dan", {}) == {}
    assert set(collector.world.agents) == {"dan", "yun", "wu"}


async def test_yesterday_played_back_brings_no_event_and_all_of_it_is_counted(broker, collector):
    yesterday = Mouth(broker.port, ahead=-LONG_AGO).connect()
    await yesterday.beat()
    for seq in range(30):
        await yesterday.believe(reason=f"r{seq}")
        await yesterday.tell(seq, seq + 1)
    await collector.until(lambda: len(collector.archive.events) == 30)
    await yesterday.beat("offline", "stopped")
    await collector.told("agent_stopped")
    with mouth(broker.port, boot="boot-2") as today:
        await today.beat()
        await today.tell(30, 32)
        await collector.until(lambda: len(collector.archive.events) == 32)
        before = collector.agent(), collector.whats()

        for topic, payload, retain in list(yesterday.recorded) * 2:
            if not retain or topic != yesterday.topic("daemon"):
                yesterday.client.publish(topic, payload, 1)
        await collector.until(lambda: collector.agent().repeated >= 120)
        await today.believe()
        await collector.until(lambda: collector.agent().repeated >= 120)
    yesterday.close()

    assert len(collector.archive.events) == 32
    assert collector.whats() == before[1]
    assert collector.agent().boot == "boot-2"
    assert collector.agent().refused == 0
    assert not collector.agent().duplicate


async def test_who_comes_and_goes_all_the_time_does_not_fill_our_log(collector, dan):
    for _ in range(200):
        dan.session += 1
        await dan.beat()
        await dan.beat("offline", "stopped")
    dan.session += 1
    await dan.believe()
    await collector.until(lambda: CHECK in collector.world.heard.get("dan", {}))

    assert 20 < len(collector.whats()) <= 31


async def flooding(port, vantage, what, rate, seconds):
    words = ("-m", "tests.vantages.flood", str(port), vantage, what, str(rate), str(seconds))
    return await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.DEVNULL)


@pytest.mark.parametrize("what", ["belief", "poison", "log"])
async def test_a_flood_is_shut_out_and_the_others_are_heard_meanwhile(broker, what):
    async with collecting(broker.port, shut=2.0) as collector:
        with mouth(broker.port) as dan:
            async with beating(dan):
                flood = await flooding(broker.port, "yun", what, 5000, 3)
                began, delays = time.monotonic(), []
                shut_at = None
                number = 0
                while flood.returncode is None:
                    sent = time.monotonic()
                    await dan.believe(reason=f"r{number}", valid_for=30)
                    await collector.until(
                        lambda n=number: (
                            (h := collector.world.heard.get("dan", {}).get(CHECK)) and h.reason == f"r{n}"
                        )
                    )
                    delays.append(time.monotonic() - sent)
                    if shut_at is None and collector.agent("yun").quarantined:
                        shut_at = time.monotonic() - began
                    number += 1
                    await asyncio.sleep(0.02)
                with mouth(broker.port, "yun", boot="after", session=9) as yun:
                    await collector.until(lambda: not collector.agent("yun").quarantined, 30)
                    async with beating(yun):
                        await collector.until(lambda: collector.agent("yun").presence is Presence.ONLINE)

    assert shut_at is not None
    assert shut_at < 10
    assert max(delays) < 2
    assert collector.whats("yun").count("agent_flooding") == 1
    assert not collector.agent("dan").quarantined
    assert collector.vitals.reconnects == 0


async def test_a_backlog_is_no_flood(collector, dan):
    for after in range(0, 100_000, 200):
        dan.client.publish(
            dan.topic("log"), raw(dan.chunk_word(after, after + 200, [dan.entry(after + 1, data={})])), 1
        )
    await collector.until(lambda: dan.acks and dan.acks[-1]["position"] == 100_000, 60)

    assert collector.agent().gathered == 500
    assert "agent_flooding" not in collector.whats()
