"""udp: one datagram, and only the right answer to it counts."""

import asyncio
import contextlib
import socket

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.probes.udp import Options, probe


class Peer(asyncio.DatagramProtocol):
    def __init__(self, answers):
        self.answers = answers
        self.heard = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.heard.append((data, peer))
        for answer in self.answers(data):
            self.transport.sendto(answer, peer)


@contextlib.asynccontextmanager
async def peer(answers, host="127.0.0.1"):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Peer(answers), local_addr=(host, 0))
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def echo(data):
    return [data]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_echo_is_well_and_its_round_trip_is_measured(host):
    async with peer(echo, host) as (_, port):
        finding = await probe(Options(host=host, port=port))

    assert finding.outcome is Outcome.OK
    assert 0 < finding.values["rtt"] < 1


async def test_each_look_sends_words_that_nobody_can_guess():
    async with peer(echo) as (protocol, port):
        await probe(Options(host="127.0.0.1", port=port))
        await probe(Options(host="127.0.0.1", port=port))

    (first, _), (second, _) = protocol.heard
    assert len(first) >= 8
    assert first != second


async def test_nobody_at_the_port_is_a_refusal_that_proves_the_way():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    finding = await probe(Options(host="127.0.0.1", port=port))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "refused", True)


async def test_a_stray_answer_is_passed_over():
    async with peer(lambda data: [b"from an earlier life", data]) as (_, port):
        finding = await probe(Options(host="127.0.0.1", port=port))

    assert finding.outcome is Outcome.OK


async def test_nothing_but_wrong_answers_is_a_failure_quoted_harmlessly():
    async with peer(lambda _: [b"\x1b[2J no"] * 10) as (_, port):
        finding = await probe(Options(host="127.0.0.1", port=port))

    assert (finding.reason, finding.path_up) == ("unexpected_answer", True)
    assert finding.detail == "the last said '[2J no'"


async def test_silence_waits_for_the_deadline_and_leaves_nothing_behind():
    before = len(asyncio.all_tasks())
    async with peer(lambda _: []) as (_, port):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await probe(Options(host="127.0.0.1", port=port))

    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        pytest.param("pong", "ok", id="the-words-expected"),
        pytest.param(r"\x00p", "ok", id="bytes-expected"),
        pytest.param(None, "ok", id="any-answer-will-do"),
        pytest.param("pang", "unexpected_answer", id="other-words"),
    ],
)
async def test_your_own_question_and_answer(expect, reason):
    async with peer(lambda data: [b"\x00pong" if data == b"ping\n" else b"?"] * 9) as (_, port):
        finding = await probe(Options(host="127.0.0.1", port=port, send=r"ping\n", expect=expect))

    assert finding.reason == reason


async def test_the_source_address_is_kept():
    async with peer(echo) as (protocol, port):
        await probe(Options(host="127.0.0.1", port=port, source="127.0.0.9", interface="lo"))

    assert protocol.heard[0][1][0] == "127.0.0.9"


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
    ],
)
async def test_our_own_trouble_is_unknown(pin, reason):
    finding = await probe(Options(host="127.0.0.1", port=7, **pin))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"expect": "x"}, "expect needs send"),
        ({"send": r"\q"}, "no escape"),
        ({"source": "::1"}, "one family"),
        ({"family": "ipv6"}, "one family"),
        ({"port": 0}, "greater than or equal"),
        ({"prot": 7}, "prot"),
        ({"host": "a b"}, "host"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
