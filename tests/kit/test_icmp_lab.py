"""icmp in a network of namespaces: what routers say is told in its own words, and our own trouble as ours.

here ── near ── router ── far ── there        (10.1.1.0/24, fd00:1::/64; 10.1.2.0/24, fd00:2::/64)
 └───── side ─────┘                           (10.1.3.0/24, fd00:3::/64)
"""

import asyncio
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.kit.icmp_ground import Ledger, inside, link, namespaces, run, sysctl

pytestmark = pytest.mark.lab

ROUTER, THERE = "10.1.1.2", "10.1.2.2"
ROUTER6, THERE6 = "fd00:1::2", "fd00:2::2"


@pytest.fixture(scope="module")
def net():
    with namespaces("here", "mid", "far") as (here, router, there):
        near, near_there = link(here, router, "10.1.1")
        link(router, there, "10.1.2", mtu=1300)
        link_side(here, router)
        with inside(router):
            sysctl("net.ipv4.ip_forward", "1")
            sysctl("net.ipv6.conf.all.forwarding", "1")
            for name in ("net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"):
                sysctl(name, "0")
        with inside(here):
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
        for place, gate, gate6 in ((here, ROUTER, ROUTER6), (there, "10.1.2.1", "fd00:2::1")):
            run(f"ip -n {place} route add 10.0.0.0/8 via {gate}")
            run(f"ip -n {place} route add fd00::/16 via {gate6}")
        for kind in ("unreachable", "prohibit", "blackhole", "throw"):
            number = {"unreachable": 1, "prohibit": 2, "blackhole": 3, "throw": 4}[kind]
            run(f"ip -n {router} route add {kind} 10.9.{number}.0/24")
            if kind != "throw":
                run(f"ip -n {router} -6 route add {kind} fd00:9{number}::/64")
        run(f"ip -n {router} route add 10.9.5.0/24 via {THERE}")
        run(f"ip -n {router} route add 10.9.6.0/24 via {THERE}")
        run(f"ip -n {router} route add fd00:95::/64 via {THERE6}")
        for extra in ("10.1.1.11", "10.1.1.12"):
            run(f"ip -n {here} address add {extra}/24 dev {near}")
        nft = f"ip netns exec {router} nft"
        run(f"{nft} add table inet cut")
        run(f"{nft} add chain inet cut forward {{ type filter hook forward priority 0 ; }}")
        with inside(here):
            asyncio.run(settled(ROUTER, ROUTER6, THERE, THERE6, "10.1.3.2", "fd00:3::2"))
        yield SimpleNamespace(here=here, router=router, there=there, near=near, near_there=near_there)


async def settled(*hosts):
    """Wait until all the addresses of new links answer."""
    with Ledger() as ledger:
        async with asyncio.timeout(20):
            for host in hosts:
                while (await ledger.verdict(host, wait=0.1))[0] != "answered":
                    await asyncio.sleep(0.05)


def link_side(here, router):
    run(f"ip -n {here} link add side type veth peer name side netns {router}")
    for place, host in ((here, 1), (router, 2)):
        run(f"ip -n {place} address add 10.1.3.{host}/24 dev side")
        run(f"ip -n {place} address add fd00:3::{host}/64 dev side nodad")
        run(f"ip -n {place} link set side up")


@pytest.fixture(params=["raw", "ping-socket"])
def ledger(request, net):
    with inside(net.here), Ledger(raw=request.param == "raw") as ledger:
        yield ledger


@pytest.fixture
def rule(net):
    """Lend a way to add a rule to the router's firewall; it is gone afterwards."""

    def add(text):
        run(f"ip netns exec {net.router} nft add rule inet cut forward {text}")

    yield add
    run(f"ip netns exec {net.router} nft flush chain inet cut forward")


@pytest.mark.parametrize("host", [ROUTER, THERE, ROUTER6, THERE6])
async def test_a_host_behind_a_router_answers(ledger, host):
    word, rtt = await ledger.verdict(host)

    assert word == "answered"
    assert 0 < rtt < 0.5


