"""The broker in our own process: keeps what is retained, passes on what is said, ends without a trace."""

import asyncio

from monitor.kit.mqtt import Broker, Connection, Message
from monitor.simulator.broker import ADDRESS, broker


def client(port, name):
    return Broker(ADDRESS, port, name, protocol="3.1.1")


async def say(port, *messages):
    async def use(session):
        for message in messages:
            await session.publish(message)

    await Connection(client(port, "speaker")).keep(use)


async def hear(port, pattern, wanted, listening=None):
    """Listen until *wanted* messages have come; set *listening* once they would be heard."""
    heard = []
    enough = asyncio.Event()

    async def take(delivery):
        heard.append((delivery.topic, delivery.payload, delivery.retained))
        if len(heard) == wanted:
            enough.set()

    async def use(_session):
        if listening:
            listening.set()
        await enough.wait()

    async with asyncio.timeout(5):
        await Connection(client(port, "listener"), subscriptions=[(pattern, take)]).keep(use)
    return heard


async def test_a_retained_message_waits_for_who_comes_later():
    async with broker() as port:
        await say(port, Message("city/status", b"up", retain=True))
        heard = await hear(port, "city/#", 1)

    assert heard == [("city/status", b"up", True)]


async def test_the_latest_word_is_kept_and_an_empty_one_takes_it_away():
    async with broker() as port:
        await say(port, Message("city/a", b"1", retain=True), Message("city/a", b"2", retain=True))
        await say(port, Message("city/b", b"1", retain=True), Message("city/b", b"", retain=True))
        heard = await hear(port, "city/#", 1)

    assert heard == [("city/a", b"2", True)]


async def test_a_hundred_messages_arrive_in_order():
    async with broker() as port:
        ready = asyncio.Event()
        listener = asyncio.create_task(hear(port, "city/event", 100, ready))
        await ready.wait()
        await say(port, *(Message("city/event", str(number).encode()) for number in range(100)))
        heard = await listener

    assert [payload for _, payload, _ in heard] == [str(number).encode() for number in range(100)]


async def test_it_ends_while_clients_are_connected_and_leaves_no_task():
    before = asyncio.all_tasks()
    async with broker() as port:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        await say(port, Message("city/status", b"up", retain=True))
    left = asyncio.all_tasks() - before
    writer.close()
    await writer.wait_closed()

    assert await reader.read() == b""
    assert not left
