"""tcp: connects by the thousand, each told once, and nothing left behind."""

import asyncio
import contextlib
import errno
import socket
from pathlib import Path

import pytest

from monitor.kit import mishap, tcp
from monitor.kit.sockets import Target
from monitor.kit.tcp import ConnectError, Connects, connect, round_trip


class Ledger:
    """Writes down every call; `until` waits for so many."""

    def __init__(self):
        self.lines = []
        self.changed = asyncio.Event()

    def write(self, word):
        def heard(key, sent_at, *rest):
            self.lines.append((word, key, sent_at, *rest))
            self.changed.set()

        return heard

    def connects(self):
        words = ("stands", "broke", "silent", "late")
        return Connects(**{word: self.write(word) for word in words})

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                self.changed.clear()
                await self.changed.wait()

    def words(self):
        return sorted((word, key) for word, key, *_ in self.lines)


@contextlib.contextmanager
def listening(backlog=128, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), backlog=backlog, family=family) as server:
        yield Target(host, server.getsockname()[1]), server


@contextlib.contextmanager
def deaf():
    """Give a port whose queue is full: the kernel drops every further SYN."""
    with listening(backlog=0) as (target, server), contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            sock.setblocking(False)  # noqa: FBT003 - the standard library's own
            sock.connect_ex(target.address)
        yield target, server


def closed_port():
    with listening() as (target, _):
        return target


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_open_port_stands_and_the_kernel_says_how_far_it_is(host):
    ledger = Ledger()
    connects = ledger.connects()
    with listening(host=host) as (target, _):
        connects.start([(target, "a", 5.0)])
        await ledger.until(1)
        connects.close()

    word, key, sent_at, rtt = ledger.lines[0]
    assert (word, key) == ("stands", "a")
    assert sent_at <= asyncio.get_running_loop().time()
    assert 0 < rtt < 1


async def test_a_closed_port_is_refused_by_the_peer():
    ledger = Ledger()
    connects = ledger.connects()
    connects.start([(closed_port(), "a", 5.0)])
    await ledger.until(1)
    connects.close()

    word, _, _, trouble = ledger.lines[0]
    assert (word, trouble.reason, trouble.answered, trouble.ours) == ("broke", "refused", True, False)


async def test_silence_is_told_at_the_deadline_and_an_answer_after_it_is_late():
    ledger = Ledger()
    connects = ledger.connects()
    with deaf() as (target, server):
        connects.start([(target, "a", 0.1)])
        await ledger.until(1)
        for _ in range(2):
            server.accept()[0].close()
        await ledger.until(2)
        connects.close()

    (first, _, sent_at, *_), (second, _, also_sent_at, rtt) = ledger.lines
    assert (first, second) == ("silent", "late")
    assert sent_at == also_sent_at
    assert rtt > 0


async def test_nobody_is_listened_to_for_ever(monkeypatch):
    monkeypatch.setattr(tcp, "LATE", 0.05)
    ledger = Ledger()
    connects = ledger.connects()
    with deaf() as (target, _):
        connects.start([(target, "a", 0.05)])
        await ledger.until(1)
        async with asyncio.timeout(5):
            while len(connects):
                await asyncio.sleep(0.01)
        connects.close()

    assert ledger.words() == [("silent", "a")]


async def test_a_loop_that_was_late_makes_nobody_late():
    ledger = Ledger()
    connects = ledger.connects()
    with listening() as (target, _):
        connects.start([(target, "a", 0.02)])
        end = asyncio.get_running_loop().time() + 0.1
        while asyncio.get_running_loop().time() < end:
            pass  # the loop is blocked, as by a slow callback
        await ledger.until(1)
        connects.close()

    assert ledger.words() == [("stands", "a")]
    assert ledger.lines[0][3] < 0.05


async def test_a_thousand_at_once_are_each_told_once_and_leave_no_descriptor():
    ledger, before = Ledger(), open_files()
    connects = ledger.connects()
    shut = closed_port()
    with listening(backlog=1024) as (target, _):
        connects.start([(target if n % 2 else shut, n, 5.0) for n in range(1000)])
        await ledger.until(1000)
        connects.close()

    assert ledger.words() == sorted(("stands" if n % 2 else "broke", n) for n in range(1000))
    assert open_files() == before


async def test_closing_gives_up_what_is_under_way_without_a_word():
    ledger, before = Ledger(), open_files()
    connects = ledger.connects()
    with deaf() as (target, _):
        connects.start([(target, n, 0.02) for n in range(10)])
        connects.close()
        connects.close()
        await asyncio.sleep(0.05)

    assert ledger.lines == []
    assert open_files() == before


async def test_it_may_be_closed_by_the_one_who_is_told():
    told = []

    def stands(key, *_):
        told.append(key)
        connects.close()

    connects = Connects(stands=stands, broke=stands, silent=stands, late=stands)
    with listening() as (target, _):
        connects.start([(target, n, 5.0) for n in range(3)])
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0.01)

    assert len(told) <= 3


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"source": "::1"}, "no_route", id="a-source-of-another-family"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
    ],
)
async def test_a_pin_that_does_not_hold_is_our_own_trouble(pin, reason):
    ledger = Ledger()
    connects = ledger.connects()
    connects.start([(Target("127.0.0.1", 9, **pin), "a", 5.0)])
    connects.close()

    word, _, _, trouble = ledger.lines[0]
    assert (word, trouble.ours) == ("broke", True)
    assert trouble.reason in {reason, "local_error"}


async def test_more_than_the_descriptors_allow_is_our_own_trouble_too():
    ledger = Ledger()
    connects = ledger.connects()
    connects._most = 0
    connects.start([(closed_port(), "a", 5.0)])
    connects.close()

    assert ledger.lines[0][3].reason == "no_resources"


async def test_the_source_address_is_kept():
    ledger = Ledger()
    connects = ledger.connects()
    with listening() as (target, server):
        connects.start([(Target(*target.address, source="127.0.0.9", interface="lo"), "a", 5.0)])
        await ledger.until(1)
        caller, address = server.accept()
        caller.close()
        connects.close()

    assert address[0] == "127.0.0.9"


@pytest.mark.parametrize(("polite", "end"), [(1, b""), (0, None)], ids=["a-clean-end", "thrifty-by-reset"])
async def test_we_hang_up_politely_as_long_as_we_can_afford_it(monkeypatch, polite, end):
    monkeypatch.setattr(tcp, "POLITE", polite)
    ledger = Ledger()
    connects = ledger.connects()
    with listening() as (target, server):
        connects.start([(target, "a", 5.0)])
        await ledger.until(1)
        connects.close()
        caller, _ = server.accept()
        with caller:
            try:
                heard = caller.recv(1)
            except ConnectionResetError:
                heard = None

    assert heard == end


async def test_a_connection_for_a_conversation_stands_with_its_round_trip():
    with listening() as (target, _), await connect(target) as sock:
        assert round_trip(sock) > 0


async def test_one_that_does_not_come_to_stand_says_why():
    with pytest.raises(ConnectError) as caught:
        await connect(closed_port())

    assert caught.value.mishap.reason == "refused"


async def test_one_that_is_given_up_leaves_no_descriptor():
    with deaf() as (target, _):
        before = open_files()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect(target)

        assert open_files() == before


def test_what_a_number_means_depends_on_when_it_came():
    assert mishap.at_once(errno.EHOSTUNREACH).ours
    assert mishap.later(errno.EHOSTUNREACH).reason == "host_unreachable"
    assert mishap.at_once(99999).reason == "local_error"
