"""planning: what is worked on is no alarm while its window is open; all else is, and so is what is left."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.core.health import Health
from monitor.core.planned import Once, Window
from monitor.core.planned_news import By
from monitor.engine.planning import RefusedError
from tests.engine.city import SILENT, Script, city, hear, is_status, running
from tests.engine.test_diagnosing import incident, well

CIRCUIT = "dan/city/primary"
CIRCUITS = [f"dan/{n}/{r}" for n in ("city", "province") for r in ("primary", "backup")]
ALARMS = {"down", "degraded", "on_backup", "unknown"}
HOUR = 3600.0


def window(*scope, begin=-10.0, end=HOUR, name="work", declared=False):
    """Return a window that opens and ends so many seconds from now."""
    moments = (datetime.fromtimestamp(time.time() + seconds, UTC) for seconds in (begin, end))
    return Window(name, scope, Once(*moments), "〔2026〕12", "换光缆", "李", declared=declared)


def with_window(inventory, window):
    return replace(inventory, planned={window.id: replace(window, declared=True)})


def two_centers():
    return city(centers=("dan", "fang"))


def is_planned(what):
    return lambda event: event.kind == "planned" and event.data["what"] == what


def alarms(events):
    return [(e.subject, e.data["now"]) for e in events if e.kind == "status" and e.data["now"] in ALARMS]


def skip(engine, seconds):
    """Let the planner's clock be ahead."""
    engine.planner._wall = lambda: time.time() + seconds


async def confirmed(engine, count):
    """Wait for so many confirmed incidents; return their components, and whether they are planned."""
    async with asyncio.timeout(20):
        while sum(one.confirmed_at is not None for one in engine.world.incidents.values()) < count:
            await asyncio.sleep(0.01)
    return {one.component: one.planned for one in engine.world.incidents.values()}


async def under_maintenance(engine, *subjects):
    async with asyncio.timeout(20):
        while any(engine.world.statuses[s].health is not Health.MAINTENANCE for s in subjects):
            await asyncio.sleep(0.01)


async def test_a_cut_within_a_window_is_no_alarm_and_becomes_one_when_the_window_ends():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        engine.planner.add(window(CIRCUIT))
        script.says[CIRCUIT] = SILENT
        planned, heard = await hear(feed, incident("confirmed", CIRCUIT))
        await under_maintenance(engine, CIRCUIT, "dan/city", "dan")
        heard += (await feed.news(0.1)).events
        statuses = dict(engine.world.statuses)
        skip(engine, 2 * HOUR)
        alarm, after = await hear(feed, incident("confirmed", CIRCUIT))

    assert planned.data["planned"]
    assert not alarms(heard)
    assert (statuses["dan/city"].reason, statuses["dan/city"].active) == ("planned", "backup")
    assert "dan/city" in statuses["dan"].works
    assert all(
        e.data["planned"] for e in heard if e.kind in ("status", "belief") and e.subject.startswith("dan")
    )
    overrun = next(e for e in after if is_planned("overrun")(e))
    assert overrun.data["left"] == [CIRCUIT]
    assert "超时未恢复" in overrun.data["sentence"]["zh"]
    assert (CIRCUIT, "down") in alarms(after)
    assert ("dan/city", "on_backup") in alarms(after)
    assert not alarm.data["planned"]
    assert alarm.data["incident"] == planned.data["incident"]
    assert engine.vitals.incidents_confirmed == {"circuit": 1}


async def test_what_is_well_stays_up_in_a_window_and_its_end_leaves_nothing():
    async with running(two_centers(), Script()) as (engine, feed):
        await well(engine)
        engine.planner.add(window("dan"))
        _, heard = await hear(feed, is_planned("begun"))
        turn = engine.planner.end("work", By("王", 1000))
        ended, after = await hear(feed, is_planned("ended"))

        assert {status.health for status in engine.world.statuses.values()} == {Health.UP}
        assert not engine.world.planned
    assert [e.data["what"] for e in heard if e.kind == "planned"] == ["added", "begun"]
    assert not turn.left
    assert [ended.data[key] for key in ("early", "by", "uid", "left")] == [True, "王", 1000, []]
    assert [e.kind for e in after] == ["planned"]


