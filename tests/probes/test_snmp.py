"""snmp: values of real agents, held against what they should be."""

import asyncio

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import look_with, observe
from monitor.kit.snmp.ber import COUNTER32, COUNTER64, Value
from monitor.probes.snmp import Options, engine, probe
from monitor.probes.snmp.meter import Meter
from tests.snmpd import AUTH, needs_snmpd, snmpd

NAME = "1.3.6.1.2.1.1.5.0"
UPTIME = "1.3.6.1.2.1.1.3.0"
EXTRA = "1.3.6.1.4.1.2011.99"
ENTERPRISE = (
    f"override {EXTRA}.1.0 integer 91",
    f"override {EXTRA}.2.0 octet_str '23.5'",
    f"override {EXTRA}.3.0 octet_str 'normal'",
)
pytestmark = needs_snmpd


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with snmpd(tmp_path_factory.mktemp("snmpd"), *ENTERPRISE) as one:
        yield one


async def looked(told, **options):
    finding, _ = await observe(look_with(probe, Options(**told, **options)), 2.0)
    return finding


class Sink:
    """Hears what a batch engine finds."""

    def __init__(self):
        self.findings = asyncio.Queue()

    def found(self, _key, _sent_at, finding):
        self.findings.put_nowait(finding)


class Batch:
    """Looks again and again, as the daemon does."""

    def __init__(self, options):
        self.sink = Sink()
        self.batch = engine(self.sink)
        self.handle = self.batch.prepare(options)

    async def look(self, wait=2.0):
        self.batch.send([(self.handle, "key", wait)])
        async with asyncio.timeout(5):
            return await self.sink.findings.get()


@pytest.mark.parametrize("way", ["2c", "sha256", "sha"])
async def test_a_value_is_as_expected_by_every_version(agent, way):
    told = {"2c": agent.v2c(), "sha256": agent.v3(), "sha": agent.v3("veteran", auth="sha")}[way]

    finding = await looked(told, get=NAME, expect="danjiangkou-r1")

    assert (finding.outcome, finding.detail) == (Outcome.OK, "danjiangkou-r1")
    assert 0 < finding.values["rtt"] < 1
    assert finding.values["uptime"] >= 0


async def test_another_value_is_a_failure_that_quotes_both(agent):
    finding = await looked(agent.v3(), get=NAME, expect="danjiangkou-r2")

    assert (finding.reason, finding.path_up) == ("unexpected_value", True)
    assert finding.detail == "'danjiangkou-r1' where 'danjiangkou-r2' is expected"


@pytest.mark.parametrize(
    ("limits", "outcome", "reason"),
    [
        pytest.param({"max_value": 95, "warn_above": 92}, "ok", "ok", id="below-all"),
        pytest.param({"max_value": 95, "warn_above": 80}, "ok", "too_high", id="poor"),
        pytest.param({"max_value": 90}, "failed", "too_high", id="too-high"),
        pytest.param({"min_value": 95}, "failed", "too_low", id="too-low"),
        pytest.param({"warn_below": 95}, "ok", "too_low", id="poor-and-low"),
        pytest.param({"scale": 0.1, "max_value": 10}, "ok", "ok", id="tenths"),
    ],
)
async def test_a_number_is_held_to_its_limits(agent, limits, outcome, reason):
    finding = await looked(agent.v2c(), get=f"{EXTRA}.1.0", label="CPU", unit="%", **limits)

    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert finding.detail.startswith("CPU 9")


async def test_a_number_written_as_text_is_a_number_and_words_are_none(agent):
    warm = await looked(agent.v2c(), get=f"{EXTRA}.2.0", max_value=30)
    words = await looked(agent.v2c(), get=f"{EXTRA}.3.0", max_value=30)

    assert warm.values["value"] == 23.5
    assert (words.outcome, words.reason) == (Outcome.FAILED, "not_a_number")


async def test_what_the_agent_does_not_have_is_a_failure(agent):
    finding = await looked(agent.v3(), get="1.3.6.1.4.1.2011.98.0")

    assert (finding.reason, finding.path_up) == ("no_such_object", True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({"user": "stranger"}, "user_unknown", id="an-unknown-user"),
        pytest.param({"auth": "sha"}, "wrong_secret", id="another-digest"),
        pytest.param({"user": "clerk"}, "security_level", id="a-user-without-privacy"),
    ],
)
async def test_a_refusal_proves_the_way_and_says_what_is_wrong(agent, wrong, reason):
    finding = await looked({**agent.v3(), **wrong}, get=NAME)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)


