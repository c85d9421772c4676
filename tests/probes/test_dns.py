"""dns: a name server is asked, and only the right answer, from the right server, is well."""

import asyncio
import contextlib
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.dns import MOST, PAYLOAD, Question
from monitor.probes.dns import Options, probe
from tests.probes.peers import closed_port, peer, says
from tests.probes.servers import nameserver


@pytest.fixture(scope="module")
def unbound(tmp_path_factory):
    """Start a real name server for all tests; give its port."""
    with nameserver(tmp_path_factory.mktemp("unbound")) as port:
        yield port


async def looked(port, name="mqtt.hub", **options):
    async with asyncio.timeout(5):
        return await probe(Options(host="127.0.0.1", port=port, name=name, **options))


@pytest.mark.server
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "kind", "expect", "count"),
    [
        pytest.param("mqtt.hub", "A", "10.1.2.21", 2, id="one-of-two-addresses"),
        pytest.param("MQTT.hub.", "A", ["10.1.2.20", "10.1.2.21"], 2, id="both"),
        pytest.param("mqtt.hub", "AAAA", "FD00::20", 1, id="aaaa"),
        pytest.param("10.1.2.20", "PTR", "mqtt.hub", 1, id="ptr-of-an-address"),
        pytest.param("20.2.1.10.in-addr.arpa", "PTR", "mqtt.hub.", 1, id="ptr-of-a-name"),
        pytest.param("_sip._udp.hub", "SRV", "0 5 5060 sip.hub", 1, id="srv"),
        pytest.param("hub", "MX", "10 mail.hub", 1, id="mx"),
        pytest.param("hub", "NS", "ns.hub", 1, id="ns"),
        pytest.param("note.hub", "TXT", "duty room", 1, id="txt"),
    ],
)
async def test_the_records_that_are_there_are_well(unbound, transport, name, kind, expect, count):
    finding = await looked(unbound, name, type=kind, expect=expect, transport=transport)

    assert (finding.outcome, finding.detail != "") == (Outcome.OK, True)
    assert finding.values["answers"] == count
    assert finding.values["ttl"] > 0
    assert 0 < finding.values["rtt"] < 5


@pytest.mark.server
async def test_the_serial_of_a_zone_is_a_value(unbound):
    finding = await looked(unbound, "hub", type="soa", authoritative=True)

    assert finding.values["serial"] == 2026112801


@pytest.mark.server
async def test_a_truncated_answer_is_asked_for_again_over_tcp(unbound):
    finding = await looked(unbound, "many.hub", type="TXT")

    assert (finding.outcome, finding.values["answers"]) == (Outcome.OK, 30)


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        pytest.param("absent.hub", {}, "nxdomain", id="no-such-name"),
        pytest.param("mqtt.hub", {"type": "SRV"}, "no_records", id="no-such-records"),
        pytest.param("mqtt.hub", {"expect": "10.9.9.9,10.1.2.20"}, "unexpected_answer", id="other-data"),
        pytest.param("mqtt.hub", {"rcode": "NXDOMAIN"}, "rcode", id="a-name-that-should-not-be"),
        pytest.param("elsewhere.example", {}, "servfail", id="nobody-to-ask"),
        pytest.param("x.forbidden", {}, "query_refused", id="forbidden"),
    ],
)
async def test_another_answer_is_a_failure_that_proves_the_way(unbound, name, options, reason):
    finding = await looked(unbound, name, **options)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)


@pytest.mark.server
async def test_that_a_name_is_not_served_can_be_what_is_right(unbound):
    assert (await looked(unbound, "absent.hub", rcode="nxdomain", authoritative=True)).outcome is Outcome.OK
    assert (await looked(unbound, "x.forbidden", rcode="REFUSED")).outcome is Outcome.OK


async def test_what_is_missing_is_named():
    async with server(lambda query: [reply(query, "10.0.0.1")]) as port:
        finding = await looked(port, expect="10.0.0.2, 10.0.0.1")

    assert finding.detail == "10.0.0.2 is missing among 10.0.0.1"


# Peers that lie.


def reply(query, address="10.1.2.20", flags=0x8580):
    """Return the answer to a query for an A record: by default with authority, and of no error."""
    question = query[12 : query.index(b"\0", 12) + 5]
    answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    return query[:2] + struct.pack("!HHHHH", flags, 1, 1, 0, 0) + question + answer


class Server(asyncio.DatagramProtocol):
    def __init__(self, answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        for answer in self.answers(data):
            self.transport.sendto(answer, address)


@contextlib.asynccontextmanager
async def server(answers, port=0):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Server(answers), local_addr=("127.0.0.1", port)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def other_id(query):
    return bytes([query[0] ^ 1]) + query[1:]


def other_name(query):
    return query.replace(b"\4mqtt", b"\4mutt")


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda query: reply(other_id(query), "10.6.6.6"), id="another-id"),
        pytest.param(lambda query: reply(other_name(query), "10.6.6.6"), id="another-question"),
        pytest.param(lambda query: query, id="our-own-question"),
        pytest.param(lambda query: reply(query)[:-2], id="cut-short"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda query: query[:12] + b"\xc0\x0c\0\1\0\1", id="a-name-that-points-at-itself"),
    ],
)
async def test_a_forgery_is_passed_over_and_the_right_answer_is_taken(forged):
    async with server(lambda query: [forged(query), reply(query)]) as port:
        finding = await looked(port)

    assert (finding.outcome, finding.detail) == (Outcome.OK, "10.1.2.20")


