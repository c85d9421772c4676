"""trace among real routers: one path where they balance, the end where they drop or refuse, IPv4 and IPv6.

                 ┌─ a1 ── a2 ─┐
here ── gate ────┤            ├── there        gate balances by ports over both branches
                 └─ b1 ── b2 ─┘

It does so by what it reads in the packet (policy 3, fields 0x37), for by policy 1 it would take the hash that
the sender's kernel, which is its own, has already given to the socket.
"""

import asyncio
import itertools
import json
import subprocess
import sys

import pytest

from monitor.kit.trace import Asked, Bounds, TraceError, trace
from tests.kit.icmp_ground import inside, link, namespaces, run, sysctl

pytestmark = pytest.mark.lab

THERE = {4: "10.50.0.1", 6: "fd00:50::1"}
GATE = {4: "10.1.1.2", 6: "fd00:1::2"}
BRANCHES = {
    4: {("10.1.2.2", "10.1.4.2"), ("10.1.3.2", "10.1.5.2")},
    6: {("fd00:2::2", "fd00:4::2"), ("fd00:3::2", "fd00:5::2")},
}
METHODS = ("icmp", "udp", "tcp")
QUICK = Bounds(wait=0.3, silent=2)


@pytest.fixture(scope="module")
def here():
    with namespaces("here", "gate", "a1", "a2", "b1", "b2", "last") as names:
        here, gate, a1, a2, b1, b2, there = names
        pairs = [(here, gate), (gate, a1), (gate, b1), (a1, a2), (b1, b2), (a2, there), (b2, there)]
        for subnet, (one, other) in enumerate(pairs, 1):
            link(one, other, f"10.1.{subnet}")
        for name in names[1:]:
            with inside(name):
                sysctl("net.ipv4.ip_forward", "1")
                sysctl("net.ipv6.conf.all.forwarding", "1")
                for limit in ("net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"):
                    sysctl(limit, "0")
                for family in ("ipv4", "ipv6"):
                    sysctl(f"net.{family}.fib_multipath_hash_policy", "3")
                    sysctl(f"net.{family}.fib_multipath_hash_fields", "55")
        with inside(here):
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
        for last in (20, 21, 22, 30, 31, 32, 40):
            run(f"ip -n {here} address add 10.1.1.{last}/24 dev {port_of(here)}")
        run(f"ip -n {there} address add 10.50.0.1/32 dev lo")
        run(f"ip -n {there} address add fd00:50::1/128 dev lo")
        for family, dot in ((4, "10.1.{}.{}"), (6, "fd00:{}::{}")):
            for name, subnet in ((a1, 4), (b1, 5), (a2, 6), (b2, 7)):
                run(f"ip -n {name} -{family} route add {THERE[family]} via {dot.format(subnet, 2)}")
            back = "10.1.1.0/24" if family == 4 else "fd00:1::/64"
            for name, subnet in ((a1, 2), (b1, 3), (a2, 4), (b2, 5), (there, 6)):
                run(f"ip -n {name} -{family} route add {back} via {dot.format(subnet, 1)}")
            run(f"ip -n {here} -{family} route add default via {GATE[family]}")
            both = " ".join(f"nexthop via {dot.format(subnet, 2)} weight 1" for subnet in (2, 3))
            run(f"ip -n {gate} -{family} route add {THERE[family]} {both}")
            ends = "10.60.{}.0/24" if family == 4 else "fd00:60{}::/64"
            for place, kind in enumerate(("blackhole", "unreachable", "prohibit"), 1):
                run(f"ip -n {gate} -{family} route add {ends.format(place)} via {dot.format(2, 2)}")
                run(f"ip -n {a1} -{family} route add {kind} {ends.format(place)}")
            run(f"ip -n {gate} -{family} route add {ends.format(4)} via {dot.format(2, 2)}")
            run(f"ip -n {a1} -{family} route add {ends.format(4)} via {dot.format(2, 1)}")
        with inside(here):
            asyncio.run(settled())
        yield here


async def settled():
    """Wait until the neighbours on both branches know each other."""
    async with asyncio.timeout(30):
        for family in (4, 6):
            seen = set()
            while seen < BRANCHES[family]:
                path = await trace(Asked(THERE[family], "udp"), QUICK)
                if path.reached and all(addresses(path)):
                    seen.add(tuple(addresses(path)[1:3]))


def end(family, place):
    return f"10.60.{place}.9" if family == 4 else f"fd00:60{place}::9"


def traced(here, host, method="icmp", bounds=QUICK, **pins):
    with inside(here):
        return asyncio.run(trace(Asked(host, method, **pins), bounds))


def addresses(path):
    return [hop.address for hop in path.hops]


every_way = pytest.mark.parametrize(("method", "family"), list(itertools.product(METHODS, (4, 6))))


@every_way
def test_the_way_is_one_of_the_two_and_never_a_mixture(here, method, family):
    for _ in range(5):
        path = traced(here, THERE[family], method)
        gate, *branch, last = addresses(path)

        assert (gate, last, path.reached) == (GATE[family], THERE[family], True)
        assert tuple(branch) in BRANCHES[family]
        assert [hop.others for hop in path.hops] == [()] * 4
        assert all(0 < hop.rtt < 0.3 for hop in path.hops)


