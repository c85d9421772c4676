"""ways: what routers say about a target is told in the same words by every kind, and proves no way."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess

import pytest

from monitor.core.observation import Outcome
from monitor.engine.runner import look_with, observe
from monitor.probes import load_kinds
from tests.lab.netns import inside

pytestmark = [
    pytest.mark.usefixtures("way"),
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="needs root, iproute2 and nft"),
]

HERE, ROUTER = "cmt-ways-a", "cmt-ways-b"
GATEWAY = {"ipv4": "10.99.1.2", "ipv6": "fd99:1::2"}
HOSTS = {
    "ipv4": {
        kind: f"10.99.2.{n}" for n, kind in enumerate(("unreachable", "prohibit", "none", "blackhole"), 1)
    },
    "ipv6": {
        kind: f"fd99:2::{n}" for n, kind in enumerate(("unreachable", "prohibit", "none", "blackhole"), 1)
    },
}
OPTIONS = {
    "database": lambda host, port: {"host": host, "port": port, "protocol": "mysql"},
    "stamp": lambda host, port: {"host": host, "port": port, "wait": 4},
    "tcp": lambda host, port: {"host": host, "port": port},
    "tls": lambda host, port: {"host": host, "port": port},
    "http": lambda host, port: {"url": f"http://{f'[{host}]' if ':' in host else host}:{port}/"},
    "udp": lambda host, port: {"host": host, "port": port},
}
every_kind = pytest.mark.parametrize("name", OPTIONS)
every_family = pytest.mark.parametrize("family", GATEWAY)


def run(command):
    subprocess.run(command.split(), check=True, capture_output=True)


def build():
    for namespace in (HERE, ROUTER):
        run(f"ip netns add {namespace}")
        run(f"ip -n {namespace} link set lo up")
    run(f"ip -n {HERE} link add up0 type veth peer name down0 netns {ROUTER}")
    for namespace, link, end in ((HERE, "up0", 1), (ROUTER, "down0", 2)):
        run(f"ip -n {namespace} addr add 10.99.1.{end}/24 dev {link}")
        run(f"ip -n {namespace} addr add fd99:1::{end}/64 dev {link} nodad")
        run(f"ip -n {namespace} link set {link} up")
    for family, gateway in GATEWAY.items():
        run(f"ip -n {HERE} -{family[-1]} route add default via {gateway}")
        for kind in ("unreachable", "prohibit", "blackhole"):
            run(f"ip -n {ROUTER} -{family[-1]} route add {kind} {HOSTS[family][kind]}")
    limits = "net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0"
    switches = f"net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 {limits}"
    run(f"ip netns exec {ROUTER} sysctl -q -w {switches}")
    run(f"ip netns exec {ROUTER} nft add table inet wall")
    run(f"ip netns exec {ROUTER} nft add chain inet wall in {{ type filter hook input priority 0 ; }}")
    for port in ("tcp dport 81", "udp dport 81"):
        run(f"ip netns exec {ROUTER} nft add rule inet wall in {port} reject with icmpx admin-prohibited")


@pytest.fixture(scope="module")
def way():
    with contextlib.ExitStack() as stack:
        for namespace in (HERE, ROUTER):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
            stack.callback(
                subprocess.run, ["ip", "netns", "del", namespace], check=False, capture_output=True
            )
        build()
        yield


def look(name, host, port=9, deadline=2.0):
    kind = load_kinds()[name]
    options = kind.options(**OPTIONS[name](host, port))
    finding, _ = inside(HERE, lambda: asyncio.run(observe(look_with(kind.probe, options), deadline)))
    return finding


@every_kind
@every_family
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("unreachable", "host_unreachable"), ("prohibit", "admin_prohibited"), ("none", "net_unreachable")],
)
def test_what_a_router_says_is_told_and_proves_no_way(name, family, kind, reason):
    if (family, kind) == ("ipv6", "unreachable"):
        reason = "net_unreachable"  # an unreachable route of IPv6 answers "no route"
    finding = look(name, HOSTS[family][kind])
    if finding.reason == "timeout":  # a router says so five times in a row, then once a second
        finding = look(name, HOSTS[family][kind])

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, False)
    assert GATEWAY[family] in finding.detail


@every_kind
@every_family
def test_a_refusal_of_the_peer_itself_proves_the_way(name, family):
    closed, walled = look(name, GATEWAY[family]), look(name, GATEWAY[family], 81)

    assert (closed.reason, closed.path_up) == ("refused", True)
    assert (walled.reason, walled.path_up) == ("admin_prohibited", True)


@every_kind
def test_a_hole_is_silence(name):
    finding = look(name, HOSTS["ipv4"]["blackhole"], deadline=0.2)

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "timeout")


@every_kind
def test_a_neighbour_that_is_not_there_cannot_be_reached(name):
    finding = look(name, "10.99.1.77", deadline=8.0)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "host_unreachable", False)


@every_kind
def test_no_route_of_our_own_is_unknown(name):
    run(f"ip -n {HERE} route add unreachable 10.99.9.0/24")
    try:
        finding = look(name, "10.99.9.1")
    finally:
        run(f"ip -n {HERE} route del unreachable 10.99.9.0/24")

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "no_route")


def test_the_address_of_the_other_side_of_a_link_local_is_reached():
    found = subprocess.run(
        ["ip", "-n", ROUTER, "-o", "-6", "addr", "show", "dev", "down0", "scope", "link"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    with inside(ROUTER, lambda: socket.create_server(("::", 0), family=socket.AF_INET6)) as server:
        finding = look("tcp", f"{found[3].partition('/')[0]}%up0", server.getsockname()[1])

    assert finding.outcome is Outcome.OK
