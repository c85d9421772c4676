"""mqtt incidents: kept while they are open, named by the statuses that they explain, cleared when closed."""

import json

import pytest

from monitor.core.incident import Stage
from monitor.core.vitals import Vitals
from tests.board import city
from tests.listener import listening
from tests.mosquitto import OPEN, mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import ROOT, is_online, online, telling
from tests.outputs.test_mqtt import keep

pytestmark = [pytest.mark.server, needs_mosquitto]

INCIDENT = f"{ROOT}/incident"
CIRCUIT = f"{ROOT}/status/yunyang/circuit/province/primary"

NAMING = {CIRCUIT, f"{ROOT}/status/yunyang", f"{ROOT}/status/yunyang/link/province"}


def close(world, incident):
    """Close an incident as the engine does: it leaves the world."""
    del world.incidents[incident], world.stories[incident]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_open_incidents_are_kept_for_whoever_comes_later(tmp_path, protocol):
    world = city.blamed()
    async with (
        mosquitto(tmp_path) as broker,
        telling(broker.port, world, protocol=protocol),
        listening(broker.port, f"{ROOT}/#") as later,
    ):
        await later.until(is_online)
        told = {t: h.told for t, h in later.retained().items() if t.startswith(INCIDENT)}

    assert set(told) == {f"{INCIDENT}/{name}" for name in world.incidents}
    circuit = next(one for one in told.values() if one["component"] == "yunyang/province/primary")
    assert (circuit["stage"], circuit["kind"], circuit["center"]) == ("confirmed", "circuit", "yunyang")
    assert circuit["carriers"] == [
        {
            "name": {"zh": "中国电信", "en": "China Telecom"},
            "hotline": "10000",
            "numbers": ["SY-yun-province"],
        }
    ]
    assert circuit["sentence"]["zh"] == (
        "郧阳区至省网主用电路 14:11:50 起中断，备用电路正常；报修中国电信 10000，电路号 SY-yun-province。"
    )
    assert circuit["reduced"] == [{"subject": "yunyang/province", "over": ["yunyang/province/backup"]}]
    assert {"path": "yunyang/province", "zh": "郧阳区至省网链路", "en": "Yunyang to Province network"} in (
        circuit["names"]
    )
    assert (circuit["vantage"], circuit["boot"], circuit["valid_for"]) == ("shiyan", "boot-1", 30.0)


async def test_the_statuses_name_the_incidents_that_explain_them(tmp_path):
    world = city.blamed()
    power, circuit, _ = world.incidents
    async with (
        mosquitto(tmp_path) as broker,
        telling(broker.port, world),
        listening(broker.port, f"{ROOT}/#") as later,
    ):
        await later.until(is_online)
        told = {t: h.told for t, h in later.retained().items() if "/status/" in t}

    assert told[f"{ROOT}/status/danjiangkou"]["incidents"] == [power]
    assert told[f"{ROOT}/status/danjiangkou/link/city"]["incidents"] == [power]
    assert told[f"{ROOT}/status/danjiangkou/device/web"]["incidents"] == [power]
    assert told[CIRCUIT]["incidents"] == [circuit]
    assert told[f"{ROOT}/status/yunyang"]["incidents"] == [circuit]
    assert told[f"{ROOT}/status/wudangshan"]["incidents"] == []


async def test_an_incident_is_told_at_once_and_so_are_the_statuses_that_now_name_it(tmp_path):
    world = city.cut()
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, world, valid_for=3000) as output,
    ):
        await online(listener)
        listener.heard.clear()
        name = city.blame(world, "yunyang/province/primary", Stage.SUSPECTED)
        output.feed.tell(incidents=[name])
        await listener.until(lambda _: {f"{INCIDENT}/{name}", *NAMING} <= {h.topic for h in listener.heard})
        city.blame(world, "yunyang/province/primary", id=name)
        output.feed.tell(incidents=[name])
        await listener.until(lambda _: len(listener.on(f"{INCIDENT}/{name}")) == 2)

    stages = [h.told["stage"] for h in listener.on(f"{INCIDENT}/{name}")]
    others = {h.topic for h in listener.heard if "/status/" in h.topic} - NAMING
    assert stages == ["suspected", "confirmed"]
    assert [len(listener.on(topic)) for topic in NAMING] == [1, 1, 1]
    assert others == set()


