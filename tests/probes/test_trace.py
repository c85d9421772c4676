"""trace: well if the host was reached by the way expected; what was found is told short and at length."""

import asyncio
import socket
import time

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.trace import Hop, Path
from monitor.probes.trace import Options, _finding, at_length, probe

METHODS = ("icmp", "udp", "tcp")


def path(*addresses, reached=True, **more):
    hops = tuple(Hop(ttl, address, 0.001 * ttl, 2, 2) for ttl, address in enumerate(addresses, 1))
    told = {"how": "echo_reply" if reached else "silence", "rtt": 0.004 if reached else None, "sent": 9}
    return Path(addresses[-1] if addresses else "10.9.9.9", "icmp", hops, reached, **{**told, **more})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_this_machine_is_one_hop_away(host, method):
    finding = await probe(Options(host=host, method=method))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.OK, "ok", True)
    assert (finding.values["hops"], finding.values["reached"]) == (1, 1)
    assert 0 < finding.values["rtt"] < 1


@pytest.mark.parametrize("open_port", [True, False])
async def test_a_port_is_reached_whether_open_or_closed(open_port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not open_port:
            server.close()
        finding = await probe(Options(host="127.0.0.1", method="tcp", port=port))

    assert finding.outcome is Outcome.OK


async def test_the_hops_are_told_a_line_each():
    _, lines = await at_length(Options(host="127.0.0.1"))

    (line,) = lines
    assert line.split()[:2] == ["1", "127.0.0.1"]
    assert line.endswith(" ms")


async def test_a_host_that_is_silent_costs_no_more_time_than_allowed():
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        finding = await probe(Options(host="127.0.0.1", method="udp", port=port, within=0.2))

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "out_of_time")
    assert time.monotonic() - began < 2


async def test_the_host_may_answer_in_words_of_its_own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port = peer.getsockname()[1]
        peer.settimeout(0)
        look = probe(Options(host="127.0.0.1", method="udp", port=port, within=2.0, tries=1, silent=1))
        finding = await answered(peer, look)

    assert finding.outcome is Outcome.OK


async def answered(peer, look):
    loop = asyncio.get_running_loop()

    def say():
        _, caller = peer.recvfrom(100)
        peer.sendto(b"who is there", caller)

    loop.add_reader(peer, say)
    try:
        return await look
    finally:
        loop.remove_reader(peer)


@pytest.mark.parametrize(
    ("through", "missing"),
    [
        pytest.param([], None, id="no-matter-which-way"),
        pytest.param(["10.0.0.2"], None, id="by-way-of-one"),
        pytest.param(["10.0.0.1", "10.0.0.3"], None, id="with-others-between"),
        pytest.param(["10.0.0.3", "10.0.0.1"], "10.0.0.1", id="in-the-wrong-order"),
        pytest.param(["10.0.0.7"], "10.0.0.7", id="not-by-way-of-it"),
    ],
)
def test_the_way_must_pass_the_hops_expected(through, missing):
    finding = _finding(path("10.0.0.1", "10.0.0.2", "10.0.0.3"), through)

    assert finding.reason == ("other_path" if missing else "ok")
    assert finding.path_up
    assert missing is None or f"not by way of {missing}" in finding.detail


def test_a_way_that_ends_is_a_failure_that_says_where_and_with_what():
    ended = path("10.0.0.1", "", "10.0.0.3", reached=False, how="net_unreachable", by="10.0.0.3", icmp=(3, 0))
    finding = _finding(ended, [])

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "net_unreachable", False)
    assert finding.detail == "10.0.0.1 → * → 10.0.0.3; net_unreachable (ICMP 3/0)"
    assert finding.values == {"hops": 3, "reached": 0, "sent": 9, "silent": 1}


@pytest.mark.parametrize(
    ("how", "reason"), [("silence", "silence"), ("hops", "too_far"), ("time", "out_of_time")]
)
def test_an_end_without_an_answer_has_its_word(how, reason):
    assert _finding(path(reached=False, how=how), []).reason == reason
    assert _finding(path(reached=False, how=how), []).detail == f"no hop answered; {reason}"


def test_a_long_way_is_told_by_its_ends():
    finding = _finding(path(*(f"2001:db8:0:{number}::ffff" for number in range(30))), [])

    assert len(finding.detail) <= 200
    assert finding.detail.startswith("2001:db8:0:0::ffff → ")
    assert " → … → " in finding.detail
    assert finding.detail.endswith(" → 2001:db8:0:29::ffff")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"source": "192.0.2.77"}, "no_local_address"),
        ({"interface": "cmt-none0"}, "no_interface"),
        ({"host": "224.0.0.1"}, "bad_address"),
    ],
)
async def test_our_own_trouble_is_unknown(options, reason):
    finding = await probe(Options(**{"host": "127.0.0.1", **options}))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"port": 7}, "method udp or tcp"),
        ({"source": "::1"}, "one family"),
        ({"hops": 31}, "hops"),
        ({"tries": 6}, "tries"),
        ({"through": ["nowhere"]}, "through"),
        ({"host": "a b"}, "host"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
