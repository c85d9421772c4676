"""mqtt: a broker that is away, slow, half-open, forgetful or picky costs no event that can be saved."""

import array
import asyncio
import contextlib
import math
import re
import signal
import tracemalloc
from datetime import timedelta

import pytest

from monitor.core.health import Health, SubjectKind
from monitor.outputs.mqtt.publisher import ENOUGH_EVENTS
from tests.authority import Authority
from tests.board import city
from tests.kit.mqtt_ground import impostor
from tests.listener import SUB, listening
from tests.mosquitto import OPEN, free_port, mosquitto, needs_mosquitto
from tests.outputs.mqtt_ground import DAEMON, EVENT, ROOT, event, ids, online, telling

pytestmark = [pytest.mark.server, needs_mosquitto]

SEQ = re.compile(rb'"seq":(\d+)')


def numbers(heard):
    """Return the numbers of the events, in the order heard."""
    return [h.told["seq"] for h in heard if h.topic == EVENT]


def remembering(folder):
    """Return the settings of a broker that knows its consumers again after a stop, and keeps all for them."""
    return OPEN, "persistence true", f"persistence_location {folder}/", "max_queued_messages 0"


async def known_consumer(port):
    """Have the broker keep events for a consumer who may come late for them; return its options."""
    options = ("-i", "consumer", "-c", "-V", "5", "-x", "600")
    process = await asyncio.create_subprocess_exec(
        SUB, "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", EVENT, "-E", *options
    )
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    return options


async def test_events_of_an_outage_are_told_afterwards_in_order_and_once(tmp_path):
    settings = remembering(tmp_path)
    async with mosquitto(tmp_path, *settings) as broker, telling(broker.port, city.world()) as output:
        await output.until(lambda own: own.connected and own.delivered > 30)
        options = await known_consumer(broker.port)
        broker.stop()
        await output.until(lambda own: not own.connected)
        for seq in range(1, 1001):
            output.feed.tell(event(seq))
            if seq % 100 == 0:
                await asyncio.sleep(0)
        await output.until(lambda own: own.queued >= ENOUGH_EVENTS)
        await broker.start()
        async with listening(broker.port, EVENT, options=options) as listener:
            await listener.until(lambda heard: len(ids(heard)) >= 1000)
            await output.all_told()

    assert numbers(listener.heard) == list(range(1, 1001))
    assert (output.own.dropped, output.own.failed, output.own.queued) == (0, 0, 0)
    assert output.feed.places == sorted(set(output.feed.places))


