"""sip: one question, its own answer, and a word for everything else that can happen."""

import asyncio
import contextlib
import functools

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.probes.sip import Options, probe
from tests.probes import callees as real
from tests.probes.peers import closed_port, never_answers, peer, says

HOST = "127.0.0.1"


def fields(asked, *names):
    """Return the lines of these headers as they were asked."""
    lines = asked.decode().split("\r\n")
    return "".join(f"{line}\r\n" for name in names for line in lines if line.startswith(f"{name}:"))


def answer(asked, status="200 OK", more="", length="Content-Length: 0\r\n"):
    kept = fields(asked, "Via", "From", "To", "Call-ID", "CSeq")
    return f"SIP/2.0 {status}\r\n{kept}{more}{length}\r\n".encode()


class Gateway(asyncio.DatagramProtocol):
    """Answers each question with the datagrams that `answers(asked, how_often_asked)` returns."""

    def __init__(self, answers):
        self.answers = answers
        self.heard = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.heard.append(data)
        for one in self.answers(data, len(self.heard)):
            self.transport.sendto(one, address)


@contextlib.asynccontextmanager
async def gateway(answers, host=HOST):
    made = asyncio.get_running_loop().create_datagram_endpoint(lambda: Gateway(answers), (host, 0))
    transport, protocol = await made
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def look(answers, host=HOST, **options):
    async with gateway(answers, host) as (_, port):
        return await probe(Options(host=host, port=port, **options))


@pytest.mark.parametrize("host", [HOST, "::1"])
async def test_an_answer_is_a_sign_of_life_and_tells_what_the_peer_can_do(host):
    more = "Server: GW 9000\r\nAllow: INVITE, ACK\r\nSupported: 100rel\r\n"
    finding = await look(lambda asked, _: [answer(asked, more=more)], host)

    assert finding.outcome is Outcome.OK
    assert finding.detail == "SIP 200 OK, server GW 9000, allows INVITE, ACK, supports 100rel"
    assert (finding.values["status"], finding.values["sent"]) == (200, 1)
    assert 0 < finding.values["rtt"] == finding.values["answer"] < 1


@pytest.mark.parametrize(
    ("status", "accepted", "reason"),
    [
        *[(code, None, "ok") for code in ("202", "302", "401", "403", "404", "405", "407", "486")],
        *[(code, None, "status") for code in ("500", "503", "603")],
        ("503", "2xx,503", "ok"),
        ("404", "2xx", "status"),
        ("486", ["2xx", 486], "ok"),
    ],
)
async def test_a_refusal_is_a_sign_of_life_and_a_failing_server_is_not(status, accepted, reason):
    accepts = {} if accepted is None else {"status": accepted}
    finding = await look(lambda asked, _: [answer(asked, f"{status} So")], **accepts)

    assert (finding.reason, finding.path_up) == (reason, True)
    assert finding.values["status"] == int(status)


async def test_a_lost_question_is_asked_again_with_doubled_pauses_and_the_same_words():
    async with gateway(lambda asked, often: [answer(asked)] if often == 3 else []) as (peer, port):
        finding = await probe(Options(host=HOST, port=port, t1=0.05))

    assert peer.heard[0] == peer.heard[1] == peer.heard[2]
    assert (finding.outcome, finding.values["sent"]) == (Outcome.OK, 3)
    assert finding.values["answer"] >= 0.05 + 0.1
    assert "rtt" not in finding.values


async def test_a_peer_that_says_it_is_trying_is_not_pressed():
    async with gateway(lambda asked, _: [answer(asked, "100 Trying")]) as (peer, port):
        finding, _ = await observe(lambda: probe(Options(host=HOST, port=port, t1=0.05)), 0.5)

    assert finding.reason == "timeout"
    assert len(peer.heard) == 2


async def test_a_provisional_answer_is_waited_out():
    finding = await look(lambda asked, _: [answer(asked, "180 Ringing"), answer(asked)])

    assert (finding.outcome, finding.values["status"]) == (Outcome.OK, 200)


