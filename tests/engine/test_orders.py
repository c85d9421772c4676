"""orders: what is asked in the wrong way is refused in words, what is done is recorded before it is said."""

import time

import pytest

from tests.engine.city import Script, hear, orders_for, running
from tests.engine.test_planning import is_planned, two_centers

HOUR = 3600.0


def add(**more):
    return {"order": "planned/add", "what": ["dan"], "end": time.time() + HOUR} | more


async def test_work_is_entered_told_recorded_and_listed():
    async with running(two_centers(), Script()) as (engine, feed):
        orders = orders_for(engine)
        done = await orders.answer(add(document="〔2026〕12", note="换\n光缆", who="李", id="night"), 1000)
        event, _ = await hear(feed, is_planned("added"))
        listed = await orders.answer({"order": "planned/list"}, 1000)
        ended = await orders.answer({"order": "planned/end", "id": "night", "who": "王"}, 1001)

        assert engine.vitals.store.recorded >= 3
    assert (done["what"], done["window"], done["recorded"]) == ("added", "night", True)
    assert (event.data["who"], event.data["uid"], event.data["note"]) == ("李", 1000, "换 光缆")
    assert [(one["id"], one["state"]) for one in listed["planned"]] == [("night", "under_way")]
    assert (ended["what"], ended["early"], ended["by"], ended["uid"]) == ("ended", True, "王", 1001)


async def test_an_id_is_made_from_the_time_and_is_free():
    async with running(two_centers(), Script()) as (engine, _):
        orders, begin = orders_for(engine), time.time() + HOUR
        names = [(await orders.answer(add(begin=begin, end=begin + HOUR), None))["window"] for _ in range(3)]

    first = time.strftime("%Y%m%d-%H%M", time.gmtime(begin))
    assert names == [first, f"{first}-2", f"{first}-3"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (None, "valid"),
        ([], "valid"),
        ({"order": "reboot"}, "planned/add"),
        ({"order": "planned/add", "what": ["dan"]}, "end: Field required"),
        (add(what=[]), "what: List should have at least 1 item"),
        (add(what=["dan"] * 101), "at most 100"),
        (add(what=["x" * 2000]), "at most 1000"),
        (add(what=["moon"]), "moon is nothing that is declared"),
        (add(end=float("nan")), "end"),
        (add(end=True), "end"),
        (add(end=1e9), "end after it begins"),
        (add(end=4.9e9), "within a year"),
        (add(begin=1.6e9, end=1.6e9 + HOUR), "over already"),
        (add(id="Nacht Arbeit"), "id"),
        (add(root=True), "root: Extra inputs"),
        ({"order": "planned/end", "id": "nothing"}, "no planned work with the id nothing"),
    ],
    ids=lambda value: "" if isinstance(value, dict | list | None) else value,
)
async def test_an_order_that_makes_no_sense_is_refused_and_changes_nothing(question, words):
    async with running(two_centers(), Script()) as (engine, feed):
        refused = await orders_for(engine).answer(question, 1000)
        events = (await feed.news(0.1)).events

        assert words in refused["refused"]
        assert not engine.world.planned
        assert not [e for e in events if e.kind == "planned"]


async def test_no_more_is_entered_than_can_be_kept_an_eye_on():
    async with running(two_centers(), Script()) as (engine, _):
        orders = orders_for(engine)
        answers = [
            await orders.answer(add(begin=time.time() + HOUR, end=time.time() + 2 * HOUR), 0)
            for _ in range(201)
        ]

        assert "200 windows" in answers[-1]["refused"]
        assert len(engine.world.planned) == 200
