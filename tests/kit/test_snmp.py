"""snmp, the pure part: what is written can be read, and whatever else is read is refused in one word."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kit.snmp import Question, ber, dotted, named, pdu, usm, v3
from monitor.kit.snmp.ber import Value
from monitor.kit.snmp.pdu import Bind, Pdu
from monitor.kit.snmp.session import Again, Plain, Refused, Secure
from monitor.kit.snmp.usm import User

ENGINE = bytes.fromhex("000000000000000000000002")
USER = User(b"duty", "sha256", b"authentic words", b"private words")
NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
QUESTION = Question((NAME,))

arcs = st.integers(0, 2**32 - 1)
oids = st.builds(
    lambda one, two, rest: (one, two, *rest),
    st.integers(0, 2),
    st.integers(0, 39),
    st.lists(arcs, max_size=20),
)
values = st.one_of(
    st.builds(Value, st.just(ber.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Value, st.sampled_from([ber.COUNTER32, ber.GAUGE, ber.TICKS]), st.integers(0, 2**32 - 1)),
    st.builds(Value, st.just(ber.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(Value, st.sampled_from([ber.OCTETS, ber.ADDRESS, ber.OPAQUE]), st.binary(max_size=300)),
    st.builds(Value, st.just(ber.OID), oids),
    st.builds(Value, st.sampled_from(sorted(ber.MISSING)), st.none()),
)
answers = st.builds(
    Pdu,
    st.sampled_from([pdu.RESPONSE, pdu.REPORT]),
    st.integers(0, 2**31 - 1),
    st.integers(0, 18),
    st.integers(0, 3),
    st.lists(st.builds(Bind, oids, values), max_size=5).map(tuple),
)


@given(answer=answers)
def test_what_is_written_can_be_read(answer):
    written = pdu.pack_pdu(answer)

    assert pdu.read_pdu(written, 0, len(written)) == answer
    assert pdu.read_v2c(pdu.pack_v2c(b"harbour", written)) == (b"harbour", answer)


def test_a_password_becomes_the_key_of_the_standard():
    key = usm.localized(b"maplesyrup", "sha", ENGINE)

    assert key.hex() == "6695febc9288e36282235fc7151f128497b38f3f"  # RFC 3414, A.3.2


def test_neither_user_nor_keys_show_what_is_secret():
    keys = usm.keys_of(USER, ENGINE)

    assert "words" not in repr(USER)
    assert repr(keys) == "Keys(***)"


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("", id="nothing"),
        pytest.param("30", id="a-tag-alone"),
        pytest.param("3084ffffffff", id="a-length-beyond-all"),
        pytest.param("3080020101", id="an-indefinite-length"),
        pytest.param("308902", id="a-length-of-nine-bytes"),
        pytest.param("3003020101", id="a-version-alone"),
        pytest.param("30030201ff", id="another-version"),
        pytest.param("300c020101040670", id="cut-short"),
    ],
)
def test_what_is_no_message_is_refused(spoilt):
    with pytest.raises(ValueError, match=r"cut short|longer|length|version|text|expected|read"):
        pdu.number_of(bytes.fromhex(spoilt))


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("0600", id="empty"),
        pytest.param("06022b81", id="unfinished"),
        pytest.param("06072b8181818181" + "01", id="an-arc-beyond-32-bits"),
        pytest.param("0681c8" + "01" * 200, id="too-many-arcs"),
    ],
)
def test_an_object_identifier_is_bounded(spoilt):
    data = bytes.fromhex(spoilt)
    with pytest.raises(ValueError, match="object identifier"):
        ber.read_oid(data, 0, len(data))


def test_more_values_than_anybody_asked_for_are_refused():
    binds = tuple(Bind(NAME, Value(ber.INTEGER, 1)) for _ in range(pdu.MOST_BINDS + 1))
    written = pdu.pack_pdu(Pdu(pdu.RESPONSE, 1, 0, 0, binds))

    with pytest.raises(ValueError, match="more values"):
        pdu.read_pdu(written, 0, len(written))


def test_object_identifiers_are_written_as_people_do():
    assert named(".1.3.6.1") == named("1.3.6.1") == (1, 3, 6, 1)
    assert dotted((1, 3, 6, 1)) == "1.3.6.1"
    for wrong in ("", "1", "1..3", "1.3.x", "9.1.1", "1.3.99999999999", "1.3.4294967296", "１.3.6"):
        with pytest.raises(ValueError, match="object identifier"):
            named(wrong)


# Version 3, both sides by hand.


class Agent:
    """The other side of a session: answers as RFC 3414 has it."""

    def __init__(self, engine=ENGINE, boots=7, time=1000, user=USER):
        self.clock = v3.Engine(engine, boots, time)
        self.user = user
        self.keys = usm.keys_of(user, engine)

    def report(self, word, number, *, signed=False):
        oid = (1, 3, 6, 1, 6, 3, 15, 1, 1, word, 0)
        told = pdu.pack_pdu(Pdu(pdu.REPORT, number, 0, 0, (Bind(oid, Value(ber.COUNTER32, 1)),)))
        keys = self.keys if signed else None
        return v3.pack(number, self.clock, self.user.name if signed else b"", keys, 1, told, flags=0)

    def answer(self, number, value=Value(ber.OCTETS, b"r1"), salt=5):  # noqa: B008 - it is frozen
        told = pdu.pack_pdu(Pdu(pdu.RESPONSE, number, 0, 0, (Bind(NAME, value),)))
        return v3.pack(number, self.clock, self.user.name, self.keys, salt, told, flags=0)


def met(agent, now=0.0):
    """Return a session that has met *agent*."""
    session = Secure(USER)
    session.pack(1, QUESTION, now)
    assert session.hear(agent.report(4, 1), now) == Again()
    return session


def test_an_agent_says_who_it_is_and_is_then_asked():
    agent = Agent()
    session = met(agent)

    asked = v3.read(session.pack(2, QUESTION, 3.0))

    assert asked.engine == v3.Engine(ENGINE, 7, 1003)
    assert (asked.user, asked.hidden) == (b"duty", True)
    assert session.hear(agent.answer(2), 3.0).binds == (Bind(NAME, Value(ber.OCTETS, b"r1")),)


def test_a_question_reads_as_it_was_asked_and_never_uses_a_salt_twice():
    agent = Agent()
    session = met(agent)

    data = [session.pack(number, QUESTION, 0.0) for number in (2, 3)]
    one, two = map(v3.read, data)

    assert v3.opened(one, data[0], agent.keys).binds == (Bind(NAME, Value(ber.NULL, None)),)
    assert one.salt != two.salt


def test_an_agent_whose_clock_is_elsewhere_is_asked_again_by_its_own():
    agent = Agent()
    session = met(agent)
    agent.clock = v3.Engine(ENGINE, 3, 20)

    assert session.hear(agent.report(2, 2, signed=True), 0.0) == Again()
    assert v3.read(session.pack(3, QUESTION, 5.0)).engine == v3.Engine(ENGINE, 3, 25)


def test_an_agent_that_was_replaced_is_met_anew():
    session = met(Agent())
    other = Agent(engine=b"another engine")

    assert session.hear(other.report(4, 2), 0.0) == Again()
    assert session.hear(other.answer(3), 0.0).kind == pdu.RESPONSE


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (1, "security_level"),
        (3, "user_unknown"),
        (5, "wrong_secret"),
        (6, "wrong_privacy"),
        (9, "refused_report"),
    ],
)
def test_a_refusal_has_a_word_of_its_own(word, reason):
    agent = Agent()
    refused = met(agent).hear(agent.report(word, 2), 0.0)

    assert isinstance(refused, Refused)
    assert refused.reason == reason


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda agent: agent.answer(2)[:-1] + b"x", id="one-byte-changed"),
        pytest.param(
            lambda agent: v3.pack(
                2, agent.clock, b"", None, 0, b"\xa2\x0b\x02\x01\x02\x02\x01\x00\x02\x01\x00\x30\x00"
            ),
            id="unsigned",
        ),
        pytest.param(
            lambda _: Agent(user=USER._replace(auth=b"guessed words")).answer(2), id="another-password"
        ),
        pytest.param(lambda _: Agent(user=USER._replace(name=b"other")).answer(2), id="another-user"),
        pytest.param(lambda _: Agent(engine=b"another engine").answer(2), id="another-agent"),
    ],
)
def test_what_is_not_genuine_is_refused(forged):
    agent = Agent()
    session = met(agent)

    with pytest.raises(ValueError, match=r"genuine|authentication|somebody else"):
        session.hear(forged(agent), 0.0)


# Whatever comes.

PLAIN = Plain(b"harbour")


def samples():
    agent = Agent()
    told = pdu.pack_pdu(
        Pdu(pdu.RESPONSE, 2, 0, 0, (Bind(NAME, Value(ber.OCTETS, b"r1")), Bind(NAME, Value(ber.OID, NAME))))
    )
    return [
        pdu.pack_v2c(b"harbour", told), agent.report(4, 2), agent.report(2, 2, signed=True), agent.answer(2),
        v3.pack(2, agent.clock, b"duty", None, 0, told), met(agent).pack(2, QUESTION, 0.0),
    ]  # fmt: skip


SAMPLES = samples()
KEYS = usm.keys_of(USER, ENGINE)
HEADS = [
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x80",
    b"\x06\x81\x81",
    b"\x02\x09",
    b"\x04\x82\xff\xff",
    b"\x46\x00",
]


@st.composite
def spoilt(draw):
    """Draw a message with a few bytes changed, left out or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        change = draw(st.one_of(st.binary(max_size=4), st.sampled_from(HEADS)))
        data[at : at + draw(st.integers(0, 4))] = change
    return bytes(data)


whatever = st.one_of(spoilt(), st.binary(max_size=200))


def read_in_every_way(data):
    agent = Agent()
    session = met(agent)
    for read in (
        pdu.number_of,
        pdu.read_v2c,
        v3.read,
        v3.read_scoped,
        lambda data: v3.opened(v3.read(data), data, KEYS),
        lambda data: PLAIN.hear(data, 0.0),
        lambda data: session.hear(data, 0.0),
        lambda data: ber.read_value(data, 0, len(data)),
    ):
        with contextlib.suppress(ValueError):
            read(data)
    session.pack(3, QUESTION, 10.0)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(data=whatever)
def test_whatever_comes_is_read_or_refused(data):
    read_in_every_way(data)


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=10_000, deadline=None)
@given(data=whatever)
def test_whatever_comes_is_read_or_refused_ten_thousand_times(data):
    read_in_every_way(data)
