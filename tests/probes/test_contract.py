"""contract: every probe kind has the same shape, and no peer makes it late, loud, greedy or wrong.

A new kind must be written into POINTED of pointed.py: how it is pointed at a port of this machine.
"""

import asyncio
import functools
import gzip
import inspect
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Finding, Outcome
from monitor.engine.runner import REASONS as OF_THE_RUNNER
from monitor.engine.runner import observe
from monitor.kit.resolver import close_shared
from monitor.ports import ProbeOptions, ReportOptions
from monitor.probes import load_kinds
from tests.probes.certificates import Authority
from tests.probes.peers import closed_port, deaf_port, never_answers, peer, resets, says
from tests.probes.pointed import POINTED

KINDS = load_kinds()
KINDS |= {way: KINDS[kind] for way in POINTED if (kind := way.partition(" ")[0]) in KINDS}
DEADLINE = 0.2
GRACE = 1.0
"""Seconds that a busy machine may take to notice a deadline."""

PICKY = {"body": "never said", "redirects": 3}


def pointed(name, port):
    if name not in POINTED:
        pytest.fail(f"kind {name!r} is not in POINTED: say in pointed.py how it is pointed at a local port")
    return KINDS[name].options(**POINTED[name][1](port))


def over(shape):
    return sorted(name for name in KINDS if POINTED.get(name, (shape,))[0] == shape)


STREAMS, DATAGRAMS = over("stream"), over("datagram")
every_kind = pytest.mark.parametrize("name", sorted(KINDS))
every_stream = pytest.mark.parametrize("name", STREAMS)


# The shape.

UNITS = {
    "Unix time",
    "as configured",
    "bits per second",
    "bytes",
    "certificates",
    "code",
    "hops",
    "number",
    "packets",
    "packets per second",
    "ratio",
    "records",
    "seconds",
}


def test_every_kind_can_be_pointed_at_this_machine():
    assert sorted(POINTED) == sorted(KINDS)


@every_kind
def test_options_are_frozen_and_refuse_what_they_do_not_know(name):
    options = pointed(name, 9)

    assert issubclass(KINDS[name].options, ProbeOptions)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(options, next(iter(KINDS[name].options.model_fields)), "x")
    with pytest.raises(ValidationError, match="no_such_option"):
        KINDS[name].options(**POINTED[name][1](9), no_such_option=1)


@every_kind
def test_every_option_says_what_it_is_for(name):
    fields = KINDS[name].options.model_fields

    assert ({"host", "url"} & set(fields)) or issubclass(KINDS[name].options, ReportOptions)
    assert [key for key, field in fields.items() if not (field.description or "").strip()] == []


@every_kind
def test_a_kind_says_in_one_line_what_it_does(name):
    assert re.fullmatch(r"[A-Z].{10,100}\.", KINDS[name].summary)


@every_kind
def test_reasons_are_short_stable_words_with_a_meaning(name):
    reasons = KINDS[name].reasons

    assert reasons
    assert [word for word in reasons if not re.fullmatch(r"[a-z][a-z0-9_]*", word)] == []
    assert [word for word, meaning in reasons.items() if not meaning.strip() or "\n" in meaning] == []
    assert not {"ok", "probe_error"} & set(reasons)
    assert (KINDS[name].words or frozenset()) <= reasons.keys()


@every_kind
def test_values_are_names_with_a_unit_and_a_meaning(name):
    values = KINDS[name].values

    assert [key for key in values if not re.fullmatch(r"[a-z][a-z0-9_]*", key)] == []
    assert {unit for unit, _ in values.values()} <= UNITS
    assert [key for key, (_, meaning) in values.items() if not meaning.strip() or "\n" in meaning] == []


@every_kind
def test_a_look_is_a_coroutine_of_the_options_alone(name):
    assert inspect.iscoroutinefunction(KINDS[name].probe)
    assert len(inspect.signature(KINDS[name].probe).parameters) == 1


@pytest.mark.parametrize("name", sorted(name for name, kind in KINDS.items() if kind.engine))
def test_a_batch_form_has_the_three_verbs_and_can_be_closed_unused(name):
    class Deaf:
        answered = found = late = staticmethod(lambda *_: None)

    batch = KINDS[name].engine(Deaf())
    assert all(callable(getattr(batch, verb)) for verb in ("prepare", "send", "close"))
    batch.close()


# The peers.


@pytest.fixture(autouse=True)
async def _no_descriptor_is_left():
    files = open_files()
    yield
    await close_shared()
    async with asyncio.timeout(GRACE):
        while open_files() > files:
            await asyncio.sleep(0.01)


