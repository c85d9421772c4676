"""mqtt orders: carried out once, answered every time, and taken from nobody unless the settings say so."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from functools import partial

import jsonschema
import pytest

from monitor.core.alarm import Severity
from monitor.kit.mqtt import Delivery, Refused
from monitor.outputs.mqtt import MqttOptions, MqttOutput
from monitor.outputs.mqtt.orders import REMEMBERED, WAITING, Orders, every
from monitor.outputs.mqtt.schema import ORDERS, schemas
from tests.board import city
from tests.core.alarm_ground import CUT
from tests.core.alarm_ground import desk as alarm_desk
from tests.engine.city import Script, orders_for
from tests.engine.city import running as running_engine
from tests.engine.test_planning import two_centers
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import QUICK, ROOT, WaitingFeed, is_online

NOW = 1_790_000_000.0
TOPIC = f"{ROOT}/command/shiyan/planned"
ANSWER = f"{TOPIC}/answer"


@dataclass
class Desk:
    """Somebody who carries orders out, and a session that takes the answers."""

    did: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    refuses: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(self, order):
        await self.gate.wait()
        self.did.append(order)
        return {"refused": "no"} if order.get("what") == "moon" else {"window": "night"}

    async def publish(self, message):
        if self.refuses:
            raise Refused(message.topic, 0x87, "Not authorized")
        self.answers.append(json.loads(message.payload))


@contextlib.asynccontextmanager
async def at_work():
    desk = Desk()
    desk.gate.set()
    orders = Orders(ROOT, "shiyan", "boot-1", desk.carry, lambda: NOW)
    task = asyncio.create_task(orders.carry_out(desk))
    try:
        yield orders, desk
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def give(orders, ref="r1", *, retained=False, **order):
    said = {"ref": ref, "at": NOW, "order": "planned/add"} | order
    await orders.hear(Delivery(TOPIC, json.dumps(said).encode(), retained))


async def answered(desk, count):
    async with asyncio.timeout(5):
        while len(desk.answers) < count:
            await asyncio.sleep(0)
    return desk.answers


async def test_an_order_is_carried_out_and_answered_under_its_reference():
    async with at_work() as (orders, desk):
        await give(orders, what=["dan"])
        await give(orders, "r2", what="moon")
        first, second = await answered(desk, 2)

    assert desk.did[0] == {"order": "planned/add", "what": ["dan"]}
    assert first == {
        "vantage": "shiyan", "boot": "boot-1", "at": NOW, "ref": "r1", "refused": None, "window": "night",
    }  # fmt: skip
    assert (second["ref"], second["refused"]) == ("r2", "no")


async def test_an_order_that_comes_twice_is_done_once_and_answered_twice():
    async with at_work() as (orders, desk):
        await give(orders)
        await give(orders)
        first, second = await answered(desk, 2)

    assert first == second
    assert len(desk.did) == 1


async def test_the_references_of_long_ago_are_forgotten():
    async with at_work() as (orders, desk):
        for number in range(REMEMBERED + 1):
            await give(orders, f"r{number}")
            await answered(desk, number + 1)
        await give(orders, "r0")
        await answered(desk, REMEMBERED + 2)

    assert len(desk.did) == REMEMBERED + 2


@pytest.mark.parametrize("seconds", [-61.0, 61.0])
async def test_an_order_from_another_time_is_refused(seconds):
    async with at_work() as (orders, desk):
        await give(orders, at=NOW + seconds)
        (answer,) = await answered(desk, 1)

    assert "ago" in answer["refused"]
    assert not desk.did


async def test_an_order_about_something_else_is_refused():
    async with at_work() as (orders, desk):
        await give(orders, order="daemon/stop")
        (answer,) = await answered(desk, 1)

    assert "planned/" in answer["refused"]
    assert not desk.did


async def test_an_order_that_the_broker_had_kept_is_none():
    async with at_work() as (orders, desk):
        await give(orders, retained=True)
        await give(orders, "r2")
        (answer,) = await answered(desk, 1)

    assert answer["ref"] == "r2"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[1]",
        b"{" * 5000,
        b"[" * 50_000,
        b"\xff",
        b"x" * 70_000,
        b'{"ref": "", "at": 1, "order": "planned/list"}',
    ],
    ids=["nothing", "a-list", "torn", "deep", "odd", "large", "without-a-reference"],
)
async def test_what_is_no_order_is_left_alone(payload):
    async with at_work() as (orders, desk):
        await orders.hear(Delivery(TOPIC, payload, retained=False))
        await give(orders)
        (answer,) = await answered(desk, 1)

    assert answer["ref"] == "r1"


async def test_more_than_can_wait_are_dropped_and_those_that_wait_are_not():
    async with at_work() as (orders, desk):
        desk.gate.clear()
        await give(orders, "first")
        await asyncio.sleep(0)
        for number in range(WAITING + 5):
            await give(orders, f"r{number}")
        desk.gate.set()
        answers = await answered(desk, WAITING + 1)

    assert [answer["ref"] for answer in answers] == ["first", *(f"r{n}" for n in range(WAITING))]


async def test_an_answer_that_the_broker_does_not_take_stops_nothing():
    async with at_work() as (orders, desk):
        desk.refuses = True
        await give(orders)
        async with asyncio.timeout(5):
            while not desk.did:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.refuses = False
        await give(orders, "r2")
        (answer,) = await answered(desk, 1)

    assert answer["ref"] == "r2"


@contextlib.asynccontextmanager
async def running(port, carry, **options):
    """Run the output for a city, with somebody who carries orders out."""
    feed = WaitingFeed(city.world())
    chosen = MqttOptions(**{"host": "127.0.0.1", "port": port} | QUICK | options)
    output = MqttOutput(chosen, city.vitals(), carry=carry)
    task = asyncio.create_task(output.run(feed))
    try:
        yield output
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def publish(port, order):
    """Send an order as anybody could."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", TOPIC, "-m", json.dumps(order)
    )
    await process.wait()


