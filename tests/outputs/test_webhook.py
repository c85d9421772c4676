"""webhook: each event that is wanted comes, signed and in order, until the receiver has said yes."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json

import pytest
from pydantic import ValidationError

from monitor.core.incident import Stage
from monitor.core.story_facts import incident_facts
from monitor.core.vitals import Vitals
from monitor.outputs.webhook import WebhookOptions, WebhookOutput
from tests.board import city
from tests.board.conftest import HandFeed, event
from tests.outputs.receiver import receiving


class Feed(HandFeed):
    """A feed that remembers what it was told."""

    place = 0

    def told(self, position):
        self.place = position


@contextlib.asynccontextmanager
async def telling(url, **options):
    """Run the output while the block runs; lend it and its feed."""
    feed = Feed(city.world())
    output = WebhookOutput("hall", WebhookOptions(url=url, **options), Vitals(), lambda: ["张伟"])
    run = asyncio.create_task(output.run(feed))
    try:
        yield output, feed
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def confirmed(position):
    world = city.world()
    story = world.stories[city.blame(world, "yunyang/province/primary", Stage.CONFIRMED)]
    return event(position, "yunyang/province/primary", kind="incident", data=incident_facts(story))


async def test_an_incident_comes_with_its_sentence_and_who_is_on_duty():
    async with receiving() as receiver, telling(receiver.url) as (output, feed):
        feed.tell(confirmed(7))
        await until(lambda: feed.place == 7)
        headers, body = receiver.heard[0]

    told = json.loads(body)
    assert (told["id"], told["kind"], told["on_duty"]) == ("shiyan/boot-1/7", "incident", ["张伟"])
    assert "郧阳" in told["data"]["sentence"]["zh"]
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == "shiyan/boot-1/7"
    assert (output.own.connected, output.own.delivered, output.own.trouble) == (True, 1, "")


async def test_what_was_not_asked_for_and_what_other_vantages_saw_is_passed_over():
    async with receiving() as receiver, telling(receiver.url) as (_, feed):
        feed.tell(event(1), confirmed(2), event(3, kind="incident", received_at=city.NOW))
        await until(lambda: feed.place == 3)

    assert len(receiver.heard) == 1


async def test_the_signature_is_that_of_standard_webhooks_and_no_secret_means_none():
    async with receiving() as receiver:
        async with telling(receiver.url, password="s3cret") as (_, feed):  # noqa: S106 - no secret
            feed.tell(confirmed(1))
            await receiver.until(1)
        async with telling(receiver.url) as (_, feed):
            feed.tell(confirmed(1))
            await receiver.until(2)
    (headers, body), (plain, _) = receiver.heard
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(b"s3cret", text, hashlib.sha256)).decode()

    assert headers["webhook-signature"] == f"v1,{expected}"
    assert "webhook-signature" not in plain


@pytest.mark.parametrize("status", [500, 503, 401, 404, 302])
async def test_what_may_be_mended_is_tried_again_as_the_same_message(status):
    async with receiving(status, 200) as receiver, telling(receiver.url) as (output, feed):
        feed.tell(confirmed(1), confirmed(2))
        await until(lambda: feed.place == 2)

    names = [headers["webhook-id"] for headers, _ in receiver.heard]
    assert names == ["shiyan/boot-1/1", "shiyan/boot-1/1", "shiyan/boot-1/2"]
    assert (output.own.delivered, output.own.failed, output.own.trouble) == (2, 1, "")


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_message_that_will_never_be_taken_holds_nothing_up(status):
    async with receiving(status, 200) as receiver, telling(receiver.url) as (output, feed):
        feed.tell(confirmed(1))
        await until(lambda: feed.place == 1)
        refused = output.own.trouble
        feed.tell(confirmed(2))
        await until(lambda: feed.place == 2)

    assert refused == f"status {status} because"
    assert len(receiver.heard) == 2
    assert output.own.delivered == 1


async def test_a_receiver_that_asks_for_time_gets_it():
    async with receiving((429, {"Retry-After": "2"}), 200) as receiver, telling(receiver.url) as (_, feed):
        began = asyncio.get_running_loop().time()
        feed.tell(confirmed(1))
        await receiver.until(2)
        took = asyncio.get_running_loop().time() - began

    assert took >= 2.0


async def test_nothing_is_passed_over_while_nobody_answers():
    async with receiving() as receiver:
        url = receiver.url
    async with telling(url) as (output, feed):
        feed.tell(confirmed(1))
        await until(lambda: output.own.failed >= 1)

        assert feed.place == 0
        assert not output.own.connected
        assert output.own.trouble


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "http://user:secret@host/", "nonsense"])
def test_only_a_plain_address_is_taken(url):
    with pytest.raises(ValidationError):
        WebhookOptions(url=url)
