"""What the configured looks could tell before anything breaks: what they miss or confuse, what would help.

A component's *signature* is the set of looks that fail, and are heard of, while it alone is broken. Two
components with one signature cannot be told apart; one whose signature is empty can break without anybody
noticing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.core.inventory import Device, Inventory, Look, Vantage
from monitor.core.topology import Kind, Observation, Topology, topology_of
from monitor.core.topology.components import PING

Signature = frozenset[str]
"""Observation ids."""
STEPS = 5
"""So many suggestions are made at most."""


@dataclass(frozen=True, slots=True)
class Identifiability:
    """What could be told of single faults."""

    groups: tuple[tuple[str, ...], ...]
    """Components that no look can tell apart for sure, two or more together."""
    unseen: tuple[str, ...]
    """Components that no look crosses."""
    hidden: tuple[str, ...]
    """Components whose fault no look shows as long as there is another way."""
    known: int
    """Components whose fault alone would be named for sure."""


class Aid(StrEnum):
    """A kind of look that could be added, the cheapest first."""

    ANCHOR = "anchor"
    """A host in a network that answers pings for it."""
    DEVICE = "device"
    """A ping of a device that nothing looks at."""
    POWER = "power"
    """A signal of a center's mains that reaches us past its router."""
    AGENT = "agent"
    """A daemon in a center."""
    VANTAGE = "vantage"
    """A daemon in a network that nobody looks through."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to add, and what it would bring."""

    aid: Aid
    places: tuple[str, ...]
    """Where: networks, devices or centers; each of them brings as much."""
    apart: int
    """Pairs of components that it tells apart, at all these places together."""
    shown: int
    """Components that were not seen and now are."""


def identifiability(topology: Topology) -> Identifiability:
    """Return what *topology* could tell."""
    groups: dict[Signature, list[str]] = {}
    for name in topology.components:
        groups.setdefault(_signature(topology, name), []).append(name)
    silent = groups.pop(frozenset(), [])
    unseen = tuple(name for name in silent if not topology.touching[topology.class_of[name]])
    return Identifiability(
        tuple(tuple(group) for group in groups.values() if len(group) > 1),
        unseen,
        tuple(name for name in silent if name not in unseen),
        sum(len(group) == 1 for group in groups.values()),
    )


def _signature(topology: Topology, component: str) -> Signature:
    number, found = topology.class_of[component], set()
    for row in topology.touching[number]:
        observation = topology.observations[topology.seen[row]]
        sure = (topology.proof_of if observation.proves else topology.row_of)[observation.id]
        if row == sure and number in topology.rows[row].pinned:
            found.add(observation)
    return frozenset(o.id for o in found if _is_heard(o, component))


def _is_heard(observation: Observation, component: str) -> bool:
    return not observation.reports or any(component not in one for one in observation.reports)


