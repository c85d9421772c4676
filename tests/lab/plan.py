"""What iproute2 and nftables are told to build the lab: text, made of the topology and nothing else."""

from collections.abc import Iterator

from tests.lab.topology import (
    ANCHORS,
    CENTERS,
    CITY,
    DAEMON,
    DEVICES,
    ROUTERS,
    Wire,
    lan,
    namespaces,
    place,
    subnet,
    wires,
)

MUNICIPAL, PROVINCIAL = ROUTERS["city"], ROUTERS["province"]


def cables() -> Iterator[str]:
    """Make the namespaces and the veth pairs between them."""
    yield from (f"netns add {name}" for name in namespaces())
    yield _veth("uplink", CITY, "muni", MUNICIPAL)
    yield _veth("pr", MUNICIPAL, "mr", PROVINCIAL)
    yield from (_veth(wire.near_port, place(wire.center), wire.far_port, wire.router) for wire in wires())
    yield from (_veth("lan", place(center), "eth", lan(center)) for center in CENTERS)


def _veth(one: str, here: str, other: str, there: str) -> str:
    return f"link add name {one} netns {here} type veth peer name {other} netns {there}"


def addresses(namespace: str) -> Iterator[str]:
    """Give addresses and, at a center, rules by which each answer leaves over its own circuit."""
    yield from {CITY: _city, MUNICIPAL: _municipal, PROVINCIAL: _provincial}.get(namespace, _none)()
    for wire in wires():
        if namespace == place(wire.center):
            yield f"addr add {wire.near}/30 dev {wire.near_port}"
            yield f"rule add from {wire.near} lookup {wire.table}"
        elif namespace == wire.router:
            yield f"addr add {wire.far}/30 dev {wire.far_port}"
    for center in CENTERS:
        if namespace == place(center):
            yield f"addr add {subnet(center)}.1/24 dev lan"
        elif namespace == lan(center):
            yield from (f"addr add {subnet(center)}.{last}/24 dev eth" for last, _ in DEVICES.values())


def _none() -> Iterator[str]:
    return iter(())


def _city() -> Iterator[str]:
    yield f"addr add {DAEMON}/24 dev uplink"


def _municipal() -> Iterator[str]:
    yield "addr add 10.77.0.1/24 dev muni"
    yield "addr add 10.77.1.1/30 dev pr"
    yield f"addr add {ANCHORS['city']}/32 dev lo"


def _provincial() -> Iterator[str]:
    yield "addr add 10.77.1.2/30 dev mr"
    yield f"addr add {ANCHORS['province']}/32 dev lo"


def switched_on(namespace: str) -> Iterator[str]:
    """Bring the namespace's interfaces up and lay its routes, which the kernel forgets when one goes down."""
    yield from (f"link set dev {port} up" for port in ports(namespace))
    if namespace == CITY:
        yield "route replace default via 10.77.0.1"
    elif namespace == MUNICIPAL:
        yield "route replace 10.79.0.0/16 via 10.77.1.2"
        yield f"route replace {ANCHORS['province']} via 10.77.1.2"
        yield from (route_to_servers(next(wires(center))) for center in CENTERS)
    elif namespace == PROVINCIAL:
        yield "route replace default via 10.77.1.1"
    for wire in wires():
        if namespace == place(wire.center):
            yield f"route replace default via {wire.far} table {wire.table}"
    for center in CENTERS:
        if namespace == place(center):
            yield route_from_servers(next(wires(center)))
        elif namespace == lan(center):
            yield f"route replace default via {subnet(center)}.1"


def switched_off(namespace: str) -> Iterator[str]:
    """Take the namespace's interfaces down, as when the power fails: the far ends lose their carrier."""
    return (f"link set dev {port} down" for port in ports(namespace))


def route_to_servers(wire: Wire) -> str:
    """Tell the municipal router to reach a center's servers over this circuit."""
    return f"route replace {subnet(wire.center)}.0/24 via {wire.near} dev {wire.far_port}"


def route_from_servers(wire: Wire) -> str:
    """Tell a center's router to answer for its servers over this circuit."""
    return f"route replace default via {wire.far} dev {wire.near_port}"


def ports(namespace: str) -> Iterator[str]:
    """Give the interfaces of a namespace."""
    yield "lo"
    yield from {CITY: ("uplink",), MUNICIPAL: ("muni", "pr"), PROVINCIAL: ("mr",)}.get(namespace, ())
    for wire in wires():
        if namespace == place(wire.center):
            yield wire.near_port
        elif namespace == wire.router:
            yield wire.far_port
    for center in CENTERS:
        if namespace == place(center):
            yield "lan"
        elif namespace == lan(center):
            yield "eth"


def routers() -> Iterator[str]:
    """Give the namespaces that forward."""
    yield from (*ROUTERS.values(), *map(place, CENTERS))


def filters(namespace: str) -> str:
    """Give a router one empty chain per interface, and one for all, in which faults are placed.

    What arrives is dropped, never what leaves: a drop on the way out is told to a local sender as EPERM,
    and a broken fibre tells nobody anything. ARP is not touched, so silence stays silence.
    """
    chains = [port for port in ports(namespace) if port != "lo"]
    jumps = ", ".join(f'"{port}" : jump {port}' for port in chains)
    bodies = "".join(f"chain {port} {{ }}\n" for port in (*chains, "everything"))
    return (
        f"table inet lab {{\n{bodies}chain arriving {{ type filter hook prerouting priority raw;\n"
        f'iifname != "lo" jump everything\niifname vmap {{ {jumps} }}\n}}\n}}\n'
    )
