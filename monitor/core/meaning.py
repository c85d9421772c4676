"""What an incident means, in clauses: who is cut off, who has lost something, what is left."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import tzinfo
from typing import NamedTuple

from monitor.core.inventory import Bearer, Center, Circuit, Inventory, Look, Network, Role
from monitor.core.sentence import called
from monitor.core.story import Story
from monitor.core.topology import Kind, Topology
from monitor.core.words import Words

NAMED = 3
"""So many are named in a sentence; of more it is also said how many they are."""
PLAIN: Mapping[str, str] = {
    Kind.MANAGEMENT: "traffic_up",
    Kind.ANCHOR: "network_up",
    Kind.AGENT: "unheard",
    Kind.UPLINK: "unheard",
    Kind.BROKER: "all_unheard",
}
"""What the fault of such a component always means."""


class Setting(NamedTuple):
    """What a sentence draws on beside the story itself."""

    topology: Topology
    inventory: Inventory
    unseen: AbstractSet[str]
    """Components of which nothing can be known now."""
    zone: tzinfo
    """Time zone in which times of day are told."""


class Naming:
    """What things are called in the sentence of one story."""

    def __init__(self, story: Story, setting: Setting, words: Words) -> None:
        self._story = story
        self._inventory = setting.inventory
        self._components = setting.topology.components
        self._words = words

    def name(self, component: str) -> str:
        """Name a component; one that is no longer declared by its id."""
        known = self._components.get(component)
        return component if known is None else called(known.name, self._words.language)

    def beside(self, component: str) -> str:
        """Name a component where the center of the incident has been named already."""
        center = self._inventory.centers.get(self._story.center or "")
        name = self.name(component)
        return name if center is None else name.removeprefix(self._called(center)).lstrip(", ")

    def network(self, network: str) -> str:
        """Name a network."""
        return self._called(self._inventory.networks[network])

    def centers(self, centers: Sequence[str]) -> str:
        """Name centers, the first few of many."""
        known = self._inventory.centers
        named = self._words.comma.join(self._called(known[name]) for name in centers[:NAMED])
        if len(centers) <= NAMED:
            return named
        return self._words.incident["centers"].format(names=named, count=len(centers))

    def _called(self, named: Center | Network) -> str:
        return called(named.name, self._words.language)


class Meaning:
    """What one incident means, in one language."""

    def __init__(self, story: Story, setting: Setting, words: Words, naming: Naming) -> None:
        self._story = story
        self._inventory = setting.inventory
        self._components = setting.topology.components
        self._unseen = setting.unseen
        self._naming = naming
        self._words = words
        self._says = words.incident

    def clauses(self) -> Iterable[str]:
        """Give what the incident takes away, and what is left of what it touches."""
        says, kind = self._says, self._story.kind
        if self._story.isolated:
            return (says["isolated"],)
        if kind in PLAIN:
            return (says[PLAIN[kind]],)
        special: Mapping[str, Callable[[], Iterable[str]]] = {
            Kind.CIRCUIT: self._of_a_circuit,
            Kind.DEVICE: self._of_a_device,
            Kind.SERVICE: self._of_a_service,
        }
        return special.get(kind, self._of_what_many_need)()

    def _of_a_circuit(self) -> Iterator[str]:
        """Say what is left of its link; where nothing is, what is left of its center."""
        circuit = self._inventory.circuits[self._story.incident.component]
        links = self._inventory.centers[circuit.center].links
        link = next(link for link in links if link.network == circuit.network)
        other = next((sibling for sibling in link.circuits if sibling.id != circuit.id), None)
        if link.id not in self._story.lost:
            yield from self._spare(circuit, other)
            return
        network = self._naming.network(circuit.network)
        role = "" if other is None else self._words.role[other.role]
        yield self._says["only_circuit" if other is None else "role_down"].format(role=role, network=network)
        yield from self._links_up()

    def _spare(self, broken: Circuit, other: Circuit | None) -> Iterator[str]:
        if other is None:
            return
        role, says = self._words.role[other.role], self._says
        if other.id in self._story.incident.group:  # one of the two works, and nobody knows which
            link = f"{broken.center}/{broken.network}"
            yield says["one_left"].format(links=self._links([link]))
            return
        if other.id in self._unseen:
            yield says["role_unknown"].format(role=role)
            return
        bearer = self._words.bearer[other.bearer]
        yield says["role_up" if other.bearer is Bearer.FIBRE else "role_up_on"].format(
            role=role, bearer=bearer
        )
        if broken.role is Role.BACKUP:
            yield says["no_spare"]

    def _of_a_device(self) -> Iterator[str]:
        """Say what it means that the device is silent, where there is but one look that says so."""
        device = self._inventory.devices.get(self._story.incident.component)
        if device is not None and len(device.looks) == 1:
            yield from self._meant(device.looks[0])

    def _meant(self, look: Look) -> Iterator[str]:
        meant = "" if look.means is None else called(look.means, self._words.language)
        if meant:
            yield meant[:1].lower() + meant[1:] if meant[1:2].islower() else meant

    def _of_a_service(self) -> Iterator[str]:
        device, _, name = self._story.incident.component.rpartition("/")
        known = self._inventory.devices.get(device)
        for look in known.looks if known is not None else ():
            if look.name == name:
                yield from self._meant(look)
        if device not in self._story.lost and device not in self._unseen:
            yield self._says["device_up"]

    def _of_what_many_need(self) -> Iterator[str]:
        """Say who is cut off, who has lost something, and who has nothing to spare."""
        story, says = self._story, self._says
        cut = self._cut_off()
        if story.center in cut:
            yield says["cut_off"]
        elif cut:
            yield says["cut_off_all"].format(centers=self._naming.centers(cut))
        lost = [path for path in story.lost if path.partition("/")[0] not in cut]
        links, devices = [path for path in lost if self._is_link(path)], self._devices(lost)
        if links:
            yield says["lost_links"].format(links=self._links(links))
        if devices:
            names = self._words.comma.join(map(self._naming.beside, devices))
            yield says["lost_count" if len(devices) > NAMED else "lost_devices"].format(
                names=names, count=len(devices)
            )
        if story.reduced:
            yield says["one_left"].format(links=self._links([one.subject for one in story.reduced]))
        if story.center is not None and story.center not in cut:
            yield from self._links_up()
        hidden = [path for path in story.hidden if self._is_looked_at(path)]
        if hidden and not story.lost and not story.reduced:
            yield says["behind"].format(count=len(hidden))

    def _cut_off(self) -> list[str]:
        """Return the centers that have lost everything; one whose only link is lost has lost that link."""
        lost = set(self._story.lost)
        centers = dict.fromkeys(path.partition("/")[0] for path in self._story.lost)
        return [name for name in centers if self._is_cut_off(self._inventory.centers[name], lost)]

    @staticmethod
    def _is_cut_off(center: Center, lost: set[str]) -> bool:
        links, devices = [link.id for link in center.links], [device.id for device in center.devices]
        return lost.issuperset(links) and (len(links) > 1 or (bool(devices) and lost.issuperset(devices)))

    def _is_link(self, path: str) -> bool:
        return path not in self._inventory.devices and path not in self._components

    def _is_looked_at(self, path: str) -> bool:
        return path in self._inventory.circuits or path in self._inventory.devices

    def _devices(self, lost: Sequence[str]) -> list[str]:
        """Return devices, and services of devices that are there; not the component itself."""
        return [
            path
            for path in lost
            if not self._is_link(path)
            and path != self._story.incident.component
            and path.rpartition("/")[0] not in self._story.lost
        ]

    def _links_up(self) -> Iterator[str]:
        """Say which links of the incident's center are as they were."""
        center = self._inventory.centers[self._story.center or ""]
        up = [link.id for link in center.links if link.id in self._story.works]
        if up and len(up) == len(center.links):
            yield self._says["links_up"]
        elif up:
            yield self._says["link_up"].format(links=self._links(up))

    def _links(self, links: Sequence[str]) -> str:
        """Name links; what they have in common is said once."""
        joined, says = self._words.comma.join, self._says
        pairs = [link.split("/") for link in links]
        centers, networks = (list(dict.fromkeys(ends)) for ends in zip(*pairs, strict=True))
        if centers == [self._story.center]:
            return says["own_links"].format(networks=joined(map(self._naming.network, networks)))
        if len(links) == len(centers) * len(networks):
            named = joined(map(self._naming.network, networks))
            return says["links"].format(centers=self._naming.centers(centers), networks=named)
        return says["links_many"].format(centers=self._naming.centers(centers), count=len(links))
