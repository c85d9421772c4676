"""The lab: what is declared broken is silent from the city, and nothing else is."""

import itertools
import time
from urllib.request import urlopen

import pytest
from icmplib import multiping

from tests.lab.lab import FROM_CENTER, TO_CENTER, Lab
from tests.lab.netns import inside
from tests.lab.topology import ANCHORS, CENTERS, CITY, DEVICES, NETWORKS, ROLES, subnet, wires

pytestmark = pytest.mark.lab

ADDRESSES = {wire.id: wire.near for wire in wires()}
ADDRESSES |= {f"{network} anchor": address for network, address in ANCHORS.items()}
ADDRESSES |= {
    f"{center}/{key}": f"{subnet(center)}.{last}"
    for center, (key, (last, _)) in itertools.product(CENTERS, DEVICES.items())
}
SERVERS = {f"danjiangkou/{key}" for key in DEVICES}
CIRCUITS = {f"danjiangkou/{network}/{role}" for network in NETWORKS for role in ROLES}


def silent(timeout=0.3):
    """Ping everything once from the city, and say what did not answer."""
    hosts = inside(
        CITY, multiping, list(ADDRESSES.values()), count=1, timeout=timeout, concurrent_tasks=len(ADDRESSES)
    )
    answered = {host.address for host in hosts if host.is_alive}
    return {name for name, address in ADDRESSES.items() if address not in answered}


def wait_until_silent(expected, seconds=10):
    """Ping until exactly the *expected* are silent, or time is up; return who is silent then."""
    deadline = time.monotonic() + seconds
    while (now := silent()) != expected and time.monotonic() < deadline:
        pass
    return now


@pytest.mark.usefixtures("lab")
def test_everything_answers_in_a_whole_city():
    assert silent() == set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_cut_circuit_is_silent_alone(lab, network, role):
    circuit = f"danjiangkou/{network}/{role}"
    lab.cut(circuit)
    lost = wait_until_silent({circuit})

    assert lost == {circuit}

    lab.heal(circuit)

    assert wait_until_silent(set()) == set()


@pytest.mark.parametrize("direction", [TO_CENTER, FROM_CENTER])
def test_a_circuit_broken_one_way_is_silent_too(lab, direction):
    lab.one_way("danjiangkou/province/backup", direction)

    assert silent() == {"danjiangkou/province/backup"}


def test_the_servers_move_to_the_backup_after_a_while(lab):
    lab.backup_only("danjiangkou")
    primaries = {"danjiangkou/city/primary", "danjiangkou/province/primary"}

    assert silent() == primaries | SERVERS
    assert wait_until_silent(primaries) == primaries


def test_a_center_that_is_cut_off_is_silent_altogether(lab):
    lab.cut_off("danjiangkou")

    assert silent() == CIRCUITS | SERVERS


@pytest.mark.parametrize("fault", [Lab.router_dead, Lab.power_off])
def test_a_center_without_router_or_power_is_silent_altogether(lab, fault):
    fault(lab, "danjiangkou")

    assert silent() == CIRCUITS | SERVERS

    lab.restore()

    assert wait_until_silent(set()) == set()


def test_behind_a_dead_provincial_router_its_network_is_silent_and_the_city_is_not(lab):
    lab.core_dead("province")

    assert silent() == {wire.id for wire in wires() if wire.network == "province"} | {"province anchor"}


def test_behind_a_dead_municipal_router_everything_is_silent(lab):
    lab.core_dead("city")

    assert silent() == set(ADDRESSES)


@pytest.mark.parametrize("percent", [5, 20, 50])
def test_a_lossy_circuit_loses_about_the_share_it_was_told_to(lab, percent):
    lab.loss(percent, "danjiangkou/city/primary")
    many = [ADDRESSES["danjiangkou/city/primary"]] * 600
    hosts = inside(CITY, multiping, many, count=1, timeout=0.2, concurrent_tasks=200)
    lost = sum(not host.is_alive for host in hosts) / len(hosts)

    assert abs(lost - percent / 100) < 0.12


@pytest.mark.usefixtures("lab")
def test_a_centers_server_speaks_http():
    with inside(CITY, urlopen, f"http://{subnet('yunyang')}.10/", timeout=5) as page:
        said = inside(CITY, page.read)

    assert said == b"ok\n"
