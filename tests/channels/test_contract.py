"""contract: every kind of channel has the same shape, and no peer makes it late, loud, greedy or wrong."""

import asyncio
import inspect
import re
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.channels import load_channels
from monitor.core.alarm import Address
from monitor.kit.courier import Fate, Receipt
from monitor.kit.resolver import close_shared
from monitor.ports import ChannelOptions
from tests.channels.ground import MAIL, PHONE, POINTED, SECRET, message
from tests.probes.peers import closed_port, deaf_port, never_answers, peer, resets, says
from tests.probes.test_contract import accepts_and_hangs_up, drips, endless, open_files, tasks_of_ours

KINDS = load_channels()
TIMEOUT = 0.3
GRACE = 1.5
"""Seconds that a busy machine may take to notice a deadline."""

every_kind = pytest.mark.parametrize("name", sorted(KINDS))
STREAMS = sorted(name for name, (shape, *_) in POINTED.items() if "stream" in shape)
every_stream = pytest.mark.parametrize("name", STREAMS)


def options(name, folder, port, **more):
    kind = KINDS[name.partition(" ")[0]]
    return kind.options(**{**POINTED[name][2](folder, port), "timeout": TIMEOUT, **more})


def opened(name, folder, port, **more):
    return KINDS[name.partition(" ")[0]].open(options(name, folder, port, **more))


# The shape.


def test_every_kind_can_be_pointed_at_this_machine():
    assert {name.partition(" ")[0] for name in POINTED} == set(KINDS)


@every_kind
def test_options_are_frozen_and_refuse_what_they_do_not_know(name, tmp_path):
    made = options(name, tmp_path, 9)

    assert issubclass(KINDS[name].options, ChannelOptions)
    with pytest.raises(ValidationError, match="frozen"):
        made.timeout = 1
    with pytest.raises(ValidationError, match="no_such_option"):
        options(name, tmp_path, 9, no_such_option=1)


@every_kind
def test_every_option_says_what_it_is_for(name):
    fields = KINDS[name].options.model_fields

    assert [key for key, field in fields.items() if not (field.description or "").strip()] == []


@every_kind
def test_a_kind_says_in_one_line_what_it_does_to_whom_and_how_many_at_once(name):
    kind = KINDS[name]

    assert re.fullmatch(r"[A-Z].{10,110}\.", kind.summary)
    assert isinstance(kind.address, Address)
    assert 1 <= kind.at_once <= 16
    assert isinstance(kind.reports, bool)


@every_kind
def test_a_secret_is_shown_nowhere(name, tmp_path):
    made = options(name, tmp_path, 9)

    assert SECRET not in f"{made!r}{made}{made.model_dump()}{made.model_dump_json()}"


@every_kind
async def test_a_channel_has_the_three_verbs_and_can_be_closed_unused(name, tmp_path):
    channel = opened(name, tmp_path, 9)
    assert all(inspect.iscoroutinefunction(getattr(channel, verb)) for verb in ("send", "run", "aclose"))

    await channel.aclose()
    await channel.aclose()


# The peers.


@pytest.fixture(autouse=True)
async def _no_descriptor_is_left():
    files = open_files()
    yield
    await close_shared()
    async with asyncio.timeout(GRACE):
        while open_files() > files:
            await asyncio.sleep(0.01)


async def sent(name, folder, port, **more):
    """Send once and hold what came of it to the contract."""
    tasks, clock = tasks_of_ours(), asyncio.get_running_loop().time
    channel = opened(name, folder, port, **more)
    began = clock()
    try:
        receipt = await channel.send(message(to=POINTED[name][1]))
    finally:
        await channel.aclose()
    took = clock() - began
    await asyncio.sleep(0)
    held(receipt, POINTED[name][1], options(name, folder, port).password)
    assert took < TIMEOUT + GRACE, "the deadline was not obeyed"
    assert tasks_of_ours() == tasks, "a task was left behind"
    return receipt


