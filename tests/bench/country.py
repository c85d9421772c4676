"""Large made-up command networks: a province of 14,000 components or four of them, and what is seen."""

from monitor.core.diagnosis import Evidence
from monitor.core.inventory import Name
from monitor.core.topology import Component, Kind, Observation, Topology

NAME = Name("甲", "A")
RATES = {"power": 1.0, "router": 0.5, "lan": 0.3, "core": 0.2, "trunk": 1.0, "host": 1.0, "agent": 2.0}
BEARER = 3.0
SERVICES = ("http", "sip", "video")


def country(cities, counties=12, townships=15):
    """Return a network of 72 components and 100 looks a county, all looked at from one place."""
    ways = {}
    for c in range(cities):
        for n in range(counties):
            county = f"c{c}/n{n}"
            outer = {"uplink", "province", f"c{c}/trunk"}
            ways |= _county(county, outer, f"c{c}")
            for t in range(townships):
                ways |= _township(f"{county}/t{t}", county, outer, f"c{c}")
    names = sorted({name for way in ways.values() for one in way for name in one})
    return Topology(
        {name: Component(name, Kind.CIRCUIT, NAME, _rate(name)) for name in names},
        {name: Observation(name, "v", name, name, way) for name, way in ways.items()},
    )


def _county(county, outer, city):
    ends = outer | {f"{county}/power", f"{county}/router"}
    ways = {}
    for bearer, core in (("ma", "core-a"), ("mb", "core-b"), ("pa", "core-a"), ("pb", "core-b")):
        ways[f"{county}:{bearer}"] = (frozenset(ends | {f"{city}/{core}", f"{county}/{bearer}"}),)
    over = [{f"{city}/core-a", f"{county}/ma"}, {f"{city}/core-b", f"{county}/mb"}]
    for look in ("host", *SERVICES, "agent", "agent again"):
        inner = ends | {f"{county}/lan", f"{county}/{look.removesuffix(' again')}"}
        ways[f"{county}:{look}"] = tuple(frozenset(inner | way) for way in over)
    return ways


def _township(town, county, outer, city):
    ends = outer | {f"{county}/power", f"{county}/router", f"{town}/power"}
    over = {bearer: {f"{city}/core-{bearer}", f"{town}/{bearer}"} for bearer in "ab"}
    ways = {f"{town}:{bearer}": (frozenset(ends | way),) for bearer, way in over.items()}
    ways |= {f"{town}:{bearer} again": (frozenset(ends | way),) for bearer, way in over.items()}
    either = tuple(frozenset(ends | way | {f"{town}/host"}) for way in over.values())
    return ways | {f"{town}:host": either, f"{town}:host again": either}


def _rate(name):
    return RATES.get(name.rpartition("/")[2].partition("-")[0], BEARER)


def evidence(topology, broken):
    """Return what is seen while *broken* are."""
    down = set()
    numbers = {topology.class_of[name] for name in broken}
    for row in topology.rows_of(broken):
        if all(not numbers.isdisjoint(one) for one in topology.rows[row].alternatives):
            down.add(topology.seen[row])
    return {name: Evidence(22.0 if name in down else -12.0, 0.0) for name in topology.observations}
