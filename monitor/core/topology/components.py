"""What of a city can break on its own, and how often it usually does."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitor.core.inventory import Bearer, Center, Device, Inventory, Look, RiskKind
from monitor.core.topology import names
from monitor.core.topology.model import Component, Kind

PER_YEAR: Mapping[Kind, float] = {
    Kind.UPLINK: 0.4,
    Kind.AGENT: 2.0,
    Kind.BROKER: 0.5,
    Kind.NETWORK: 0.2,
    Kind.TRUNK: 1.0,
    Kind.ANCHOR: 0.5,
    Kind.POWER: 1.0,
    Kind.ROUTER: 0.5,
    Kind.MANAGEMENT: 0.5,
    Kind.LAN: 0.3,
    Kind.DEVICE: 1.0,
    Kind.SERVICE: 2.0,
    Kind.CARRIER: 0.1,
    Kind.DUCT: 0.3,
    Kind.FEED: 0.3,
    Kind.EQUIPMENT: 0.2,
}
"""Faults a year of one component. Guesses of the right size: a factor of three moves an answer by one nat."""

CIRCUIT_PER_YEAR: Mapping[Bearer, float] = {
    Bearer.FIBRE: 3.0,
    Bearer.MICROWAVE: 4.0,
    Bearer.MOBILE: 6.0,
    Bearer.SATELLITE: 6.0,
}
RISKS: Mapping[RiskKind, Kind] = {
    RiskKind.DUCT: Kind.DUCT,
    RiskKind.FEED: Kind.FEED,
    RiskKind.CARRIER: Kind.CARRIER,
    RiskKind.EQUIPMENT: Kind.EQUIPMENT,
}
STILL_RUNNING = 0.1
"""Of the daemon's own center's power cuts, the share that it lives through, on a UPS of its own."""
PING = "icmp"
"""The probe kind that asks for the device itself; all others ask for something that it offers."""
ROUTER = "router"
"""A device of this name, or with a profile whose name begins so, is the router that all circuits end in."""


def router_of(center: Center) -> Device | None:
    """Return the device through which a center reaches its circuits, if it is declared as one."""
    by_name = (device for device in center.devices if device.key == ROUTER)
    by_profile = (device for device in center.devices if (device.profile or "").startswith(ROUTER))
    return next(by_name, None) or next(by_profile, None)


def router_id(center: Center) -> str:
    """Return the id of a center's router, declared or not."""
    router = router_of(center)
    return f"{center.id}/{ROUTER}" if router is None else router.id


def offers(device: Device, look: Look) -> bool:
    """Tell whether *look* can fail though the device is there: it asks for a service, and not alone."""
    return look.kind != PING and len(device.looks) > 1 and look.about is None


def carriers_of(inventory: Inventory) -> dict[str, list[str]]:
    """Return the circuits of each carrier that has several, by its component's id."""
    found: dict[str, list[str]] = {}
    for circuit in inventory.circuits.values():
        if circuit.carrier is not None:
            found.setdefault(f"carrier/{circuit.carrier}", []).append(circuit.id)
    return {carrier: circuits for carrier, circuits in found.items() if len(circuits) > 1}


def components_of(inventory: Inventory, vantage: str, heard: tuple[str, ...]) -> dict[str, Component]:
    """Return what can break, as a daemon at *vantage* that hears those at *heard* knows it, by id."""
    found = [
        *_of_vantages(inventory, vantage, heard),
        *_of_networks(inventory, (vantage, *heard)),
        *(component for center in inventory.centers.values() for component in _of_center(center, inventory)),
        *_shared(inventory),
    ]
    components = {component.id: component for component in found}
    own = f"{inventory.vantages[vantage].center}/power"
    if own in components:
        rate = components[own].rate * STILL_RUNNING
        components[own] = replace(components[own], rate=rate)
    return components


def _of_vantages(inventory: Inventory, vantage: str, heard: tuple[str, ...]) -> Iterator[Component]:
    for key in (vantage, *heard):
        at = inventory.vantages[key]
        uplink = f"vantage/{key}/uplink"
        yield Component(uplink, Kind.UPLINK, names.of_uplink(at), PER_YEAR[Kind.UPLINK], at.center)
        if key != vantage:
            agent = f"vantage/{key}/agent"
            yield Component(agent, Kind.AGENT, names.of_agent(at), PER_YEAR[Kind.AGENT], at.center)
    if heard:
        yield Component("broker", Kind.BROKER, names.BROKER, PER_YEAR[Kind.BROKER])


def _of_networks(inventory: Inventory, vantages: tuple[str, ...]) -> Iterator[Component]:
    for key, network in inventory.networks.items():
        yield Component(f"network/{key}", Kind.NETWORK, network.name, PER_YEAR[Kind.NETWORK])
        if network.look is not None:
            name = names.of_anchor(network.name)
            yield Component(f"network/{key}/anchor", Kind.ANCHOR, name, PER_YEAR[Kind.ANCHOR])
    for key in vantages:
        at = inventory.vantages[key]
        home, *others = at.networks or ("",)
        for other in others if at.center is None else ():
            name = names.of_trunk(inventory.networks[home].name, inventory.networks[other].name)
            yield Component(trunk_id(home, other), Kind.TRUNK, name, PER_YEAR[Kind.TRUNK])


def trunk_id(home: str, other: str) -> str:
    """Return the id of what joins two networks, the same from both sides."""
    return "network/" + "-".join(sorted((home, other)))


def _of_center(center: Center, inventory: Inventory) -> Iterator[Component]:
    inhabited = bool(center.devices) or center.id in {at.center for at in inventory.vantages.values()}
    for part, kind in (("power", Kind.POWER), ("lan", Kind.LAN)):
        if kind is Kind.POWER or inhabited:
            name = names.of_part(center, part)
            yield Component(f"{center.id}/{part}", kind, name, PER_YEAR[kind], center.id)
    yield from _router(center)
    for circuit in center.circuits():
        name, rate = names.of_circuit(center, circuit, inventory), CIRCUIT_PER_YEAR[circuit.bearer]
        yield Component(circuit.id, Kind.CIRCUIT, name, rate, center.id)
    router = router_of(center)
    for device in center.devices:
        if device is not router:
            name = names.of_device(center, device)
            yield Component(device.id, Kind.DEVICE, name, PER_YEAR[Kind.DEVICE], center.id)
        for look in device.looks:
            if offers(device, look):
                name = names.of_service(center, device, look)
                service = f"{device.id}/{look.name}"
                yield Component(service, Kind.SERVICE, name, PER_YEAR[Kind.SERVICE], center.id)


def _router(center: Center) -> Iterator[Component]:
    router, rate = router_of(center), PER_YEAR[Kind.ROUTER]
    name = names.of_part(center, ROUTER) if router is None else names.of_device(center, router)
    yield Component(router_id(center), Kind.ROUTER, name, rate, center.id)
    if router is not None and router.looks:
        own, name = f"{router.id}/management", names.of_part(center, "management")
        yield Component(own, Kind.MANAGEMENT, name, PER_YEAR[Kind.MANAGEMENT], center.id)


def _shared(inventory: Inventory) -> Iterator[Component]:
    for key in carriers_of(inventory):
        name = names.of_carrier(inventory.carriers[key.partition("/")[2]].name)
        yield Component(key, Kind.CARRIER, name, PER_YEAR[Kind.CARRIER])
    for risk in inventory.risks.values():
        kind = RISKS[risk.kind]
        rate = PER_YEAR[kind] if risk.per_year is None else risk.per_year
        yield Component(f"risk/{risk.id}", kind, risk.name, rate)
