"""A county with no daemon of its own: what its router says over SNMP places a fault."""

import shutil

import pytest

from tests.lab.asked import BACKUP, PRIMARY, Asked
from tests.lab.router import darken
from tests.lab.topology import wire
from tests.snmpd import needs_snmpd

pytestmark = [
    pytest.mark.lab,
    pytest.mark.server,
    needs_snmpd,
    pytest.mark.skipif(not shutil.which("fping"), reason="fping is not installed"),
]


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
    built.mend()


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
