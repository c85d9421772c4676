"""intake: what people report is entered once, told, and kept over a reload that changes what it holds for."""

import time
from dataclasses import replace
from datetime import UTC

import pytest

from monitor.core.inventory import Device, Look, Name
from monitor.core.planned_news import By
from monitor.core.report import State, Told
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.planning import RefusedError
from monitor.ports import Taken
from monitor.probes import load_kinds
from monitor.probes.heartbeat import Options as Heartbeat
from monitor.probes.manual import Options as Manual
from tests.engine.city import Script, city, hear
from tests.logs import opened


def told(valid_for, *rolls):
    """Return a city with a radio that is called in these ways, and a job that reports by a broker."""
    looks = [Look(x, "manual", Manual(valid_for=valid_for), 0.05, 0.05, told=Told.BY_PERSON) for x in rolls]
    job = Look("job", "heartbeat", Heartbeat(valid_for=60), 0.05, 0.05, told=Told.BY_THING)
    inventory = city()
    dan = inventory.centers["dan"]
    devices = [Device("dan", "radio", Name("电台", "radio"), "", looks=tuple(looks))]
    devices.append(Device("dan", "server", Name("服务器", "server"), "", looks=(job,)))
    dan = replace(dan, devices=(*dan.devices, *devices))
    return replace(inventory, centers={"dan": dan})


def engine_of(inventory, log, vitals):
    kinds = {**load_kinds(), "script": Script().kind()}
    tuning = Tuning(false_alarms_per_year=0.01, suspicions_per_year=26, concurrency=50, hold=30)
    return Engine(inventory, "city", kinds, tuning, boot="b1", zone=UTC, log=log, vitals=vitals)


async def test_a_result_is_told_at_once_and_a_reload_that_changes_its_time_keeps_it():
    async with opened(None) as (log, vitals):
        engine = engine_of(told(3600, "hf"), log, vitals)
        feed = engine.feed(None)
        engine.start()
        try:
            engine.intake.enter("dan/radio", State.FAILED, "", By("李", 7, "socket"))
            event, _ = await hear(feed, lambda e: e.kind == "report")
            await hear(feed, lambda e: (e.kind, e.data.get("now")) == ("belief", "down"))
            engine.reload(told(7200, "hf"))
            (kept,) = engine.intake.facts()
        finally:
            await engine.stop()

    assert (event.subject, event.data["who"], event.data["uid"]) == ("dan/radio/hf", "李", 7)
    assert (kept["state"], round(kept["until"] - time.time(), -2)) == ("failed", 7200)


async def test_what_has_several_roll_calls_is_asked_which_and_nobody_speaks_for_another():
    async with opened(None) as (log, vitals):
        engine = engine_of(told(3600, "hf", "sat"), log, vitals)
        engine.feed(None)
        engine.start()
        try:
            with pytest.raises(RefusedError, match="has several: dan/radio/hf, dan/radio/sat"):
                engine.intake.enter("dan/radio", State.OK, "", By())
            with pytest.raises(RefusedError, match="nobody reports of dan/server/job"):
                engine.intake.enter("dan/server/job", State.OK, "", By())
            taken = [
                engine.intake.hear(check, b"", via, None)[0]
                for check, via in [
                    ("dan/radio/hf", "mqtt"),
                    ("dan/server/job", "http"),
                    ("dan/server/job", "mqtt"),
                ]
            ]
        finally:
            await engine.stop()

    assert taken == [Taken.STRANGER, Taken.STRANGER, Taken.TAKEN]
