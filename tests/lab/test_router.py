"""A county with no daemon of its own: what its router says over SNMP places a fault.

The city's daemon sees nothing of the province's network; it asks the routers of two counties for the states
of their ports, rarely, and for the results of their own tests, often. Traps say when a port has changed.
"""

import re
import time
from urllib.request import urlopen

import pytest
import yaml

from tests.lab.inventory import inventory
from tests.lab.levels import Daemon
from tests.lab.netns import inside
from tests.lab.programs import until
from tests.lab.router import TRAPS, Router, darken, light
from tests.lab.topology import CITY, wire
from tests.snmpd import needs_snmpd

pytestmark = [pytest.mark.lab, pytest.mark.server, needs_snmpd]
COUNTIES = ("yunyang", "zhuxi")
PRIMARY, BACKUP = "yunyang/province/primary", "yunyang/province/backup"
PORT = 9770
SETTINGS = {
    "vantage": "city",
    "store": {"reserve_mib": 1},
    "detection": {"hold": 2},
    "log": {"format": "json"},
}


class Asked:
    """The city's daemon, and the routers that it asks."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.routers = {center: Router(lab, center, folder / center) for center in COUNTIES}
        city = yaml.safe_load(inventory(device_period=2.0))
        city["vantages"] = {"city": {"networks": ["city"]}}
        for center, router in self.routers.items():
            city["centers"][center]["devices"]["router"] = router.device()
        file = folder / "city.yaml"
        file.write_text(yaml.safe_dump(city, allow_unicode=True), encoding="utf-8")
        traps = {"listen": "0.0.0.0", "port": TRAPS, "community_file": self.routers[COUNTIES[0]].community()}
        more = {
            "inventory": str(file),
            "state_dir": str(folder / "state"),
            "traps": traps,
            "http": {"port": PORT},
        }
        self.daemon = Daemon(lab, CITY, folder / "daemon", SETTINGS | more)
        self.mark = 0

    def start(self):
        for program in (*self.routers.values(), self.daemon):
            program.start()
        until(self.well, 60, "all is well", 0.2)

    def end(self):
        for program in (self.daemon, *self.routers.values()):
            program.kill()

    def metric(self, name):
        """Return the samples of a metric; none while the daemon does not answer."""
        try:
            page = inside(CITY, _page)
        except OSError:
            return []
        return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)]

    def well(self):
        """Tell whether every check but those of ports not looked at yet is well, and nothing is open."""
        beliefs = self.metric("command_monitor_check_belief")
        ports = 2 * len(self.routers)
        return beliefs and max(beliefs) == 0 and beliefs.count(0) >= len(beliefs) - ports and not self.open()

    def incidents(self):
        return [entry for entry in self.daemon.own(self.mark) if entry.kind == "incident"]

    def open(self):
        latest = {entry.data["incident"]: entry.data["stage"] for entry in self.incidents()}
        return [name for name, stage in latest.items() if stage != "closed"]

    def named(self):
        """Return what the incidents were called after when they were first confirmed."""
        first = {}
        for entry in self.incidents():
            if entry.data["stage"] == "confirmed":
                first.setdefault(entry.data["incident"], entry.data["component"])
        return sorted(first.values())

    def names(self, *components):
        """Wait until so many are confirmed, and a while longer; return what they are called after."""
        until(lambda: len(self.named()) >= len(components), 40, "it is told", 0.1)
        time.sleep(4)
        return self.named()

    def told(self, check):
        """Return why a check is believed to be as it is, each time that this has changed."""
        events = self.daemon.own(self.mark)
        return [entry.data["reason"] for entry in events if entry.kind == "belief" and entry.subject == check]


def _page():
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def built(built_lab, tmp_path_factory):
    asked = Asked(built_lab, tmp_path_factory.mktemp("asked"))
    try:
        asked.start()
        yield asked
    finally:
        asked.end()


@pytest.fixture
def asked(built):
    """Lend the daemon while all is well, and leave it so."""
    built.mark = built.daemon.end()
    yield built
    built.lab.restore()
    light(wire(PRIMARY))
    for router in built.routers.values():
        if not router.running:
            router.start()
    until(built.well, 90, "all is well again", 0.2)


def test_a_port_that_goes_dark_is_told_by_a_trap_and_its_circuit_is_named(asked):
    darken(wire(PRIMARY))

    assert asked.names(PRIMARY) == [PRIMARY]
    assert asked.told("yunyang/router/primary-port")[:1] == ["oper_down"]  # minutes before its turn


@pytest.mark.long
def test_a_core_that_two_counties_do_not_reach_is_named_and_none_of_their_circuits(asked):
    asked.lab.core_dead("province")

    assert asked.names("network/province") == ["network/province"]


@pytest.mark.long
def test_a_circuit_that_is_cut_while_its_port_is_lit_is_named_by_the_routers_own_test(asked):
    asked.lab.cut(PRIMARY)

    assert asked.names(PRIMARY) == [PRIMARY]
    assert not asked.told("yunyang/router/primary-port")


@pytest.mark.long
def test_both_circuits_of_a_county_are_named_while_another_reaches_the_core(asked):
    asked.lab.cut(PRIMARY, BACKUP)

    assert asked.names(BACKUP, PRIMARY) == [BACKUP, PRIMARY]


@pytest.mark.long
def test_a_circuit_to_the_city_is_named_and_the_router_goes_on_telling_over_the_other(asked):
    asked.lab.cut("yunyang/city/primary")

    assert asked.names("yunyang/city/primary") == ["yunyang/city/primary"]


@pytest.mark.long
def test_a_county_without_power_is_one_incident_and_no_cut_of_what_it_cannot_tell_of(asked):
    asked.lab.power_off("yunyang")
    (named,) = asked.names("power or router")

    assert named in {"yunyang/power", "yunyang/router"}


@pytest.mark.long
def test_a_router_whose_agent_has_died_has_no_circuit_cut(asked):
    asked.routers["yunyang"].kill()

    assert asked.names("agent") == ["yunyang/router/agent"]
