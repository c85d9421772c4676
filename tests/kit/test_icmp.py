"""icmp on loopback: each ping is told once, with the kernel's time, however late the loop is."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from monitor.kit.icmp import Engine
from tests.kit.icmp_ground import Ledger, allowed, inside, namespaces, sysctl


@pytest.fixture(params=["raw", "ping-socket"])
def raw(request):
    """Say whether to use raw sockets; lend a namespace that allows ping sockets where this host does not."""
    if request.param == "raw":
        if not allowed(socket.SOCK_RAW):
            pytest.skip("raw sockets need CAP_NET_RAW")
        yield True
    elif allowed(socket.SOCK_DGRAM):
        yield False
    else:
        with namespaces("ping") as (name,), inside(name):
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
            yield False


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


ANY = pytest.mark.skipif(
    not (allowed(socket.SOCK_RAW) or allowed(socket.SOCK_DGRAM)), reason="may open no ICMP socket"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1"])
@pytest.mark.parametrize("size", [16, 56, 1472, 20_000])
async def test_an_answer_is_told_with_its_time(host, size, raw):
    with Ledger(raw=raw) as ledger:
        before = time.monotonic()
        ledger.ping(host, size=size)
        await ledger.until(1)

    word, key, sent_at, rtt = ledger.lines[0]
    assert (word, key) == ("answered", host)
    assert before <= sent_at <= time.monotonic()
    assert 0 <= rtt < 0.1


async def test_thousands_at_once_are_all_answered(raw):
    hosts = [f"127.1.{i // 250}.{1 + i % 250}" for i in range(5000)]
    with Ledger(raw=raw) as ledger:
        ledger.ping(*hosts)
        await ledger.until(len(hosts))

    assert sorted((word, key) for word, key, *_ in ledger.lines) == sorted(
        ("answered", host) for host in hosts
    )


async def test_a_loop_that_is_blocked_turns_no_answer_into_a_loss(raw):
    with Ledger(raw=raw) as ledger:
        ledger.ping("127.0.0.1", "127.0.0.2", "::1", wait=0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop is to be blocked
        await ledger.until(3)

    assert {word for word, *_ in ledger.lines} == {"answered"}
    assert max(rtt for *_, rtt in ledger.lines) < 0.05


@ANY
async def test_packets_of_one_batch_may_go_different_ways():
    with Ledger() as ledger:
        ledger.ping("127.0.0.1", source="127.0.0.77")
        ledger.ping("127.0.0.2", interface="lo")
        ledger.ping("127.0.0.3", ttl=3, dscp=46)
        ledger.ping("::1", source="::1", interface="lo", ttl=3, dscp=46)
        await ledger.until(4)

    assert {word for word, *_ in ledger.lines} == {"answered"}


@ANY
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"source": "203.0.113.9"}, "no_local_address"),
        ({"interface": "cmt-nowhere"}, "no_interface"),
    ],
)
async def test_what_this_host_does_not_have_is_our_own_trouble(options, reason):
    with Ledger() as ledger:
        for _ in range(3):
            ledger.ping("127.0.0.1", **options)
        await ledger.until(3)

    assert {(word, miss.reason, miss.ours) for word, _, _, miss in ledger.lines} == {("missed", reason, True)}


async def test_answers_that_this_host_had_no_room_for_are_no_losses(raw):
    with Ledger(raw=raw, buffer=1) as ledger:
        ledger.ping(*[f"127.0.1.{i}" for i in range(1, 201)], wait=0.05)
        await ledger.until(200)

    missed = [miss for word, _, _, miss in ledger.lines if word == "missed"]
    assert missed
    assert {miss.reason for miss in missed} == {"receive_overflow"}
    assert all(miss.ours for miss in missed)


@ANY
async def test_a_closed_engine_is_silent_and_leaves_no_socket_behind():
    before = open_files()
    with Ledger() as ledger:
        ledger.ping("127.0.0.1", "::1")
    ledger.ping("127.0.0.1")
    await asyncio.sleep(0)

    assert ledger.lines == []
    assert open_files() == before


@ANY
async def test_a_socket_goes_with_the_last_target_that_uses_it():
    with Ledger() as ledger:
        ledger.ping("127.0.0.1", source="127.0.0.5")
        await ledger.until(1)

        assert list(ledger.engine._pool._channels) == []


@ANY
async def test_nothing_wakes_the_loop_when_nothing_is_under_way():
    with Ledger() as ledger:
        ledger.ping("127.0.0.1")
        await ledger.until(1)
        await asyncio.sleep(0)

        assert ledger.engine._timer is None


async def test_that_thousands_fall_silent_at_once_does_not_hold_the_loop():
    def missed(key, *_):
        given_up.append(key)
        until = time.thread_time() + 1e-4
        while time.thread_time() < until:
            pass

    given_up, seen = [], set()
    engine = Engine(missed, missed, missed)
    with namespaces("still") as (name,), inside(name):
        sysctl("net.ipv4.icmp_echo_ignore_all", "1")
        engine.send([(engine.prepare(f"127.0.0.{i % 250 + 1}"), i, 0.2) for i in range(2000)])
        async with asyncio.timeout(10):
            while len(given_up) < 2000:
                await asyncio.sleep(0)
                seen.add(len(given_up))
        engine.close()

    assert sorted(given_up) == list(range(2000))
    assert len(seen) > 10


@ANY
async def test_a_callback_that_breaks_does_not_stop_the_others():
    heard, reported = [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def answered(key, _sent_at, _rtt):
        heard.append(key)
        if key == "127.0.0.1":
            raise LookupError(key)

    engine = Engine(answered, heard.append, heard.append)
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    engine.send([(engine.prepare(host), host, 1.0) for host in hosts])
    async with asyncio.timeout(5):
        while len(heard) < len(hosts):
            await asyncio.sleep(0.01)
    engine.close()

    assert heard == hosts
    assert isinstance(reported[0], LookupError)


@ANY
@pytest.mark.parametrize("host", ["127.0.0.1", "203.0.113.9"])
async def test_a_callback_may_close_the_engine(host):
    heard = []

    def close(key, *_):
        heard.append(key)
        engine.close()

    engine = Engine(close, close, close)
    target = engine.prepare("127.0.0.1", source=host)
    engine.send([(target, 1, 1.0), (target, 2, 1.0)])
    async with asyncio.timeout(5):
        while not heard:
            await asyncio.sleep(0.01)
    engine.send([(target, 3, 1.0)])

    assert heard == [1]


def test_preparing_opens_nothing_and_needs_no_loop():
    engine = Engine(print, print, print)
    before = open_files()
    engine.prepare("127.0.0.1", source="127.0.0.9", interface="lo")
    after = open_files()
    engine.close()

    assert after == before


@pytest.mark.parametrize("size", [15, 65_508, -1])
def test_a_payload_that_cannot_be_is_refused(size):
    engine = Engine(print, print, print)
    with pytest.raises(ValueError, match="payload"):
        engine.prepare("127.0.0.1", size=size)
    engine.close()
