"""acts: what people order is recorded with who ordered it and how, and in one step with what it does."""

import json
import sqlite3
import time
from contextlib import asynccontextmanager, closing

from monitor.core.act import Act
from monitor.core.planned_news import By
from monitor.core.report import State
from monitor.engine.orders import REFUSALS
from monitor.store import log_file
from monitor.store.audit_check import acts, check_file
from tests.engine.city import Script, city, orders_for, running
from tests.engine.test_intake import engine_of, told
from tests.logs import opened

HOUR = 3600.0


@asynccontextmanager
async def called(folder):
    """Run an engine that waits for roll-calls, with its log in *folder*."""
    async with opened(folder) as (log, vitals):
        engine = engine_of(told(3600, "hf"), log, vitals)
        engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


def recorded(folder):
    """Return what people did, by columns that tests ask for."""
    path = log_file(folder, "city")
    assert check_file(path).breaks == ()
    return [(r["act"], r["subject"], r["who"], r["uid"], r["via"], json.loads(r["data"])) for r in acts(path)]


async def test_planned_work_that_is_entered_ended_and_called_off(tmp_path):
    begin = round(time.time() + HOUR)
    add = {"order": "planned/add", "what": ["dan"], "who": "李", "document": "12", "end": begin + HOUR}
    async with running(city(), Script(), tmp_path) as (engine, _):
        orders = orders_for(engine)
        await orders.answer(add | {"id": "now"}, 7, "socket")
        await orders.answer({"order": "planned/end", "id": "now", "who": "王"}, None, "mqtt")
        await orders.answer(add | {"id": "later", "begin": begin}, 7, "socket")
        last = await orders.answer({"order": "planned/end", "id": "later"}, 7, "socket")
        await orders.answer({"order": "planned/end", "id": "gone", "who": "王"}, 7, "socket")
        await orders.recorded()
        await orders.answer({"order": "planned/list"}, 7, "socket")
        here = recorded(tmp_path)  # while it runs: what was answered is on the disk

    assert last["recorded"]
    assert [one[:5] for one in here] == [
        ("planned/add", "planned/now", "李", 7, "socket"),
        ("planned/end", "planned/now", "王", None, "mqtt"),
        ("planned/add", "planned/later", "李", 7, "socket"),
        ("planned/withdraw", "planned/later", "", 7, "socket"),
        ("planned/end", "gone", "王", 7, "socket"),
    ]
    assert here[4][5] == {"refused": "there is no planned work with the id gone"}
    assert here[2][5] == {
        "scope": ["dan"], "from": begin, "to": begin + HOUR, "document": "12", "note": "",
    }  # fmt: skip
    assert recorded(tmp_path) == here


async def test_who_tries_without_end_does_not_fill_the_record(tmp_path):
    async with running(city(), Script(), tmp_path) as (engine, _):
        orders = orders_for(engine)
        for n in range(REFUSALS + 100):
            await orders.answer({"order": "planned/end", "id": str(n)}, 7, "socket")

    assert REFUSALS <= len(recorded(tmp_path)) <= REFUSALS + 1


async def test_a_roll_call_and_an_act_that_changes_nothing(tmp_path):
    async with called(tmp_path) as engine:
        orders = orders_for(engine)
        order = {
            "order": "report/enter",
            "subject": "dan/radio",
            "state": "degraded",
            "note": "弱",
            "who": "李",
        }
        entered = await orders.answer(order, 7, "socket")
        copied = await orders.answer({"order": "log/copied", "file": "/mnt/a.db", "who": "王"}, 0, "socket")

    assert (entered["recorded"], copied) == (True, {"recorded": True})
    assert recorded(tmp_path) == [
        ("report/enter", "dan/radio/hf", "李", 7, "socket", {"state": "degraded", "note": "弱"}),
        ("log/copy", "", "王", 0, "socket", {"file": "/mnt/a.db"}),
    ]


async def test_an_act_and_its_event_are_in_one_transaction(tmp_path):
    async with called(tmp_path) as engine:
        path = log_file(tmp_path, "city")
        with closing(sqlite3.connect(path, isolation_level=None)) as watcher:
            seen = set()
            for n in range(30):
                engine.intake.enter("dan/radio", State.OK, "", By(str(n), 7, "socket"))
                watcher.execute("BEGIN")
                (told_,) = watcher.execute("SELECT count(*) FROM events WHERE kind = 'report'").fetchone()
                (kept,) = watcher.execute("SELECT count(*) FROM audit").fetchone()
                watcher.execute("COMMIT")
                seen.add((told_, kept))
                await orders_settle(engine)

    assert all(events == kept for events, kept in seen)
    assert len(seen) > 1


async def orders_settle(engine):
    await orders_for(engine).recorded()


async def test_who_asked_for_a_reload_is_kept_with_it_and_with_one_that_is_refused(tmp_path):
    def act(**data):
        return Act(time.time(), "", None, "signal", "reload", "", data)

    async with running(city(), Script(), tmp_path) as (engine, _):
        engine.reload(city(), [act(changed=["city.yaml"])])
        engine.refuse_reload("nonsense", [act(refused="nonsense")])

    assert [one[5] for one in recorded(tmp_path)] == [{"changed": ["city.yaml"]}, {"refused": "nonsense"}]