async def test_a_silent_peer_is_given_up_at_last():
    async with gateway(lambda _asked, _often: []) as (peer, port):
        finding = await probe(Options(host=HOST, port=port, t1=0.05))

    assert (finding.reason, finding.path_up) == ("timeout", False)
    assert 6 <= len(peer.heard) <= 8


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(lambda asked: answer(asked).replace(b"z9hG4bK", b"z9hG4bKx"), id="another-branch"),
        pytest.param(lambda asked: answer(asked).replace(b"CSeq: 1", b"CSeq: 7"), id="another-number"),
        pytest.param(lambda asked: answer(asked).replace(b"Call-ID: ", b"Call-ID: x"), id="another-call"),
        pytest.param(lambda asked: asked, id="our-own-words"),
        pytest.param(lambda _: b"\r\n\r\n", id="a-sign-of-life"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: b"\x1b[2J\xff", id="junk"),
    ],
)
async def test_what_is_not_meant_for_us_is_passed_over(stray):
    finding = await look(lambda asked, _: [stray(asked), answer(asked)])

    assert finding.outcome is Outcome.OK


async def test_nothing_but_nonsense_is_said_so_and_shown_harmlessly():
    finding = await look(lambda _asked, _often: [b"\x1b[2J no SIP\r\n\r\n"])

    assert (finding.reason, finding.path_up) == ("bad_response", True)
    assert finding.detail == "'[2J no SIP' is no first line of SIP"


async def test_a_flood_of_answers_to_others_is_read_no_further_than_64_kib():
    finding = await look(lambda _asked, _often: [b"SIP/2.0 200 OK\r\nX: " + b"y" * 30_000 + b"\r\n\r\n"] * 4)

    assert (finding.reason, finding.path_up) in {("unexpected_answer", True), ("bad_response", True)}


async def test_a_head_of_400_kb_is_no_answer():
    async with peer(says(lambda _: b"SIP/2.0 200 OK\r\nX: " + b"y" * 400_000)) as one:
        finding = await probe(Options(host=HOST, port=one.port, transport="tcp"))

    assert (finding.reason, finding.path_up) == ("bad_response", True)


async def test_nobody_at_the_port_is_a_refusal_that_proves_the_way():
    finding = await probe(Options(host=HOST, port=closed_port()))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "refused", True)


def over(*messages):
    """Behave so: answer the first question with these messages, made of it."""

    async def behave(one, reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        for made in messages:
            await one.say(writer, made(asked) if callable(made) else made)
        await reader.read()

    return behave


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        pytest.param(over(answer), "ok", id="an-answer"),
        pytest.param(over(b"\r\n\r\n", answer), "ok", id="a-sign-of-life-first"),
        pytest.param(over(lambda asked: answer(asked, "100 Trying"), answer), "ok", id="trying-first"),
        pytest.param(over(lambda asked: asked, answer), "ok", id="a-question-of-its-own-first"),
        pytest.param(
            over(b"SIP/2.0 200 OK\r\nCall-ID: x\r\nl: 6\r\n\r\nv=0\r\n\r\n"[:-1], answer),
            "ok",
            id="anothers-first",
        ),
        pytest.param(over(b"SIP/2.0 200 OK\r\nCall-ID: x\r\n\r\n", answer), "bad_response", id="no-length"),
        pytest.param(over(lambda asked: answer(asked, "500 No")), "status", id="a-failing-server"),
        pytest.param(says(lambda _: b"220 mail\r\n"), "bad_response", id="another-protocol"),
        pytest.param(says(lambda _: b""), "closed", id="hangs-up"),
        pytest.param(says(lambda asked: answer(asked)[:30]), "bad_response", id="hangs-up-in-the-middle"),
    ],
)
async def test_over_tcp_the_first_answer_to_us_counts(behave, reason):
    async with peer(behave) as one:
        finding = await probe(Options(host=HOST, port=one.port, transport="tcp"))

    assert (finding.reason, finding.path_up) == (reason, True)


