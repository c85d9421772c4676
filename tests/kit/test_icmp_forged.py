"""icmp among liars: only the right answer from the right host counts, once, and late is late."""

import asyncio
import socket
import struct

import pytest

from monitor.kit.icmp import engine as engine_module
from tests.kit.icmp_ground import Ledger, Responder, inside, namespaces, sysctl

pytestmark = pytest.mark.lab

PEER, OTHER = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def quiet_place():
    """Make a namespace whose kernel answers no pings, so that we can."""
    with namespaces("forged") as (name,):
        with inside(name):
            sysctl("net.ipv4.icmp_echo_ignore_all", "1")
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
        yield name


@pytest.fixture(params=["raw", "ping-socket"])
def ledger(request, quiet_place):
    with inside(quiet_place), Ledger(raw=request.param == "raw") as ledger:
        yield ledger


@pytest.fixture
async def responder(ledger):
    """Lend a responder; what it does is set with `responder.answer = ...`."""
    assert ledger.lines == []
    responder = Responder(lambda *_: None)
    yield responder
    responder.close()


def changed(message, at, flip=0xFF):
    data = bytearray(message)
    data[at] ^= flip
    return bytes(data)


FORGERIES = {
    "another-engine": lambda reply: changed(reply, 8),
    "another-nonce": lambda reply: changed(reply, 23),
    "another-sequence": lambda reply: changed(reply, 6),
    "another-ident": lambda reply: changed(reply, 4),
    "no-payload": lambda reply: reply[:8],
    "half-a-nonce": lambda reply: reply[:20],
    "half-a-header": lambda reply: reply[:5],
    "another-type": lambda reply: b"\x0e" + reply[1:],
}


async def settled(ledger, wait):
    """Wait until a ping is decided, and then as long again for what must not come."""
    await ledger.until(1)
    await asyncio.sleep(wait)


async def test_the_right_answer_counts(ledger, responder):
    responder.answer = lambda r, request, asked, asker: r.say(r.reply_to(request), asked, asker)
    word, rtt = await ledger.verdict(PEER)

    assert word == "answered"
    assert 0 < rtt < 0.5


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_answer_counts_for_nothing(ledger, responder, forge):
    responder.answer = lambda r, request, asked, asker: r.say(forge(r.reply_to(request)), asked, asker)
    ledger.ping(PEER, wait=0.1)
    await settled(ledger, 0.1)

    assert [(word, miss.reason) for word, _, _, miss in ledger.lines] == [("missed", "timeout")]


async def test_the_right_answer_counts_after_all_the_forged_ones(ledger, responder):
    def answer(r, request, asked, asker):
        r.say(r.reply_to(request), OTHER, asker)
        for forge in FORGERIES.values():
            r.say(forge(r.reply_to(request)), asked, asker)
        r.say(r.reply_to(request), asked, asker)

    responder.answer = answer
    word, _ = await ledger.verdict(PEER)

    assert word == "answered"


async def test_an_answer_from_another_host_counts_for_nothing(ledger, responder):
    responder.answer = lambda r, request, _, asker: r.say(r.reply_to(request), OTHER, asker)
    ledger.ping(PEER, wait=0.1)
    await settled(ledger, 0.1)

    assert ledger.words() == ["missed"]


async def test_an_answer_that_comes_twice_counts_once(ledger, responder):
    def answer(r, request, asked, asker):
        for _ in range(3):
            r.say(r.reply_to(request), asked, asker)

    responder.answer = answer
    ledger.ping(PEER, wait=0.1)
    await settled(ledger, 0.2)

    assert ledger.words() == ["answered"]


async def test_a_late_answer_is_told_as_late_once(ledger, responder):
    loop = asyncio.get_running_loop()

    def answer(r, request, asked, asker):
        for delay in (0.2, 0.25):
            loop.call_later(delay, r.say, r.reply_to(request), asked, asker)

    responder.answer = answer
    ledger.ping(PEER, wait=0.05)
    await ledger.until(2)
    await asyncio.sleep(0.1)

    assert ledger.words() == ["missed", "late"]
    assert 0.2 <= ledger.lines[1][3] < 0.4


async def test_an_answer_read_late_that_came_late_is_a_timeout_and_late(ledger, responder):
    held = []
    responder.answer = lambda _, request, asked, asker: held.append((request, asked, asker))
    ledger.ping(PEER, wait=0.1)
    while not held:
        await asyncio.sleep(0)
    request, asked, asker = held[0]
    with socket.socket() as blocker:  # blocks the loop past the deadline, then answers before it can look
        blocker.settimeout(0.3)
        blocker.bind(("127.0.0.1", 0))
        blocker.listen()
        with pytest.raises(TimeoutError):
            blocker.accept()
    responder.say(responder.reply_to(request), asked, asker)
    await ledger.until(2)

    assert ledger.words() == ["missed", "late"]
    assert ledger.lines[0][3].reason == "timeout"