@pytest.mark.server
@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_over_a_broker_an_order_is_answered_as_the_schemas_say(tmp_path, protocol):
    desk = Desk()
    desk.gate.set()
    order = {"ref": "r1", "at": time.time(), "order": "planned/list"}
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        running(broker.port, desk.carry, orders=True, protocol=protocol),
    ):
        await listener.until(is_online)
        async with asyncio.timeout(15):
            while not listener.on(ANSWER):  # it may not listen yet; the same reference is done once
                await publish(broker.port, order)
        told = listener.on(ANSWER)[0].told

    assert desk.did == [{"order": "planned/list"}]
    jsonschema.validate(order, schemas(ORDERS)["order"])
    jsonschema.validate(told, schemas(ORDERS)["answer"])
    assert (told["ref"], told["window"], told["vantage"]) == ("r1", "night", "shiyan")


@pytest.mark.server
@needs_mosquitto
async def test_unless_the_settings_say_so_no_orders_are_taken(tmp_path):
    desk = Desk()
    desk.gate.set()
    order = {"ref": "r1", "at": time.time(), "order": "planned/list"}
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        running(broker.port, desk.carry),
    ):
        await listener.until(is_online)
        await publish(broker.port, order)
        await listener.until(lambda heard: sum(is_online([h]) for h in heard) > 2)

    assert not desk.did


async def test_each_matter_has_a_topic_of_its_own_and_no_say_in_another():
    planned, *_ = every(ROOT, "shiyan", "boot-1", Desk().carry, lambda: NOW)
    desk = Desk()
    desk.gate.set()
    report = Orders(ROOT, "shiyan", "boot-1", desk.carry, lambda: NOW, matter="report")
    task = asyncio.create_task(report.carry_out(desk))
    await give(report, order="report/enter", subject="dan/radio", state="ok")
    await give(report, "r2", order="planned/add")
    answers = await answered(desk, 2)
    task.cancel()

    assert (planned.topic, report.topic) == (TOPIC, f"{ROOT}/command/shiyan/report")
    assert [answer["refused"] for answer in answers] == [None, "on this topic all orders begin with report/"]
    assert [order["order"] for order in desk.did] == ["report/enter"]


async def test_an_alarm_is_taken_on_by_whoever_the_broker_lets():
    async with running_engine(two_centers(), Script(), desk=alarm_desk()) as (engine, _):
        engine.alarms.own("i1", Severity.WARNING, CUT)
        carry = partial(orders_for(engine).answer, via="mqtt")
        desk = Desk()
        orders = next(one for one in every(ROOT, "city", "b1", carry, lambda: NOW) if "/alarm" in one.topic)
        task = asyncio.create_task(orders.carry_out(desk))
        await give(orders, "r1", order="alarm/answer", ids=["i1"], who="zhang", note="on my way")
        await give(orders, "r2", order="alarm/answer", ids=["i2"], who="zhang")
        answers = await answered(desk, 2)
        task.cancel()

    assert orders.topic == f"{ROOT}/command/city/alarm"
    assert (answers[0]["refused"], answers[1]["refused"]) == (None, "no alarm 'i2' is open")
    answer = answers[0]["alarms"][0]["answer"]
    assert (answer["who"], answer["name"], answer["via"]) == ("zhang", "张伟", "mqtt")