async def test_a_closed_incident_is_cleared_and_no_status_names_it_any_more(tmp_path):
    world = city.blamed()
    name = next(n for n, one in world.incidents.items() if one.component == "yunyang/province/primary")
    async with mosquitto(tmp_path) as broker, listening(broker.port, f"{ROOT}/#") as listener:
        async with telling(broker.port, world, valid_for=3000) as output:
            output.feed.tell(incidents=world.incidents)
            await online(listener)
            close(world, name)
            output.feed.tell(incidents=[name])
            await listener.until(lambda _: listener.on(CIRCUIT)[-1].told["incidents"] == [])
            await listener.until(lambda _: listener.on(f"{INCIDENT}/{name}")[-1].payload == "")
        async with listening(broker.port, f"{INCIDENT}/#") as later:
            await later.until(lambda heard: len(heard) == 2)

    assert f"{INCIDENT}/{name}" not in later.retained()


async def test_what_an_earlier_life_left_open_is_cleared_on_connect_and_that_of_others_is_not(tmp_path):
    async with mosquitto(tmp_path) as broker:
        for name, vantage in (("20260101-000000", "shiyan"), ("20260101-000001", "province")):
            await keep(broker.port, f"{INCIDENT}/{name}", json.dumps({"vantage": vantage, "boot": "old"}))
        async with listening(broker.port, f"{ROOT}/#") as listener, telling(broker.port, city.blamed()):
            await online(listener)
            kept = {t for t in listener.retained() if t.startswith(INCIDENT)}

    assert f"{INCIDENT}/20260101-000000" not in kept
    assert f"{INCIDENT}/20260101-000001" in kept
    assert len(kept) == 4


async def test_what_was_closed_while_the_broker_was_away_is_cleared_when_it_is_back(tmp_path):
    world = city.blamed()
    name = next(iter(world.incidents))
    keeping = (OPEN, "persistence true", f"persistence_location {tmp_path}/")
    async with mosquitto(tmp_path, *keeping) as broker, telling(broker.port, world) as output:
        async with listening(broker.port, f"{ROOT}/#") as listener:
            await online(listener)
        broker.stop()
        await output.until(lambda own: not own.connected)
        close(world, name)
        output.feed.tell(incidents=[name])
        await broker.start()
        await output.until(lambda own: own.connected)
        async with listening(broker.port, f"{ROOT}/#") as later:
            await later.until(lambda heard: is_online(heard, session=2))

    assert f"{INCIDENT}/{name}" not in later.retained()
    assert sum(topic.startswith(INCIDENT) for topic in later.retained()) == 2


async def test_an_unchanged_incident_is_told_again_as_a_status_is(tmp_path):
    world = city.blamed()
    name = next(iter(world.incidents))
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{INCIDENT}/{name}") as listener,
        telling(broker.port, world, valid_for=1.5),
    ):
        await listener.until(lambda heard: len(heard) >= 4)

    told = [h.told for h in listener.heard]
    assert [one["seq"] for one in told] == sorted({one["seq"] for one in told})
    assert told[-1]["at"] > told[0]["at"]


async def test_an_incident_without_room_for_its_lists_is_told_without_them(tmp_path):
    world = city.blamed()
    name = next(iter(world.incidents))
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{INCIDENT}/{name}") as listener,
        telling(broker.port, world, Vitals(), max_packet=2000) as output,
    ):
        await listener.until(bool)
        failed = output.own.failed

    told = listener.heard[0].told
    assert failed == 0
    assert (told["lost"], told["names"], told["affected"]) == ([], [], 4)
    assert told["sentence"]["zh"] == "丹江口市供电或路由器 14:11:50 起故障，全中心失联。"
