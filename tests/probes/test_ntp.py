"""ntp: the time of a real server is compared with ours, and only the answer to our own question counts."""

import asyncio
import contextlib
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.ntp import Request, synchronised
from monitor.probes.ntp import Options, probe
from tests.probes.servers import chrony

UNIX = 2_208_988_800


async def looked(port, **options):
    async with asyncio.timeout(5):
        return await probe(Options(host="127.0.0.1", port=port, **options))


@pytest.mark.server
async def test_a_good_server_is_well_and_tells_how_good_it_is(tmp_path):
    async with chrony(tmp_path, "local stratum 5") as port:
        finding = await looked(port, max_stratum=5, max_root_distance=1)

    assert finding.outcome is Outcome.OK
    assert finding.values["stratum"] == 5
    assert finding.values["leap"] == 0
    assert abs(finding.values["offset"]) < 0.1
    assert 0 <= finding.values["delay"] <= finding.values["rtt"] < 1
    assert 0 <= finding.values["root_distance"] < 1


@pytest.mark.server
async def test_a_server_that_has_no_time_itself_is_a_failure(tmp_path):
    async with chrony(tmp_path) as port:
        finding = await looked(port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "unsynchronised", True)


@pytest.mark.server
async def test_a_server_whose_clock_is_wrong_is_poor_and_then_failed(tmp_path):
    async with chrony(tmp_path, "local stratum 5", shifted="+30s") as port:
        poor = await looked(port, warn_offset=1)
        failed = await looked(port, warn_offset=1, max_offset=10)

    assert 29 < poor.values["offset"] < 31
    assert (poor.outcome, poor.reason) == (Outcome.OK, "offset")
    assert (failed.outcome, failed.reason, failed.path_up) == (Outcome.FAILED, "offset", True)
    assert failed.detail.startswith("offset 30")
    assert failed.detail.endswith(" s, limit 10 s")


@pytest.mark.server
@pytest.mark.parametrize(
    ("limits", "outcome", "detail"),
    [
        pytest.param({"warn_stratum": 4}, Outcome.OK, "stratum 5, limit 4", id="poor"),
        pytest.param({"max_stratum": 4}, Outcome.FAILED, "stratum 5, limit 4", id="failed"),
    ],
)
async def test_a_server_may_be_too_far_from_a_reference_clock(tmp_path, limits, outcome, detail):
    async with chrony(tmp_path, "local stratum 5") as port:
        finding = await looked(port, **limits)

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, "stratum", detail)


# Servers that err or lie.


def ntp_time(at):
    return int((at + UNIX) * 2**32) % 2**64


def answer(request, ahead=0.0, **parts):
    """Return the answer of a good server whose clock is *ahead* by so many seconds, but for *parts*."""
    now = time.time() + ahead
    told = {
        "head": 0o44,
        "stratum": 2,
        "delay": 0.01,
        "dispersion": 0.002,
        "reference": b"\x0a\1\2\3",
        "origin": request[40:],
        "received": ntp_time(now),
        "sent": ntp_time(now),
    } | parts
    return struct.pack(
        "!BBbbII4sQ8sQQ",
        told["head"],
        told["stratum"],
        6,
        -20,
        int(told["delay"] * 65_536),
        int(told["dispersion"] * 65_536),
        told["reference"],
        ntp_time(now - 10),
        told["origin"],
        told["received"],
        told["sent"],
    )


class Server(asyncio.DatagramProtocol):
    def __init__(self, answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        for said in self.answers(data):
            self.transport.sendto(said, address)


@contextlib.asynccontextmanager
async def server(answers):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Server(answers), local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(b"RATE", "kiss_rate", id="asked-too-often"),
        pytest.param(b"DENY", "kiss_deny", id="denied"),
        pytest.param(b"RSTR", "kiss_deny", id="restricted"),
        pytest.param(b"STEP", "kiss", id="another"),
        pytest.param(b"INIT", "kiss", id="not-ready"),
        pytest.param(b"\x1b[2J", "unsynchronised", id="garbage"),
    ],
)
async def test_a_kiss_of_death_is_told_by_its_code(code, reason):
    kiss = {"stratum": 0, "head": 0o344, "reference": code, "received": 0, "sent": 0}
    async with server(lambda request: [answer(request, **kiss)]) as port:
        finding = await looked(port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
    assert finding.detail.isprintable()


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda r: answer(r, 99, origin=bytes([r[40] ^ 1]) + r[41:]), id="another-origin"),
        pytest.param(lambda r: answer(r, 99, origin=bytes(8)), id="no-origin"),
        pytest.param(lambda r: answer(r, 99, head=0o43), id="a-question"),
        pytest.param(lambda r: answer(r, 99, head=0o45), id="a-broadcast"),
        pytest.param(lambda r: answer(r, 99)[:47], id="cut-short"),
        pytest.param(lambda r: answer(r, sent=0), id="without-a-time"),
        pytest.param(lambda r: r, id="our-own-question"),
    ],
)
async def test_a_forgery_is_passed_over_and_the_right_answer_is_taken(forged):
    async with server(lambda request: [forged(request), answer(request)]) as port:
        finding = await looked(port)

    assert finding.outcome is Outcome.OK
    assert abs(finding.values["offset"]) < 1


