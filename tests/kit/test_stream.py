"""stream: a conversation ends in the words waited for, or in one of three plain ways."""

import asyncio
import tracemalloc

import pytest

from monitor.kit.sockets import Target
from monitor.kit.stream import HungUpError, TooMuchError, conversation
from monitor.kit.tls import context
from tests.probes.certificates import Authority
from tests.probes.peers import peer, says


@pytest.fixture(params=["in-the-clear", "under-tls"])
def secured(request, tmp_path):
    """Give the two ends' settings: of the server, of the client."""
    if request.param == "in-the-clear":
        return None, None
    return Authority(tmp_path).issue().server(), context(verify=False)


async def heard(secured, behave, listen, most=65_536):
    server, client = secured
    async with (
        peer(behave, ssl=server) as one,
        conversation(Target("127.0.0.1", one.port), client, "hub.test", most=most) as stream,
    ):
        await stream.say(b"hello\n")
        return await listen(stream)


async def test_what_is_said_is_heard_in_the_pieces_that_are_asked_for(secured):
    async def listen(stream):
        return await stream.until(b"\r\n"), await stream.exactly(3), await stream.until(b"!")

    told = await heard(secured, says(lambda asked: asked + b"one\r\ntwothree!rest"), listen)

    assert told == (b"hello\none\r\n", b"two", b"three!")


async def test_a_mark_is_found_across_pieces(secured):
    async def behave(one, _, writer):
        for byte in b"ab\r\n":
            await one.say(writer, bytes([byte]))
            await asyncio.sleep(0)

    assert await heard(secured, behave, lambda stream: stream.until(b"\r\n")) == b"ab\r\n"


@pytest.mark.parametrize("said", [b"", b"half"])
async def test_a_peer_that_hangs_up_is_told_with_what_it_said(secured, said):
    with pytest.raises(HungUpError) as caught:
        await heard(secured, says(lambda _: said), lambda stream: stream.until(b"\n"))

    assert caught.value.heard == said


async def test_a_peer_that_never_stops_is_left_after_what_was_granted(secured):
    async def endless(one, _, writer):
        while True:
            await one.say(writer, b"x" * 16_384)

    tracemalloc.start()
    with pytest.raises(TooMuchError) as caught:
        await heard(secured, endless, lambda stream: stream.until(b"\n"), most=20_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(caught.value.heard) == 20_000
    assert most < 4_000_000


async def test_the_round_trip_is_the_kernels_own(secured):
    async def listen(stream):
        return stream.rtt, stream.local

    rtt, (host, port) = await heard(secured, says(lambda _: b""), listen)

    assert 0 < rtt < 1
    assert (host, port > 0) == ("127.0.0.1", True)