async def test_nobody_waits_longer_than_the_late_window(ledger, responder, monkeypatch):
    monkeypatch.setattr(engine_module, "LATE", 0.1)
    ledger.ping(PEER, wait=0.05)
    await ledger.until(1)
    async with asyncio.timeout(2):
        while ledger.engine._timer is not None:
            await asyncio.sleep(0.02)

    assert ledger.engine._given_up == {}
    assert responder.heard


async def test_a_target_that_stays_silent_is_pinged_with_another_ident_by_and_by(ledger, responder):
    target = ledger.engine.prepare(PEER)
    for count in range(1, 23):
        ledger.engine.send([(target, count, 0.01)])
        await ledger.until(count)
    async with asyncio.timeout(2):
        while len(responder.heard) < 22:
            await asyncio.sleep(0.01)
    idents = [request[4:6] for request in responder.heard]

    assert len(set(idents[:10])) == 1
    assert len(set(idents)) == 3


async def test_sequences_and_nonces_are_never_the_same(ledger, responder):
    ledger.ping(*[PEER] * 20, wait=0.05)
    await ledger.until(20)
    async with asyncio.timeout(2):
        while len(responder.heard) < 20:
            await asyncio.sleep(0.01)

    assert len({request[6:8] for request in responder.heard}) == 20
    assert len({request[16:24] for request in responder.heard}) == 20
    assert len({request[8:16] for request in responder.heard}) == 1


def unreachable(request, *, quoted=None, code=1, destination=PEER, protocol=1):
    """Build the error a router would send about a request of ours from 127.0.0.1."""
    inner = request if quoted is None else request[:quoted]
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(request), 1, 0, 64, protocol, 0,
        socket.inet_aton("127.0.0.1"), socket.inet_aton(destination),
    )  # fmt: skip
    return struct.pack("!BBHI", 3, code, 0, 0) + header + inner


@pytest.mark.parametrize("ledger", ["raw"], indirect=True)
@pytest.mark.parametrize("quoted", [8, 16, None], ids=["8-bytes", "half-a-payload", "all"])
async def test_an_error_counts_however_little_it_quotes(ledger, responder, quoted):
    responder.answer = lambda r, request, _, asker: r.say(unreachable(request, quoted=quoted), OTHER, asker)
    word, miss = await ledger.verdict(PEER)

    assert (word, miss.reason, miss.by_peer) == ("missed", "host_unreachable", False)
    assert OTHER in miss.detail


@pytest.mark.parametrize("ledger", ["raw"], indirect=True)
@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda request: unreachable(changed(request, 20)), id="another-nonce"),
        pytest.param(lambda request: unreachable(changed(request, 9)), id="another-engine"),
        pytest.param(lambda request: unreachable(changed(request, 5), quoted=8), id="another-ident"),
        pytest.param(lambda request: unreachable(changed(request, 7), quoted=8), id="another-sequence"),
        pytest.param(lambda request: unreachable(request, destination=OTHER), id="another-destination"),
        pytest.param(lambda request: unreachable(request, protocol=17), id="another-protocol"),
        pytest.param(lambda request: unreachable(request, quoted=4), id="cut-off"),
        pytest.param(lambda request: unreachable(request, code=77), id="an-unknown-code"),
    ],
)
async def test_an_error_about_something_else_ends_nothing(ledger, responder, lie):
    responder.answer = lambda r, request, _, asker: r.say(lie(request), OTHER, asker)
    ledger.ping(PEER, wait=0.1)
    await settled(ledger, 0.05)

    assert [(word, miss.reason) for word, _, _, miss in ledger.lines] == [("missed", "timeout")]


async def test_a_refusal_by_the_target_itself_says_that_the_way_is_up(ledger, responder):
    responder.answer = lambda r, request, asked, asker: r.say(unreachable(request, code=13), asked, asker)
    word, miss = await ledger.verdict(PEER)

    assert (word, miss.reason, miss.by_peer, miss.ours) == ("missed", "admin_prohibited", True, False)


async def test_foreign_pings_do_not_reach_a_raw_socket(quiet_place):
    with inside(quiet_place), Ledger(raw=True) as mine, Ledger(raw=True) as foreign:
        mine.ping(PEER, wait=2.0)
        responder = Responder(lambda r, request, asked, asker: r.say(r.reply_to(request), asked, asker))
        foreign.ping(*[OTHER] * 50)
        await foreign.until(50)
        responder.close()
        (channel,) = mine.engine._pool._channels.values()
        with pytest.raises(BlockingIOError):
            channel.recvmsg(256, 64)

    assert set(foreign.words()) == {"answered"}
