"""mqtt: what a consumer sees of one daemon at a real broker."""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.core.health import Health, SubjectKind
from monitor.core.vitals import Vitals
from monitor.outputs.mqtt.publisher import ENOUGH_EVENTS
from monitor.simulator.broker import broker as embedded_broker
from tests.board import city
from tests.listener import listening
from tests.mosquitto import free_port, mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import DAEMON, EVENT, PAGE, ROOT, event, ids, online, telling

pytestmark = [pytest.mark.server, needs_mosquitto]

PUB = "mosquitto_pub"


async def keep(port, topic, payload):
    """Leave a retained message on the broker, as somebody else."""
    process = await asyncio.create_subprocess_exec(
        PUB, "-h", "127.0.0.1", "-p", str(port), "-r", "-q", "1", "-t", topic, "-m", payload
    )
    assert await process.wait() == 0


def topics_of(world):
    """Return where the statuses of *world* belong, worked out by other means than the output's."""
    places = {"center": "status/{0}", "network": "network/{1}", "link": "status/{0}/link/{1}"}
    places |= {"circuit": "status/{0}/circuit/{1}/{2}", "device": "status/{0}/device/{1}"}
    return {f"{ROOT}/" + places[s.kind].format(*s.subject.split("/")) for s in world.statuses.values()}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_it_is_born_tells_everything_and_then_says_that_it_is_online(tmp_path, protocol):
    world = city.cut()
    async with mosquitto(tmp_path) as broker, listening(broker.port, f"{ROOT}/#") as listener:
        async with telling(broker.port, world, protocol=protocol):
            await online(listener)
        heard = await listener.until(lambda all_: all_[-1].topic == DAEMON and "offline" in all_[-1].payload)

    daemon = [h for h in heard if h.topic == DAEMON]
    announced = next(i for i, h in enumerate(heard) if h in daemon and h.told["state"] == "online")
    assert heard[0] == daemon[0]
    assert daemon[0].told["state"] == "starting"
    assert {h.topic for h in heard[:announced]} >= topics_of(world)
    assert (daemon[-1].told["state"], daemon[-1].told["reason"]) == ("offline", "stopped")


async def test_the_statuses_are_kept_for_whoever_comes_later(tmp_path):
    world = city.cut()
    async with mosquitto(tmp_path) as broker, telling(broker.port, world) as output:
        await output.until(lambda own: own.delivered > len(world.statuses) + 1)
        async with listening(broker.port, f"{ROOT}/#") as later:
            await later.until(lambda heard: topics_of(world) <= {h.topic for h in heard if h.retained})
            told = {t: h.told for t, h in later.retained().items() if t != DAEMON and "echo" not in t}

    center = told[f"{ROOT}/status/danjiangkou"]
    circuit = told[f"{ROOT}/status/danjiangkou/circuit/province/primary"]
    link = told[f"{ROOT}/status/yunyang/link/province"]
    assert (center["health"], center["reason"], center["works"]) == ("down", "all_links_down", [])
    assert center["name"] == {"zh": "丹江口市", "en": "Danjiangkou"}
    assert (circuit["health"], circuit["rtt"], circuit["loss"]) == ("down", None, 1.0)
    assert circuit["carrier"]["hotline"] == "10000"
    assert (link["health"], link["active"], link["rtt"]) == ("on_backup", "backup", 0.0021)
    assert told[f"{ROOT}/network/city"]["rtt"] == 0.001
    assert all(t["boot"] == "boot-1" and t["vantage"] == "shiyan" for t in told.values())
    assert len({t["seq"] for t in told.values()}) == len(told)


async def test_a_change_is_told_at_once_and_its_event_once_and_not_kept(tmp_path):
    world = city.world()
    async with mosquitto(tmp_path) as broker, listening(broker.port, f"{ROOT}/#") as listener:
        async with telling(broker.port, world, valid_for=3000) as output:
            await online(listener)
            listener.heard.clear()
            city.say(world, "danjiangkou", SubjectKind.CENTER, Health.DOWN, "all_links_down")
            output.feed.tell(event(1, sentence={"zh": "中断"}), changed=["danjiangkou"])
            heard = await listener.until(lambda all_: len([h for h in all_ if h.topic != DAEMON]) >= 2)
        async with listening(broker.port, EVENT, DAEMON) as later:
            await later.until(bool)

    told = {h.topic: h.told for h in heard}
    assert told[f"{ROOT}/status/danjiangkou"]["health"] == "down"
    assert told[EVENT]["id"] == "shiyan/boot-1/1"
    assert told[EVENT]["data"]["sentence"] == {"zh": "中断"}
    assert later.on(EVENT) == []


