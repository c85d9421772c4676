"""icmp: a ping, or several, from where one is told to; names are resolved, and our own trouble is unknown."""

import asyncio
import socket

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.kit.icmp import Engine, Miss
from monitor.kit.resolver import close_shared
from monitor.probes.icmp import REASONS, Options, _finding, engine, probe
from tests.kit.icmp_ground import Responder, allowed, inside, link, namespaces, run, sysctl

pytestmark = pytest.mark.skipif(
    not (allowed(socket.SOCK_RAW) or allowed(socket.SOCK_DGRAM)), reason="may open no ICMP socket"
)


class Sink:
    """Writes down what a batch engine says."""

    def __init__(self):
        self.lines = []

    def answered(self, key, sent_at, rtt):
        self.lines.append(("answered", key, sent_at, rtt))

    def found(self, key, sent_at, finding):
        self.lines.append(("found", key, sent_at, finding))

    def late(self, key, sent_at, rtt):
        self.lines.append(("late", key, sent_at, rtt))

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def resolver():
    yield
    await close_shared()


@pytest.fixture(scope="module")
def quiet_place():
    """Lend a namespace whose kernel answers no pings, with a host next door that is not there."""
    with namespaces("probe", "next") as (name, other):
        with inside(name):
            sysctl("net.ipv4.icmp_echo_ignore_all", "1")
        link(name, other, "10.2.1")
        run(f"ip netns exec {other} nft add table inet cut")
        run(f"ip netns exec {other} nft add chain inet cut in {{ type filter hook input priority 0 ; }}")
        run(f"ip netns exec {other} nft add rule inet cut in icmp type echo-request drop")
        yield name


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
async def test_a_host_that_answers_is_ok(host):
    finding = await probe(Options(host=host))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.OK, "ok", True)
    assert 0 <= finding.values["rtt"] < 0.1


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_a_name_is_resolved_in_the_family_asked_for(family):
    finding = await probe(Options(host="localhost", family=family))

    assert finding.outcome is Outcome.OK


@pytest.mark.usefixtures("resolver")
async def test_a_name_that_has_no_address_is_unknown():
    finding = await probe(Options(host="no..name"))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "name_resolution")


async def test_several_packets_tell_loss_and_spread():
    finding = await probe(Options(host="127.0.0.1", count=4, interval=0.01))

    assert finding.outcome is Outcome.OK
    assert finding.detail == "4 of 4 answered"
    assert (finding.values["sent"], finding.values["received"], finding.values["loss"]) == (4, 4, 0)
    assert finding.values["rtt_min"] <= finding.values["rtt"] <= finding.values["rtt_max"]


@pytest.mark.lab
async def test_one_answer_of_several_is_enough(quiet_place):
    def every_other(responder, request, asked, asker):
        if len(responder.heard) % 2:
            responder.say(responder.reply_to(request), asked, asker)

    with inside(quiet_place):
        responder = Responder(every_other)
        finding = await probe(Options(host="127.0.0.2", count=4, interval=0.01, wait=0.2))
        responder.close()

    assert (finding.outcome, finding.detail) == (Outcome.OK, "2 of 4 answered")
    assert finding.values["loss"] == 0.5


@pytest.mark.lab
async def test_no_answer_to_any_of_several_is_a_failure(quiet_place):
    with inside(quiet_place):
        finding = await probe(Options(host="10.2.1.2", count=3, interval=0.01, wait=0.1))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "timeout", False)
    assert dict(finding.values) == {"sent": 3, "received": 0, "loss": 1}


@pytest.mark.lab
async def test_the_runner_s_deadline_ends_a_single_ping(quiet_place):
    with inside(quiet_place):
        finding, took = await observe(lambda: probe(Options(host="10.2.1.2")), 0.1)

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "timeout")
    assert 0.1 <= took < 1


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("options", "reason"),
    [({"source": "203.0.113.9"}, "no_local_address"), ({"interface": "cmt-nowhere"}, "no_interface")],
)
async def test_what_this_host_does_not_have_is_unknown(options, reason, count):
    finding = await probe(Options(host="127.0.0.1", count=count, interval=0.01, **options))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)
    assert finding.detail


async def test_source_interface_size_hops_and_class_may_be_given():
    options = Options(host="127.0.0.1", source="127.0.0.9", interface="lo", size=1400, ttl=3, dscp=46)
    finding = await probe(options)

    assert finding.outcome is Outcome.OK


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"host": "127.0.0.1", "count": 2}, id="several-packets"),
        pytest.param({"host": "hub-7"}, id="a-name"),
    ],
)
def test_what_takes_more_than_one_ping_needs_the_coroutine(options):
    batch = engine(Sink())
    handle = batch.prepare(Options(**options))
    batch.close()

    assert handle is None


@pytest.mark.lab
async def test_the_batch_form_finds_the_same(quiet_place):
    sink = Sink()
    with inside(quiet_place):
        batch = engine(sink)
        responder = Responder(lambda r, request, asked, asker: r.say(r.reply_to(request), asked, asker))
        hosts = {"here": "127.0.0.2", "silent": "10.2.1.2", "no-route": "198.51.100.1"}
        before = asyncio.get_running_loop().time()
        batch.send([(batch.prepare(Options(host=host)), key, 0.1) for key, host in hosts.items()])
        await sink.until(3)
        batch.close()
        responder.close()
    told = {key: (word, what) for word, key, _, what in sink.lines}

    assert told["here"][0] == "answered"
    assert (told["silent"][1].outcome, told["silent"][1].reason) == (Outcome.FAILED, "timeout")
    assert (told["no-route"][1].outcome, told["no-route"][1].reason) == (Outcome.UNKNOWN, "no_route")
    assert all(before <= sent_at <= before + 1 for _, _, sent_at, _ in sink.lines)


def test_a_refusal_by_the_host_itself_proves_the_way():
    finding = _finding(Miss("admin_prohibited", "told by 10.0.0.1", by_peer=True))

    assert (finding.outcome, finding.path_up) == (Outcome.FAILED, True)


@pytest.mark.usefixtures("resolver")
async def test_an_address_that_cannot_be_pinged_is_unknown(monkeypatch):
    def refuse(*_args, **_options):
        raise ValueError("224.0.0.1 is not the address of one host")

    monkeypatch.setattr(Engine, "prepare", refuse)
    finding = await probe(Options(host="localhost"))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "bad_address")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"host": "224.0.0.1"}, "one host"),
        ({"host": "::"}, "one host"),
        ({"host": ""}, "host"),
        ({"host": "127.0.0.1", "source": "::1"}, "family"),
        ({"host": "::1", "family": "ipv4"}, "family"),
        ({"host": "127.0.0.1", "size": 4}, "size"),
        ({"host": "127.0.0.1", "count": 0}, "count"),
        ({"host": "127.0.0.1", "ttl": 0}, "ttl"),
        ({"host": "127.0.0.1", "dscp": 64}, "dscp"),
        ({"host": "127.0.0.1", "pakets": 3}, "pakets"),
    ],
)
def test_wrong_options_are_refused_when_the_inventory_is_read(wrong, word):
    with pytest.raises(ValidationError, match=word):
        Options(**wrong)


def test_every_reason_has_a_meaning():
    assert all(meaning and meaning == meaning.strip() for meaning in REASONS.values())
