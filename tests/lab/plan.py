"""What iproute2 and nftables are told to build the lab: text, made of the topology and nothing else."""

from collections.abc import Iterator

from tests.lab.topology import (
    ANCHORS,
    CENTERS,
    CITY,
    DAEMON,
    DEVICES,
    PROVINCE,
    PROVINCIAL,
    ROUTERS,
    Wire,
    lan,
    namespaces,
    place,
    subnet,
    wires,
)

MUNICIPAL_ROUTER, PROVINCIAL_ROUTER = ROUTERS["city"], ROUTERS["province"]
HOME = "10.77.2.0/24"
"""Where the provincial center is."""


def cables() -> Iterator[str]:
    """Make the namespaces and the veth pairs between them."""
    yield from (f"netns add {name}" for name in namespaces())
    yield _veth("uplink", CITY, "muni", MUNICIPAL_ROUTER)
    yield _veth("uplink", PROVINCE, "prov", PROVINCIAL_ROUTER)
    yield _veth("pr", MUNICIPAL_ROUTER, "mr", PROVINCIAL_ROUTER)
    yield from (_veth(wire.near_port, place(wire.center), wire.far_port, wire.router) for wire in wires())
    yield from (_veth("lan", place(center), "eth", lan(center)) for center in CENTERS)


def _veth(one: str, here: str, other: str, there: str) -> str:
    return f"link add name {one} netns {here} type veth peer name {other} netns {there}"


def addresses(namespace: str) -> Iterator[str]:
    """Give addresses and, at a center, rules by which each answer leaves over its own circuit."""
    yield from OWN_ADDRESSES.get(namespace, ())
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


OWN_ADDRESSES = {
    CITY: (f"addr add {DAEMON}/24 dev uplink",),
    PROVINCE: (f"addr add {PROVINCIAL}/24 dev uplink",),
    MUNICIPAL_ROUTER: (
        "addr add 10.77.0.1/24 dev muni",
        "addr add 10.77.1.1/30 dev pr",
        f"addr add {ANCHORS['city']}/32 dev lo",
    ),
    PROVINCIAL_ROUTER: (
        "addr add 10.77.2.1/24 dev prov",
        "addr add 10.77.1.2/30 dev mr",
        f"addr add {ANCHORS['province']}/32 dev lo",
    ),
}
"""The addresses of the places that are no center's."""


def switched_on(namespace: str) -> Iterator[str]:
    """Bring the namespace's interfaces up and lay its routes, which the kernel forgets when one goes down."""
    yield from (f"link set dev {port} up" for port in ports(namespace))
    yield from OWN_ROUTES.get(namespace, ())
    for wire in wires():
        if namespace == place(wire.center):
            yield f"route replace default via {wire.far} table {wire.table}"
        if wire.role == "primary" and namespace == wire.router:
            yield route_to_servers(wire)
        if wire.role == "primary" and namespace == place(wire.center):
            yield route_from_servers(wire)
    for center in CENTERS:
        if namespace == lan(center):
            yield f"route replace default via {subnet(center)}.1"


OWN_ROUTES = {
    CITY: ("route replace default via 10.77.0.1",),
    PROVINCE: ("route replace default via 10.77.2.1",),
    MUNICIPAL_ROUTER: (
        "route replace 10.79.0.0/16 via 10.77.1.2",
        f"route replace {ANCHORS['province']} via 10.77.1.2",
        f"route replace {HOME} via 10.77.1.2",
    ),
    PROVINCIAL_ROUTER: ("route replace default via 10.77.1.1",),
}
"""The routes of the places that are no center's."""


def switched_off(namespace: str) -> Iterator[str]:
    """Take the namespace's interfaces down, as when the power fails: the far ends lose their carrier."""
    return (f"link set dev {port} down" for port in ports(namespace))


def route_to_servers(wire: Wire) -> str:
    """Tell the router of a network to reach a center's servers over this circuit."""
    return f"route replace {subnet(wire.center)}.0/24 via {wire.near} dev {wire.far_port}"


def route_from_servers(wire: Wire) -> str:
    """Tell a center's router to reach the network's home, and answer for its servers, over this circuit.

    What is not the province's goes to the city.
    """
    where = {"city": "default", "province": HOME}[wire.network]
    return f"route replace {where} via {wire.far} dev {wire.near_port}"


def ports(namespace: str) -> Iterator[str]:
    """Give the interfaces of a namespace."""
    yield "lo"
    yield from OWN_PORTS.get(namespace, ())
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


OWN_PORTS = {
    CITY: ("uplink",),
    PROVINCE: ("uplink",),
    MUNICIPAL_ROUTER: ("muni", "pr"),
    PROVINCIAL_ROUTER: ("prov", "mr"),
}
"""The interfaces of the places that are no center's, besides those of circuits."""


def routers() -> Iterator[str]:
    """Give the namespaces that forward."""
    yield from (*ROUTERS.values(), *map(place, CENTERS))


def filters(namespace: str) -> str:
    """Give a router one empty chain per interface, and two for all, in which faults are placed.

    What arrives is dropped, never what leaves: a drop on the way out is told to a local sender as EPERM,
    and a broken fibre tells nobody anything. ARP is not touched, so silence stays silence.
    """
    chains = [port for port in ports(namespace) if port != "lo"]
    jumps = ", ".join(f'"{port}" : jump {port}' for port in chains)
    bodies = "".join(f"chain {port} {{ }}\n" for port in (*chains, "everything", "reports"))
    return (
        f"table inet lab {{\n{bodies}chain arriving {{ type filter hook prerouting priority raw;\n"
        f'iifname != "lo" jump everything\njump reports\niifname vmap {{ {jumps} }}\n}}\n}}\n'
    )