@pytest.mark.parametrize(
    ("host", "options", "reason", "router"),
    [
        pytest.param("10.9.4.1", {}, "net_unreachable", ROUTER, id="no-route"),
        pytest.param("10.9.1.1", {}, "host_unreachable", ROUTER, id="unreachable"),
        pytest.param("10.9.2.1", {}, "admin_prohibited", ROUTER, id="prohibited"),
        pytest.param(THERE, {"ttl": 1}, "ttl_exceeded", ROUTER, id="too-many-hops"),
        pytest.param(THERE, {"size": 1400}, "too_big", ROUTER, id="too-big"),
        pytest.param("fd00:94::1", {}, "net_unreachable", ROUTER6, id="no-route-6"),
        pytest.param("fd00:92::1", {}, "admin_prohibited", ROUTER6, id="prohibited-6"),
        pytest.param(THERE6, {"ttl": 1}, "ttl_exceeded", ROUTER6, id="too-many-hops-6"),
        pytest.param(THERE6, {"size": 1400}, "too_big", ROUTER6, id="too-big-6"),
    ],
)
async def test_what_a_router_says_is_told_in_its_own_words(net, ledger, host, options, reason, router):
    run(f"ip -n {net.here} route flush cache")
    run(f"ip -n {net.here} -6 route flush cache")
    if host.startswith("10.9."):  # Linux routers say such things to one address once a second, after a few
        options = {"source": "10.1.1.11" if ledger.raw else "10.1.1.12"}
    word, miss = await ledger.verdict(host, **options)

    assert (word, miss.reason, miss.ours, miss.by_peer) == ("missed", reason, False, False)
    assert f"told by {router}" in miss.detail


@pytest.mark.parametrize("host", ["10.9.3.1", "fd00:93::1"])
async def test_a_black_hole_is_a_timeout(ledger, host):
    _, miss = await ledger.verdict(host, wait=0.1)

    assert (miss.reason, miss.ours) == ("timeout", False)


@pytest.mark.parametrize(
    ("host", "verdict", "reason"),
    [
        (THERE, "reject with icmp type port-unreachable", "port_unreachable"),
        (THERE, "reject with icmp type admin-prohibited", "admin_prohibited"),
        (THERE, "drop", "timeout"),
        (THERE6, "reject with icmpv6 type port-unreachable", "port_unreachable"),
        (THERE6, "reject with icmpv6 type addr-unreachable", "host_unreachable"),
        (THERE6, "drop", "timeout"),
    ],
)
async def test_a_firewall_on_the_way_is_told_as_it_answers(ledger, rule, host, verdict, reason):
    rule(f"{'ip6' if ':' in host else 'ip'} daddr {host} {verdict}")
    _, miss = await ledger.verdict(host, wait=0.2)

    assert (miss.reason, miss.ours) == (reason, False)


async def test_one_target_s_error_never_falls_on_another(ledger, rule):
    rule("ip daddr 10.9.5.1 reject with icmp type host-unreachable")
    rule("ip daddr 10.9.6.1 reject with icmp type admin-prohibited")
    rule("ip6 daddr fd00:95::1 reject with icmpv6 type admin-prohibited")
    hosts = [
        THERE,
        "10.9.5.1",
        ROUTER,
        "10.9.6.1",
        THERE6,
        "fd00:95::1",
    ] * 10  # a Linux router sends no more than 50 errors at once
    ledger.ping(*hosts, wait=2.0)
    await ledger.until(len(hosts))
    told = {(key, what.reason if word == "missed" else word) for word, key, _, what in ledger.lines}

    assert told == {
        (THERE, "answered"),
        (ROUTER, "answered"),
        (THERE6, "answered"),
        ("10.9.5.1", "host_unreachable"),
        ("10.9.6.1", "admin_prohibited"),
        ("fd00:95::1", "admin_prohibited"),
    }


async def test_a_neighbour_that_does_not_exist_is_told_by_this_host(ledger):
    _, miss = await ledger.verdict("10.1.1.99", wait=6.0)

    assert (miss.reason, miss.ours, miss.by_peer) == ("host_unreachable", False, False)
    assert "this host itself" in miss.detail


@pytest.mark.parametrize("host", ["198.51.100.1", "2001:db8::1"])
async def test_no_route_from_here_is_our_own_trouble(ledger, host):
    word, miss = await ledger.verdict(host)

    assert (word, miss.reason, miss.ours) == ("missed", "no_route", True)


async def test_our_own_firewall_is_our_own_trouble(net, ledger):
    run(f"ip netns exec {net.here} nft add table inet own")
    run(f"ip netns exec {net.here} nft add chain inet own out {{ type filter hook output priority 0 ; }}")
    run(f"ip netns exec {net.here} nft add rule inet own out ip daddr {THERE} drop")
    try:
        word, miss = await ledger.verdict(THERE)
    finally:
        run(f"ip netns exec {net.here} nft delete table inet own")

    assert (word, miss.reason, miss.ours) == ("missed", "not_permitted", True)


