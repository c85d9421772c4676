"""mqtt: QoS 1 that can be relied on, against a real mosquitto."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import aiomqtt
import paho.mqtt.client as paho
import pytest

from monitor.kit.mqtt import Lost, Message, MqttError, Refused, Unsendable
from monitor.kit.mqtt.session import WAITING
from tests.kit.mqtt_ground import PATIENCE, broker, held
from tests.listener import listening
from tests.mosquitto import OPEN, free_port, mosquitto, needs_mosquitto

pytestmark = [pytest.mark.server, needs_mosquitto]

ACL = "topic readwrite ok/#\ntopic write mute/#\n"


def guarded(folder):
    """Return the configuration of a broker where nothing else than this may be said or heard."""
    file = folder / "acl"
    file.write_text(ACL)
    return (OPEN, f"acl_file {file}")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_is_published_arrives_and_a_kept_message_is_kept(tmp_path, protocol):
    async with mosquitto(tmp_path) as server, held(broker(server.port, protocol=protocol)) as ours:
        session = await ours.session()
        await session.publish(
            Message("a/b", "值".encode(), retain=True, expiry=60, content_type="text/plain")
        )
        async with listening(server.port) as listener:
            heard = await listener.until(bool)

    assert (heard[0].topic, heard[0].payload, heard[0].retained) == ("a/b", "值", True)
    assert session.accepted == 1


async def test_a_publish_that_the_acl_denies_is_refused(tmp_path):
    async with mosquitto(tmp_path, *guarded(tmp_path)) as server, held(broker(server.port)) as ours:
        session = await ours.session()
        with pytest.raises(Refused, match=r"forbidden/x: Not authorized \(0x87\)") as refused:
            await session.publish(Message("forbidden/x", b"1"))
        await session.publish(Message("ok/x", b"1"))

    assert refused.value.code == 0x87


async def test_a_message_counts_as_taken_when_its_handler_has_returned(tmp_path):
    seen, stuck = [], asyncio.Event()

    async def first(delivery):
        if len(seen) == 10:
            stuck.set()
            await asyncio.get_running_loop().create_future()
        seen.append(delivery.payload)

    async def second(delivery):
        seen.append(delivery.payload)
        if len(seen) == 40:
            stuck.set()

    async with mosquitto(tmp_path) as server:
        async with held(broker(server.port, "reader"), lambda s: s.subscribe("q", first)) as reader:
            session = await reader.session()
            async with held(broker(server.port)) as writer:
                ours = await writer.session()
                for number in range(40):
                    await ours.publish(Message("q", b"%d" % number))
            async with asyncio.timeout(PATIENCE):
                await stuck.wait()
            session.client.finish("as kill -9 would")
            reader.task.cancel()
        stuck.clear()
        async with (
            held(broker(server.port, "reader"), subscriptions=[("q", second)]),
            asyncio.timeout(PATIENCE),
        ):
            await stuck.wait()

    assert seen == [b"%d" % number for number in range(40)]


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_slow_reader_loses_nothing_and_holds_little(tmp_path, qos):
    seen, most, done = [], 0, asyncio.Event()

    async def slowly(delivery):
        nonlocal most
        most = max(most, reader.sessions[0]._inbox.qsize() if reader.sessions else 0)
        await asyncio.sleep(0.0002)
        seen.append(int(delivery.payload))
        if len(seen) == 2000:
            done.set()

    settings = (OPEN, "max_queued_messages 10000", "set_tcp_nodelay true")
    async with mosquitto(tmp_path, *settings) as server:
        known = broker(server.port, "reader", receive_maximum=8)
        async with (
            held(known, lambda s: s.subscribe("q", slowly, qos=qos)) as reader,
            held(broker(server.port)) as writer,
        ):
            await reader.session()
            ours = await writer.session()
            for number in range(2000):
                await ours.room()
                ours.send(Message("q", b"%d" % number), lambda _: None)
            async with asyncio.timeout(PATIENCE):
                await done.wait()

    assert seen == list(range(2000))
    assert most <= WAITING
    assert reader.troubles == []


async def test_a_handler_that_raises_ends_it_all_and_the_message_comes_again(tmp_path):
    seen = []

    async def clumsily(delivery):
        seen.append(delivery.payload)
        raise LookupError("a bug")

    async with mosquitto(tmp_path) as server:
        async with held(broker(server.port, "reader"), lambda s: s.subscribe("q", clumsily)) as reader:
            await reader.session()
            async with held(broker(server.port)) as writer:
                await (await writer.session()).publish(Message("q", b"1"))
            with pytest.raises(ExceptionGroup, match="unhandled errors"):
                await asyncio.shield(reader.task)
        async with held(broker(server.port, "reader"), subscriptions=[("q", clumsily)]) as reader:
            with pytest.raises(ExceptionGroup):
                await asyncio.shield(reader.task)

    assert seen == [b"1", b"1"]


async def test_what_failed_is_not_sent_by_the_next_session(tmp_path):
    async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
        session = await ours.session()
        server.send(signal.SIGSTOP)
        failed = asyncio.create_task(session.publish(Message("q", b"once")))
        await asyncio.sleep(0)
        server.kill()
        with pytest.raises(Lost):
            await failed
        await server.start()
        async with listening(server.port, "q") as listener:
            session = await ours.session(2)
            await session.publish(Message("q", b"after", retain=True))
            heard = await listener.until(lambda all_: any(h.payload == "after" for h in all_))

    assert [h.payload for h in heard] == ["after"]


async def test_what_comes_while_we_are_away_waits_even_over_a_restart_of_the_broker(tmp_path):
    seen = asyncio.Queue()

    async def handler(delivery):
        seen.put_nowait(delivery.payload)

    settings = (OPEN, "persistence true", f"persistence_location {tmp_path}/")
    async with mosquitto(tmp_path, *settings) as server:
        async with held(broker(server.port, "reader"), lambda s: s.subscribe("q", handler)) as reader:
            await reader.session()
        async with held(broker(server.port)) as writer:
            await (await writer.session()).publish(Message("q", b"kept"))
        server.stop()
        await server.start()
        async with (
            held(broker(server.port, "reader"), subscriptions=[("q", handler)]),
            asyncio.timeout(PATIENCE),
        ):
            payload = await seen.get()

    assert payload == b"kept"


@pytest.mark.parametrize("limit", ["ours", "the broker's"])
async def test_a_message_too_large_for_either_side_is_not_even_sent(tmp_path, limit):
    settings = (OPEN, "max_packet_size 2000") if limit == "the broker's" else (OPEN,)
    known = {} if limit == "the broker's" else {"max_packet": 2000}
    async with mosquitto(tmp_path, *settings) as server, held(broker(server.port, **known)) as ours:
        session = await ours.session()
        with pytest.raises(Unsendable, match="more than the 2000 of a packet"):
            await session.publish(Message("q", b"x" * 2000))
        await session.publish(Message("q", b"x" * 1900))

    assert ours.troubles == []


async def test_a_topic_with_a_wildcard_is_not_sent(tmp_path):
    async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
        session = await ours.session()
        with pytest.raises(Unsendable, match="wildcard"):
            await session.publish(Message("q/+", b"1"))

    assert ours.troubles == []


async def test_a_half_open_connection_is_noticed_by_an_idle_session(tmp_path):
    async with mosquitto(tmp_path) as server:
        known = broker(server.port, keepalive=1, timeout=1.0, echo="ok/echo")
        async with held(known) as ours:
            await ours.session()
            server.send(signal.SIGSTOP)
            async with asyncio.timeout(2 * 1 + 5):
                words = await ours.trouble()
            server.send(signal.SIGCONT)
            await ours.session(2)

    assert words == "the broker has acknowledged nothing for 1 s"


async def test_a_session_that_hears_nothing_of_what_it_subscribed_to_knows_it(tmp_path):
    async with mosquitto(tmp_path, *guarded(tmp_path)) as server:
        known = broker(server.port, keepalive=1, timeout=0.5, echo="mute/echo")
        async with (
            held(known) as deaf,
            held(broker(server.port, "b", keepalive=1, echo="ok/echo")) as hearing,
        ):
            muted, sound = await deaf.session(), await hearing.session()
            async with asyncio.timeout(PATIENCE):
                while not muted.deaf or sound._nonce:
                    await asyncio.sleep(0.02)

    assert (muted.deaf, sound.deaf) == (True, False)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_wrong_password_is_told_as_such(tmp_path, protocol):
    (tmp_path / "users").write_text("")
    settings = ("allow_anonymous false", f"password_file {tmp_path / 'users'}")
    async with mosquitto(tmp_path, *settings) as server:
        known = broker(server.port, protocol=protocol, username="u", password="wrong")  # noqa: S106 - it is wrong
        async with held(known) as ours:
            words = await ours.trouble()

    assert words.startswith("connection: Not authorized")
    assert "wrong" not in repr(known)


async def test_another_client_of_the_same_name_is_told_as_such(tmp_path):
    async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
        await ours.session()
        async with held(broker(server.port)):
            words = await ours.trouble()

    assert "another client uses our name" in words or "Session taken over" in words


async def test_a_broker_that_comes_and_goes_is_found_again_each_time(tmp_path):
    async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
        for number in range(1, 6):
            session = await ours.session(number)
            await session.publish(Message("q", b"1"))
            server.kill()
            await server.start()

    assert all(not session.alive for session in ours.sessions)


async def test_connecting_waits_for_no_thread_of_the_default_executor(tmp_path):
    loop, gate = asyncio.get_running_loop(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        loop.set_default_executor(pool)
        blocked = loop.run_in_executor(None, gate.wait)
        try:
            async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
                session = await ours.session()
                await session.publish(Message("q", b"1"))
        finally:
            gate.set()
            await blocked

    assert session.accepted == 1


@pytest.mark.parametrize(
    "moment", ["looking up", "connected", "publishing", "subscribing", "waiting to retry"]
)
async def test_it_ends_at_once_when_cancelled(tmp_path, moment):
    hanging = asyncio.get_running_loop().create_future
    reached = asyncio.Event()

    async def never(_host):
        reached.set()
        await hanging()

    async def use(session):
        if moment != "connected":
            server.send(signal.SIGSTOP)
        reached.set()
        if moment == "publishing":
            await session.publish(Message("q", b"1"))
        if moment == "subscribing":
            await session.subscribe("q", never)

    async with mosquitto(tmp_path) as server:
        port = free_port() if moment == "waiting to retry" else server.port
        known = {"resolve": never} if moment == "looking up" else {}
        async with held(broker(port, timeout=30.0), use, **known) as ours:
            await (ours.trouble() if moment == "waiting to retry" else reached.wait())
            ours.task.cancel()
            async with asyncio.timeout(1):
                await asyncio.gather(ours.task, return_exceptions=True)

    assert ours.task.cancelled()


async def test_a_cancellation_that_meets_the_loss_of_the_session_is_not_forgotten(tmp_path):
    async with mosquitto(tmp_path) as server, held(broker(server.port)) as ours:
        for number in range(1, 4):
            session = await ours.session(number)
            session.client.finish("gone")
            if number == 3:
                await asyncio.sleep(0)
                ours.task.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(ours.task, return_exceptions=True)

    assert ours.task.cancelled()


async def test_a_use_that_fails_in_a_group_of_its_own_is_called_again(tmp_path):
    called = []

    async def fail():
        await asyncio.sleep(0)
        raise Lost("noticed by one of the tasks that use the session")

    async def use(session):
        called.append(session)
        if len(called) < 3:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())

    async with mosquitto(tmp_path) as server, held(broker(server.port), use) as ours:
        session = await ours.session()

    assert session is called[2]


def test_the_private_names_that_we_lean_on_are_there():
    inner = paho.Client(paho.CallbackAPIVersion.VERSION2)

    assert {"_create_socket", "_sock_close", "_in_packet"} <= set(dir(inner))
    assert "remaining_length" in inner._in_packet
    assert aiomqtt.Client.__init__.__kwdefaults__.keys() >= {
        "protocol",
        "will",
        "clean_session",
        "identifier",
    }
    assert issubclass(Refused, MqttError)