async def test_another_cause_behind_planned_work_still_is_an_incident_and_an_alarm():
    script = Script()
    async with running(two_centers(), script) as (engine, _):
        await well(engine)
        engine.planner.add(window(CIRCUIT))
        silent = (CIRCUIT, "dan/city/backup", "dan/router", "fang/city/primary")
        script.says = dict.fromkeys(silent, SILENT)
        planned = await confirmed(engine, 3)

        assert planned == {CIRCUIT: True, "dan/city/backup": False, "fang/city/primary": False}
        assert engine.world.statuses[CIRCUIT].health is Health.MAINTENANCE
        assert engine.world.statuses["dan/city"].health is Health.DOWN
        assert engine.world.statuses["fang/city/primary"].health is Health.DOWN


async def test_what_lies_behind_planned_work_is_under_maintenance_and_not_unknown():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        engine.planner.add(window("dan/city", "dan/province"))
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
        await under_maintenance(engine, "dan", "dan/router", *CIRCUITS)
        heard = (await feed.news(0.1)).events

        assert not alarms(heard)


async def test_a_fault_that_was_there_before_the_window_is_told_to_be_worked_on():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        script.says[CIRCUIT] = SILENT
        await hear(feed, incident("confirmed", CIRCUIT))
        engine.planner.add(window("dan/city"))
        told, _ = await hear(feed, is_status(CIRCUIT, "maintenance"))

        assert told.data["was"] == "down"
        assert [one.planned for one in engine.world.incidents.values()] == [True]


async def test_a_center_that_goes_dark_in_its_window_is_one_planned_incident():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        engine.planner.add(window("dan"))
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
        told, _ = await hear(feed, incident("confirmed"))

        assert told.data["planned"]
        assert len(engine.world.incidents) == 1


async def test_within_the_window_of_a_whole_center_a_circuit_of_another_is_an_alarm():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        engine.planner.add(window("dan"))
        script.says = dict.fromkeys([*CIRCUITS, "dan/router", "fang/city/primary"], SILENT)
        await under_maintenance(engine, "dan", *CIRCUITS)
        confirmed, _ = await hear(feed, incident("confirmed", "fang/city/primary"))

        assert not confirmed.data["planned"]
        assert engine.world.statuses["fang/city"].health is Health.ON_BACKUP


async def test_within_the_window_of_what_everything_crosses_only_what_the_diagnosis_blames_on_it_is_excused():
    script = Script()
    async with running(two_centers(), script) as (engine, feed):
        await well(engine)
        engine.planner.add(window("vantage/city"))
        script.says[CIRCUIT] = SILENT
        alarm, _ = await hear(feed, is_status(CIRCUIT, "down"))
        confirmed, _ = await hear(feed, incident("confirmed"))

        assert (confirmed.subject, confirmed.data["planned"]) == (CIRCUIT, False)
        assert alarm.data.get("planned") is None


async def test_a_restart_within_a_window_tells_nothing_anew_and_its_end_is_told_once(tmp_path):
    script = Script()
    script.says[CIRCUIT] = SILENT
    async with running(two_centers(), script, tmp_path) as (engine, feed):
        engine.planner.add(window(CIRCUIT))
        await hear(feed, incident("confirmed", CIRCUIT))
        await under_maintenance(engine, CIRCUIT, "dan")
    async with running(two_centers(), script, tmp_path) as (engine, feed):
        looked = len(script.looks)
        async with asyncio.timeout(10):
            while len(script.looks) < looked + 40:
                await asyncio.sleep(0.01)
        meanwhile = (await feed.news(0.1)).events
        skip(engine, 2 * HOUR)
        _, after = await hear(feed, is_status(CIRCUIT, "down"))
    async with running(two_centers(), script, tmp_path) as (engine, feed):
        later = (await feed.news(0.1)).events

        assert not engine.world.planned
    assert [e.kind for e in meanwhile if e.kind in ("status", "planned")] == []
    assert [e.data["what"] for e in after if e.kind == "planned"] == ["overrun"]
    assert not [e for e in later if e.kind == "planned"]


