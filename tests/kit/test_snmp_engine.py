"""snmp, the engine: conversations side by side over one socket, each ended once, none of them left behind."""

import asyncio
import contextlib
import gc
import socket
import tracemalloc

import pytest

from monitor.kit.mishap import Mishap
from monitor.kit.snmp import Engine, Question, ber, columns, pdu
from monitor.kit.snmp.ber import Value
from monitor.kit.snmp.pdu import Bind, Pdu
from monitor.kit.sockets import Target
from tests.snmpd import needs_snmpd, snmpd

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
INTERFACES = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)


def ask(*oids):
    """Ask one question and return the answer."""
    answer = yield Question(oids or (NAME,))
    return answer


class Conversations:
    """Begins conversations and waits for their ends."""

    def __init__(self):
        self.engine = Engine()
        self.ended = []

    async def have(self, agent, *talks, deadline=2.0):
        before, loop = len(self.ended), asyncio.get_running_loop()
        done = loop.create_future()

        def end(sent_at, rtt, result):
            self.ended.append((sent_at, rtt, result))
            if len(self.ended) == before + len(talks) and not done.done():
                done.set_result(None)

        for talk in talks:
            self.engine.begin(agent, talk, deadline, end)
        async with asyncio.timeout(10):
            await done
        return [result for _, _, result in self.ended[before:]]


@pytest.fixture
async def conversations():
    made = Conversations()
    yield made
    made.engine.close()


class Fake(asyncio.DatagramProtocol):
    """An agent of version 2c that answers as it is told."""

    def __init__(self, answers):
        self.answers = answers
        self.peers = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.peers.add(peer)
        _, asked = pdu.read_v2c(data)
        for answer in self.answers(asked):
            self.transport.sendto(answer, peer)


@contextlib.asynccontextmanager
async def fake(answers):
    loop = asyncio.get_running_loop()
    transport, one = await loop.create_datagram_endpoint(lambda: Fake(answers), local_addr=("127.0.0.1", 0))
    try:
        yield one, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def told(request, *binds, error=0, kind=pdu.RESPONSE, to=b"harbour"):
    return pdu.pack_v2c(to, pdu.pack_pdu(Pdu(kind, request, error, 0, binds)))


def right(asked):
    return [told(asked.request, *(Bind(bind.oid, Value(ber.INTEGER, 1)) for bind in asked.binds))]


def at(engine, port):
    return engine.agent(Target("127.0.0.1", port), b"harbour")


async def test_hundreds_of_questions_go_over_one_socket(conversations):
    async with fake(right) as (one, port):
        agent = at(conversations.engine, port)
        results = await conversations.have(agent, *(ask() for _ in range(200)))

    assert all(result == (Bind(NAME, Value(ber.INTEGER, 1)),) for result in results)
    assert len(one.peers) == 1
    assert conversations.engine.under_way == 0


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param(lambda _: [], "timeout", id="silence"),
        pytest.param(lambda asked: [told(asked.request + 1)], "timeout", id="an-answer-to-nobody"),
        pytest.param(lambda asked: [told(asked.request, kind=pdu.GET)], "bad_answer", id="a-question"),
        pytest.param(lambda asked: [told(asked.request)[:-4]], "bad_answer", id="cut-short"),
        pytest.param(lambda _: [b"\x30\x84\xff\xff\xff\xff"], "bad_answer", id="a-length-beyond-all"),
        pytest.param(lambda asked: [told(asked.request, error=5)], "agent_error", id="an-error"),
        pytest.param(lambda asked: [told(asked.request, to=b"harbouR")], "bad_answer", id="for-others"),
        pytest.param(lambda asked: [b"no"] * 300 + right(asked), "ok", id="noise-before-the-answer"),
        pytest.param(lambda asked: right(asked) * 3, "ok", id="the-answer-three-times"),
    ],
)  # fmt: skip
async def test_every_answer_has_its_word(conversations, answers, reason):
    async with fake(answers) as (_, port):
        (result,) = await conversations.have(at(conversations.engine, port), ask(), deadline=0.3)

    assert (result.reason if isinstance(result, Mishap) else "ok") == reason
    assert len(conversations.ended) == 1


async def test_an_answer_from_another_address_is_not_taken_and_said_so(conversations):
    async with fake(lambda _: []) as (one, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:

            def answers(asked):
                other.sendto(right(asked)[0], next(iter(one.peers)))
                return []

            one.answers = answers
            (result,) = await conversations.have(at(conversations.engine, port), ask(), deadline=0.2)

    assert result == Mishap("bad_answer", "an answer from another address, 127.0.0.1", answered=True)


async def test_a_closed_port_refuses_its_own_questions_alone(conversations):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        closed = sock.getsockname()[1]
    async with fake(right) as (_, port):
        engine = conversations.engine
        await conversations.have(at(engine, port), ask())
        refused = conversations.have(at(engine, closed), ask())
        (result,) = await refused
        (other,) = await conversations.have(at(engine, port), ask())

    assert (result.reason, result.answered) == ("refused", True)
    assert other == (Bind(NAME, Value(ber.INTEGER, 1)),)


async def test_thousands_of_timeouts_leave_nothing_behind(conversations):
    async with fake(lambda _: []) as (_, port):
        agent = at(conversations.engine, port)
        sizes = []
        tracemalloc.start()
        for _ in range(4):
            await conversations.have(agent, *(ask() for _ in range(1000)), deadline=0.05)
            conversations.ended.clear()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()

    assert conversations.engine.under_way == 0
    assert sizes[-1] - sizes[1] < 20_000


async def test_a_broken_conversation_is_our_own_trouble(conversations):
    def broken():
        yield Question((NAME,))
        raise ZeroDivisionError

    async with fake(right) as (_, port):
        (result,) = await conversations.have(at(conversations.engine, port), broken())

    assert (result.reason, result.ours) == ("probe_error", True)


async def test_an_agent_whose_names_do_not_grow_ends_the_walk(conversations):
    def again(asked):
        return [told(asked.request, Bind((*INTERFACES, 1), Value(ber.INTEGER, 1)))]

    async with fake(again) as (_, port):
        (result,) = await conversations.have(at(conversations.engine, port), columns(INTERFACES))

    assert result == {(1,): Value(ber.INTEGER, 1)}


async def test_closing_ends_everything_silently(conversations):
    async with fake(lambda _: []) as (_, port):
        conversations.engine.begin(at(conversations.engine, port), ask(), 5.0, lambda *_: pytest.fail("told"))
        conversations.engine.close()

    assert conversations.engine.under_way == 0


@needs_snmpd
async def test_a_table_of_a_real_agent_is_read_whole(conversations, tmp_path):
    with snmpd(tmp_path) as real:
        agent = conversations.engine.agent(Target("127.0.0.1", real.port), b"harbour-7")
        (result,) = await conversations.have(agent, columns(INTERFACES))

    assert Value(ber.OCTETS, b"lo") in result.values()
    assert set(result) == {
        (number,) for _, number in sorted((index, index) for index in (k[0] for k in result))
    }