@contextlib.asynccontextmanager
async def tallying(port, most, options):
    """Collect the numbers of events and nothing else, into memory set aside beforehand."""
    tally, place = array.array("I", bytes(4 * most)), 0
    process = await asyncio.create_subprocess_exec(
        SUB, "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-F", "%p", "-t", EVENT, *options,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def read():
        nonlocal place
        while place < most and (line := await process.stdout.readline()):
            tally[place] = int(SEQ.search(line)[1])
            place += 1

    reading = asyncio.create_task(read())
    try:
        yield tally, reading
    finally:
        reading.cancel()
        process.terminate()
        await process.wait()
        process._transport.close()


@pytest.mark.parametrize("count", [5000, pytest.param(50_000, marks=pytest.mark.long)])
async def test_a_log_that_grew_for_long_is_told_in_order_and_once_and_memory_stays_flat(tmp_path, count):
    settings = (*remembering(tmp_path), "set_tcp_nodelay true")
    world = city.world({"maojian": city.NAMES["maojian"]})
    most, grown = 0, 0
    async with mosquitto(tmp_path, *settings) as broker, telling(broker.port, world) as output:
        await output.until(lambda own: own.connected)
        options = await known_consumer(broker.port)
        broker.stop()
        await output.until(lambda own: not own.connected)
        output.feed.tell(*(event(seq) for seq in range(1, count + 1)))
        await output.until(lambda own: own.queued >= ENOUGH_EVENTS)
        await broker.start()
        async with tallying(broker.port, count, options) as (tally, reading), asyncio.timeout(count / 200):
            tracemalloc.start()
            try:
                while output.feed.place < 10 * count:
                    most = max(most, output.own.queued)
                    grown = max(grown, tracemalloc.get_traced_memory()[0])
                    await asyncio.sleep(0.02)
            finally:
                tracemalloc.stop()
            await reading
    heard = tally.tolist()
    print(
        f"expected {count}, got {len(set(heard))}, doubled {len(heard) - len(set(heard))}; "
        f"in hand at most {most}, memory grown by {grown / 1024:.0f} KiB"
    )

    assert heard == list(range(1, count + 1))
    assert most <= 2 * ENOUGH_EVENTS
    assert grown < 3 << 20


async def test_a_broker_killed_amid_a_stream_of_events_loses_none_of_them(tmp_path):
    """The consumer keeps its session; what was under way may come twice, with the same id."""
    heard = []
    settings = (OPEN, "persistence true", "autosave_on_changes true", "autosave_interval 1")
    settings += (f"persistence_location {tmp_path}/",)
    async with mosquitto(tmp_path, *settings) as broker, telling(broker.port, city.world()) as output:
        await output.until(lambda own: own.connected)
        for round_ in range(3):
            options = ("-i", "consumer", "-c", "-V", "5", "-x", "600")
            async with listening(broker.port, EVENT, options=options) as listener:
                await output.until(lambda own: own.connected)
                output.feed.tell(*(event(seq) for seq in range(round_ * 200, round_ * 200 + 200)))
                await output.until(lambda own: own.queued < 150)
                broker.kill()
                await output.until(lambda own: not own.connected)
            heard += listener.heard
            await broker.start()
            async with listening(broker.port, EVENT, options=options) as listener:
                await output.until(lambda own: own.connected and not own.queued)
                await listener.until(lambda now, last=round_ * 200 + 199: last in numbers(now))
            heard += listener.heard

    told = numbers(heard)
    assert len(told) - len(set(told)) <= 3 * 20
    assert told[-1] == 599


async def test_a_broker_that_forgot_everything_is_told_everything_again(tmp_path):
    world = city.cut()
    settings = (OPEN, "persistence true", f"persistence_location {tmp_path}/")
    async with mosquitto(tmp_path, *settings) as broker, telling(broker.port, world) as output:
        await output.until(lambda own: own.delivered > len(world.statuses))
        broker.stop()
        (tmp_path / "mosquitto.db").unlink()
        await broker.start()
        async with listening(broker.port, f"{ROOT}/#") as listener:
            await online(listener, session=2)
            kept = listener.retained()

    assert sum("/status/" in topic or "/network/" in topic for topic in kept) == len(world.statuses)


async def test_a_frozen_broker_is_noticed_and_hears_the_rest_when_it_thaws(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
        telling(broker.port, city.world()) as output,
    ):
        await online(listener)
        output.feed.tell(event(1))
        await listener.until(lambda heard: ids(heard) == ["shiyan/boot-1/1"])
        broker.send(signal.SIGSTOP)
        await output.until(lambda own: not own.connected, patience=2 * 1 + 5)
        trouble = output.own.trouble
        output.feed.tell(*(event(seq) for seq in range(2, 50)))
        broker.send(signal.SIGCONT)
        await online(listener, session=2)
        await listener.until(lambda heard: 49 in numbers(heard))

    assert trouble in {
        "the broker has acknowledged nothing for 1 s",
        "the broker does not answer pings",
        "waiting to be welcomed: no answer within 1 s",
    }
    assert sorted(set(numbers(listener.heard))) == list(range(1, 50))


def slowly(port, rate):
    """Return the behaviour of one who passes on what is said to a broker at *rate* bytes per second."""

    async def pump(reader, writer, rate):
        while data := await reader.read(2048):
            writer.write(data)
            await asyncio.sleep(len(data) / rate)

    async def behave(reader, writer):
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, to_broker, rate))
                group.create_task(pump(from_broker, writer, math.inf))
        finally:
            to_broker.transport.abort()

    return behave