async def test_events_keep_their_order(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
        telling(broker.port, city.world()) as output,
    ):
        await online(listener)
        for seq in range(1, 501):
            output.feed.tell(event(seq))
            if seq % 50 == 0:
                await asyncio.sleep(0)
        await listener.until(lambda heard: len(ids(heard)) >= 500)

    assert ids(listener.heard) == [f"shiyan/boot-1/{seq}" for seq in range(1, 501)]


async def test_what_other_vantages_saw_is_told_like_our_own_in_the_order_of_the_log(tmp_path):
    at = 1_790_000_000.0
    theirs = replace(event(7), vantage="yunyang", boot="theirs", at=at, received_at=at + 0.25)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
        telling(broker.port, city.world()) as output,
    ):
        await online(listener)
        output.feed.tell(event(1), theirs, event(2))
        heard = await listener.until(lambda heard: len(ids(heard)) == 3)
        await output.all_told()
    own, other, _ = (h.told for h in heard if h.topic == EVENT)

    assert ids(heard) == ["shiyan/boot-1/1", "yunyang/theirs/7", "shiyan/boot-1/2"]
    assert (other["vantage"], other["boot"], other["seq"]) == ("yunyang", "theirs", 7)
    assert (other["at"], other["received_at"], other["late"]) == (at, at + 0.25, False)
    assert (own["received_at"], own["received_at_iso"], own["late"]) == (None, None, False)


async def test_an_unchanged_status_is_told_again_within_its_validity_and_not_in_a_burst(tmp_path):
    world = city.world()
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/status/#", DAEMON) as listener,
        telling(broker.port, world, valid_for=3.0),
    ):
        await online(listener)
        listener.heard.clear()
        topic = f"{ROOT}/status/danjiangkou"
        await listener.until(lambda _: len(listener.on(topic)) >= 3)
        heard = [h.told for h in listener.on(topic)]
        moments = {round(h.told["at"], 1) for h in listener.heard if h.topic != DAEMON}

    gaps = [b["at"] - a["at"] for a, b in pairwise(heard)]
    assert all(gap <= told["valid_for"] for gap, told in zip(gaps, heard, strict=False))
    assert len({told["seq"] for told in heard}) == len(heard)
    assert len(moments) > 5


async def test_what_nobody_looks_at_any_more_is_not_told_as_fresh(tmp_path):
    vitals = Vitals(ticks=1, last_tick=time.monotonic() - 100)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, city.world(), vitals, valid_for=0.5) as output,
    ):
        await online(listener)
        await listener.until(lambda _: len(listener.on(DAEMON)) >= 4)

    assert {h.topic for h in listener.heard} == {DAEMON, f"{DAEMON}/echo"}
    assert (
        output.own.trouble == "nobody looks any more: statuses are not told again" or not output.own.connected
    )


async def test_a_subject_that_is_no_more_is_cleared(tmp_path):
    world = city.world()
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, world) as output,
    ):
        await online(listener)
        del world.statuses["wudangshan/router"]
        output.feed.tell(changed=["wudangshan/router"])
        topic = f"{ROOT}/status/wudangshan/device/router"
        await listener.until(lambda _: topic not in listener.retained())
        async with listening(broker.port, f"{ROOT}/status/#") as later:
            await later.until(lambda heard: len(heard) >= len(topics_of(world)) - 2)

    assert topic not in {h.topic for h in later.heard}


async def test_what_earlier_lives_left_behind_is_cleared_before_it_says_that_it_is_online(tmp_path):
    ours = {"vantage": "shiyan", "boot": "long-ago"}
    left = {
        f"{ROOT}/status/closed": ours,
        f"{ROOT}/status/closed/circuit/city/primary": ours,
        f"{ROOT}/network/gone": ours,
    }
    foreign = {
        f"{ROOT}/status/elsewhere": json.dumps({"vantage": "xiangyang"}),
        f"{ROOT}/status/garbage": "{" * 5000,
        f"{ROOT}/status/list": '["shiyan"]',
        f"{ROOT}/status/odd": '{"vantage": {"a": 1}}',
        "other/thing": json.dumps(ours),
    }
    async with mosquitto(tmp_path) as broker:
        for topic, payload in (*((t, json.dumps(p)) for t, p in left.items()), *foreign.items()):
            await keep(broker.port, topic, payload)
        async with listening(broker.port, "#") as listener, telling(broker.port, city.world()):
            await online(listener)
            kept = listener.retained().keys()

    assert not kept & left.keys()
    assert kept >= foreign.keys()


