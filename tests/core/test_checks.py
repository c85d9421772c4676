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


def pinned(*, far):
    """Return the center `dan` whose circuits lead to the anchor, with or without a far end of their own."""
    anchor = replace(LOOK, name="anchor", options="anchor")
    dan = center("dan")
    links = tuple(
        replace(
            link,
            circuits=tuple(replace(c, anchor_look=anchor, far_look=far) for c in link.circuits),
        )
        for link in dan.links
    )
    city = replace(CITY, centers={"dan": replace(dan, links=links)})
    return checks_of(city, Vantage("dan", NAME, center="dan"))


def test_over_each_circuit_a_center_looks_at_the_anchor_of_its_network():
    checks = pinned(far=FAR)

    over = {name: (check.subject, check.over) for name, check in checks.items() if check.over}
    assert over["dan/province/primary/anchor"] == ("network/province", "dan/province/primary")
    assert len(over) == 4


def test_without_a_far_end_the_anchor_shows_the_circuit_itself():
    check = pinned(far=None)["dan/city/backup/anchor"]

    assert (check.subject, check.over) == ("dan/city/backup", None)
