"""mqtt compose: what is late is told as history, and the heartbeat says how log and agents are."""

import time
from dataclasses import replace

import pytest

from monitor.core.agent import Agent, Presence
from monitor.core.vitals import Vitals
from monitor.outputs.mqtt.compose import Composer
from tests.board import city
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import DAEMON, event, online, telling


@pytest.mark.parametrize(
    ("age", "offset", "late"),
    [
        pytest.param(9.0, 0.0, False, id="fresh"),
        pytest.param(600.0, 0.0, True, id="after-an-outage"),
        pytest.param(600.0, 3600.0, True, id="after-an-outage-by-a-clock-that-is-ahead"),
        pytest.param(1.0, 3600.0, False, id="fresh-by-a-clock-that-is-ahead"),
        pytest.param(1.0, -3600.0, False, id="fresh-by-a-clock-that-is-behind"),
    ],
)
def test_what_reached_us_late_by_our_clock_is_history(age, offset, late):
    world = city.world()
    world.agents["yunyang"] = Agent("yunyang", Presence.ONLINE, clock_offset=offset)
    composer = Composer(lambda: world, clock=time.time, zone=None, valid_for=30.0)
    happened = replace(event(1), vantage="yunyang", at=1e9 - age + offset, received_at=1e9)

    assert composer.event(happened).late is late


def test_an_event_by_a_wrong_clock_that_was_not_measured_yet_is_not_taken_for_a_fresh_one():
    world = city.world()
    world.agents["yunyang"] = Agent("yunyang")
    composer = Composer(lambda: world, clock=time.time, zone=None, valid_for=30.0)
    told = [
        composer.event(replace(event(1), vantage=vantage, at=1e9 + ahead, received_at=1e9)).late
        for vantage in ("yunyang", "unheard-of")
        for ahead in (3600.0, -3600.0)
    ]

    assert told == [True] * 4


@pytest.mark.parametrize("at", [1e300, float("inf"), float("nan"), -1e300])
def test_a_time_that_is_none_is_a_value_error_not_a_crash(at):
    composer = Composer(city.world, clock=time.time, zone=None, valid_for=30.0)

    with pytest.raises(ValueError, match=r"time|NaN|year"):
        composer.event(replace(event(1), at=at))


def test_a_circuit_says_how_a_call_over_it_would_be_and_how_much_worse_it_has_become():
    world = city.world()
    city.worsen(world, "maojian/city/primary")
    composer = Composer(lambda: world, clock=time.time, zone=None, valid_for=30.0)
    composer.index()
    primary, backup = (
        composer.status(world.statuses[f"maojian/city/{role}"]) for role in ("primary", "backup")
    )

    assert (primary.severity, primary.mos, primary.fit_for_video) == ("warn", 2.63, False)
    assert (backup.severity, backup.mos, backup.fit_for_video) == (None, None, None)


@pytest.mark.server
@needs_mosquitto
async def test_a_heartbeat_without_room_for_its_vitals_is_told_without_them(tmp_path):
    world = city.world()
    world.agents |= {f"v{n}": Agent(f"v{n}", Presence.ONLINE, boot="b") for n in range(10)}
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, DAEMON) as listener,
        telling(broker.port, world, max_packet=2000) as output,
    ):
        await online(listener)
        world.agents.clear()
        await listener.until(lambda heard: heard[-1].told["vitals"])
        doing = output.own.trouble, output.own.failed

    assert listener.heard[0].told["vitals"] is None
    assert doing == ("", 0)


@pytest.mark.server
@needs_mosquitto
async def test_the_heartbeat_says_how_log_and_agents_are(tmp_path):
    world, vitals = city.world(), Vitals()
    vitals.store.pending, vitals.store.trouble = 3, "no space left"
    agent = Agent(
        "yunyang", Presence.SILENT, 5.0, boot="b", clock_offset=3600.0004, backlog=9, duplicate=True
    )
    world.agents["yunyang"] = agent
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, DAEMON) as listener,
        telling(broker.port, world, vitals),
    ):
        await online(listener)
    told = listener.heard[0].told["vitals"]

    assert (told["store"]["pending"], told["store"]["trouble"]) == (3, "no space left")
    assert told["store"]["backup_at"] is None
    assert {
        key: told["agents"]["yunyang"][key] for key in ("presence", "clock_offset", "backlog", "duplicate")
    } == {"presence": "silent", "clock_offset": 3600.0, "backlog": 9, "duplicate": True}