async def test_over_tls_the_certificate_is_judged_first(authority):
    issued = authority.issue()
    async with peer(over(answer), ssl=issued.server()) as one:
        told = {"host": HOST, "port": one.port, "transport": "tls"}
        good = await probe(Options(**told, ca_file=str(authority.file)))
        unknown = await probe(Options(**told))
        unverified = await probe(Options(**told, verify=False))

    assert (good.outcome, unverified.outcome) == (Outcome.OK, Outcome.OK)
    assert (unknown.reason, unknown.path_up) == ("certificate_unknown_ca", True)


async def test_a_silent_peer_over_tcp_is_the_deadlines_affair():
    async with peer(never_answers) as one:
        finding, _ = await observe(lambda: probe(Options(host=HOST, port=one.port, transport="tcp")), 0.1)

    assert finding.reason == "timeout"


async def test_we_say_who_we_are_and_whom_we_want():
    async with gateway(lambda asked, _: [answer(asked)]) as (peer, port):
        told = {"uri": "sip:100@hub", "caller": "sip:duty@city", "max_forwards": 0}
        await probe(Options(host=HOST, port=port, source="127.0.0.9", interface="lo", **told))

    asked = peer.heard[0].decode()
    assert asked.startswith("OPTIONS sip:100@hub SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:")
    assert "From: <sip:duty@city>;" in asked
    assert "Max-Forwards: 0\r\n" in asked


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
        pytest.param({"transport": "tls", "ca_file": "/none"}, "no_ca_file", id="no-file-of-authorities"),
    ],
)
async def test_our_own_trouble_is_unknown(pin, reason):
    finding = await probe(Options(host=HOST, **pin))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"status": "1xx"}, "statuses look like"),
        ({"uri": "tel:110"}, "must begin with sip"),
        ({"uri": "sip:a> <sip:b"}, "must begin with sip"),
        ({"caller": "sip:a\r\nX: y"}, "must begin with sip"),
        ({"transport": "sctp"}, "transport"),
        ({"source": "::1"}, "one family"),
        ({"t1": 0}, "greater than or equal"),
        ({"prot": 7}, "prot"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": HOST, **given})


# Kamailio.


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory, authority):
    """Start a real server over all transports, once for this file; give its ports."""
    with real.kamailio(tmp_path_factory.mktemp("kamailio"), authority.issue()) as ports:
        if ports is None:
            pytest.skip("kamailio is not installed")
        yield ports


@pytest.mark.server
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize(("who", "reason"), [("hub", "ok"), ("busy", "ok"), ("ill", "status")])
async def test_kamailio_is_understood_over_every_transport(kamailio, authority, transport, who, reason):
    given = {"ca_file": str(authority.file)} if transport == "tls" else {}
    port = kamailio[transport]
    finding = await probe(
        Options(host=HOST, port=port, transport=transport, uri=f"sip:{who}@{HOST}:{port}", **given)
    )

    assert (finding.reason, finding.path_up) == (reason, True), finding.detail
    assert "server kamailio" in finding.detail
    assert 0 < finding.values["answer"] < 5


@pytest.mark.server
async def test_kamailio_is_understood_over_ipv6_and_by_its_own_address(kamailio):
    finding = await probe(Options(host="::1", port=kamailio["udp"]))

    assert finding.outcome is Outcome.OK
    assert "allows OPTIONS, INVITE" in finding.detail


@pytest.mark.server
async def test_a_question_that_may_pass_nobody_is_answered_by_the_first(kamailio):
    finding = await probe(Options(host=HOST, port=kamailio["udp"], max_forwards=0))

    assert (finding.outcome, finding.values["status"]) == (Outcome.OK, 483)


# SIPp.


@pytest.mark.server
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("status", "reason"), [("200 OK", "ok"), ("503 Full", "status")])
async def test_sipp_is_understood(tmp_path, transport, status, reason):
    with real.sipp(tmp_path, transport, status) as port:
        if port is None:
            pytest.skip("sipp is not installed")
        look = functools.partial(probe, Options(host=HOST, port=port, transport=transport))
        async with asyncio.timeout(20):
            while (finding := await look()).reason == "refused":
                await asyncio.sleep(0.02)

    assert (finding.reason, finding.path_up) == (reason, True), finding.detail
    assert "server SIPp" in finding.detail
