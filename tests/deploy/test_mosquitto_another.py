"""Another broker than mosquitto, rumqttd, with MQTT 5: it is told the same, and daemons gather over it."""

import asyncio
import contextlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.kit.mqtt import Message
from tests.board import city
from tests.deploy.daemons import REPORT, both
from tests.kit.mqtt_ground import broker as at
from tests.kit.mqtt_ground import held
from tests.lab.ledger import compare
from tests.listener import SUB, listening
from tests.mosquitto import free_port
from tests.outputs.mqtt_ground import EVENT, ROOT, event, ids, is_online, telling
from tests.outputs.test_mqtt_contract import channel_of, validate

needs_sub = pytest.mark.skipif(SUB is None, reason="mosquitto_sub is not installed")

BELIEFS = {"up": 4, "degraded": 0, "down": 0, "unknown": 0}
FIVE = ("-V", "mqttv5")
CONFIGURATION = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 65536
max_inflight_count = 100
"""


@dataclass
class Rumqttd:
    """One broker; it keeps nothing on a disk, so a kill takes all that it knew."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        file = self.folder / "rumqttd.toml"
        file.write_text(CONFIGURATION.format(port=self.port))
        with (self.folder / "rumqttd.log").open("ab") as log:
            command = [sys.executable, "-m", "iotcore", "--config", str(file), "--log-level", "critical"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - as tests/mosquitto
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
async def rumqttd(tmp_path):
    it = Rumqttd(tmp_path)
    await it.start()
    yield it
    it.kill()


@needs_sub
async def test_it_is_told_what_the_schemas_say_and_whoever_comes_late_finds_all_that_holds(rumqttd):
    async with listening(rumqttd.port, f"{ROOT}/#", options=FIVE) as first:
        async with telling(rumqttd.port, city.cut()) as output:
            await first.until(is_online)
            output.feed.tell(*(event(n) for n in range(1, 101)))
            await output.all_told()
            await first.until(lambda heard: len(ids(heard)) == 100)
            async with listening(rumqttd.port, f"{ROOT}/#", options=FIVE) as late:
                live = {t for t in first.retained() if t != EVENT and not t.endswith("/echo")}
                await late.until(lambda _: late.retained().keys() >= live)
            doing = output.own.failed, output.own.trouble
        await first.until(lambda heard: '"stopped"' in heard[-1].payload)
    latest = {heard.topic: heard for heard in first.heard if heard.topic in {*live, EVENT} and heard.payload}
    for heard in latest.values():
        validate(heard.topic, heard.told)

    assert doing == (0, "")
    assert ids(first.heard) == [f"shiyan/boot-1/{n}" for n in range(1, 101)]
    assert {channel_of(topic) for topic in live} >= {"center", "link", "circuit", "device", "daemon"}


async def test_wills_expiry_clearing_and_a_kept_session_work_as_they_are_needed(rumqttd):
    heard, kept = [], []

    async def hear(delivery):
        heard.append((delivery.topic, delivery.retained))

    async def keep(delivery):
        kept.append(delivery.payload)

    async with (
        held(at(rumqttd.port, "watch")) as watch,
        held(at(rumqttd.port, "mortal"), will=lambda: Message("will", b"dead", retain=True)) as mortal,
    ):
        session = await watch.session()
        (await mortal.session()).client.finish("cut")
        await mortal.session(2)
        async with held(at(rumqttd.port, "away"), subscriptions=[("queue", keep)]) as away:
            await (await away.session()).publish(Message("x", b"subscribed by now"))
        await session.publish(Message("brief", b"1", retain=True, expiry=1))
        await session.publish(Message("gone", b"1", retain=True))
        await session.publish(Message("gone", b"", retain=True))
        for number in range(50):
            await session.publish(Message("queue", b"%d" % number))
        async with held(at(rumqttd.port, "away"), subscriptions=[("queue", keep)]):
            async with asyncio.timeout(10):
                while len(kept) < 50:
                    await asyncio.sleep(0.02)
        await asyncio.sleep(1.2)  # until what was brief has expired
        await session.subscribe("#", hear)
        await session.publish(Message("last", b"1"))
        async with asyncio.timeout(10):
            while ("last", False) not in heard or ("will", True) not in heard:
                await asyncio.sleep(0.02)

    assert kept == [b"%d" % number for number in range(50)]
    assert {topic for topic, _ in heard} == {"will", "last"}


async def test_daemons_gather_over_it_and_nothing_is_lost_when_it_forgets_everything(tmp_path, rumqttd):
    async with both(tmp_path, {"port": rumqttd.port}, {"port": rumqttd.port}) as pair:
        working = await pair.condition()
        before = len(pair.copies())
        rumqttd.kill()
        await rumqttd.start()
        await pair.county.end()
        await pair.county.start()
        await pair.agent_is(presence="online", backlog=0, beliefs=BELIEFS)
        found = await pair.gathered(after=before)
        async with listening(rumqttd.port, f"{ROOT}/status/#", options=FIVE) as late:
            await late.until(lambda _: f"{ROOT}/status/dan/circuit/city/primary" in late.retained())

    assert working == {REPORT: ("", 0), "mqtt": ("", 0), "collect": ("", 0)}
    assert compare(*found).blemishes == ()
