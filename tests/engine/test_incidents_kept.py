"""incidents kept: what outlasts a restart, and what becomes of an incident that nobody watches any more."""

from tests.engine.city import SILENT, Script, city, hear, running
from tests.engine.test_diagnosing import incident, well

PRIMARY = "dan/city/primary"
BOTH = ("dan", "fang")


async def broken(engine, feed, script):
    """Cut a circuit; return the event that confirms its incident."""
    await well(engine)
    script.says[PRIMARY] = SILENT
    confirmed, _ = await hear(feed, incident("confirmed", PRIMARY))
    return confirmed


async def test_what_fails_again_soon_after_its_end_has_to_be_quiet_for_longer_though_we_restart(tmp_path):
    script = Script()
    async with running(city(centers=BOTH), script, tmp_path, hold=1.0) as (engine, feed):
        first = await broken(engine, feed, script)
        script.says.clear()
        closed, _ = await hear(feed, incident("closed", PRIMARY))
    async with running(city(centers=BOTH), script, tmp_path, hold=1.0) as (engine, feed):
        assert not engine.world.incidents
        second = await broken(engine, feed, script)

    assert (first.data["reason"], closed.data["reason"]) == (None, "recovered")
    assert (first.data["hold"], second.data["hold"]) == (1.0, 2.0)
    assert first.data["incident"] != second.data["incident"]


async def test_a_relapse_after_a_restart_is_told_of_the_same_incident_by_the_same_name(tmp_path):
    script = Script()
    async with running(city(centers=BOTH), script, tmp_path, hold=60.0) as (engine, feed):
        first = await broken(engine, feed, script)
        script.says.clear()
        await hear(feed, incident("recovering", PRIMARY))
    script.says[PRIMARY] = SILENT
    async with running(city(centers=BOTH), script, tmp_path, hold=60.0) as (engine, feed):
        again, heard = await hear(feed, incident("confirmed"))

    assert (again.data["incident"], again.subject) == (first.data["incident"], PRIMARY)
    assert (again.data["relapses"], again.data["called"]) == (1, [])
    assert len([event for event in heard if event.kind == "incident"]) == 1


async def test_what_a_reload_takes_away_is_closed_by_an_event_that_says_why():
    script = Script()
    async with running(city(centers=BOTH), script) as (engine, feed):
        confirmed = await broken(engine, feed, script)
        engine.reload(city(centers=("fang",)))
        closed, _ = await hear(feed, incident("closed"))

        assert not engine.world.incidents
        assert engine.vitals.incidents_unwatched == 1

    assert (closed.subject, closed.data["incident"]) == (PRIMARY, confirmed.data["incident"])
    assert (closed.data["was"], closed.data["reason"]) == ("confirmed", "unwatched")
    assert closed.data["name"] == confirmed.data["name"]
    assert "现已不再监视" in closed.data["sentence"]["zh"]
    assert "no longer watched" in closed.data["sentence"]["en"]


async def test_what_was_taken_out_while_we_were_down_is_closed_at_the_start(tmp_path):
    script = Script()
    async with running(city(centers=BOTH), script, tmp_path) as (engine, feed):
        await broken(engine, feed, script)
    async with running(city(centers=("fang",)), script, tmp_path) as (_, feed):
        closed, _ = await hear(feed, incident("closed"))
    async with running(city(centers=("fang",)), script, tmp_path) as (_, feed):
        _, heard = await hear(feed, lambda event: event.data.get("what") == "started")

    assert (closed.subject, closed.data["reason"]) == (PRIMARY, "unwatched")
    assert (closed.data["kind"], closed.data["group"]) == ("unknown", [PRIMARY])
    assert closed.data["sentence"]["en"].startswith(f"{PRIMARY[:1].upper()}{PRIMARY[1:]}: faulty since")
    assert [event.kind for event in heard] == ["daemon"]
