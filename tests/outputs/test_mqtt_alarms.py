"""mqtt alarms: kept while they are open, told anew when somebody answers, cleared when they are over."""

from dataclasses import replace

import pytest

from monitor.core.alarm import Answer
from tests.board import city
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import ROOT, event, is_online, online, telling

pytestmark = [pytest.mark.server, needs_mosquitto]

ALARM = f"{ROOT}/alarm"


def changed(number, name, **data):
    return replace(event(number, **data), kind="alarm", subject=name)


async def test_open_alarms_are_kept_for_whoever_comes_later_and_those_that_are_over_are_not(tmp_path):
    world = city.alarmed(city.blamed())
    first, second, third = world.alarms
    own = replace(world.alarms[first], id="own/store")
    world.alarms |= {second: replace(world.alarms[second], closed_at=1.0), "own/store": own}
    async with (
        mosquitto(tmp_path) as broker,
        telling(broker.port, world),
        listening(broker.port, f"{ROOT}/#") as later,
    ):
        await later.until(is_online)
        told = {t: h.told for t, h in later.retained().items() if t.startswith(ALARM)}

    assert set(told) == {f"{ALARM}/{name}" for name in (first, third, "own-store")}
    one = told[f"{ALARM}/{first}"]
    assert (one["code"], one["severity"], one["answer"]) == ("0001", "critical", None)
    assert (one["vantage"], one["valid_for"]) == ("shiyan", 30.0)


async def test_an_answer_is_told_at_once_without_numbers_and_the_end_clears_the_topic(tmp_path):
    world = city.alarmed(city.blamed())
    name = next(iter(world.alarms))
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, world, valid_for=3000) as output,
    ):
        await online(listener)
        listener.heard.clear()
        answer = Answer("13900000001", "sms", 1.0, note="call 13900000009")
        world.alarms |= {name: replace(world.alarms[name], answer=answer)}
        output.feed.tell(changed(1, name))
        await listener.until(lambda _: listener.on(f"{ALARM}/{name}"))
        (told,) = listener.on(f"{ALARM}/{name}")
        world.alarms |= {name: replace(world.alarms[name], closed_at=2.0)}
        output.feed.tell(changed(2, name), replace(changed(3, name), vantage="yunyang", received_at=1.0))
        await listener.until(lambda _: len(listener.on(f"{ALARM}/{name}")) > 1)

    assert told.told["answer"]["who"] == "139****0001"
    assert "13900000009" not in told.payload
    assert [one.payload for one in listener.on(f"{ALARM}/{name}")[1:]] == [""]


async def test_what_an_earlier_life_left_is_cleared(tmp_path):
    world = city.alarmed(city.blamed())
    name = next(iter(world.alarms))
    async with mosquitto(tmp_path) as broker:
        async with telling(broker.port, world), listening(broker.port, f"{ROOT}/#") as listener:
            await listener.until(is_online)
        world.alarms = {key: one for key, one in world.alarms.items() if key != name}
        async with listening(broker.port, f"{ALARM}/{name}") as later, telling(broker.port, world):
            await later.until(lambda heard: heard and not heard[-1].payload)
            first = later.heard[0]

    assert first.told["alarm"] == name
