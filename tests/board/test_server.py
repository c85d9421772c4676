"""The board: answers what it is asked, at once, whatever other clients do."""

import asyncio
import json
import socket

import aiohttp
import pytest

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
        assert json.loads(told["data"])["subject"] == "danjiangkou"


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
