"""mqtt ear: events are heard while there is room, changes always, and what was read is never forgotten."""

import asyncio

import pytest

from monitor.outputs.mqtt.ear import Ear
from monitor.ports import News
from tests.board import city
from tests.outputs.mqtt_ground import WaitingFeed, event


class Ground:
    """An ear at a feed, with as much room as the test wants."""

    def __init__(self):
        self.feed = WaitingFeed(city.world())
        self.room = True
        self.ear = Ear(self.feed, lambda: self.room)


@pytest.fixture
async def ground():
    it = Ground()
    yield it
    it.ear.close()


def numbers(news):
    return [e.seq for e in news.events]


async def test_without_room_changes_are_heard_and_events_wait(ground):
    ground.room = False
    ground.feed.tell(event(1), changed=["a"])
    without = await ground.ear.news()
    ground.room = True
    with_room = await ground.ear.news()

    assert (without.events, without.changed) == ((), {"a"})
    assert numbers(with_room) == [1]


async def test_room_that_comes_while_it_waits_for_changes_lets_it_hear_events(ground):
    ground.room = False
    ground.feed.tell(event(1))
    hearing = asyncio.create_task(ground.ear.news())
    await asyncio.sleep(0)
    ground.ear.listen()  # no room yet: nothing changes
    await asyncio.sleep(0)
    waited = not hearing.done()
    ground.room = True
    ground.ear.listen()
    nothing = await hearing

    assert waited
    assert nothing.events == ()
    assert numbers(await ground.ear.news()) == [1]


class SlowFeed(WaitingFeed):
    """Takes its time between taking events from the log and handing them over."""

    def __init__(self, world):
        super().__init__(world)
        self.reading = asyncio.Event()
        self.go = asyncio.Event()

    async def news(self, timeout=None, *, events=True) -> News:  # noqa: ASYNC109 - the port's
        news = await super().news(timeout, events=events)
        self.reading.set()
        await self.go.wait()
        return news


async def test_who_is_cancelled_while_events_are_read_leaves_them_for_the_next():
    feed = SlowFeed(city.world())
    ear = Ear(feed, lambda: True)
    feed.tell(event(1), event(2))
    hearing = asyncio.create_task(ear.news())
    await feed.reading.wait()
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    feed.go.set()

    assert numbers(await ear.latest()) == [1, 2]


async def test_the_latest_is_nothing_when_there_is_nothing(ground):
    assert await ground.ear.latest() == News((), frozenset())


async def test_a_feed_that_fails_is_not_hidden():
    class Broken(WaitingFeed):
        async def news(self, timeout=None, *, events=True):  # noqa: ASYNC109, ARG002 - the port's
            raise RuntimeError("no log")

    with pytest.raises(RuntimeError, match="no log"):
        await Ear(Broken(city.world()), lambda: True).news()
