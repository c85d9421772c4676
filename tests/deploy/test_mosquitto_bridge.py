"""deploy/mosquitto: what the city tells is on the province's broker too, and nothing comes back."""

import contextlib
import shutil

import pytest

from monitor.kit.mqtt import Message, Refused, Tls
from tests.deploy.mosquitto_ground import SHIPPED, Deployed, authority
from tests.deploy.test_mosquitto_check import check
from tests.kit.mqtt_ground import broker as at
from tests.kit.mqtt_ground import held
from tests.mosquitto import needs_mosquitto

pytestmark = [pytest.mark.server, needs_mosquitto]

ROOT = "command/v1"
SEEN = "cities/shiyan/v1"
LONGEST_WAIT = 45.0
"""Seconds: the bridge tries again after waits of up to 30."""


@pytest.fixture
def vouching(tmp_path):
    it = authority(tmp_path / "authority", "city", "dan", "province")
    it.do("issue", "bridge", "shiyan")
    it.do("issue", "reader", "duty")
    return it


@pytest.fixture
async def brokers(vouching, tmp_path):
    """Run the broker of the province and that of the city, which has the bridge."""
    for name in ("province", "city"):
        (tmp_path / name).mkdir()
    province, city = Deployed(tmp_path / "province", ()), Deployed(tmp_path / "city", ())
    province.install(vouching)
    shutil.copy(SHIPPED / "province.acl", province.etc / "command-monitor.acl")
    city.install(vouching)
    shutil.copytree(vouching.folder / "issued" / "shiyan", city.etc / "certs" / "province")
    bridge = (SHIPPED / "bridge-province.conf").read_text().replace("/etc/mosquitto/", f"{city.etc}/")
    assert "address 10.40.0.5:8883\n" in bridge
    bridge = bridge.replace("10.40.0.5:8883", f"127.0.0.1:{province.port}")
    (city.etc / "conf.d" / "bridge-province.conf").write_text(bridge)
    await province.start()
    await city.start()
    yield province, city
    city.kill()
    province.kill()


def who(broker, vouching, name, **more):
    port = broker.inner if name in ("city", "province") else broker.port
    return held(at(port, name, tls=Tls(**vouching.tls(name))), **more)


async def test_what_is_for_consumers_goes_up_also_what_was_told_meanwhile_and_the_rest_stays(
    brokers, vouching
):
    province, city = brokers
    heard = []

    async def hear(delivery):
        heard.append((delivery.topic, delivery.payload))
        duty.news.set()

    def has(topic, payload):
        return lambda: (f"{SEEN}/{topic}", payload) in heard

    async with (
        who(province, vouching, "duty", subscriptions=[("#", hear)]) as duty,
        who(city, vouching, "city") as teller,
    ):
        await duty.session()
        session = await teller.session()
        for topic in ("status/dan", "network/city", "incident/1", "alarm/1", "daemon/city"):
            await session.publish(Message(f"{ROOT}/{topic}", b"1", retain=True, expiry=60))
        for topic in ("daemon/city/echo", "ack/dan", "command/city/planned/answer", "event"):
            await session.publish(Message(f"{ROOT}/{topic}", b"1"))
        await duty.until(has("event", b"1"))
        first = {topic for topic, _ in heard}

        province.stop()
        await session.publish(Message(f"{ROOT}/incident/1", b"", retain=True))
        for number in range(20):
            await session.publish(Message(f"{ROOT}/event", b"meanwhile %d" % number))
        await province.start()
        await duty.until(has("event", b"meanwhile 19"), LONGEST_WAIT)
        await duty.until(has("incident/1", b""), LONGEST_WAIT)

    missed = [payload for topic, payload in heard if topic == f"{SEEN}/event" and b"meanwhile" in payload]
    consumers = {
        f"{SEEN}/{topic}"
        for topic in ("status/dan", "network/city", "incident/1", "alarm/1", "daemon/city", "event")
    }
    assert first - {"cities/shiyan/bridge"} == consumers
    assert list(dict.fromkeys(missed)) == [b"meanwhile %d" % number for number in range(20)]
    assert ("cities/shiyan/bridge", b"1") in heard
    assert ("cities/shiyan/bridge", b"0") in heard


async def taken(session):
    """Return on which of these topics somebody may speak on the province's broker."""
    topics = (
        f"{ROOT}/command/city/planned",
        f"{ROOT}/vantage/dan/log",
        f"{SEEN}/status/dan",
        f"{ROOT}/status/dan",
    )
    found = []
    for topic in topics:
        with contextlib.suppress(Refused):
            await session.publish(Message(topic, b"1"))
            found.append(topic)
    return found


async def test_nothing_that_is_said_above_comes_down(brokers, vouching):
    province, city = brokers
    below = []

    async def hear(delivery):
        below.append(delivery.topic)
        listener.news.set()

    async with (
        who(city, vouching, "city", subscriptions=[("#", hear)]) as listener,
        who(province, vouching, "province") as above,
    ):
        session = await listener.session()
        said = await taken(await above.session())
        await session.publish(Message(f"{ROOT}/event", b"1"))
        await listener.until(lambda: f"{ROOT}/event" in below)

    assert said == [f"{ROOT}/status/dan"]
    assert below == [f"{ROOT}/event"]


async def test_the_bridges_certificate_is_good_for_nothing_else(brokers, vouching):
    province, city = brokers
    city.stop()  # or both would have one name
    async with who(province, vouching, "shiyan") as bridge:
        said = await taken(await bridge.session())

    assert said == [f"{SEEN}/status/dan"]


def test_the_check_reads_the_bridge_too(brokers):
    _, city = brokers
    well = check(city)
    file = city.etc / "conf.d" / "bridge-province.conf"
    file.write_text(file.read_text().replace("mqttv50", "mqttv6"))
    ill = check(city)

    assert (well.returncode, well.stderr) == (0, "")
    assert ill.returncode == 1
    assert "bridge_protocol_version" in ill.stderr