async def test_three_lives_leave_one_truth(tmp_path):
    async with mosquitto(tmp_path) as broker:
        for boot, names in (("one", 4), ("two", 3), ("three", 2)):
            world = city.world(dict(list(city.NAMES.items())[:names]))
            world.boot = boot
            async with listening(broker.port, f"{ROOT}/#") as listener, telling(broker.port, world) as output:
                await online(listener, boot)
                await output.until(lambda own: not own.queued)
        async with listening(broker.port, f"{ROOT}/#") as later:
            await later.until(lambda heard: topics_of(world) <= {h.topic for h in heard})

    told = {t: h.told for t, h in later.retained().items()}
    assert told.keys() - {DAEMON} == topics_of(world)
    assert {t["boot"] for t in told.values()} == {"three"}


async def test_last_words_are_told_before_it_stops(tmp_path):
    world = city.world()
    async with mosquitto(tmp_path) as broker, listening(broker.port, EVENT, DAEMON) as listener:
        async with telling(broker.port, world) as output:
            await online(listener)
            output.feed.tell(*(event(seq) for seq in range(1, 101)))
        await listener.until(lambda heard: heard[-1].topic == DAEMON and heard[-1].told["state"] == "offline")

    assert ids(listener.heard) == [f"shiyan/boot-1/{seq}" for seq in range(1, 101)]


CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from tests.board import city
from tests.outputs.mqtt_ground import telling

async def main():
    async with telling(int(sys.argv[1]), city.world()):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


async def test_the_will_of_one_that_was_killed_carries_its_epoch(tmp_path):
    here = str(Path(__file__).parents[2])
    async with mosquitto(tmp_path) as broker, listening(broker.port, DAEMON) as listener:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(broker.port), here)
        await online(listener)
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        heard = await listener.until(lambda all_: all_[-1].told["state"] == "offline")

    born = next(h.told for h in heard if h.told["state"] == "online")
    will = heard[-1].told
    assert (will["reason"], will["vitals"]) == ("lost", None)
    assert (will["boot"], will["session"]) == (born["boot"], born["session"])


async def test_each_session_has_an_epoch_of_its_own(tmp_path):
    async with mosquitto(tmp_path) as broker, telling(broker.port, city.world()) as output:
        async with listening(broker.port, DAEMON) as listener:
            await online(listener, session=1)
        broker.kill()
        await broker.start()
        async with listening(broker.port, DAEMON) as listener:
            await online(listener, session=2)
        await output.until(lambda own: own.reconnects == 1)

    assert output.own.reconnects == 1


async def test_it_speaks_with_the_embedded_broker_too():
    world = city.cut()
    async with (
        embedded_broker() as port,
        listening(port, f"{ROOT}/#") as listener,
        telling(port, world, protocol="3.1.1") as output,
    ):
        await online(listener)
        output.feed.tell(event(1), changed=["danjiangkou"])
        await listener.until(lambda heard: ids(heard) == ["shiyan/boot-1/1"])

    assert topics_of(world) <= {h.topic for h in listener.heard}


async def test_no_personal_telephone_number_is_told(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, "#") as listener,
        telling(broker.port, city.cut()),
    ):
        await online(listener)

    assert city.PHONE not in "".join(h.topic + h.payload for h in listener.heard)


async def test_without_a_broker_events_wait_in_the_log_and_changes_do_not():
    async with telling(free_port(), city.world()) as output:
        output.feed.tell(*(event(seq) for seq in range(1, 10 * PAGE)))
        await output.until(lambda own: own.queued >= ENOUGH_EVENTS)
        output.feed.tell(changed=["danjiangkou"])
        await output.until(lambda own: own.queued == ENOUGH_EVENTS + 1)
        output.feed.tell(event(10 * PAGE), changed=["yunyang"], dropped=7)
        await output.until(lambda own: own.queued == ENOUGH_EVENTS + 2)

    assert output.feed.waiting == 10 * PAGE - ENOUGH_EVENTS
    assert (output.feed.places, output.own.dropped, output.own.connected) == ([], 0, False)