async def test_a_wrong_password_is_told_without_quoting_it(agent):
    told = agent.v3(auth_file=agent.secret("never this one"))

    finding = await looked(told, get=NAME)

    assert finding.reason == "wrong_secret"
    assert "never this one" not in f"{finding} {Options(**told, get=NAME)!r}"


async def test_a_wrong_community_is_silence(agent):
    finding, took = await observe(
        look_with(probe, Options(**agent.v2c(community_file=agent.secret("guess")), get=NAME)), 0.2
    )

    assert (finding.reason, finding.path_up) == ("timeout", False)
    assert took < 1


@pytest.mark.parametrize("words", [None, "short", "two\nlines of it"])
async def test_a_secret_that_cannot_be_read_is_our_own_trouble(agent, words):
    file = agent.secret(words) if words else "/nowhere/to/be/found"

    finding = await looked(agent.v3(auth_file=file), get=NAME)

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "no_secret_file")
    assert "lines of it" not in finding.detail


async def test_a_secret_that_has_changed_is_read_anew(agent):
    file = agent.folder / "changing"
    file.write_text("never this one\n")
    batch = Batch(Options(**agent.v3(auth_file=str(file)), get=NAME))
    before = await batch.look(0.3)
    file.write_text(AUTH + "\n")
    after = await batch.look()
    batch.batch.close()

    assert (before.reason, after.reason) == ("wrong_secret", "ok")


async def test_a_counter_becomes_a_rate_at_the_second_look(agent):
    batch = Batch(Options(**agent.v3(), get="1.3.6.1.2.1.11.1.0", rate=True, unit="packets/s"))
    first = await batch.look()
    finding = await batch.look()
    while "value" not in finding.values:  # the agent counts in hundredths of a second
        finding = await batch.look()
    batch.batch.close()

    assert (first.detail, first.outcome) == ("no rate yet", Outcome.OK)
    assert finding.values["value"] > 0


async def test_an_agent_that_was_restarted_is_asked_on_by_its_new_clock(tmp_path):
    with snmpd(tmp_path) as one:
        batch = Batch(Options(**one.v3(), get=NAME))
        before = await batch.look()
        one.stop()
        away = await batch.look(0.3)
        one.start()
        after = await batch.look()
        one.stop()
        for file in (tmp_path / "state").rglob("*.conf"):
            file.unlink()
        one.start()
        reset = await batch.look()
        batch.batch.close()

    assert [found.reason for found in (before, away, after, reset)] == ["ok", "refused", "ok", "ok"]


@pytest.mark.parametrize(
    ("readings", "rates"),
    [
        pytest.param([(0, 0, 10), (10, 1000, 30)], {"value": 2.0}, id="growth"),
        pytest.param([(0, 0, 2**32 - 10), (10, 1000, 10)], {"value": 2.0}, id="a-wrap"),
        pytest.param([(0, 50000, 2**32 - 10), (10, 900, 10)], {}, id="a-restart"),
        pytest.param([(0, 2**32 - 500, 10), (10, 500, 30)], {"value": 2.0}, id="the-uptime-wraps"),
        pytest.param([(0, None, 10), (10, None, 30)], {"value": 2.0}, id="no-uptime-at-all"),
        pytest.param([(0, 0, 10)], {}, id="the-first"),
    ],
)
def test_a_counter_grows_through_wraps_and_not_through_restarts(readings, rates):
    meter = Meter()
    for at, ticks, count in readings:
        found, _ = meter.rates({"value": Value(COUNTER32, count)}, ticks, at)

    assert found == rates


def test_a_counter_of_64_bits_that_goes_back_has_been_cleared():
    meter = Meter()
    meter.rates({"value": Value(COUNTER64, 100)}, 0, 0)

    assert meter.rates({"value": Value(COUNTER64, 10)}, 1000, 10) == ({}, False)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({}, "exactly one"),
        ({"get": "sysName.0"}, "numbers with dots"),
        ({"get": NAME, "expect": "x", "max_value": 1}, "expect is for texts"),
        ({"get": NAME, "max_value": 1, "warn_above": 2}, "in this order"),
        ({"get": NAME, "user": "duty"}, "either user"),
        ({"get": NAME, "auth_file": "x"}, "need user"),
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong, word):
    with pytest.raises(ValidationError, match=word):
        Options(host="127.0.0.1", community_file="x", **wrong)
