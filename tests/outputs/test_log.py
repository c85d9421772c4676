"""The log: one line per change, in our words; of other vantages with both times, and late ones as history."""

import asyncio

import pytest
from structlog.testing import capture_logs

from monitor.core.incident import Stage
from monitor.core.story_facts import incident_facts
from monitor.outputs.log import MOST_FACTS, WORRIES, LogOutput
from tests.board import city
from tests.board.conftest import HandFeed, event

DOWN = {"was": "up", "now": "down", "sentence": {"zh": "链路中断", "en": "link down"}}


async def logged(*events, world=None, dropped=0, language="zh"):
    """Give the records of *events*."""
    feed = HandFeed(world or city.world())
    with capture_logs() as records:
        run = asyncio.create_task(LogOutput(language).run(feed))
        feed.tell(*events, dropped=dropped)
        async with asyncio.timeout(5):
            while len(records) < len(events) + bool(dropped) and not run.done():
                await asyncio.sleep(0)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    return records


def other(age=0.2, *, data=DOWN, vantage="maojian", **facts):
    return event(9, "maojian/city", vantage=vantage, seq=3, data=data, received_at=city.NOW + age, **facts)


async def test_our_own_outage_is_a_warning_with_its_sentence():
    (record,) = await logged(event(1, data=DOWN))

    assert record == {
        "event": "status.changed",
        "log_level": "warning",
        "seq": 1,
        "about": "danjiangkou",
        "was": "up",
        "now": "down",
        "sentence": "链路中断",
    }


def incident(stage):
    """Return what the event of an incident says."""
    world = city.world()
    story = world.stories[city.blame(world, "yunyang/province/primary", stage)]
    return incident_facts(story)


@pytest.mark.parametrize(
    ("stage", "level"),
    [(Stage.SUSPECTED, "info"), (Stage.CONFIRMED, "warning"), (Stage.RECOVERING, "info")],
)
async def test_an_incident_is_one_short_line_named_after_its_stage(stage, level):
    told = event(1, "yunyang/province/primary", kind="incident", data=incident(stage))
    (record,) = await logged(told)

    assert (record["event"], record["log_level"]) == (f"incident.{stage}", level)
    assert record["incident"] == "20260921-221150"
    assert record["sentence"].startswith("郧阳区至省网主用电路 14:1")
    assert set(record) == {
        "event", "log_level", "seq", "about", "incident", "kind", "center", "confidence", "sentence",
    }  # fmt: skip


async def test_an_incident_of_another_vantage_says_no_more():
    (record,) = await logged(other(kind="incident", data=incident(Stage.CONFIRMED)))

    assert (record["event"], record["log_level"]) == ("incident.confirmed", "warning")
    assert set(record["data"]) == {"incident", "kind", "center", "confidence"}


async def test_a_recovery_is_no_warning():
    (record,) = await logged(event(1, data={"was": "down", "now": "up"}))

    assert record["log_level"] == "info"


@pytest.mark.parametrize(
    ("data", "level"),
    [
        *(({"what": what}, "warning") for what in sorted(WORRIES)),
        ({"what": "agent_clock", "offset": 3_600.2, "wrong": True}, "warning"),
        ({"what": "agent_clock", "offset": 0.1, "wrong": False}, "info"),
        ({"what": "agent_back", "seconds": 12.0}, "info"),
        ({"what": "agent_stopped"}, "info"),
    ],
)
async def test_a_vantage_that_goes_missing_or_is_not_to_be_trusted_is_a_warning(data, level):
    (record,) = await logged(event(1, kind="daemon", data=data))

    assert (record["log_level"], record["event"]) == (level, f"daemon.{data['what']}")


async def test_events_that_were_dropped_are_an_error():
    (record,) = await logged(dropped=3)

    assert (record["log_level"], record["event"], record["count"]) == ("error", "events.dropped", 3)


