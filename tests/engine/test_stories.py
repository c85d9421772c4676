"""stories: what is told of every open incident stands in the world, as things are now, and is counted."""

import asyncio

from tests.engine.city import SILENT, Script, city, hear, running
from tests.engine.test_diagnosing import incident, well

PRIMARY, BACKUP = "dan/city/primary", "dan/city/backup"


async def told(feed, names, seconds=20.0):
    """Read *feed* until it says that each of these incidents has changed; return the events with it."""
    heard, seen = [], set()
    async with asyncio.timeout(seconds):
        while not names <= seen:
            news = await feed.news()
            heard += news.events
            seen |= news.incidents
    return heard


async def test_an_open_incident_has_a_story_and_a_closed_one_has_none():
    script = Script()
    async with running(city(centers=("dan", "fang")), script, hold=1.0) as (engine, feed):
        await well(engine)
        script.says[PRIMARY] = SILENT
        confirmed, _ = await hear(feed, incident("confirmed"))
        (story,) = engine.world.stories.values()
        named = [engine.world.incidents_of(subject) for subject in (PRIMARY, "dan/city", "dan", BACKUP)]
        script.says.clear()
        closed, _ = await hear(feed, incident("closed"))

    assert story.sentence == confirmed.data["sentence"]
    assert named == [(story.incident.id,)] * 3 + [()]
    assert story.touched == {PRIMARY, "dan/city", "dan"}
    assert closed.data["closed_at"] >= closed.data["recovering_at"] > closed.data["since"]
    assert not engine.world.stories
    assert (engine.vitals.incidents_confirmed, engine.vitals.incidents_withdrawn) == ({"circuit": 1}, {})


async def test_what_another_fault_makes_of_an_incident_is_told_without_an_event_of_its_own():
    script = Script()
    async with running(city(centers=("dan", "fang")), script) as (engine, feed):
        await well(engine)
        script.says[PRIMARY] = SILENT
        first, _ = await hear(feed, incident("confirmed", PRIMARY))
        script.says |= dict.fromkeys([BACKUP, "dan/router"], SILENT)
        await hear(feed, incident("confirmed", BACKUP))
        story = engine.world.stories[first.data["incident"]]

    assert "备用电路正常" in first.data["sentence"]["zh"]
    assert "备用电路亦不通" in story.sentence["zh"]
    assert story.lost == ("dan/city",)


async def test_a_changed_story_is_news_to_every_feed():
    script = Script()
    async with running(city(centers=("dan", "fang")), script) as (engine, feed):
        await well(engine)
        script.says[PRIMARY] = SILENT
        first, _ = await hear(feed, incident("confirmed", PRIMARY))
        other = engine.feed(None)
        script.says |= dict.fromkeys([BACKUP, "dan/router"], SILENT)
        heard = await told(other, {first.data["incident"]})

    assert not [e for e in heard if e.kind == "incident" and e.data["incident"] == first.data["incident"]]
