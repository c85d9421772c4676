"""checks: a vantage looks at what can be seen from where it stands, each thing over its own way."""

from dataclasses import replace

from monitor.core.checks import checks_of
from monitor.core.inventory import (
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Role,
    Vantage,
)

NAME = Name("甲", "A")
LOOK = Look("icmp", "icmp", None, 1.0, 1.0)
FAR = replace(LOOK, options="far")


def center(name):
    links = tuple(
        Link(name, n, tuple(Circuit(name, n, r, "10.0.0.1", near_look=LOOK, far_look=FAR) for r in Role))
        for n in ("city", "province")
    )
    return Center(name, NAME, Level.COUNTY, links, (Device(name, "router", NAME, "10.0.0.2", looks=(LOOK,)),))


CITY = Inventory(
    NAME,
    networks={n: Network(n, NAME, "10.0.0.9", LOOK) for n in ("city", "province")},
    carriers={},
    centers={"dan": center("dan"), "fang": center("fang")},
    vantages={},
)


def looked_at(vantage):
    return checks_of(CITY, vantage)


def test_the_city_looks_at_every_near_end_through_both_networks_and_at_the_anchors():
    checks = looked_at(Vantage("city", NAME, networks=("city", "province")))

    assert len(checks) == 2 + 2 * (4 + 1)
    assert checks["dan/province/primary/icmp"].network == "province"
    assert checks["dan/router/icmp"].network == "city"


def test_the_province_sees_only_its_own_network():
    checks = looked_at(Vantage("province", NAME, networks=("province",)))

    assert not any("/city/" in name for name in checks)
    assert checks["dan/router/icmp"].network == "province"


def test_a_center_looks_out_over_its_own_circuits_and_at_its_own_devices():
    checks = looked_at(Vantage("dan", NAME, center="dan"))

    assert {check.look for name, check in checks.items() if "primary" in name} == {FAR}
    assert not any(name.startswith("fang") for name in checks)
    assert checks["dan/router/icmp"].network is None
