"""The command network of a city with ten counties, as an inventory, with faults and false looks to try."""

from dataclasses import dataclass

from monitor.core.diagnosis import Evidence
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
    Risk,
    RiskKind,
    Role,
    Vantage,
)
from monitor.core.topology import Topology, topology_of
from monitor.core.topology.model import is_open

COUNTIES = tuple(f"county{n}" for n in range(10))
NETWORKS = ("city", "province")
SERVICES = ("http", "sip", "video")
CORES = {
    (network, role): f"{network}-{side}"
    for network in NETWORKS
    for role, side in zip(Role, "ab", strict=True)
}
PING = Look("icmp", "icmp", None, 1.0, 1.0)
ANCHOR = Look("anchor", "icmp", None, 1.0, 1.0)


def named(text):
    return Name(text, text)


def city(wrong=()):
    """Return the inventory; circuits in *wrong* are declared on the other core of their network."""
    vantages = {
        "city": Vantage("city", named("city"), "municipal", NETWORKS),
        "province": Vantage("province", named("province"), networks=("province",)),
        **{county: Vantage(county, named(county), county) for county in COUNTIES},
    }
    return Inventory(
        named("city"),
        {n: Network(n, named(n), "192.0.2.1", PING) for n in NETWORKS},
        {},
        {
            "municipal": _center("municipal", ("province",), ()),
            **{c: _center(c, NETWORKS, SERVICES) for c in COUNTIES},
        },
        vantages,
        {core: Risk(core, RiskKind.EQUIPMENT, named(core), _members(core, wrong)) for core in CORES.values()},
    )


def _center(name, networks, services):
    links = tuple(Link(name, n, tuple(_circuit(name, n, role) for role in Role)) for n in networks)
    devices = tuple(
        Device(name, key, named(key), "192.0.2.2", looks=(Look(key, "tcp", None, 10.0, 5.0),))
        for key in services
    )
    return Center(name, named(name), Level.COUNTY, links, devices)


def _circuit(center, network, role):
    return Circuit(center, network, role, "192.0.2.3", near_look=PING, far_look=PING, anchor_look=ANCHOR)


def circuits():
    """Return all circuits of the counties."""
    return [f"{county}/{network}/{role}" for county in COUNTIES for network in NETWORKS for role in Role]


def _members(core, wrong):
    other = {"a": "b", "b": "a"}
    found = []
    for circuit in circuits():
        _, network, role = circuit.split("/")
        right = CORES[network, Role(role)]
        declared = right[:-1] + other[right[-1]] if circuit in wrong else right
        found += [circuit] if declared == core else []
    return tuple(found)


@dataclass(frozen=True)
class Ground:
    """The city as it is and as it is declared."""

    true: Topology
    declared: Topology

    def break_some(self, count, die):
        """Return *count* different components that break, the fragile ones more often."""
        components = list(self.true.components.values())
        rates = [component.rate for component in components]
        broken = set()
        while len(broken) < count:
            broken.add(die.choices(components, rates)[0].id)
        return broken

    def visible(self, broken, heard):
        """Return as few of *broken* as show all that is *heard*: the others are hidden behind them."""
        whole = {name: bad for name, bad in self.sight(broken).items() if name in heard}
        left = set(broken)
        for fault in sorted(broken):
            if whole.items() <= self.sight(left - {fault}).items():
                left.remove(fault)
        return left

    def sight(self, broken):
        """Return what is truly seen: True for bad, by observation; what is not heard of is not in it."""
        down, touched = frozenset(broken), set()
        for name in broken:
            touched |= {self.true.seen[row] for row in self.true.rows_of([name])}
        seen = {}
        for name, observation in self.true.observations.items():
            if is_open(observation.reports, down):
                seen[name] = name in touched and not is_open(observation.alternatives, down)
        return seen


def ground(wrong=()):
    """Return the city with *wrong* circuits declared on the wrong core."""
    true = topology_of(city(), "city")
    return Ground(true, topology_of(city(wrong), "city") if wrong else true)


def disturbed(seen, die, *, false_bad=0.0, false_good=0.0, missing=0.0):
    """Return what is seen with some looks wrong or missing."""
    return {
        name: bad != (die.random() < (false_good if bad else false_bad))
        for name, bad in seen.items()
        if die.random() >= missing
    }


def evidence(seen):
    """Return what is seen as evidence that is beyond doubt."""
    return {name: Evidence(22.0 if bad else -12.0, 0.0) for name, bad in seen.items()}


@dataclass(frozen=True)
class Blind:
    """The city for those who know no alternatives: a look crosses what it cannot do without."""

    paths: dict[str, tuple[str, ...]]
    kinds: dict[str, float]


def blind(topology):
    """Return the city as `rivals` see it."""
    return Blind(
        {
            o.id: tuple(sorted(frozenset.intersection(*o.alternatives)))
            for o in topology.observations.values()
        },
        {component.id: component.rate for component in topology.components.values()},
    )


def by_parents(topology, seen):
    """Name failing objects whose parents do not all fail: dependencies with redundancy groups, as in Icinga.

    An object is a network, a circuit, a device or an agent. A circuit's parent is its network; a device's and
    an agent's parents are the circuits of the way, one of which is enough. All failing is our own uplink.
    """
    own = {name: bad for name, bad in seen.items() if name.startswith("city:") and name != "city:broker"}
    if own and all(own.values()):
        return {"vantage/city/uplink"}
    down = {topology.observations[name].subject for name, bad in own.items() if bad}
    if seen.get("city:broker"):
        down.add("broker")
    else:
        down |= {
            f"{topology.observations[n].subject}/agent" for n, bad in seen.items() if bad and "heart" in n
        }
    return {subject for subject in down if not _behind(subject, down)}


def _behind(subject, down):
    """Tell whether what a subject depends on is down."""
    parts = subject.split("/")
    if parts[0] in {"network", "broker"}:
        return False
    if len(parts) == 3 and parts[0] != "vantage":
        return f"network/{parts[1]}" in down
    center = parts[1] if parts[0] == "vantage" else parts[0]
    return "network/city" in down or _cut_off(center, down)


def _cut_off(center, down):
    return {f"{center}/city/{role}" for role in Role} <= down
