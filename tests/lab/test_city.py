"""The daemon in the lab: what breaks is told on MQTT and in metrics within seconds, and nothing else is.

Broker, kernel, routers and daemon are real; only the distances are short.
"""

import time

import pytest

from tests.lab.lab import FROM_CENTER, TO_CENTER, Lab, why_not
from tests.lab.topology import NETWORKS, ROLES, wires
from tests.lab.watched import MOSQUITTO, metric, retained, topic_of, watched

pytestmark = pytest.mark.lab

HEALTH = "command_monitor_health"
UP, ON_BACKUP, DOWN = 0, 1, 3
QUIET = 6.0
"""Seconds in which a false alarm would come: a true one takes about 4."""

CENTER = "danjiangkou"
LINKS = [f"{CENTER}/{network}" for network in NETWORKS]
CIRCUITS = [f"{link}/{role}" for link in LINKS for role in ROLES]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Lend a lab and the ear that hears what the daemon says of it, the same for all tests."""
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        pytest.skip(f"the lab {reason}")
    with Lab() as lab, watched(lab, tmp_path_factory.mktemp("watched")) as ear:
        yield lab, ear


@pytest.fixture
def lab(city):
    """Lend the lab whole; afterwards it is whole again, and the daemon says so."""
    lab, ear = city
    yield lab
    lab.restore()
    ear.settled()


@pytest.fixture
def ear(city):
    return city[1]


def heard_down(ear, since):
    """Say which subjects were said to be down after the mark."""
    said = ear.events(since=since, now="down")
    return {event["subject"] for event in said if event["kind"] == "status"}


def test_a_center_that_loses_all_four_circuits_is_told_down_and_then_up_again(lab, ear):
    mark = ear.now()
    lab.cut_off(CENTER)
    told = ear.event(CENTER, since=mark, kind="center", now="down").payload
    ear.status(CENTER, "down", since=mark)

    assert retained(topic_of(CENTER))["health"] == "down"
    assert "丹江口市" in told["data"]["sentence"]["zh"]
    assert "Danjiangkou" in told["data"]["sentence"]["en"]
    assert metric(HEALTH, CENTER) == DOWN
    assert {*CIRCUITS, *LINKS, CENTER} <= heard_down(ear, mark)

    mark = ear.now()
    lab.heal(*CIRCUITS)
    ear.event(CENTER, since=mark, kind="center", now="up")
    ear.status(CENTER, "up", since=mark)

    assert retained(topic_of(CENTER))["health"] == "up"
    assert metric(HEALTH, CENTER) == UP


def test_amber_comes_before_red(lab, ear):
    mark = ear.now()
    lab.cut("danjiangkou/province/primary")
    amber = ear.event("danjiangkou/province/primary", since=mark, kind="circuit", suspected=True)
    red = ear.event("danjiangkou/province/primary", since=mark, kind="circuit", now="down")

    assert amber.payload["seq"] < red.payload["seq"]
    assert amber.payload["data"]["now"] == "up"


def test_a_link_that_lost_its_primary_is_on_backup_and_its_servers_are_not_missed(lab, ear):
    mark = ear.now()
    lab.cut("danjiangkou/city/primary")
    link = ear.event("danjiangkou/city", since=mark, kind="link", now="on_backup").payload
    ear.status(CENTER, "on_backup", since=mark)

    assert link["data"]["active"] == "backup"
    assert retained(topic_of("danjiangkou/city"))["active"] == "backup"
    assert metric(HEALTH, "danjiangkou/city") == ON_BACKUP
    assert heard_down(ear, mark) == {"danjiangkou/city/primary"}


def test_a_center_with_nothing_but_backups_is_on_backup(lab, ear):
    mark = ear.now()
    lab.backup_only(CENTER)
    for link in LINKS:
        ear.event(link, since=mark, kind="link", now="on_backup")
    ear.status(CENTER, "on_backup", since=mark)

    assert heard_down(ear, mark) == {f"{link}/primary" for link in LINKS}


@pytest.mark.parametrize("direction", [TO_CENTER, FROM_CENTER])
def test_a_circuit_broken_one_way_is_down(lab, ear, direction):
    mark = ear.now()
    lab.one_way("danjiangkou/province/backup", direction)
    ear.event("danjiangkou/province", since=mark, kind="link", now="degraded")
    ear.status("danjiangkou/province/backup", "down", since=mark)

    assert heard_down(ear, mark) == {"danjiangkou/province/backup"}


def test_one_packet_in_twenty_lost_on_every_circuit_puts_nothing_down(lab, ear):
    mark = ear.now()
    lab.loss(5, *(wire.id for wire in wires()))
    time.sleep(QUIET)

    assert heard_down(ear, mark) == set()


@pytest.mark.parametrize("percent", [20, 50])
def test_heavy_loss_on_one_circuit_is_counted_and_puts_no_link_down(lab, ear, percent):
    def failed():
        return metric("command_monitor_check_looks_total", "yunyang/city/backup", outcome="failed")

    mark, before = ear.now(), failed()
    lab.loss(percent, "yunyang/city/backup")
    deadline = time.monotonic() + 40
    while failed() == before:
        assert time.monotonic() < deadline, f"{percent} % lost, and none missed"
        time.sleep(0.1)

    assert heard_down(ear, mark) <= {"yunyang/city/backup"}


@pytest.mark.parametrize("fault", [Lab.router_dead, Lab.power_off])
def test_a_center_without_router_or_power_is_down_and_its_neighbours_are_not(lab, ear, fault):
    mark = ear.now()
    fault(lab, CENTER)
    ear.event(CENTER, since=mark, kind="center", now="down")
    ear.status(CENTER, "down", since=mark)

    assert {subject.partition("/")[0] for subject in heard_down(ear, mark)} == {CENTER}


def test_behind_a_dead_provincial_router_the_network_is_down_and_no_center_is(lab, ear):
    mark = ear.now()
    lab.core_dead("province")
    ear.event("network/province", since=mark, kind="network", now="down")
    ear.status("network/province", "down", since=mark)
    for wire in wires():
        if wire.network == "province":
            ear.status(wire.id, "unknown", since=mark)

    assert heard_down(ear, mark) == {"network/province"}