async def test_what_another_vantage_saw_is_logged_with_its_name_and_both_times():
    (record,) = await logged(other(0.25), language="en")

    assert record == {
        "event": "status.changed",
        "log_level": "warning",
        "vantage": "maojian",
        "seq": 3,
        "about": "maojian/city",
        "at": "2026-09-21T14:13:20.000+00:00",
        "received_at": "2026-09-21T14:13:20.250+00:00",
        "late": False,
        "sentence": "link down",
        "data": {"was": "up", "now": "down"},
    }


@pytest.mark.parametrize("data", [DOWN, {"what": "cannot_look", "trouble": "no permission"}])
async def test_late_evidence_is_history_and_never_a_warning(data):
    (record,) = await logged(other(600, data=data))

    assert (record["log_level"], record["late"]) == ("info", True)


async def test_a_clock_that_is_an_hour_off_makes_no_history_of_news():
    world = city.world()
    city.listen(world, "maojian", clock_offset=-3_600.0)
    (record,) = await logged(other(3_600.2), world=world)

    assert (record["log_level"], record["late"]) == ("warning", False)


@pytest.mark.parametrize(
    "data",
    [
        {"self": 1, "event": 2, "seq": 3, "about": 4, "vantage": 5, "exc_info": True, "stack_info": True},
        {"sentence": {"fr": "x"}, "what": ["y"], "now": ["down"]},
        {"sentence": "x\x1b[31m" * 500, "what": "evil\nline"},
        {"x" * 500: "y" * 5_000, "deep": {"down": [1]}, "\x1b[2J": "\u202e"},
        {f"fact{n}": n for n in range(1_000)},
    ],
    ids=["our own words", "wrong shapes", "texts", "long and deep", "many"],
)
async def test_whatever_a_peer_says_is_one_short_record_that_claims_nothing_of_ours(data):
    (record,) = await logged(other(data=data))

    assert (record["event"], record["vantage"], record["seq"]) == ("status.changed", "maojian", 3)
    assert set(record) <= {
        "event", "log_level", "vantage", "seq", "about", "at", "received_at", "late", "sentence", "data",
    }  # fmt: skip
    assert len(record["data"]) <= MOST_FACTS
    assert str(record).isprintable()
    assert len(str(record)) < 3_000


@pytest.mark.parametrize(
    "data",
    [
        DOWN | {"planned": True},
        {"was": "up", "now": "maintenance", "planned": True, "sentence": DOWN["sentence"]},
    ],
    ids=["a-look-that-fails", "a-subject"],
)
async def test_what_is_down_because_of_planned_work_is_no_warning(data):
    (ours, theirs) = await logged(event(1, data=data), other(data=data))

    assert [ours["log_level"], theirs["log_level"]] == ["info", "info"]


async def test_a_planned_incident_is_no_warning_and_an_ordinary_one_is():
    said = {"stage": "confirmed", "incident": "20261124-091407", "sentence": DOWN["sentence"]}
    planned, ordinary = await logged(
        *(event(1, "maojian/city", kind="incident", data=said | {"planned": p}) for p in (True, False))
    )

    assert (planned["event"], planned["log_level"]) == ("incident.confirmed", "info")
    assert ordinary["log_level"] == "warning"


async def test_planned_work_is_one_short_line_and_a_warning_only_if_something_is_left():
    said = {
        "window": "night",
        "document": "〔2026〕12",
        "covered": ["maojian"] * 100,
        "sentence": {"zh": "计划检修开始", "en": "planned work"},
    }
    begun, overrun = await logged(
        *(event(1, "planned/night", kind="planned", data=said | {"what": w}) for w in ("begun", "overrun"))
    )

    assert (begun["event"], begun["log_level"], overrun["log_level"]) == ("planned.begun", "info", "warning")
    assert (begun["sentence"], begun["window"], begun["document"]) == ("计划检修开始", "night", "〔2026〕12")
    assert "covered" not in begun