def is_down(listener, center):
    said = listener.on(f"{ROOT}/status/{center}")
    return bool(said) and said[-1].told["health"] == "down"


async def test_at_a_slow_broker_news_overtake_the_routine(tmp_path):
    names = {f"c{n}": city.NAMES["maojian"] for n in range(20)}
    world = city.world(names)
    async with (
        mosquitto(tmp_path) as broker,
        impostor(slowly(broker.port, 60_000)) as port,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(port, world, timeout=5.0) as output,
    ):
        await listener.until(lambda heard: len(heard) > 30)
        city.say(world, "c19", SubjectKind.CENTER, Health.DOWN, "all_links_down")
        output.feed.tell(event(1), changed=["c19"])
        await listener.until(lambda heard: ids(heard) and is_down(listener, "c19"))
        before = len(listener.heard)

    assert before < len(world.statuses)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_login_that_is_refused_is_told_in_the_vitals(tmp_path, protocol):
    (tmp_path / "users").write_text("")
    settings = ("allow_anonymous false", f"password_file {tmp_path / 'users'}")
    login = {"username": "u", "password": "wrong"}
    async with (
        mosquitto(tmp_path, *settings) as broker,
        telling(broker.port, city.world(), protocol=protocol, **login) as output,
    ):
        await output.until(lambda own: "Not authorized" in own.trouble)

    assert not output.own.connected


ALLOWED = (
    f"topic readwrite {ROOT}/status/#\ntopic readwrite {ROOT}/network/#\ntopic readwrite {ROOT}/daemon/#\n"
)


async def test_events_that_the_acl_denies_are_told_of_and_wait_until_it_is_mended(tmp_path):
    world = city.world()
    (tmp_path / "acl").write_text(ALLOWED)
    async with (
        mosquitto(tmp_path, OPEN, f"acl_file {tmp_path / 'acl'}") as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, world) as output,
    ):
        await online(listener)
        output.feed.tell(*(event(seq) for seq in range(1, 101)))
        await output.until(lambda own: own.failed >= 2)
        city.say(world, "danjiangkou", SubjectKind.CENTER, Health.DOWN, "all_links_down")
        output.feed.tell(changed=["danjiangkou"])
        await listener.until(lambda _: is_down(listener, "danjiangkou"))
        failed = output.own.failed
        await output.until(lambda own: own.failed >= failed + 2)
        trouble, tried, place = output.own.trouble, output.own.failed - failed, output.feed.place
        (tmp_path / "acl").write_text(f"topic readwrite {ROOT}/#\n")
        broker.send(signal.SIGHUP)
        await listener.until(lambda heard: 100 in numbers(heard))
        await output.all_told()
        await output.until(lambda own: not own.trouble)

    assert trouble == f"1 not taken, among them {EVENT}: Not authorized (0x87)"
    assert tried == 2
    assert place == 0
    assert numbers(listener.heard) == list(range(1, 101))


async def test_events_that_the_acl_denies_do_not_keep_it_from_saying_farewell(tmp_path):
    (tmp_path / "acl").write_text(ALLOWED)
    async with (
        mosquitto(tmp_path, OPEN, f"acl_file {tmp_path / 'acl'}") as broker,
        listening(broker.port, DAEMON) as listener,
    ):
        async with telling(broker.port, city.world()) as output:
            await online(listener)
            output.feed.tell(event(1), event(2))
            await output.until(lambda own: own.failed)
        heard = await listener.until(lambda heard: heard[-1].told["state"] == "offline")

    assert heard[-1].told["reason"] == "stopped"


