"""stamp in a network of namespaces: the lossy way is named, a code point set back and a narrow way are seen.

here ── router ── there        (10.98.1.0/24, fd98:1::/64; 10.98.2.0/24, fd98:2::/64)

The daemon's own reflector runs there, as its settings have it.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.core.observation import Outcome
from monitor.engine.runner import look_with, observe
from monitor.probes.stamp import Options, probe
from tests.lab.netns import inside

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("tc"),
        reason="needs root, iproute2 and nft",
    ),
]

HERE, ROUTER, THERE = "cmt-stamp-a", "cmt-stamp-b", "cmt-stamp-c"
FAR = {"ipv4": "10.98.2.2", "ipv6": "fd98:2::2"}
every_family = pytest.mark.parametrize("family", FAR)

REFLECT = """
import asyncio, sys
from pathlib import Path
from monitor.core.vitals import Vitals
from monitor.settings import load_settings

async def all_of_them():
    told = load_settings(Path(sys.argv[1])).reflector
    await asyncio.gather(*(one.run() for one in told.reflectors(Vitals())))

asyncio.run(all_of_them())
"""


def run(command):
    subprocess.run(command.split(), check=True, capture_output=True)


def build():
    for namespace in (HERE, ROUTER, THERE):
        run(f"ip netns add {namespace}")
        run(f"ip -n {namespace} link set lo up")
    for number, (one, link, other, far) in enumerate(
        ((HERE, "out", ROUTER, "in"), (ROUTER, "out", THERE, "in")), 1
    ):
        run(f"ip -n {one} link add {link} type veth peer name {far} netns {other}")
        for namespace, name, end in ((one, link, 1), (other, far, 2)):
            run(f"ip -n {namespace} addr add 10.98.{number}.{end}/24 dev {name}")
            run(f"ip -n {namespace} addr add fd98:{number}::{end}/64 dev {name} nodad")
            run(f"ip -n {namespace} link set {name} up")
    for namespace, gate, gate6 in ((HERE, "10.98.1.2", "fd98:1::2"), (THERE, "10.98.2.1", "fd98:2::1")):
        run(f"ip -n {namespace} route add default via {gate}")
        run(f"ip -n {namespace} -6 route add default via {gate6}")
    run(f"ip netns exec {ROUTER} sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    run(f"ip netns exec {ROUTER} nft add table inet way")
    run(f"ip netns exec {ROUTER} nft add chain inet way forward {{ type filter hook forward priority 0 ; }}")


@pytest.fixture(scope="module")
def way(tmp_path_factory):
    settings = tmp_path_factory.mktemp("settings") / "settings.yaml"
    settings.write_text(
        "reflector: {listen: [0.0.0.0, '::'], allow: [10.98.0.0/16, 'fd98::/16'], rate: 5000}\n"
    )
    with contextlib.ExitStack() as stack:
        for namespace in (HERE, ROUTER, THERE):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
            stack.callback(
                subprocess.run, ["ip", "netns", "del", namespace], check=False, capture_output=True
            )
        build()
        reflector = subprocess.Popen(
            ["ip", "netns", "exec", THERE, sys.executable, "-c", REFLECT, settings],
            cwd=Path(__file__).parents[2],
        )
        stack.callback(reflector.wait)
        stack.callback(reflector.kill)
        for family in FAR:
            until_it_answers(family)
        yield


def until_it_answers(family):
    for _ in range(100):
        if look(family, packets=2, wait=0.1).outcome is Outcome.OK:
            return
    raise AssertionError("the reflector does not answer")


@pytest.fixture(autouse=True)
def _even(way):  # noqa: ARG001 - it must stand before it can be made even again
    yield
    for link in LINKS.values():
        subprocess.run(
            ["tc", "-n", ROUTER, "qdisc", "del", "dev", link, "root"], check=False, capture_output=True
        )
    run(f"ip -n {ROUTER} link set out mtu 1500")
    run(f"ip netns exec {ROUTER} nft flush chain inet way forward")


def look(family, deadline=10.0, **more):
    options = Options(**{"host": FAR[family], "spacing": 0.002, "wait": 0.5, **more})
    finding, _ = inside(HERE, lambda: asyncio.run(observe(look_with(probe, options), deadline)))
    return finding


LINKS = {"there": "out", "back": "in"}
"""By which of its links the router sends what goes which way."""


def lose(direction, percent):
    """Have the router lose packets at random on one way."""
    rule = f"oifname {LINKS[direction]} numgen random mod 100 < {percent} drop"
    run(f"ip netns exec {ROUTER} nft add rule inet way forward {rule}")


def spoil(direction, what):
    """Have netem spoil one way."""
    command = f"tc -n {ROUTER} qdisc add dev {LINKS[direction]} root netem {what}"
    if subprocess.run(command.split(), check=False, capture_output=True).returncode:
        pytest.skip("this kernel has no netem")


@every_family
def test_an_even_way_loses_nothing(family):
    finding = look(family, packets=200, mtu=1500, dscp=46)

    assert (finding.outcome, finding.reason) == (Outcome.OK, "ok")
    assert (finding.values["dscp_out"], finding.values["dscp_back"]) == (46.0, 46.0)


@every_family
@pytest.mark.parametrize(("direction", "lossy", "clean"), [("there", "out", "back"), ("back", "back", "out")])
def test_the_lossy_way_is_named(family, direction, lossy, clean):
    lose(direction, 30)
    finding = look(family, packets=200)

    assert (finding.outcome, finding.reason) == (Outcome.OK, f"loss_{lossy}")
    assert f"on the way {direction}" in finding.detail
    assert 0.15 < finding.values[f"loss_{lossy}"] < 0.45
    assert finding.values[f"loss_{clean}"] == 0.0


def test_loss_on_both_ways_is_told_apart():
    lose("there", 40)
    lose("back", 15)
    values = look("ipv4", packets=400).values

    assert 0.3 < values["loss_out"] < 0.5
    assert 0.07 < values["loss_back"] < 0.25


@pytest.mark.parametrize(
    ("direction", "uneven", "even_"), [("there", "out", "back"), ("back", "back", "out")]
)
def test_the_uneven_way_is_named(direction, uneven, even_):
    spoil(direction, "delay 30ms 20ms")
    finding = look("ipv4", packets=100, spacing=0.01, warn_jitter=0.02)

    assert (finding.outcome, finding.reason) == (Outcome.OK, f"jitter_{uneven}")
    assert finding.values[f"jitter_{uneven}"] > 3 * finding.values[f"jitter_{even_}"]
    assert 0.01 < finding.values["rtt_min"] <= finding.values["rtt"] < 0.06


def test_doubles_on_the_way_there_are_no_loss():
    spoil("there", "duplicate 20%")
    values = look("ipv4", packets=200).values

    assert 15 < values["doubles"] < 70
    assert values["loss"] == values["loss_out"] == 0.0


@pytest.mark.parametrize(("link", "there", "back"), [("out", 0.0, 46.0), ("in", 46.0, 0.0)])
def test_a_code_point_set_back_on_one_way_is_seen(link, there, back):
    run(f"ip netns exec {ROUTER} nft add rule inet way forward oifname {link} ip dscp set cs0")
    finding = look("ipv4", dscp=46)

    assert (finding.outcome, finding.reason) == (Outcome.OK, "remarked")
    assert (finding.values["dscp_out"], finding.values["dscp_back"]) == (there, back)


@every_family
def test_a_narrow_way_is_seen(family):
    run(f"ip -n {ROUTER} link set out mtu 1400")
    narrow, enough = look(family, mtu=1500), look(family, mtu=1400)

    assert (narrow.outcome, narrow.reason, narrow.values["loss"]) == (Outcome.OK, "mtu", 0.0)
    assert enough.reason == "ok"


def test_a_cut_way_is_a_timeout_that_names_no_direction():
    run(f"ip netns exec {ROUTER} nft add rule inet way forward oifname in drop")
    finding = look("ipv4")

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "timeout", False)
    assert "loss_back" not in finding.values


def test_what_a_router_says_is_told():
    run(
        f"ip netns exec {ROUTER} nft add rule inet way forward oifname out reject with icmpx admin-prohibited"
    )
    finding = look("ipv4")

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "admin_prohibited", False)
    assert "10.98.1.2" in finding.detail


def test_a_reflector_lets_nobody_in_whom_it_was_not_told_of():
    run(f"ip -n {HERE} addr add 10.99.9.9/32 dev lo")
    run(f"ip -n {ROUTER} route add 10.99.9.9/32 via 10.98.1.1")
    finding = look("ipv4", source="10.99.9.9")

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "timeout")
