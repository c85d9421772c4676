"""The HTTP server: whatever a client does costs a place for a while, and nothing else."""

import asyncio
import gzip

import aiohttp
import pytest

from monitor.kit.http import CannotListenError, Limits, Response, serve


async def hello(_):
    return Response(b"hello\n")


def served(routes=None, **limits):
    return serve(routes or {"/": hello}, host="127.0.0.1", port=0, limits=Limits(**limits))


async def talk(address, sent):
    """Send bytes, read until the other side closes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def get(address, path="/", **headers):
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as client,
        client.get(f"http://{address[0]}:{address[1]}{path}", headers=headers) as answer,
    ):
        return answer, await answer.read()


async def test_a_healthy_client_is_served_while_two_hundred_dribble():
    async with served(connections=200) as address:
        slow = [await asyncio.open_connection(*address) for _ in range(200)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        answers = [await get(address) for _ in range(5)]
        for _, writer in slow:
            writer.close()

        assert [body for _, body in answers] == [b"hello\n"] * 5


async def test_clients_that_have_gone_take_no_places():
    async with served(connections=3) as address:
        asked = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answers = [await talk(address, asked) for _ in range(20)]

        assert [answer[-6:] for answer in answers] == [b"hello\n"] * 20


async def test_a_head_that_does_not_come_is_not_waited_for():
    async with served(head=0.3) as address:
        answer = await talk(address, b"GET / HTTP/1.1\r\n")

        assert answer == b""


async def test_an_idle_connection_is_closed():
    async with served(idle=0.3) as address:
        answer = await talk(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert answer.endswith(b"hello\n")


async def test_an_answer_that_nobody_takes_is_broken_off():
    ended = asyncio.Event()

    async def endless():
        try:
            while True:
                yield bytes(65_536)
        finally:
            ended.set()

    async def flood(_):
        return Response(endless(), endless=True)

    async with served({"/": flood}, stall=0.3) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()


async def test_when_every_place_works_a_newcomer_is_refused_not_queued():
    going, done = asyncio.Semaphore(0), asyncio.Event()

    async def wait(_):
        going.release()
        await done.wait()
        return Response(b"done\n")

    async with served({"/": wait}, connections=3) as address:
        busy = [asyncio.create_task(get(address)) for _ in range(3)]
        for _ in range(3):
            await going.acquire()
        newcomer = await talk(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        done.set()
        answers = await asyncio.gather(*busy)

        assert newcomer == b""
        assert [body for _, body in answers] == [b"done\n"] * 3


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"413"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\nConnection: close\r\n\r\n", b"403"),
        (b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
    ],
    ids=["post", "body", "chunked", "elsewhere", "other site", "garbage", "long header"],
)
async def test_what_is_not_served_is_refused_in_a_word(request_, status, caplog):
    async with served() as address:
        answer = await talk(address, request_)

        assert answer.split(b" ", 2)[1] == status
        assert not caplog.records


async def test_head_gets_the_headers_alone():
    async with served() as address:
        answer = await talk(address, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"\r\n\r\n")


async def test_a_fault_of_a_route_is_an_error_500_that_tells_nothing():
    async def broken(_):
        raise RuntimeError("secret")

    async with served({"/": broken}) as address:
        answer, body = await get(address)

        assert (answer.status, body) == (500, b"internal error\n")


async def test_a_fault_midway_breaks_the_answer_off_so_that_none_takes_it_for_whole():
    async def pieces():
        yield b"half"
        raise RuntimeError("secret")

    async def broken(_):
        return Response(pieces())

    async with served({"/": broken}) as address:
        with pytest.raises(aiohttp.ClientError):
            await get(address)


async def test_pieces_are_compressed_for_whoever_asks_and_for_nobody_else():
    async def pieces():
        for number in range(1000):
            yield f"{number}\n".encode()

    async def counted(_):
        return Response(pieces())

    async with served({"/": counted}) as address:
        squeezed, body = await get(address, **{"Accept-Encoding": "deflate, gzip;q=0.5"})
        plain, whole = await get(address, **{"Accept-Encoding": "gzip;q=0, identity"})

        assert squeezed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(body) == whole == "".join(f"{n}\n" for n in range(1000)).encode()


async def test_a_client_that_goes_ends_its_stream():
    ended = asyncio.Event()

    async def pieces():
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stream(_):
        return Response(pieces(), endless=True)

    async with served({"/": stream}) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"first")
        writer.transport.abort()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_the_end_waits_for_nobody():
    async def pieces():
        yield b"first"
        await asyncio.Event().wait()

    async def stream(_):
        return Response(pieces(), endless=True)

    async with asyncio.timeout(5), served({"/": stream}) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"first")
    async with asyncio.timeout(5):
        rest = await reader.read()
    writer.close()

    assert b"0\r\n\r\n" not in rest


async def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(CannotListenError) as caught:
        async with serve({}, host="192.0.2.1", port=0):
            pass

    assert str(caught.value) == "cannot listen on 192.0.2.1 port 0: Cannot assign requested address"