@pytest.mark.parametrize(("method", "family"), list(itertools.product(("udp", "tcp"), (4, 6))))
def test_the_routers_do_balance(here, method, family):
    seen = {tuple(addresses(traced(here, THERE[family], method))[1:3]) for _ in range(24)}

    assert seen == BRANCHES[family]


@pytest.mark.parametrize(
    ("method", "how"), [("icmp", "echo_reply"), ("udp", "port_unreachable"), ("tcp", "tcp_refused")]
)
def test_how_the_target_was_reached_is_told(here, method, how):
    assert traced(here, THERE[4], method).how == how


@every_way
def test_a_black_hole_is_told_by_the_last_that_answers(here, method, family):
    path = traced(here, end(family, 1), method)

    assert (path.reached, path.how) == (False, "silence")
    assert addresses(path) == [GATE[family]]


@every_way
@pytest.mark.parametrize(("place", "word"), [(2, "unreachable"), (3, "admin_prohibited")])
def test_a_router_that_refuses_ends_the_way_with_its_code(here, method, family, place, word):
    pins = {"source": f"10.1.1.{10 * place + METHODS.index(method)}"} if family == 4 else {}
    path = traced(here, end(family, place), method, **pins)  # a router tells one address little in a second

    assert not path.reached
    assert word in path.how
    assert path.icmp[0] == (3 if family == 4 else 1)
    assert addresses(path) == [GATE[family], path.by]


@pytest.mark.parametrize("family", [4, 6])
def test_a_raw_socket_finds_the_same_where_there_are_no_ping_sockets(here, family):
    with inside(here):
        sysctl("net.ipv4.ping_group_range", "1 0")
    try:
        path = traced(here, THERE[family])
    finally:
        with inside(here):
            sysctl("net.ipv4.ping_group_range", "0 2147483647")

    assert (path.how, len(path.hops)) == ("echo_reply", 4)
    assert tuple(addresses(path)[1:3]) in BRANCHES[family]


@pytest.mark.parametrize("family", [4, 6])
def test_a_loop_of_routers_runs_out_of_hops(here, family):
    path = traced(here, end(family, 4), bounds=QUICK._replace(hops=8))

    assert (path.how, len(path.hops)) == ("hops", 8)
    assert len(set(addresses(path)[2:])) == 2


def test_the_source_is_kept(here):
    assert traced(here, THERE[4], "udp", source="10.1.1.1", interface=port_of(here)).reached


def port_of(here):
    links = json.loads(run(f"ip -n {here} -json link"))
    return next(one["ifname"] for one in links if one["ifname"] != "lo")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("pins", "reason"),
    [({"source": "192.0.2.7"}, "no_local_address"), ({"interface": "cmt-none0"}, "no_interface")],
)
def test_our_own_trouble_is_ours(here, method, pins, reason):
    with pytest.raises(TraceError) as told:
        traced(here, THERE[4], method, **pins)

    assert (told.value.mishap.reason, told.value.mishap.ours) == (reason, True)


def shell(here, *words):
    """Trace from the shell without the privilege to open raw sockets."""
    bare = ["setpriv", "--bounding-set", "-net_raw,-net_admin", "--inh-caps", "-net_raw,-net_admin"]
    command = [*bare, sys.executable, "-m", "monitor", "probe", "trace", *words]
    return subprocess.run(
        ["ip", "netns", "exec", here, *command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("method", METHODS)
def test_no_privilege_is_needed_where_the_kernel_lets_groups_ping(here, method):
    done = shell(here, THERE[4], "--method", method)

    assert (done.returncode, done.stderr) == (0, "")
    first, *hops = done.stdout.splitlines()
    assert first.startswith("1: ok (10.1.1.2 → ")
    assert [line.split()[:2] for line in hops][0::3] == [["1", GATE[4]], ["4", THERE[4]]]


def test_where_not_even_that_is_allowed_it_goes_by_udp(here):
    with inside(here):
        sysctl("net.ipv4.ping_group_range", "1 0")
    try:
        asked, told = shell(here, THERE[4], "--method", "icmp"), shell(here, THERE[4])
    finally:
        with inside(here):
            sysctl("net.ipv4.ping_group_range", "0 2147483647")

    assert asked.returncode == 2
    assert "CAP_NET_RAW" in asked.stdout
    assert told.returncode == 0


def test_the_shell_says_where_a_way_ends(here):
    # From an address of its own: a router tells each of six refusals in a row, then of one a second.
    done = shell(here, end(4, 2), "--wait", "0.3", "--source", "10.1.1.40")

    assert done.returncode == 1
    assert done.stdout.startswith(
        "1: failed host_unreachable (10.1.1.2 → 10.1.2.2; host_unreachable (ICMP 3/1))"
    )


def test_many_at_once_all_come_to_the_same(here):
    async def many():
        return await asyncio.gather(*(trace(Asked(THERE[4], "udp"), Bounds()) for _ in range(100)))

    with inside(here):
        paths = asyncio.run(many())

    assert all(path.reached and tuple(addresses(path)[1:3]) in BRANCHES[4] for path in paths)