async def test_a_question_tells_nothing_of_us_and_no_two_are_alike():
    heard = []
    async with server(lambda request: heard.append(request) or [answer(request)]) as port:
        await looked(port)
        await looked(port)

    assert heard[0][:40] == heard[1][:40] == bytes([0o43]) + bytes(39)
    assert heard[0][40:] != heard[1][40:]


async def test_the_error_that_a_server_admits_is_held_against_it():
    async with server(lambda request: [answer(request, delay=0.4, dispersion=2.0)]) as port:
        finding = await looked(port, max_root_distance=1.5)

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "root_distance")
    assert finding.detail.endswith(" s, limit 1.5 s")
    assert 2.2 <= finding.values["root_distance"] < 2.7


async def test_what_a_slow_way_could_explain_is_not_held_against_the_server():
    async def late(transport, request, address):
        await asyncio.sleep(0.4)
        transport.sendto(answer(request, 0.05), address)

    class Slow(Server):
        def datagram_received(self, data, address):
            self.task = asyncio.create_task(late(self.transport, data, address))

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Slow(None), local_addr=("127.0.0.1", 0))
    finding = await looked(transport.get_extra_info("sockname")[1], warn_offset=0.1)
    transport.close()

    assert finding.values["offset"] > 0.2
    assert (finding.outcome, finding.reason) == (Outcome.OK, "ok")


async def test_our_own_clock_may_be_the_one_that_is_wrong():
    async with server(lambda request: [answer(request, 50)]) as port:
        finding = await looked(port, check_own_clock=True)

    assert (finding.outcome, finding.reason) == (
        (Outcome.OK, "offset") if synchronised() else (Outcome.UNKNOWN, "own_clock")
    )


def test_time_is_reckoned_across_the_end_of_an_era():
    end = 2**32 - UNIX  # 2036-02-07 06:28:16 UTC, when the seconds begin anew
    request = Request()
    reply = request.reply(answer(request.wire, received=ntp_time(end + 1), sent=ntp_time(end + 1)))

    assert reply.offset(end - 2, end) == pytest.approx(2.0)
    assert reply.delay(end - 2, end) == pytest.approx(2.0)


# Whatever comes.

REQUEST = Request()


def mutated(flips):
    wire = bytearray(answer(REQUEST.wire))
    for place, value in flips:
        wire[place % len(wire)] = value
    return bytes(wire)


flipped = st.lists(st.tuples(st.integers(0, 47), st.integers(0, 255)), max_size=8).map(mutated)
any_packet = (
    flipped
    | st.binary(max_size=80)
    | st.binary(min_size=16, max_size=24).map(lambda tail: mutated([])[:32] + tail)
)


def understood(wire):
    reply = REQUEST.reply(wire)
    if reply is None:
        return
    assert wire[24:32] == REQUEST.wire[40:], "an answer to another question was taken"
    assert wire[0] & 7 == 4
    assert abs(reply.offset(0.0, 1.0)) <= 2**32
    assert 0 <= reply.delay(0.0, 1.0) <= 2**32
    assert reply.kiss == "" or reply.kiss.isprintable()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(wire=any_packet)
def test_no_packet_breaks_the_parser(wire):
    understood(wire)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(wire=any_packet)
def test_no_packet_of_ten_thousand_breaks_the_parser(wire):
    understood(wire)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"max_stratum": 16}, "less than or equal"),
        ({"warn_offset": 0}, "greater than"),
        ({"source": "::1"}, "one family"),
        ({"max_ofset": 1}, "max_ofset"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
