"""What planned work covers: all that belongs to what is worked on, and whatever can only be seen through it.

A window names readable paths; all that is below a path is worked on with it. Components so named may be down
without anybody being alarmed. A look that fails while all its ways lead over such components is *excused*.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from monitor.core.checks import network_subject
from monitor.core.incident import Incident, Stage
from monitor.core.inventory import Center, Inventory, Name
from monitor.core.topology import Component, Topology, names
from monitor.core.topology.components import router_of, trunk_id
from monitor.core.topology.model import is_open

PARTS = ("power", "lan")
"""What of a center can be worked on besides its links, circuits and devices."""


def known_paths(inventory: Inventory) -> tuple[str, ...]:
    """Return everything that can be worked on."""
    centers = inventory.centers.values()
    return (
        *inventory.centers,
        *(link.id for center in centers for link in center.links),
        *inventory.circuits,
        *inventory.devices,
        *(f"{center}/{part}" for center in inventory.centers for part in PARTS),
        *(f"network/{key}" for key in inventory.networks),
        *(f"risk/{key}" for key in inventory.risks),
        *(f"carrier/{key}" for key in inventory.carriers),
        *(f"vantage/{key}" for key in inventory.vantages),
    )


def components(
    scope: Collection[str], inventory: Inventory, known: Mapping[str, Component]
) -> frozenset[str]:
    """Return those of the *known* components that are worked on."""
    roots = {*scope, *subjects(scope, inventory)}
    roots |= {trunk for path in scope for trunk in _trunks(path, inventory)}
    return frozenset(name for name, one in known.items() if _belongs(one, roots))


def excused(topology: Topology, worked_on: Collection[str]) -> frozenset[str]:
    """Return the daemon's own checks all ways of which lead over something that is *worked_on*."""
    gone = frozenset(worked_on)
    rows = topology.rows_of(name for name in gone if name in topology.class_of)
    observations = (topology.observations[name] for name in dict.fromkeys(topology.seen[row] for row in rows))
    return frozenset(
        one.check
        for one in observations
        if one.vantage == topology.vantage and not is_open(one.alternatives, gone)
    )


def subjects(scope: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """Return the centers, links, circuits, devices and networks that are covered, in its order."""
    covered = {subject for path in scope for subject in _subjects(path, inventory)}
    return tuple(subject for subject in _every_subject(inventory) if subject in covered)


def name_of(path: str, inventory: Inventory) -> Name:
    """Return what people call something that can be worked on; its path, if it is no longer there."""
    first, _, rest = path.partition("/")
    if path in inventory.circuits:
        circuit = inventory.circuits[path]
        return names.of_circuit(inventory.centers[first], circuit, inventory)
    if path in inventory.devices:
        return names.of_device(inventory.centers[first], inventory.devices[path])
    if first in inventory.centers:
        return _in_a_center(path, rest, inventory)
    return _elsewhere(first, rest, inventory) or Name(path, path)


def _in_a_center(path: str, rest: str, inventory: Inventory) -> Name:
    center = inventory.centers[path.partition("/")[0]]
    if not rest:
        return center.name
    if rest in PARTS:
        return names.of_part(center, rest)
    if rest in inventory.networks:
        other = inventory.networks[rest].name
        return Name(f"{center.name.zh}至{other.zh}链路", f"{center.name.en} to {other.en}")
    return Name(path, path)


def _elsewhere(first: str, rest: str, inventory: Inventory) -> Name | None:
    if first == "network" and rest in inventory.networks:
        return inventory.networks[rest].name
    if first == "risk" and rest in inventory.risks:
        return inventory.risks[rest].name
    if first == "carrier" and rest in inventory.carriers:
        return names.of_carrier(inventory.carriers[rest].name)
    if first == "vantage" and rest in inventory.vantages:
        return names.of_agent(inventory.vantages[rest])
    return None


def _belongs(component: Component, roots: Collection[str]) -> bool:
    """Tell whether a component is one of *roots*, or is below one, or stands in one."""
    parts = component.id.split("/")
    above = ("/".join(parts[:length]) for length in range(1, len(parts) + 1))
    return component.center in roots or any(path in roots for path in above)


def _trunks(path: str, inventory: Inventory) -> Iterator[str]:
    """Give what joins a network to others."""
    first, _, network = path.partition("/")
    if first == "network":
        yield from (trunk_id(network, other) for other in inventory.networks if other != network)


def _subjects(path: str, inventory: Inventory) -> Iterator[str]:
    """Give the subjects that are covered when *path* is."""
    first, _, rest = path.partition("/")
    if first == "network":
        yield path
        centers = inventory.centers.values()
        yield from (subject for center in centers for subject in _below(f"{center.id}/{rest}", center))
    elif first == "carrier":
        yield from (circuit.id for circuit in inventory.circuits.values() if circuit.carrier == rest)
    elif first == "risk" and rest in inventory.risks:
        yield from (one for member in inventory.risks[rest].members for one in _subjects(member, inventory))
    elif first in inventory.centers:
        yield from _of_a_center(path, inventory.centers[first])


def _of_a_center(path: str, center: Center) -> Iterator[str]:
    router = router_of(center)
    if path == f"{center.id}/power":
        path = center.id
    elif path == f"{center.id}/lan":
        yield from (device.id for device in center.devices if device is not router)
    elif router is not None and path == router.id:  # all its circuits end in it
        yield from (subject for link in center.links for subject in _below(link.id, center))
    yield from _below(path, center)


def _below(path: str, center: Center) -> Iterator[str]:
    return (subject for subject in _subjects_of(center) if f"{subject}/".startswith(f"{path}/"))


def _every_subject(inventory: Inventory) -> Iterator[str]:
    yield from (network_subject(network) for network in inventory.networks)
    for center in inventory.centers.values():
        yield from _subjects_of(center)


def _subjects_of(center: Center) -> Iterator[str]:
    yield center.id
    yield from (link.id for link in center.links)
    yield from (circuit.id for circuit in center.circuits())
    yield from (device.id for device in center.devices)


def blamed(topology: Topology, incidents: Iterable[Incident]) -> frozenset[str]:
    """Return the daemon's own checks that fail for a cause that is not planned, and for none that is."""
    broken = [one for one in incidents if one.stage in (Stage.SUSPECTED, Stage.CONFIRMED)]
    real = {name for one in broken if not one.planned for name in one.explains}
    real -= {name for one in broken if one.planned for name in one.explains}
    seen = (topology.observations[name] for name in real if name in topology.observations)
    return frozenset(one.check for one in seen if one.vantage == topology.vantage)
