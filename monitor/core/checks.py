"""Which checks a vantage makes of the inventory: a daemon looks at what can be seen from where it stands."""

import hashlib
from collections.abc import Iterator

from monitor.core.inventory import Bearer, Center, Circuit, Inventory, Look, Vantage
from monitor.core.report import Told
from monitor.core.world import Check


def checks_of(inventory: Inventory, vantage: Vantage) -> dict[str, Check]:
    """Return all checks of *vantage* by id, in the order of the inventory.

    A vantage inside a center looks at the far end of that center's own circuits, over each of them at the
    anchor of its network, and at its devices. Through
    each network that it sees it looks at the network's anchor and at the near ends of all other centers'
    circuits, and through the first of them at their devices.
    """
    found = [*_networks(inventory, vantage)]
    for center in inventory.centers.values():
        found += _own(center) if center.id == vantage.center else _others(center, vantage)
    return {check.id: check for check in found}


def _networks(inventory: Inventory, vantage: Vantage) -> Iterator[Check]:
    for name in vantage.networks:
        network = inventory.networks[name]
        if network.look is not None:
            yield _check(network_subject(name), network.look, name)


def _own(center: Center) -> Iterator[Check]:
    for circuit in center.circuits():
        if circuit.far_look is not None:
            yield _check(circuit.id, circuit.far_look, None)
        if circuit.anchor_look is not None:
            yield _over(circuit, circuit.anchor_look)
    for device in center.devices:
        for look in device.looks:
            yield _check(device.id, look, None)


def _over(circuit: Circuit, look: Look) -> Check:
    """Return the check of a network's anchor over a circuit; without a far end it is the circuit's own."""
    if circuit.far_look is None:
        return _check(circuit.id, look, None)
    subject = network_subject(circuit.network)
    return Check(f"{circuit.id}/{look.name}", subject, look, over=circuit.id)


def _others(center: Center, vantage: Vantage) -> Iterator[Check]:
    for circuit in center.circuits():
        if circuit.network in vantage.networks and circuit.near_look is not None:
            yield _check(circuit.id, circuit.near_look, circuit.network)
    way = way_to(center, vantage)
    if way is not None:
        for device in center.devices:
            for look in device.looks:
                yield _check(device.id, look, None if look.told is Told.BY_PERSON else way)


def way_to(center: Center, vantage: Vantage) -> str | None:
    """Return the network through which *vantage* reaches the devices of *center*; None: it does not."""
    joined = {link.network for link in center.links}
    return next((name for name in vantage.networks if name in joined), None)


def network_subject(network: str) -> str:
    """Return the readable path of a network as a subject; no center has it, for ids have no slash."""
    return f"network/{network}"


def bearer_of(check: Check, inventory: Inventory) -> Bearer | None:
    """Return what a look at a circuit or network runs on; None for a service."""
    circuit = inventory.circuits.get(check.over or check.subject)
    if circuit is not None:
        return circuit.bearer
    return Bearer.FIBRE if check.subject.startswith("network/") else None


def mark_of(check: Check) -> str:
    """Return what tells one look from another, without what is secret in its options."""
    return hashlib.sha256(repr(check.look).encode()).hexdigest()[:16]


def _check(subject: str, look: Look, network: str | None) -> Check:
    return Check(f"{subject}/{look.name}", subject, look, network)