async def test_a_window_that_ended_while_nobody_watched_is_told_to_have_ended_and_the_fault_is_an_alarm(
    tmp_path,
):
    script = Script()
    script.says[CIRCUIT] = SILENT
    async with running(two_centers(), script, tmp_path) as (engine, feed):
        engine.planner.add(window(CIRCUIT, end=6.0))
        engine.planner.add(window("fang", begin=4.0, end=5.0, name="unseen"))
        await under_maintenance(engine, CIRCUIT)
        until = engine.world.planned["work"].begun.end
    await asyncio.sleep(max(0.0, until - time.time()))
    async with running(two_centers(), script, tmp_path) as (engine, feed):
        _, heard = await hear(feed, is_planned("overrun"))
        heard += (await feed.news(0.1)).events

        assert (CIRCUIT, "down") in alarms(heard)
        assert not engine.world.planned


async def test_a_declared_window_is_open_from_the_start_and_ends_when_it_is_taken_out():
    script = Script()
    script.says[CIRCUIT] = SILENT
    async with running(with_window(two_centers(), window("dan")), script) as (engine, feed):
        _, heard = await hear(feed, is_planned("begun"))
        await under_maintenance(engine, CIRCUIT)
        engine.reload(two_centers())
        _, after = await hear(feed, is_planned("ended"))

        assert engine.world.statuses[CIRCUIT].health is Health.DOWN
    assert next(e for e in after if is_planned("ended")(e)).data["early"]
    assert not alarms(heard)


async def test_a_declared_window_that_was_ended_early_does_not_open_again_after_a_restart(tmp_path):
    inventory = with_window(two_centers(), window("dan"))
    async with running(inventory, Script(), tmp_path) as (engine, feed):
        await hear(feed, is_planned("begun"))
        engine.planner.end("work", By("王", 1000))
    async with running(inventory, Script(), tmp_path) as (engine, feed):
        events = (await feed.news(0.1)).events

        assert not engine.planner.worked_on
        assert not [e for e in events if e.kind == "planned"]


async def test_a_clock_that_was_years_ahead_and_is_set_right_opens_what_is_declared():
    async with running(two_centers(), Script()) as (engine, feed):
        skip(engine, 9000 * HOUR)
        engine.reload(with_window(two_centers(), window("dan")))
        before = engine.planner.worked_on
        skip(engine, 0.0)
        await hear(feed, is_planned("begun"))

        assert not before
        assert "dan/power" in engine.planner.worked_on


async def test_a_clock_that_is_set_back_a_little_takes_nothing_back_and_by_an_hour_does():
    async with running(two_centers(), Script()) as (engine, feed):
        engine.planner.add(window("dan", begin=-1.0))
        skip(engine, -30.0)
        await asyncio.sleep(1.5)
        held = engine.planner.worked_on
        skip(engine, -HOUR)
        event, _ = await hear(feed, is_planned("ended"))

        assert "dan/power" in held
        assert event.data["early"]
        assert not engine.planner.worked_on


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (window("dan/moon"), "dan/moon is nothing"),
        (window("dan", begin=-20.0, end=-10.0), "over already"),
        (window("dan", name="taken"), "taken already"),
    ],
    ids=["unknown", "over", "twice"],
)
async def test_a_window_that_makes_no_sense_is_refused_in_words(wrong, words):
    async with running(two_centers(), Script()) as (engine, _):
        engine.planner.add(window("fang", name="taken"))

        with pytest.raises(RefusedError, match=words):
            engine.planner.add(wrong)


async def test_what_has_not_begun_can_be_called_off_and_what_is_not_there_cannot():
    async with running(two_centers(), Script()) as (engine, feed):
        engine.planner.add(window("dan", begin=HOUR, end=2 * HOUR))
        engine.planner.end("work", By("王", 1000))
        event, _ = await hear(feed, is_planned("withdrawn"))
        with pytest.raises(RefusedError, match="no planned work"):
            engine.planner.end("work", By("王", 1000))

        assert "已取消" in event.data["sentence"]["zh"]
        assert not engine.world.planned