@pytest.mark.parametrize(
    ("options", "over", "seen"),
    [
        ({}, "near", "10.1.1.1"),
        ({"source": "10.1.3.1"}, "near", "10.1.3.1"),
        ({"interface": "side"}, "side", "10.1.3.1"),
        ({"source": "10.1.1.1", "interface": "side"}, "side", "10.1.1.1"),
    ],
)
async def test_pings_leave_from_where_they_are_pinned(net, ledger, options, over, seen):
    nft = f"ip netns exec {net.router} nft"
    interface = {"near": net.near_there, "side": "side"}[over]
    run(f"{nft} add table inet seen")
    run(f"{nft} add chain inet seen in {{ type filter hook input priority 0 ; }}")
    run(f"{nft} add rule inet seen in iifname {interface} ip saddr {seen} icmp type echo-request counter")
    try:
        ledger.ping("10.1.1.2" if over == "near" else "10.1.3.2", wait=0.5, **options)
        await ledger.until(1)
        listing = run(f"{nft} list chain inet seen in")
    finally:
        run(f"{nft} delete table inet seen")

    assert "packets 1 " in listing


async def test_an_interface_that_is_made_anew_is_taken_again(net, ledger):
    options = {"source": "10.1.3.1", "interface": "side"}
    target = ledger.engine.prepare("10.1.3.2", **options)

    async def verdict():
        count = len(ledger.lines)
        ledger.engine.send([(target, None, 0.5)])
        await ledger.until(count + 1)
        word, _, _, what = ledger.lines[-1]
        return word if word == "answered" else what.reason

    assert await verdict() == "answered"

    run(f"ip -n {net.here} link del side")
    assert await verdict() in {"no_interface", "no_local_address", "no_route"}

    link_side(net.here, net.router)
    async with asyncio.timeout(5):
        while await verdict() != "answered":
            await asyncio.sleep(0.05)


async def test_a_source_address_that_goes_and_comes_back_is_ours_and_then_well(net, ledger):
    target = ledger.engine.prepare(ROUTER, source="10.1.1.77")

    async def verdict():
        count = len(ledger.lines)
        ledger.engine.send([(target, None, 0.5)])
        await ledger.until(count + 1)
        word, _, _, what = ledger.lines[-1]
        return word if word == "answered" else what.reason

    run(f"ip -n {net.here} address add 10.1.1.77/32 dev {net.near}")
    first = await verdict()
    run(f"ip -n {net.here} address del 10.1.1.77/32 dev {net.near}")
    second = await verdict()
    run(f"ip -n {net.here} address add 10.1.1.77/32 dev {net.near}")
    third = await verdict()
    run(f"ip -n {net.here} address del 10.1.1.77/32 dev {net.near}")

    assert (first, second, third) == ("answered", "no_local_address", "answered")


UNPRIVILEGED = """
import asyncio, json, os, sys
from monitor.kit.icmp import Engine
async def main():
    lines, done = [], asyncio.Event()
    def heard(word):
        def hear(key, _sent_at, what):
            lines.append([word, key, what if word == "answered" else what._asdict()])
            if len(lines) == len(sys.argv) - 1:
                done.set()
        return hear
    engine = Engine(heard("answered"), heard("missed"), heard("late"))
    engine.send([(engine.prepare(host), host, 2.0) for host in sys.argv[1:]])
    async with asyncio.timeout(5):
        await done.wait()
    engine.close()
    print(json.dumps(lines))
asyncio.run(main())
"""


def without_privileges(place, group_range, *hosts):
    with inside(place):
        sysctl("net.ipv4.ping_group_range", group_range)
        drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
        try:
            done = subprocess.run(
                [*drop, sys.executable, "-c", UNPRIVILEGED, *hosts],
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            )
        finally:
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
    return {host: (word, what) for word, host, what in json.loads(done.stdout)}


def test_without_privileges_a_ping_socket_does_it_all(net):
    told = without_privileges(net.here, "0 0", THERE, THERE6, "10.9.2.1")

    assert told[THERE][0] == told[THERE6][0] == "answered"
    assert told["10.9.2.1"][1]["reason"] == "admin_prohibited"


def test_without_privileges_and_ping_sockets_the_miss_says_what_to_do(net):
    told = without_privileges(net.here, "1 0", THERE, THERE6)

    for word, miss in told.values():
        assert (word, miss["reason"], miss["ours"]) == ("missed", "no_permission", True)
        assert "ping_group_range" in miss["detail"]
        assert "CAP_NET_RAW" in miss["detail"]
