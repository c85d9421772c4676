"""A small city on paper: two centers, two networks, three daemons; its looks carry no options."""

from monitor.core.inventory import (
    Carrier,
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Risk,
    RiskKind,
    Role,
    Vantage,
)

NAME = Name("甲", "A")
PING = Look("ping", "icmp", None, 1.0, 1.0)
ICMP = Look("icmp", "icmp", None, 1.0, 1.0)
ANCHOR = Look("anchor", "icmp", None, 1.0, 1.0)
WEB = Look("web", "http", None, 10.0, 5.0)
CARRIERS = {Role.PRIMARY: "telecom", Role.BACKUP: "mobile"}


def circuit(center, network, role):
    """Return a circuit that is looked at from both its ends."""
    return Circuit(
        center,
        network,
        role,
        "192.0.2.1",
        near_look=ICMP,
        far_look=ICMP,
        anchor_look=ANCHOR,
        carrier=CARRIERS[role],
    )


def center(name, networks=("city", "province"), devices=("router", "server", "video")):
    """Return a center with two circuits to each network."""
    links = tuple(Link(name, n, tuple(circuit(name, n, role) for role in Role)) for n in networks)
    looks = {"router": (PING,), "server": (PING, WEB), "video": (WEB,)}
    return Center(
        name,
        Name(name, name),
        Level.COUNTY,
        links,
        tuple(Device(name, key, Name(key, key), "192.0.2.2", looks=looks.get(key, ())) for key in devices),
    )


DUCT = Risk("bridge", RiskKind.DUCT, Name("大桥", "bridge"), ("dan/city/primary", "dan/province/primary"))
FEED = Risk("street", RiskKind.FEED, Name("街", "street"), ("dan", "fang/server"))


def town(*, risks=(DUCT,), centers=("dan", "fang"), vantages=None):
    """Return the city: a daemon in the municipal center `muni`, one in the province, one in `dan`."""
    standing = {
        "city": Vantage("city", NAME, center="muni", networks=("city", "province")),
        "province": Vantage("province", NAME, networks=("province",)),
        "dan": Vantage("dan", NAME, center="dan"),
    }
    return Inventory(
        NAME,
        networks={n: Network(n, Name(n, n), "192.0.2.9", ICMP) for n in ("city", "province")},
        carriers={key: Carrier(key, Name(key, key)) for key in CARRIERS.values()},
        centers={"muni": center("muni", ("province",)), **{name: center(name) for name in centers}},
        vantages=standing if vantages is None else vantages,
        risks={risk.id: risk for risk in risks},
    )
