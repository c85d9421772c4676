"""The board: answers what it is asked, at once, whatever other clients do."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from monitor.board.ring import KEPT, LARGEST, Ring
from monitor.board.server import MOST_STREAMS, Board, BoardOptions
from monitor.core.health import Health
from monitor.errors import ConfigError
from monitor.outputs.prometheus import Metrics
from tests.board import city
from tests.board.conftest import HandFeed, event


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


async def fetch(client, url, **headers):
    async with client.get(url, headers=headers) as answer:
        return answer, await answer.text()


async def read_event(stream):
    """Read one server-sent event as a dict of its fields; comments are passed over."""
    fields = {}
    while True:
        line = (await stream.readline()).decode().rstrip("\n")
        if not line and fields:
            return fields
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value


async def test_the_status_tells_the_whole_city(serve, client):
    async with serve(city.cut()) as it:
        answer, text = await fetch(client, f"{it.url}/api/v1/status")
        status = json.loads(text)
        center = next(c for c in status["centers"] if c["id"] == "danjiangkou")

        assert answer.content_type == "application/json"
        assert status["city"] == {"zh": "十堰市", "en": "Shiyan"}
        assert (status["boot"], status["at"]) == ("boot-1", city.NOW)
        assert (center["health"], center["since"]) == ("down", city.NOW - 90)
        circuit = center["links"][1]["circuits"][0]
        assert circuit["carrier"]["hotline"] == "10000"
        assert (circuit["rtt"], circuit["loss"]) == (None, 1.0)


async def test_no_telephone_number_and_no_address_of_a_contact_leaves(serve, client):
    async with serve(city.cut()) as it:
        for path in ("/api/v1/status", "/metrics"):
            _, text = await fetch(client, it.url + path)

            assert city.PHONE not in text
            assert "王值班" not in text


async def test_healthy_at_once_but_ready_only_when_the_daemon_watches(serve, client):
    async with serve(city.world()) as it:
        it.vitals.ready = False
        healthy, _ = await fetch(client, f"{it.url}/-/healthy")
        before, _ = await fetch(client, f"{it.url}/-/ready")
        it.vitals.ready = True
        after, _ = await fetch(client, f"{it.url}/-/ready")

        assert (healthy.status, before.status, after.status) == (200, 503, 200)


async def test_an_unknown_path_is_not_found_and_says_no_more(serve, client):
    async with serve(city.world()) as it:
        for path in ("/", "/api/v1/status/", "/metrics/x", "/static/..%2f..%2fetc/passwd", "/%00"):
            answer, text = await fetch(client, it.url + path)

            assert (answer.status, text) == (404, "not found\n")


async def test_every_answer_carries_the_security_headers(serve, client):
    async with serve(city.world()) as it:
        for path in ("/metrics", "/api/v1/status", "/nowhere"):
            answer, _ = await fetch(client, it.url + path)

            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "aiohttp" not in answer.headers["Server"].lower()


async def test_events_arrive_as_they_happen(serve, client):
    async with serve(city.world()) as it, client.get(f"{it.url}/api/v1/events") as stream:
        async with asyncio.timeout(5):
            hello = await read_event(stream.content)
            it.feed.tell(event(7))
            told = await read_event(stream.content)

        assert json.loads(hello["data"]) == {"boot": "boot-1", "latest": 0, "missed": False}
        assert (told["id"], told["event"]) == ("7", "status")
        assert json.loads(told["data"]) == {
            "position": 7,
            "vantage": "shiyan",
            "boot": "boot-1",
            "seq": 7,
            "at": city.NOW,
            "kind": "status",
            "subject": "danjiangkou",
            "data": {"now": "down"},
        }


@pytest.mark.parametrize(("age", "late"), [(0.2, False), (600.0, True)])
async def test_what_another_vantage_saw_says_when_it_came_and_whether_it_is_history(serve, client, age, late):
    other = {"vantage": "maojian", "boot": "boot-m", "seq": 3, "received_at": city.NOW + age}
    async with serve(city.world()) as it, client.get(f"{it.url}/api/v1/events") as stream:
        async with asyncio.timeout(5):
            await read_event(stream.content)
            it.feed.tell(event(7, "maojian", **other))
            told = await read_event(stream.content)
        data = json.loads(told["data"])

        assert told["id"] == "7"
        assert {key: data[key] for key in other} == other
        assert (data["at"], data["late"]) == (city.NOW, late)


async def test_who_comes_back_gets_what_was_missed_and_hears_of_a_gap(serve, client):
    async with serve(city.world()) as it:
        it.feed.tell(*(event(seq) for seq in range(1, 1_501)))
        async with asyncio.timeout(5):
            while it.vitals.outputs["http"].delivered < 1_500:
                await asyncio.sleep(0)
            _, kept = await fetch(client, f"{it.url}/api/v1/events?after=1490&timeout=0")
            _, gone = await fetch(client, f"{it.url}/api/v1/events?after=3&timeout=1")
            _, named = await fetch(client, f"{it.url}/api/v1/events?timeout=1", **{"Last-Event-ID": "1499"})

        assert '"missed": false' in kept
        assert '"missed": true' in gone
        assert (gone.count("id: "), named.count("id: ")) == (1_000, 1)


async def resumed(client, it, after):
    _, text = await fetch(client, f"{it.url}/api/v1/events?after={after}&timeout=1")
    hello = next(line for line in text.splitlines() if line.startswith("data: "))
    ids = [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]
    return json.loads(hello[6:]), ids


@pytest.fixture
def started(serve):
    """Serve a daemon that found its log at position 500, and has told two events since."""

    @asynccontextmanager
    async def serving():
        async with serve(city.world(), begun=500) as it:
            it.feed.tell(event(503), event(505))
            async with asyncio.timeout(5):
                while it.vitals.outputs["http"].delivered < 2:
                    await asyncio.sleep(0)
            yield it

    return serving


async def test_a_restart_is_no_gap_for_who_had_heard_all_before_it(started, client):
    async with started() as it:
        hello, ids = await resumed(client, it, 500)

        assert (hello["latest"], hello["missed"], ids) == (505, False, [503, 505])


async def test_positions_between_events_are_no_gap(started, client):
    async with started() as it:
        hello, ids = await resumed(client, it, 504)

        assert (hello["missed"], ids) == (False, [505])


async def test_who_had_not_heard_all_before_a_restart_is_told_of_the_gap(started, client):
    async with started() as it:
        hello, ids = await resumed(client, it, 499)

        assert (hello["missed"], ids) == (True, [503, 505])


async def test_a_position_of_another_log_gets_all_there_is_and_hears_of_the_gap(started, client):
    async with started() as it:
        hello, ids = await resumed(client, it, 9_000)

        assert (hello["missed"], ids) == (True, [503, 505])


async def test_an_event_out_of_its_turn_reaches_whoever_follows_and_whoever_comes_back(serve, client):
    async with serve(city.world()) as it, client.get(f"{it.url}/api/v1/events") as stream:
        async with asyncio.timeout(5):
            await read_event(stream.content)
            it.feed.tell(event(8))
            it.feed.tell(event(5), event(9))
            told = [(await read_event(stream.content))["id"] for _ in range(3)]
        hello, after_eight = await resumed(client, it, 8)
        _, after_five = await resumed(client, it, 5)

        assert told == ["8", "5", "9"]
        assert (hello["latest"], hello["missed"], after_eight, after_five) == (9, False, [5, 9], [9])


async def test_a_follower_too_slow_for_the_ring_is_told_that_it_missed_something():
    ring = Ring()
    stream = ring.follow(None, "boot-1", 5)
    await anext(stream)
    ring.add([event(position) for position in range(1, KEPT + 6)], {})
    told = await anext(stream)
    await stream.aclose()

    assert told.startswith(b"event: missed\ndata: {}\n\nid: 6\n")
    assert told.count(b"id: ") == KEPT


async def test_few_large_events_take_no_more_memory_than_many_small_ones():
    ring, large = Ring(), {"now": "down", "evidence": ["x" * 100] * 400}
    stream = ring.follow(None, "boot-1", 5)
    await anext(stream)
    ring.add([event(position, data=large) for position in range(1, 101)], {})
    told = await anext(stream)
    await stream.aclose()

    assert LARGEST * 0.9 < len(told) <= LARGEST + len(b"event: missed\ndata: {}\n\n")
    assert told.endswith(b"\n\n")


async def test_events_that_were_lost_on_the_way_leave_a_mark_where_they_were(serve, client):
    async with serve(city.world()) as it, client.get(f"{it.url}/api/v1/events") as stream:
        async with asyncio.timeout(5):
            await read_event(stream.content)
            it.feed.tell(event(1))
            it.feed.tell(dropped=3)
            it.feed.tell(event(5))
            told = [(await read_event(stream.content)) for _ in range(3)]
        _, again = await resumed(client, it, 0)

        assert [(one["event"], one.get("id")) for one in told] == [
            ("status", "1"),
            ("missed", None),
            ("status", "5"),
        ]
        assert again == [1, 5]


async def test_a_number_that_is_none_is_refused(serve, client):
    async with serve(city.world()) as it:
        answer, _ = await fetch(client, f"{it.url}/api/v1/events?after=-1")

        assert answer.status == 400


async def test_followers_are_limited_so_that_others_find_a_place(serve, client):
    async with serve(city.world()) as it:
        streams = [await client.get(f"{it.url}/api/v1/events") for _ in range(MOST_STREAMS)]
        for stream in streams:
            await read_event(stream.content)
        refused, _ = await fetch(client, f"{it.url}/api/v1/events")
        other, _ = await fetch(client, f"{it.url}/-/healthy")
        for stream in streams:
            stream.close()
        async with asyncio.timeout(5):
            while (await fetch(client, f"{it.url}/api/v1/events?timeout=1"))[0].status != 200:
                await asyncio.sleep(0)

        assert (refused.status, other.status) == (503, 200)


async def test_an_address_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        board = Board(BoardOptions(port=port), Metrics(city.world, city.vitals()), vitals := city.vitals())

        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}: .*in use"):
            await board.run(HandFeed(city.world()))
        assert not vitals.outputs["http"].connected


@pytest.mark.parametrize("listen", ["localhost", "monitor.example", "", "127.0.0.1:80"])
def test_a_name_is_no_address_to_listen_on(listen):
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        BoardOptions(listen=listen)


async def test_the_world_is_read_when_asked_not_before(serve, client):
    async with serve(city.world()) as it:
        it.feed.world = city.cut()
        _, text = await fetch(client, f"{it.url}/api/v1/status")

        assert json.loads(text)["centers"][1]["health"] == Health.DOWN.value