def tasks_of_ours():
    """Return all tasks but those of the test's own server, which may still be taking a connection."""
    server = ("Peer.serve", "BaseSelectorEventLoop._accept_connection2")
    return {task for task in asyncio.all_tasks() if task.get_coro().__qualname__ not in server}


async def looked(name, port, deadline=DEADLINE):
    """Look once through the runner and hold what came of it to the contract."""
    tasks = tasks_of_ours()
    finding, took = await observe(functools.partial(KINDS[name].probe, pointed(name, port)), deadline)
    await asyncio.sleep(0)
    held(name, finding)
    assert took < deadline + GRACE, "the deadline was not obeyed"
    assert tasks_of_ours() == tasks, "a task was left behind"
    return finding


def held(name, finding):
    assert isinstance(finding, Finding)
    assert finding.reason != "probe_error", finding.detail
    assert finding.reason in {"ok", *KINDS[name].reasons, *OF_THE_RUNNER}
    assert finding.outcome is Outcome.OK or finding.reason != "ok"
    assert len(finding.detail) <= 200
    assert finding.detail == "" or finding.detail.isprintable()
    assert all(isinstance(value, float) for value in finding.values.values())
    assert set(finding.values) <= set(KINDS[name].values)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def drips(words):
    """Behave so: one byte and a long pause, for ever."""

    async def behave(one, _, writer):
        while True:
            for byte in words:
                await one.say(writer, bytes([byte]))
                await asyncio.sleep(0.05)

    return behave


def endless(head, block):
    """Behave so: talk as fast as the wire takes it, without end."""

    async def behave(one, _, writer):
        await one.say(writer, head)
        while True:
            await one.say(writer, block)
            await asyncio.sleep(0)

    return behave


async def accepts_and_hangs_up(_, _reader, _writer):
    """Leave at once."""


HOSTILE = {
    "never-answers": never_answers,
    "one-byte-at-a-time": drips(b"HTTP/1.1 200 OK\r\n"),
    "one-byte-of-tls-at-a-time": drips(b"\x16\x03\x03\x00\x7a\x02" + b"\0" * 90),
    "talks-without-end": endless(b"", b"x" * 65_536),
    "lines-without-end": endless(b"", b"220 hello\r\n" * 5000),
    "hangs-up": accepts_and_hangs_up,
    "resets": resets,
}
BOMB = gzip.compress(b"\0" * 50_000_000)
HTTP = b"HTTP/1.1 200 OK\r\n"
SPOILT = {
    "bad-status-line": says(lambda _: b"HTTP/9.9 abc \xff\r\n\r\n"),
    "http-0.9": says(lambda _: b"<html>old</html>"),
    "header-of-1-mb": says(lambda _: HTTP + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n"),
    "headers-without-end": endless(HTTP, b"X-Y: z\r\n" * 1000),
    "chunks-without-end": endless(HTTP + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 5000),
    "one-huge-chunk": endless(HTTP + b"Transfer-Encoding: chunked\r\n\r\nfffffffffff\r\n", b"x" * 65_536),
    "a-chunk-size-without-end": endless(HTTP + b"Transfer-Encoding: chunked\r\n\r\n", b"1" * 65_536),
    "body-without-end": endless(HTTP + b"\r\n", b"x" * 65_536),
    "gzip-bomb": says(lambda _: HTTP + b"Content-Encoding: gzip\r\n\r\n" + BOMB),
    "continue-without-end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "redirects-without-end": says(lambda _: b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "switches-protocol": says(lambda _: b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    "two-lengths": says(lambda _: HTTP + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "odd-charset": says(lambda _: HTTP + b"Content-Type: text/plain; charset=zlib_codec\r\n\r\nab"),
    "tls-record-too-long": says(lambda _: b"\x16\x03\x03\xff\xff" + b"\0" * 70_000),
    "tls-of-another-age": says(lambda _: b"\x16\x03\x00\x00\x02\x02\x00"),
    "tls-alert": says(lambda _: b"\x15\x03\x03\x00\x02\x02\x28"),
    "tls-records-without-end": endless(b"", b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 5000),
    "tls-stall": says(lambda _: b"\x16\x03\x03\x40\x00\x02"),
}


@every_stream
@pytest.mark.parametrize("behave", [pytest.param(b, id=n) for n, b in (HOSTILE | SPOILT).items()])
async def test_no_peer_makes_a_look_late_loud_greedy_or_wrong(name, behave):
    tracemalloc.start()
    try:
        async with peer(behave) as one:
            finding = await looked(name, one.port)
            sent, (_, most) = one.sent, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert finding.outcome is Outcome.FAILED
    assert most < 8_000_000
    assert sent < 16_000_000, "the kernel's buffers alone do not hold so much: it was read"


@every_stream
async def test_a_port_that_drops_every_knock_is_a_timeout(name):
    with deaf_port() as port:
        finding = await looked(name, port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "timeout", False)


@pytest.mark.parametrize("name", STREAMS + DATAGRAMS)
async def test_a_closed_port_is_a_refusal_that_proves_the_way(name):
    finding = await looked(name, closed_port())

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "refused", True)