def held(receipt, to, secret):
    hidden = list(filter(None, (secret and secret.get_secret_value(), PHONE, PHONE[3:], to)))
    assert isinstance(receipt, Receipt)
    for words in (receipt.words, receipt.reference):
        assert len(words) <= 200
        assert words == "" or words.isprintable()
        assert not any(told in words for told in hidden), words
    assert receipt.wait is None or 0 <= receipt.wait <= 3600
    assert receipt.words or receipt.fate is Fate.TAKEN


HOSTILE = {
    "never-answers": never_answers,
    "one-byte-at-a-time": drips(b"HTTP/1.1 200 OK\r\n"),
    "one-digit-at-a-time": drips(b"220-"),
    "talks-without-end": endless(b"", b"x" * 65_536),
    "lines-without-end": endless(b"", b"220-hello\r\n" * 5000),
    "greets-and-talks-without-end": endless(b"220 hello\r\n", b"250-x\r\n" * 5000),
    "headers-without-end": endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n" * 1000),
    "hangs-up": accepts_and_hangs_up,
    "resets": resets,
    "tells-what-it-heard": says(lambda heard: b"HTTP/1.1 500 No\r\n\r\n" + heard + SECRET.encode() * 99),
    "tells-whom-it-heard-of": says(f"554 {PHONE} {MAIL} {SECRET} {'1' * 5000}\r\n".encode()),
    "nonsense": says(b"\xff\xfe\x00\r\n\r\n"),
    "odd-codes": says(b"999999 hello\r\n-1 x\r\n"),
}


@every_stream
@pytest.mark.parametrize("behave", [pytest.param(b, id=n) for n, b in HOSTILE.items()])
async def test_no_peer_makes_an_attempt_late_loud_greedy_or_wrong(name, behave, tmp_path):
    tracemalloc.start()
    try:
        async with peer(behave) as one:
            receipt = await sent(name, tmp_path, one.port)
            told, (_, most) = one.sent, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert receipt.fate is not Fate.TAKEN or POINTED[name][0] == "one-way stream"
    assert most < 8_000_000
    assert told < 16_000_000, "the kernel's buffers alone do not hold so much: it was read"


@every_stream
async def test_a_connection_that_was_never_made_leaves_no_doubt(name, tmp_path):
    with deaf_port() as port:
        silent = await sent(name, tmp_path, port)
    refused = await sent(name, tmp_path, closed_port())

    assert (silent.fate, refused.fate) == (Fate.LATER, Fate.LATER)


@pytest.mark.parametrize("name", sorted(POINTED))
async def test_a_cancelled_attempt_leaves_nothing_behind(name, tmp_path):
    with deaf_port() as port:
        files, tasks = open_files(), tasks_of_ours()
        channel = opened(name, tmp_path, port, timeout=20)
        attempt = asyncio.create_task(channel.send(message(to=POINTED[name][1])))
        await asyncio.sleep(0.05)
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        await channel.aclose()
        await asyncio.sleep(0)

        assert attempt.cancelled() or attempt.result().fate is not Fate.REFUSED
        assert tasks_of_ours() == tasks
        async with asyncio.timeout(GRACE):
            while open_files() > files:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", sorted(POINTED))
async def test_listening_goes_on_until_it_is_cancelled(name, tmp_path):
    async def hear(_):
        raise AssertionError

    channel = opened(name, tmp_path, 9)
    listening = asyncio.create_task(channel.run(hear))
    done, _ = await asyncio.wait([listening], timeout=0.1)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await channel.aclose()

    assert not done
    assert listening.cancelled()


PIECES = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 404 \xff\r\n", b"Content-Length: 5\r\n", b"Retry-After: -1\r\n",
    b"Retry-After: Fri, 31 Feb 9999 25:00:00 GMT\r\n", b"\r\n", b"220 hub\r\n", b"220-hub\r\n", b"25",
    b"250 \xff\r\n", b"354 go\r\n", b"421 no\r\n", b"\x00",
    b"\xff" * 40, b"250-AUTH\r\n", b"250 STARTTLS\r\n",
]  # fmt: skip


@every_stream
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=8).map(b"".join))
async def test_nothing_that_a_peer_says_breaks_a_channel(name, words, tmp_path):
    async with peer(says(words)) as one:
        await sent(name, tmp_path, one.port)