async def test_with_mqtt_3_a_silent_refusal_shows_in_that_nothing_comes_back(tmp_path):
    (tmp_path / "acl").write_text(f"topic readwrite {ROOT}/daemon/#\n")
    async with (
        mosquitto(tmp_path, OPEN, f"acl_file {tmp_path / 'acl'}") as broker,
        telling(broker.port, city.world(), protocol="3.1.1") as output,
    ):
        await output.until(lambda own: "silently refused" in own.trouble)

    assert output.own.failed == 0


async def test_what_is_too_large_is_given_up_and_the_rest_goes_on(tmp_path):
    world = city.world()
    works = tuple(f"danjiangkou/{n}" for n in range(9000))
    city.say(world, "danjiangkou", SubjectKind.CENTER, works=works)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{ROOT}/#") as listener,
        telling(broker.port, world) as output,
    ):
        await online(listener)
        trouble = output.own.trouble
        output.feed.tell(event(1), event(2, detail="x" * 70_000), event(3))
        await listener.until(lambda heard: 3 in numbers(heard))

    assert numbers(listener.heard) == [1, 3]
    assert f"{ROOT}/status/danjiangkou" not in listener.retained()
    assert f"{ROOT}/status/danjiangkou" in trouble
    assert "more than the 65536 of a packet" in trouble
    assert output.own.failed >= 2


async def test_a_message_that_the_broker_hangs_up_on_is_given_up_in_the_end(tmp_path):
    """MQTT 3.1.1 does not tell how large a packet may be; mosquitto hangs up."""
    async with (
        mosquitto(tmp_path, OPEN, "max_packet_size 4000") as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
        telling(broker.port, city.world(), protocol="3.1.1") as output,
    ):
        await online(listener)
        output.feed.tell(event(1), event(2, detail="x" * 5000), event(3), event(4))
        await listener.until(lambda heard: 4 in numbers(heard), patience=40)
        await output.until(lambda own: own.connected)

    assert set(numbers(listener.heard)) == {1, 3, 4}
    assert output.own.failed == 1


async def test_an_event_that_cannot_be_written_down_is_given_up(tmp_path):
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, EVENT, DAEMON) as listener,
        telling(broker.port, city.world()) as output,
    ):
        await online(listener)
        output.feed.tell(
            event(1, detail="\ud800"), event(2, rtt=float("nan")), event(3, detail="\x00\x1b[2J")
        )
        await listener.until(lambda heard: 3 in numbers(heard))

    assert numbers(listener.heard) == [2, 3]
    assert listener.on(EVENT)[0].told["data"]["rtt"] is None
    assert output.own.failed == 1


async def test_a_certificate_that_runs_out_is_warned_of_in_vitals_and_heartbeat(tmp_path):
    authority = Authority(tmp_path)
    server, ours = authority.issue("broker"), authority.issue("city", ends=timedelta(days=6))
    settings = (
        f"cafile {authority.file}",
        f"certfile {server.cert}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
    )
    tls = {"ca": authority.file, "cert": ours.cert, "key": ours.key}
    options = ("--cafile", str(authority.file), "--cert", str(ours.cert), "--key", str(ours.key))
    async with (
        mosquitto(tmp_path, *settings) as broker,
        listening(broker.port, f"{ROOT}/#", options=options) as listener,
        telling(broker.port, city.world(), tls=tls) as output,
    ):
        await online(listener)
        trouble = output.own.trouble

    assert trouble == "our own certificate runs out in 6 days"
    assert listener.on(DAEMON)[0].told["vitals"]["certificate_days"] == pytest.approx(6, abs=0.1)


async def test_it_stops_at_once_whatever_the_broker_does(tmp_path):
    async with telling(free_port(), city.world()) as away:
        await away.until(lambda own: own.trouble == "connecting: Connection refused")
        await away.stop()
    async with mosquitto(tmp_path) as broker, telling(broker.port, city.world()) as frozen:
        await frozen.until(lambda own: own.delivered > 10)
        broker.send(signal.SIGSTOP)
        frozen.feed.tell(*(event(seq) for seq in range(100)))
        await frozen.stop()

    assert away.task.cancelled()
    assert frozen.task.cancelled()