@every_kind
async def test_a_cancelled_look_leaves_nothing_behind(name):
    with deaf_port() as port:
        files = open_files()
        look = asyncio.create_task(KINDS[name].probe(pointed(name, port)))
        await asyncio.sleep(0)
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)
        await asyncio.sleep(0)

        assert look.cancelled() or POINTED[name][0] != "stream"
        assert open_files() == files


@every_kind
async def test_many_looks_at_once_do_not_disturb_each_other(name):
    async with peer(never_answers) as one:
        look = functools.partial(KINDS[name].probe, pointed(name, one.port))
        results = await asyncio.gather(*(observe(look, DEADLINE) for _ in range(50)))

    for finding, took in results:
        held(name, finding)
        assert took < DEADLINE + GRACE


PIECES = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404\r\n", b"Content-Length: 5\r\n", b"Content-Length: x\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Location: http://[\r\n",
    b"HTTP/1.1 302 x\r\n", b"Location: //\xff\r\n", b"Set-Cookie: \x00=\r\n", b": \r\n", b" folded\r\n",
    b"\r\n", b"\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffffffff\r\n", b"\x1f\x8b\x08",
    b"\x16\x03\x03\x00\x05", b"\x16\x03\x01\x02\x00\x02", b"\x15\x03\x03\x00\x02\x02\x50",
    b"\x14\x03\x03\x00\x01\x01",
    b"\x17\x03\x03\x40\x00", b"220 hub\r\n", b"\x00", b"\xff" * 40,
]  # fmt: skip
talk = st.lists(st.sampled_from(PIECES) | st.binary(max_size=60), max_size=12).map(b"".join)
bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@every_stream
@bounded
@given(words=talk, first=st.booleans())
async def test_nothing_that_a_peer_says_breaks_a_probe(name, words, first):
    async with peer(says(words if first else lambda _: words)) as one:
        await looked(name, one.port)


class Babbler(asyncio.DatagramProtocol):
    def __init__(self, answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        for answer in self.answers(data):
            self.transport.sendto(answer, address)


async def looked_at_babbler(name, answers):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Babbler(answers), local_addr=("127.0.0.1", 0))
    try:
        return await looked(name, transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


@pytest.mark.parametrize("name", DATAGRAMS)
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(lambda _: [], id="never-answers"),
        pytest.param(lambda _: [b""], id="empty"),
        pytest.param(lambda _: [b"x" * 60_000] * 40, id="many-and-large"),
        pytest.param(lambda data: [data[:-1]], id="cut-short"),
        pytest.param(lambda data: [data[:-1] + bytes([data[-1] ^ 1])], id="one-bit-wrong"),
        pytest.param(lambda data: [data + b"\0"], id="too-long"),
    ],
)
async def test_no_datagram_but_the_right_one_is_well(name, answers):
    finding = await looked_at_babbler(name, answers)

    assert finding.outcome is Outcome.FAILED


@pytest.mark.parametrize("name", DATAGRAMS)
@settings(bounded, max_examples=25)
@given(words=st.lists(st.binary(max_size=60), min_size=8, max_size=8))
async def test_nothing_in_a_datagram_breaks_a_probe(name, words):
    await looked_at_babbler(name, lambda _: words)


@pytest.mark.parametrize("behave", [pytest.param(b, id=n) for n, b in HOSTILE.items()])
async def test_no_peer_behind_a_good_handshake_does_either(behave, tmp_path):
    issued = Authority(tmp_path).issue()
    options = {"verify": False, **PICKY}
    async with peer(behave, ssl=issued.server()) as one:
        look = functools.partial(
            KINDS["http"].probe, KINDS["http"].options(url=f"https://127.0.0.1:{one.port}/", **options)
        )
        finding, took = await observe(look, DEADLINE)
        sent = one.sent

    held("http", finding)
    assert took < DEADLINE + GRACE
    assert sent < 16_000_000