async def test_an_answer_from_another_address_is_none():
    loop = asyncio.get_running_loop()
    with socket.socket(type=socket.SOCK_DGRAM) as true, socket.socket(type=socket.SOCK_DGRAM) as false:
        for sock, host in ((true, "127.0.0.1"), (false, "127.0.0.66")):
            sock.bind((host, 0))
            sock.setblocking(False)  # noqa: FBT003 - the standard library's own
        look = asyncio.create_task(looked(true.getsockname()[1]))
        query, asker = await loop.sock_recvfrom(true, 4096)
        false.sendto(reply(query, "10.6.6.6"), asker)
        true.sendto(reply(query), asker)
        finding = await look

    assert (finding.outcome, finding.detail) == (Outcome.OK, "10.1.2.20")


async def test_nothing_but_forgeries_is_a_failure():
    async with server(lambda query: [reply(other_id(query))] * 10) as port:
        finding = await looked(port)

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "bad_answer")


async def test_an_answer_without_authority_may_be_a_failure():
    async with server(lambda query: [reply(query, flags=0x8180)]) as port:
        assert (await looked(port)).outcome is Outcome.OK
        assert (await looked(port, authoritative=True)).reason == "not_authoritative"


async def test_more_than_we_take_by_udp_is_passed_over():
    padding = b"\0\0\x10" + bytes(PAYLOAD)
    async with server(lambda query: [reply(query, "10.6.6.6") + padding, reply(query)]) as port:
        finding = await looked(port)

    assert (finding.outcome, finding.detail) == (Outcome.OK, "10.1.2.20")


async def test_what_a_server_says_is_quoted_harmlessly():
    def answers(query):
        text = b"\x1b[2J<script>"
        data = bytes([len(text)]) + text
        return [reply(query)[:-14] + b"\0\x10\0\1" + struct.pack("!IH", 60, len(data)) + data]

    async with server(answers) as port:
        finding = await looked(port, type="TXT")

    assert finding.detail.isprintable()
    assert finding.outcome is Outcome.OK


def over_tcp(data):
    return struct.pack("!H", len(data)) + data


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(lambda asked: over_tcp(reply(asked[2:])), "ok", id="the-answer"),
        pytest.param(lambda asked: over_tcp(reply(other_id(asked[2:]))), "bad_answer", id="another-id"),
        pytest.param(lambda asked: over_tcp(reply(asked[2:], flags=0x8780)), "bad_answer", id="truncated"),
        pytest.param(lambda _: struct.pack("!H", MOST + 1), "bad_answer", id="too-long"),
        pytest.param(lambda asked: over_tcp(reply(asked[2:]))[:-1], "closed", id="cut-short"),
        pytest.param(lambda _: b"", "closed", id="nothing"),
    ],
)
async def test_over_tcp_only_a_whole_answer_is_well(words, reason):
    async with peer(says(words)) as one:
        finding = await looked(one.port, transport="tcp")

    assert finding.reason == reason


async def test_nobody_at_the_tcp_port_is_a_refusal():
    finding = await looked(closed_port(), transport="tcp")

    assert (finding.reason, finding.path_up) == ("refused", True)


# Whatever comes.

QUESTION = Question("mqtt.hub", "A", recursion=True)
PIECES = [
    b"\xc0\x0c", b"\xc0\x00", b"\xff\xff", b"\x3f" + b"a" * 63, b"\0", b"\0\1\0\1", b"\0\x10\0\1",
    b"\0\6\0\1", b"\0\x29\x04\xd0", b"\0\x2e\0\1", b"\0\x21\0\1",
    b"\0\0\0\x3c\0\4\x0a\1\2\x14", b"\0\0\0\x3c\xff\xff",
    b"\4mqtt\3hub\0", QUESTION.wire[12:26], b"\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c",
]  # fmt: skip
bodies = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=20).map(b"".join)
flags = st.sampled_from([b"\x85\x80", b"\x81\x80", b"\x85\x83", b"\x87\x80", b"\x01\0"])
counts = st.binary(min_size=8, max_size=8)


def mutated(flips):
    wire = bytearray(reply(QUESTION.wire))
    for place, value in flips:
        wire[place % len(wire)] = value
    return bytes(wire)


made = st.builds(lambda *parts: QUESTION.wire[:2] + b"".join(parts), flags, counts, bodies)
flipped = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4).map(mutated)


def understood(wire):
    answer = QUESTION.answer(wire)
    if answer is not None:
        assert wire[:2] == QUESTION.wire[:2], "an answer to another question was taken"
        assert wire[2] & 0x80, "a question was taken for an answer"
        assert all(isinstance(record, str) for record in answer.records)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(wire=made | flipped | st.binary(max_size=300))
def test_no_message_breaks_the_parser(wire):
    understood(wire)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(wire=made | flipped | st.binary(max_size=300))
def test_no_message_of_ten_thousand_breaks_the_parser(wire):
    understood(wire)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"type": "ANY"}, "type"),
        ({"name": "a..b"}, "is no name"),
        ({"name": "x" * 64 + ".hub"}, "is no name"),
        ({"rcode": "NXDOMAIN", "expect": "x"}, "do not go together"),
        ({"source": "::1"}, "one family"),
        ({"nam": "x"}, "nam"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", "name": "hub", **given})
