"""mqtt against brokers that are none: they cost a timeout, never more, and nobody else's time."""

import asyncio

import pytest

from monitor.kit.mqtt import Message
from tests.kit.mqtt_ground import broker, held, impostor

CONNACK = bytes([0x20, 3, 0, 0, 0])
SILENT = b""


def saying(first: bytes, *then: bytes, pause: float = 0.0, forever: bool = False):
    """Return a behaviour: say the pieces in turn, then nothing, or the last one again and again."""

    async def behave(reader, writer):
        await reader.read(1)
        for piece in (first, *then):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        while forever:
            writer.write(then[-1] if then else first)
            await writer.drain()
        await asyncio.get_running_loop().create_future()

    return behave


async def hang_up(reader, _writer):
    await reader.read(1)


PROPERTIES = bytes([0x20, 0x7F, 0, 0, 0x7C]) + b"\x26" * 0x7C
HUGE = bytes([0x30, 0xFF, 0xFF, 0xFF, 0x7F]) + b"x" * 1000

BEFORE = {
    "silent": (saying(SILENT), "waiting to be welcomed: no answer within 0.5 s"),
    "one byte at a time": (saying(*(bytes([b]) for b in CONNACK), pause=0.3), "no answer within 0.5 s"),
    "garbage": (saying(b"\xff" * 100), ""),
    "an HTTP server": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ""),
    "malformed properties": (saying(PROPERTIES), ""),
    "an endless length": (saying(b"\x20\xff\xff\xff\xff\xff"), ""),
    "a packet of 256 MiB": (saying(HUGE), "larger than we take"),
    "gone at once": (hang_up, "hung up"),
    "refusing": (saying(bytes([0x20, 3, 0, 0x87, 0])), "connection: Not authorized (0x87)"),
    "no QoS 1": (saying(bytes([0x20, 5, 0, 0, 2, 0x24, 0])), "offers no QoS 1"),
}

AFTER = {
    "silent": (saying(CONNACK), "has acknowledged nothing for 0.5 s"),
    "garbage": (saying(CONNACK, b"\xff" * 100), ""),
    "a malformed message": (saying(CONNACK, bytes([0x32, 4, 0, 9, 65, 66])), ""),
    "a topic that is no text": (saying(CONNACK, bytes([0x32, 8, 0, 2, 0xFF, 0xFE, 0, 1, 0, 65])), ""),
    "an endless stream of messages": (
        saying(CONNACK, bytes([0x30, 6, 0, 1, 65, 0, 66, 67]) * 1000, forever=True),
        "has acknowledged nothing for 0.5 s",
    ),
    "acknowledgements of what was never sent": (
        saying(CONNACK, bytes([0x40, 2, 0xEE, 0xEE]) * 10),
        "has acknowledged nothing for 0.5 s",
    ),
}


async def others_run(until: asyncio.Task) -> int:
    """Return how often somebody else's task had its turn while the broker misbehaved."""
    turns = 0
    while not until.done():
        await asyncio.sleep(0.005)
        turns += 1
    return turns


@pytest.mark.parametrize("kind", BEFORE)
async def test_a_broker_that_does_not_greet_as_it_should_is_given_up(kind):
    behave, words = BEFORE[kind]
    async with impostor(behave) as port, held(broker(port, timeout=0.5)) as ours:
        turns = await others_run(asyncio.create_task(ours.until(lambda: len(ours.troubles) >= 2)))

    assert words in ours.troubles[0]
    assert ours.sessions == []
    assert turns > 0


@pytest.mark.parametrize("kind", AFTER)
async def test_a_broker_that_misbehaves_later_is_given_up(kind):
    behave, words = AFTER[kind]

    async def use(session):
        await session.publish(Message("a", b"1"))

    async with impostor(behave) as port, held(broker(port, timeout=0.5), use) as ours:
        turns = await others_run(asyncio.create_task(ours.until(lambda: len(ours.troubles) >= 2)))

    assert words in ours.troubles[0]
    assert turns > (20 if "0.5 s" in ours.troubles[0] else 0)


async def test_what_it_quotes_of_a_broker_is_short_and_on_one_line():
    evil = b"bad\r\n\x1b[2J" + b"x" * 60
    connack = bytes([0x20, 3 + 3 + len(evil), 0, 0x80, 3 + len(evil), 0x1F, 0, len(evil)]) + evil
    async with impostor(saying(connack)) as port, held(broker(port, timeout=0.5)) as ours:
        words = await ours.trouble()

    assert words.isprintable()
    assert len(words) <= 200
