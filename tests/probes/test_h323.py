"""h323: whether a gatekeeper is there, whether a terminal takes calls; and no call is ever left standing."""

import asyncio
import contextlib

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.kit.h323 import q931
from monitor.kit.h323.q931 import RELEASE_COMPLETE, SETUP, Message
from monitor.probes.h323 import Options, probe
from tests.kit import h323_standard as standard
from tests.probes.peers import closed_port, never_answers, peer, resets, says

HOST = "127.0.0.1"
ALERTING, PROCEEDING = 0x01, 0x02


class Gatekeeper(asyncio.DatagramProtocol):
    """Reads each question by the standard and answers what `answers(number, asked)` returns."""

    def __init__(self, answers):
        self.answers = answers
        self.heard = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        kind, asked = standard.RAS.read(data)
        assert kind == "gatekeeperRequest"
        self.heard.append((asked, address))
        for answer in self.answers(asked["requestSeqNum"], asked):
            self.transport.sendto(answer, address)


@contextlib.asynccontextmanager
async def gatekeeper(answers, host=HOST):
    made = asyncio.get_running_loop().create_datagram_endpoint(lambda: Gatekeeper(answers), (host, 0))
    transport, protocol = await made
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def ask(answers, host=HOST, **options):
    async with gatekeeper(answers, host) as (_, port):
        return await probe(Options(host=host, port=port, service="gatekeeper", **options))


@pytest.mark.parametrize("host", [HOST, "::1"])
async def test_a_gatekeeper_that_confirms_is_well_and_named(host):
    finding = await ask(lambda number, _: [standard.confirm(number, "市-gk")], host)

    assert (finding.outcome, finding.detail) == (Outcome.OK, "confirmation of gatekeeper 市-gk")
    assert 0 < finding.values["rtt"] == finding.values["answer"] < 1


async def test_it_is_told_where_we_are_and_whom_we_want():
    async with gatekeeper(lambda number, _: [standard.confirm(number)]) as (one, port):
        await probe(
            Options(host=HOST, port=port, service="gatekeeper", gatekeeper="city", source="127.0.0.9")
        )

    (asked, address), *_ = one.heard
    assert asked["gatekeeperIdentifier"] == "city"
    assert asked["rasAddress"] == ("ipAddress", {"ip": bytes([127, 0, 0, 9]), "port": address[1]})


@pytest.mark.parametrize(
    ("reason", "options", "word"),
    [
        pytest.param("terminalExcluded", {}, "ok", id="a-rejection-is-a-sign-of-life"),
        pytest.param("securityDenial", {"any_answer": False}, "rejected", id="unless-that-is-not-enough"),
        pytest.param("resourceUnavailable", {}, "no_capacity", id="no-resources-are-a-failure"),
    ],
)
async def test_a_rejection_is_told(reason, options, word):
    finding = await ask(lambda number, _: [standard.reject(number, reason)], **options)

    assert (finding.reason, finding.path_up) == (word, True)
    assert finding.detail == f"rejection: {reason}"


async def test_one_that_does_not_understand_is_a_failure():
    unknown = "unknownMessageResponse"
    finding = await ask(lambda number, _: [standard.RAS.write((unknown, {"requestSeqNum": number}))])

    assert (finding.reason, finding.path_up) == ("not_understood", True)


