"""snmp at a router: interfaces by name, neighbours by address, and the tests that it runs itself."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import look_with, observe
from monitor.kit.snmp import Bind, Question, Value, ber
from monitor.probes.snmp import REASONS, Options, asker, probe
from monitor.probes.snmp.interfaces import NAMES, Interface
from monitor.probes.snmp.options import UPTIME
from monitor.probes.ups import REASONS as UPS_REASONS
from monitor.probes.ups import Options as UpsOptions
from monitor.probes.ups.mib import Card
from tests.snmpd import needs_snmpd, snmpd

IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
BGP, OSPF, BFD = "1.3.6.1.2.1.15.3.1", "1.3.6.1.2.1.14.10.1", "1.3.6.1.2.1.222.1.2.1"
HUAWEI_BFD, HUAWEI_NQA = "1.3.6.1.4.1.2011.5.25.38.2.3.1", "1.3.6.1.4.1.2011.5.25.111"
DISMAN, CISCO = "1.3.6.1.2.1.80.1.3.1", "1.3.6.1.4.1.9.9.42.1.2.10.1"


def index(*names):
    return ".".join(str(number) for name in names for number in (len(name), *name.encode()))


def row(base, number, **columns):
    """Return the lines that put a row into a table: `c8="integer 2"`."""
    return tuple(f"override {base}.{column[1:]}.{number} {value}" for column, value in columns.items())


def interface(number, name, admin=1, oper=1):
    return (
        *row(IFX, number, c1=f"octet_str {name}", c15="uinteger 1000"),
        *row(IF, number, c7=f"integer {admin}", c8=f"integer {oper}"),
    )


ROUTER = (
    *interface(901, "GE0/0/1"),
    *interface(902, "GE0/0/2", oper=7),
    *interface(903, "GE0/0/3", admin=2, oper=2),
    *row(BGP, "10.0.0.1", c2="integer 6", c16="uinteger 700"),
    *row(BGP, "10.0.0.2", c2="integer 3", c16="uinteger 0"),
    *row(OSPF, "10.0.0.1.0", c6="integer 8"),
    *row(OSPF, "10.0.0.2.0", c6="integer 3"),
    *row(BFD, 5, c22="octet_str 0x0a000001", c11="integer 4"),
    *row(BFD, 6, c22="octet_str 0x0a000002", c11="integer 2"),
    *row(HUAWEI_BFD, 7, c5="octet_str 0x0a000003", c17="integer 3"),
    *row(HUAWEI_BFD, 8, c5="octet_str 0x0a000004", c17="integer 0"),
    *row(
        DISMAN, index("admin", "province"), c1="integer 1", c6="uinteger 12", c7="uinteger 5", c8="uinteger 5"
    ),
    *row(DISMAN, index("admin", "lossy"), c1="integer 1", c6="uinteger 12", c7="uinteger 4", c8="uinteger 5"),
    *row(DISMAN, index("admin", "dead"), c1="integer 1", c6="uinteger 0", c7="uinteger 0", c8="uinteger 5"),
    *row(DISMAN, index("admin", "off"), c1="integer 2", c6="uinteger 0", c7="uinteger 0", c8="uinteger 0"),
    *row(f"{HUAWEI_NQA}.2.3.1", index("a", "up"), c8="integer 41"),
    *row(
        f"{HUAWEI_NQA}.4.1.1",
        f"{index('a', 'up')}.41.1",
        c3="integer 1",
        c11="uinteger 10",
        c12="uinteger 20",
    ),
    *row(f"{HUAWEI_NQA}.2.3.1", index("a", "dead"), c8="integer 3"),
    *row(f"{HUAWEI_NQA}.4.1.1", f"{index('a', 'dead')}.3.1", c3="integer 2"),
    *row(CISCO, 10, c1="uinteger 30", c2="integer 1"),
    *row(CISCO, 11, c1="uinteger 900", c2="integer 3"),
    *row(CISCO, 12, c1="uinteger 0", c2="integer 4"),
)


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    with snmpd(tmp_path_factory.mktemp("router"), *ROUTER) as one:
        yield one


async def looked(told, **options):
    finding, _ = await observe(look_with(probe, Options(**told, **options)), 5.0)
    return finding


@needs_snmpd
@pytest.mark.parametrize(
    ("question", "outcome", "reason", "detail"),
    [
        ({"ifname": "GE0/0/1"}, "ok", "ok", "GE0/0/1 is up"),
        ({"ifname": "lo"}, "ok", "ok", "lo is up"),
        ({"ifname": "GE0/0/2"}, "failed", "oper_down", "GE0/0/2 is lower layer down"),
        ({"ifname": "GE0/0/3"}, "failed", "admin_down", "GE0/0/3 is switched off"),
        ({"ifname": "GE0/0/4"}, "failed", "no_such_interface", "no interface 'GE0/0/4'"),
        ({"bgp": "10.0.0.1"}, "ok", "ok", "BGP with 10.0.0.1 stands"),
        ({"bgp": "10.0.0.2"}, "failed", "peer_down", "BGP with 10.0.0.2 is active"),
        ({"bgp": "10.0.0.9"}, "failed", "no_such_peer", "no session with 10.0.0.9"),
        ({"ospf": "10.0.0.1"}, "ok", "ok", "OSPF with 10.0.0.1 is full"),
        ({"ospf": "10.0.0.2"}, "failed", "peer_down", "OSPF with 10.0.0.2 is init"),
        ({"bfd": "10.0.0.1"}, "ok", "ok", "BFD with 10.0.0.1 is up"),
        ({"bfd": "10.0.0.2"}, "failed", "peer_down", "BFD with 10.0.0.2 is down"),
        ({"bfd": "10.0.0.3"}, "ok", "ok", "BFD with 10.0.0.3 is up"),
        ({"bfd": "10.0.0.4"}, "failed", "peer_down", "BFD with 10.0.0.4 is admin down"),
        ({"bfd": "10.0.0.9"}, "failed", "no_such_peer", "no session with 10.0.0.9"),
        ({"test": "admin/province"}, "ok", "ok", "admin/province is well"),
        ({"test": "admin/province", "max_round_trip": 0.01}, "failed", "test_slow",
         "round trip 0.012 s, limit 0.01 s"),
        ({"test": "admin/lossy", "max_loss": 0.1}, "failed", "test_loss", "loss 0.2, limit 0.1"),
        ({"test": "admin/dead"}, "failed", "test_failed", "none of 5 was answered"),
        ({"test": "admin/off"}, "unknown", "test_not_run", "admin/off has no result"),
        ({"test": "admin/none"}, "failed", "no_such_test", "no test 'admin/none'"),
        ({"test": "a/up", "test_mib": "huawei"}, "ok", "ok", "a/up is well"),
        ({"test": "a/dead", "test_mib": "huawei"}, "failed", "test_failed", "a/dead has failed"),
        ({"test": "a/none", "test_mib": "huawei"}, "failed", "no_such_test", "no test 'a/none'"),
        ({"test": "10", "test_mib": "cisco"}, "ok", "ok", "10 is well"),
        ({"test": "11", "test_mib": "cisco"}, "ok", "test_slow", "900 ms, over the router's threshold"),
        ({"test": "12", "test_mib": "cisco"}, "failed", "test_failed", "timeout"),
    ],
)  # fmt: skip
async def test_a_router_says_how_it_is(router, question, outcome, reason, detail):
    finding = await looked(router.v3(), **question)

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, reason, detail)


@needs_snmpd
async def test_what_a_router_measured_is_a_value(router):
    up = await looked(router.v2c(), ifname="GE0/0/1")
    session = await looked(router.v2c(), bgp="10.0.0.1")
    test = await looked(router.v2c(), test="a/up", test_mib="huawei")

    assert up.values["speed"] == 1e9
    assert session.values["established"] == 700
    assert test.values["round_trip"] == pytest.approx(0.015)


# Conversations by hand.


class Table:
    """Answers the questions of a conversation from a table that may change."""

    def __init__(self, values):
        self.values = values

    def answer(self, question: Question):
        if question.repetitions:
            after = sorted(oid for oid in self.values if oid > question.oids[0])[: question.repetitions]
            return tuple(Bind(oid, self.values[oid]) for oid in after)
        return tuple(Bind(oid, self.values.get(oid, Value(ber.NO_INSTANCE, None))) for oid in question.oids)

    def have(self, talk):
        """Return what comes of a conversation, and how many questions it took."""
        asked = 0
        try:
            question = next(talk)
            while True:
                asked += 1
                question = talk.send(self.answer(question))
        except StopIteration as ended:
            return ended.value, asked


def named(number, name, **counts):
    """Return the row of an interface that is up."""
    columns = {"2.2.1.7": 1, "2.2.1.8": 1, "31.1.1.1.15": 100, "2.2.1.14": 0, "2.2.1.20": 0}
    found = {
        (1, 3, 6, 1, 2, 1, *map(int, c.split(".")), number): Value(ber.INTEGER, v) for c, v in columns.items()
    }
    found[*NAMES[0], number] = Value(ber.OCTETS, name)
    for column, count in counts.items():
        found[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, int(column[1:]), number] = Value(ber.COUNTER64, count)
    return found


def asking(**limits):
    return Interface(Options(host="127.0.0.1", community_file="x", ifname="GE1", **limits))


def test_an_interface_is_searched_for_once_and_again_when_it_has_moved():
    looks, table = asking(), Table(named(3, b"GE1"))
    first = table.have(looks.talk())
    second = table.have(looks.talk())
    table.values = named(3, b"GE2") | named(4, b"GE1")
    moved = table.have(looks.talk())
    again = table.have(looks.talk())

    assert [finding.reason for finding, _ in (first, second, moved, again)] == ["ok"] * 4
    assert second[1] == again[1] == 1 < first[1] < moved[1]


def ticks(seconds):
    return {UPTIME: Value(ber.TICKS, seconds * 100)}


@pytest.mark.parametrize(
    ("limits", "outcome", "reason"),
    [
        ({}, "ok", "ok"),
        ({"warn_utilisation": 0.5}, "ok", "utilisation"),
        ({"max_utilisation": 0.7}, "failed", "utilisation"),
    ],
)
def test_counters_become_a_share_of_the_speed(limits, outcome, reason):
    looks = asking(**limits)
    Table(named(3, b"GE1", c6=0, c10=0) | ticks(100)).have(looks.talk())
    busy = named(3, b"GE1", c6=1_000_000, c10=100_000_000) | ticks(110)
    finding, _ = Table(busy).have(looks.talk())

    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert finding.values["sent"] == pytest.approx(80_000_000)
    assert finding.values["utilisation"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="nothing"),
        pytest.param({(*NAMES[0], 3): Value(ber.INTEGER, 3)}, id="a-name-that-is-a-number"),
        pytest.param({(*NAMES[0], 3): Value(ber.OCTETS, b"GE1")}, id="a-name-alone"),
        pytest.param(
            named(3, b"GE1") | {(1, 3, 6, 1, 2, 1, 2, 2, 1, 8, 3): Value(ber.OCTETS, b"up")}, id="words"
        ),
    ],
)
def test_an_agent_that_tells_nonsense_is_not_well(values):
    finding, _ = Table(values).have(asking().talk())

    assert finding.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"ifname": "GE1", "bgp": "10.0.0.1"}, "exactly one"),
        ({"ifname": "GE1", "max_value": 1}, "need get"),
        ({"bgp": "fd00::1"}, "IPv4"),
        ({"test": "a/b", "test_mib": "cisco"}, "of cisco a number"),
        ({"test": "10"}, "owner/name"),
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong, word):
    with pytest.raises(ValidationError, match=word):
        Options(host="127.0.0.1", community_file="x", **wrong)


# Agents that answer, and as they like.

values = st.one_of(
    st.builds(
        Value, st.sampled_from([ber.INTEGER, ber.COUNTER32, ber.COUNTER64, ber.GAUGE]), st.integers(-9, 2**64)
    ),
    st.builds(
        Value, st.just(ber.OCTETS), st.sampled_from([b"GE1", b"", b"\xff\n", b"nan", b"1e999", b"\n\0\0\1"])
    ),
    st.builds(Value, st.just(ber.OID), st.just((1, 3, 6))),
    st.builds(Value, st.sampled_from(sorted(ber.MISSING)), st.none()),
)
QUESTIONS = [
    {"get": "1.3.6.1.2.1.1.5.0"},
    {"get": "1.3.6.1.2.1.1.5.0", "expect": "x"},
    {"get": "1.3.6.1.2.1.1.5.0", "rate": True, "warn_above": 1},
    {"ifname": "GE1", "warn_utilisation": 0.5, "max_errors": 1},
    {"bgp": "10.0.0.1"},
    {"ospf": "10.0.0.1"},
    {"bfd": "10.0.0.1"},
    {"test": "a/b", "max_loss": 0.1, "max_round_trip": 1},
    {"test": "a/b", "test_mib": "huawei"},
    {"test": "10", "test_mib": "cisco"},
]
TOLD = [Options(host="127.0.0.1", community_file="x", **question) for question in QUESTIONS]
TOLD.append(UpsOptions(host="127.0.0.1", community_file="x", minutes=10))


def oids(question):
    """Draw names for an answer: those asked for, what follows them, or anything."""
    asked = list(question.oids)
    after = [(*oid, number) for oid in asked for number in (1, 2)]
    return st.sampled_from(asked + after + [UPTIME, (1, 3)])


def looked_twice(data, told):
    """Look twice with one memory of the agent, which answers as it likes."""
    one = Card(told) if isinstance(told, UpsOptions) else asker(told)
    for _ in range(2):
        converse(data, one)


def converse(data, one):
    talk = one.talk()
    try:
        question = next(talk)
        for _ in range(12):
            size = data.draw(st.integers(0, len(question.oids) + question.repetitions))
            binds = [Bind(data.draw(oids(question)), data.draw(values)) for _ in range(min(size, 14))]
            question = talk.send(tuple(binds))
        talk.close()
    except StopIteration as ended:
        finding = ended.value
        assert finding.reason in {"ok", *REASONS, *UPS_REASONS}
        assert finding.detail == "" or finding.detail.isprintable()
        assert all(isinstance(value, float) for value in finding.values.values())


@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), told=st.sampled_from(TOLD))
def test_whatever_an_agent_answers_is_judged(data, told):
    looked_twice(data, told)


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), told=st.sampled_from(TOLD))
def test_whatever_an_agent_answers_is_judged_ten_thousand_times(data, told):
    looked_twice(data, told)