def suggestions(inventory: Inventory, vantage: str) -> tuple[Suggestion, ...]:
    """Return what would help a daemon at *vantage* most, then what would help most after that, and so on."""
    topology = topology_of(inventory, vantage)
    report = identifiability(topology)
    unclear = [_Group(list(names)) for names in report.groups]
    unclear.append(_Group([*report.unseen, *report.hidden], nothing=True))
    offers = _offers(inventory, vantage, topology)
    found: list[Suggestion] = []
    while len(found) < STEPS and offers:
        worth = {offer: _worth(unclear, looks) for offer, looks in offers.items()}
        best = max(worth, key=lambda offer: (sum(worth[offer]), -list(Aid).index(offer[0])))
        if worth[best] == (0, 0):
            break
        alike = [offer for offer in offers if offer[0] is best[0] and worth[offer] == worth[best]]
        looks = [look for offer in alike for look in offers.pop(offer)]
        apart, shown = _worth(unclear, looks)
        found.append(Suggestion(best[0], tuple(place for _, place in alike), apart, shown))
        unclear = [part for group in unclear for part in group.split(looks)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Group:
    """Components with one signature; *nothing*: an empty one, as if nothing were broken."""

    names: list[str]
    nothing: bool = False

    @property
    def pairs(self) -> int:
        """How many pairs of components nothing tells apart."""
        return len(self.names) * (len(self.names) - 1) // 2

    def split(self, looks: Iterable[Observation]) -> list["_Group"]:
        """Return the groups that are left once *looks* are made as well."""
        members = frozenset(self.names)
        crossed: dict[str, list[str]] = {name: [] for name in self.names}
        for look in looks:
            pinned = frozenset.intersection(*(look.proves or look.alternatives)) & members
            for name in pinned:
                if _is_heard(look, name):
                    crossed[name].append(look.id)
        parts: dict[tuple[str, ...], list[str]] = {}
        for name in self.names:
            parts.setdefault(tuple(crossed[name]), []).append(name)
        return [_Group(names, nothing=self.nothing and not where) for where, names in parts.items()]


def _worth(groups: Iterable[_Group], looks: list[Observation]) -> tuple[int, int]:
    """Return the pairs that *looks* tell apart, and the components that they show."""
    apart = shown = 0
    for group in groups:
        parts = group.split(looks)
        apart += group.pairs - sum(part.pairs for part in parts)
        if group.nothing:
            shown += sum(len(part.names) for part in parts if not part.nothing)
    return apart, shown


def _offers(
    inventory: Inventory, vantage: str, topology: Topology
) -> dict[tuple[Aid, str], list[Observation]]:
    """Return what each possible addition would look at: kind and place, with its observations."""
    wish, aids = _wish(inventory)
    everything = topology_of(wish, vantage)
    offers: dict[tuple[Aid, str], list[Observation]] = {}
    for name, observation in everything.observations.items():
        if name not in topology.observations:
            found = {aids[part] for part in (observation.vantage, observation.subject) if part in aids}
            if len(found) == 1:
                offers.setdefault(found.pop(), []).append(observation)
    return offers | dict(_mains(inventory, topology))


def _wish(inventory: Inventory) -> tuple[Inventory, Mapping[str, tuple[Aid, str]]]:
    """Return the inventory with all that could be added, and what each new vantage or subject stands for."""
    look = Look(PING, PING, None, 1.0, 1.0)
    aids: dict[str, tuple[Aid, str]] = {}
    networks, vantages = dict(inventory.networks), dict(inventory.vantages)
    for key, network in inventory.networks.items():
        if network.look is None:
            networks[key] = replace(network, look=look)
            aids[f"network/{key}"] = (Aid.ANCHOR, key)
        if not any(key in at.networks for at in inventory.vantages.values()):
            vantages[f"+{key}"] = Vantage(f"+{key}", network.name, networks=(key,))
            aids[f"+{key}"] = (Aid.VANTAGE, key)
    inside = {at.center for at in inventory.vantages.values()}
    centers = {}
    for key, center in inventory.centers.items():
        devices = tuple(_looked_at(device, look) for device in center.devices)
        aids |= {d.id: (Aid.DEVICE, d.id) for d in center.devices if not d.looks}
        centers[key] = replace(center, devices=devices)
        if key not in inside:
            vantages[f"+{key}"] = Vantage(f"+{key}", center.name, center=key)
            aids[f"+{key}"] = (Aid.AGENT, key)
    return replace(inventory, networks=networks, centers=centers, vantages=vantages), aids


def _looked_at(device: Device, look: Look) -> Device:
    return device if device.looks else replace(device, looks=(look,))


def _mains(inventory: Inventory, topology: Topology) -> Iterator[tuple[tuple[Aid, str], list[Observation]]]:
    for key in inventory.centers:
        power = f"{key}/power"
        behind = {
            name
            for name, component in topology.components.items()
            if component.kind is Kind.FEED and key in inventory.risks[name.partition("/")[2]].members
        }
        look = Observation(f"+{power}", "", power, power, (frozenset({power, *behind}),))
        yield (Aid.POWER, key), [look]