async def test_a_lost_question_is_asked_again_with_the_same_number():
    heard = []

    def third_time(number, _):
        heard.append(number)
        return [standard.confirm(number)] if len(heard) == 3 else []

    finding = await ask(third_time, pause=0.05)

    assert (finding.outcome, finding.values["sent"]) == (Outcome.OK, 3)
    assert len(set(heard)) == 1
    assert "rtt" not in finding.values


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(lambda number: standard.confirm(number % 65_535 + 1, "other"), id="anothers-answer"),
        pytest.param(
            lambda number: standard.RAS.write(("requestInProgress", {"requestSeqNum": number, "delay": 9})),
            id="in-progress",
        ),
        pytest.param(lambda _: b"\xff\x00junk", id="junk"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
async def test_what_is_not_the_answer_is_passed_over(stray):
    finding = await ask(lambda number, _: [stray(number), standard.confirm(number, "gk")])

    assert finding.detail == "confirmation of gatekeeper gk"


async def test_a_silent_gatekeeper_is_given_up_at_last_and_nobody_at_the_port_is_a_refusal():
    silent = await ask(lambda *_: [], pause=0.05)
    nobody = await probe(Options(host=HOST, port=closed_port(), service="gatekeeper"))

    assert (silent.reason, silent.path_up) == ("timeout", False)
    assert (nobody.reason, nobody.path_up) == ("refused", True)


async def test_nothing_but_nonsense_is_said_so():
    finding = await ask(lambda *_: [b"\x04"])

    assert (finding.reason, finding.path_up) == ("bad_response", True)


# Calls.


def answered(kind, user=b"", cause=0, *, reference=0, answers=True):
    """Make an answer to a call of the number it has, plus *reference*."""
    return lambda asked: q931.packed(
        Message(kind, asked.reference + reference, answers=answers, cause=cause, user=user)
    )


def terminal(*makers):
    """Behave so: read the call, answer, and note what comes next."""

    async def message(reader):
        head = await reader.readexactly(4)
        return q931.parse(await reader.readexactly(q931.length(head)))

    async def behave(one, reader, writer):
        one.heard = [await message(reader)]
        for made in makers:
            await one.say(writer, made(one.heard[0]))
        one.heard.append(await message(reader))

    return behave


async def knock(behave, **options):
    """Return the finding, and the messages that the other side got."""
    async with peer(behave) as one:
        finding = await probe(Options(host=HOST, port=one.port, **{"depth": "setup", **options}))
        await asyncio.gather(*one.tasks, return_exceptions=True)
    return finding, getattr(one, "heard", [])


@pytest.mark.parametrize("first", [ALERTING, PROCEEDING])
async def test_a_call_that_is_taken_is_well_and_ended_at_once(first):
    finding, heard = await knock(terminal(answered(first)))
    (begin, told), (end, reason) = [
        (message, standard.USER.read(message.user)["h323-uu-pdu"]["h323-message-body"]) for message in heard
    ]

    assert finding.outcome is Outcome.OK
    assert finding.detail == f"call begun and ended: {q931.TYPES[first]}"
    assert (begin.type, told[0]) == (SETUP, "setup")
    assert (end.type, end.reference, end.cause) == (RELEASE_COMPLETE, begin.reference, 16)
    assert reason[1]["callIdentifier"] == told[1]["callIdentifier"]


@pytest.mark.parametrize(
    ("user", "cause", "reason", "why"),
    [
        pytest.param(
            standard.released("destinationRejection"), 0, "ok", "destinationRejection", id="not-wanted"
        ),
        pytest.param(standard.released("inConf"), 17, "ok", "inConf", id="in-a-conference"),
        pytest.param(b"", 17, "ok", "cause 17", id="busy-in-the-old-way"),
        pytest.param(b"", 0, "ok", "", id="no-reason-given"),
        pytest.param(b"\xff", 21, "ok", "cause 21", id="a-reason-that-cannot-be-read"),
        pytest.param(
            standard.released("gatewayResources"), 0, "no_capacity", "gatewayResources", id="no-room"
        ),
        pytest.param(b"", 42, "no_capacity", "cause 42", id="congested"),
    ],
)
async def test_a_refusal_is_a_sign_of_life_unless_there_is_no_room(user, cause, reason, why):
    behave = says(lambda asked: answered(RELEASE_COMPLETE, user, cause)(q931.parse(asked[4:])))
    finding, _ = await knock(behave)

    assert (finding.reason, finding.path_up) == (reason, True)
    assert finding.detail == f"call begun and ended: Release Complete{f', {why}' if why else ''}"


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(answered(ALERTING, reference=1), id="of-another-call"),
        pytest.param(answered(ALERTING, answers=False), id="from-the-wrong-side"),
        pytest.param(lambda _: b"\x03\0\0\4", id="a-sign-of-life"),
    ],
)
async def test_what_is_not_of_our_call_is_passed_over(stray):
    finding, _ = await knock(terminal(stray, answered(PROCEEDING)))

    assert "Call Proceeding" in finding.detail


async def test_a_call_nobody_answers_is_ended_when_the_time_is_over():
    ended = asyncio.Event()
    heard = []

    async def silent(_, reader, _writer):
        head = await reader.readexactly(4)
        await reader.readexactly(q931.length(head))
        head = await reader.readexactly(4)
        heard.append(q931.parse(await reader.readexactly(q931.length(head))))
        ended.set()

    async with peer(silent) as one:
        options = Options(host=HOST, port=one.port, depth="setup")
        finding, _ = await observe(lambda: probe(options), 0.1)
        async with asyncio.timeout(5):
            await ended.wait()

    assert finding.reason == "timeout"
    assert heard[0].type == RELEASE_COMPLETE


async def test_a_connection_alone_is_said_to_be_no_more():
    async with peer(never_answers) as one:
        finding = await probe(Options(host=HOST, port=one.port))

    assert (finding.outcome, finding.detail) == (Outcome.OK, "connection stands, no call was begun")
    assert finding.values["rtt"] > 0


@pytest.mark.parametrize(
    ("behave", "reasons"),
    [
        pytest.param(says(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"), {"bad_response"}, id="http"),
        pytest.param(says(lambda _: b"\x03\0\0\x0a\x08"), {"bad_response"}, id="cut-short"),
        pytest.param(says(lambda _: b""), {"closed"}, id="hangs-up"),
        pytest.param(resets, {"reset", "closed"}, id="resets"),
    ],
)
async def test_what_is_no_answer_has_its_word_and_proves_the_way(behave, reasons):
    finding, _ = await knock(behave)

    assert finding.reason in reasons
    assert finding.path_up


@pytest.mark.parametrize("service", ["gatekeeper", "call"])
@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
    ],
)
async def test_our_own_trouble_is_unknown(service, pin, reason):
    finding = await probe(Options(host=HOST, service=service, **pin))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"service": "gatekeeper", "depth": "setup"}, "depth goes with calls"),
        ({"gatekeeper": "gk"}, "goes with service"),
        ({"service": "gatekeeper", "gatekeeper": "𝔤𝔨"}, "basic plane"),
        ({"service": "gatekeeper", "gatekeeper": "g" * 129}, "at most 128"),
        ({"source": "::1"}, "one family"),
        ({"depths": "setup"}, "depths"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": HOST, **given})
