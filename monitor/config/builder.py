"""From a valid inventory file to the core's values, and the mistakes that show only between its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address

from monitor.config.document import Node
from monitor.config.expansion import merge, scope
from monitor.config.looks import DEVICE, PATH, Aim, LookMaker, named
from monitor.config.profiles import Profile, Profiles
from monitor.config.schema import (
    CenterFile,
    CircuitFile,
    DeviceFile,
    InventoryFile,
    LookFile,
    NetworkFile,
    ProfileFile,
    RiskFile,
    VantageFile,
)
from monitor.config.validation import validated
from monitor.config.windows import windows
from monitor.config.words import nearest, one_of
from monitor.core.coverage import known_paths
from monitor.core.inventory import (
    Carrier,
    Center,
    Circuit,
    Contact,
    Device,
    Inventory,
    Link,
    Look,
    Name,
    Network,
    Risk,
    Role,
    Vantage,
)
from monitor.errors import Problem
from monitor.ports import ProbeKind

Path = tuple[str, ...]

RESERVED = frozenset({"network", "vantage", "risk", "carrier", "planned"})
"""No center may be called so: `network/city` is the path of the network itself, `risk/bridge` of a risk."""
PARTS = frozenset({"power", "lan"})
"""No device may be called so: `danjiangkou/power` is the path of the center's own power."""


class Builder:
    """Builds one inventory; *problems* is complete once it is built."""

    def __init__(
        self, file: InventoryFile, node: Node, kinds: Mapping[str, ProbeKind], profiles: Profiles
    ) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._node = node
        self._kinds = kinds
        self._profiles = profiles
        self._maker = LookMaker(kinds, self.problems)

    def build(self) -> Inventory:
        """Return the inventory; it can be used only if there are no problems."""
        file = self._file
        centers = {key: self._center(key, center) for key, center in file.centers.items()}
        inventory = Inventory(
            city=named(file.city, Name("", "")),
            networks={key: self._network(key, network) for key, network in file.networks.items()},
            carriers={k: Carrier(k, named(c.name, Name(k, k)), c.hotline) for k, c in file.carriers.items()},
            centers=centers,
            vantages={key: self._vantage(key, vantage) for key, vantage in self._vantages().items()},
            risks={key: self._risk(key, risk, centers) for key, risk in file.risks.items()},
        )
        return replace(inventory, planned=windows(file.planned, known_paths(inventory), self._wrong))

    def _at(self, *path: str) -> Node:
        """Return the node at *path*, or the last one on the way to it."""
        node = self._node
        for key in path:
            node = node.child(key) or node
        return node

    def _wrong(self, path: Path, found: str, expected: str, hint: str = "") -> None:
        place = self._at(*path).place
        self.problems.append(Problem(place.file, place.line, ".".join(path), found, expected, hint))

    def _network(self, key: str, file: NetworkFile) -> Network:
        look = None
        if file.anchor is not None:
            look = self._anchor_look(Aim(file.anchor))
        return Network(key, named(file.name, Name(key, key)), file.anchor, look)

    def _anchor_look(self, aim: Aim) -> Look | None:
        return self._maker.make(self._file.looks.anchor, self._on_paths("anchor"), aim, manner=PATH)

    def _vantages(self) -> dict[str, VantageFile]:
        return self._file.vantages or {"city": VantageFile()}

    def _vantage(self, key: str, file: VantageFile) -> Vantage:
        networks = file.networks
        if networks is None:
            networks = list(self._file.networks) if file.center is None else []
        return Vantage(key, named(file.name, Name(key, key)), file.center, tuple(networks))

    def _risk(self, key: str, file: RiskFile, centers: Mapping[str, Center]) -> Risk:
        known = {circuit.id for center in centers.values() for circuit in center.circuits()}
        known |= {device.id for center in centers.values() for device in center.devices} | centers.keys()
        for number, member in enumerate(file.members):
            path = ("risks", key, "members", str(number))
            if member not in known:
                words = "the path of a circuit or device, or a center's id"
                self._wrong(path, repr(member), words, nearest(member, known))
            elif member in file.members[:number]:
                self._wrong(path, f"{member!r} again", "each member once")
        return Risk(key, file.kind, named(file.name, Name(key, key)), tuple(file.members), file.per_year)

    def _center(self, key: str, file: CenterFile) -> Center:
        if key in RESERVED:
            self._wrong(("centers", key), repr(key), "another id: this one is the program's own")
        return Center(
            id=key,
            name=named(file.name, Name(key, key)),
            level=file.level,
            links=tuple(Link(key, network, tuple(self._circuits(key, network))) for network in file.links),
            devices=tuple(self._device(key, name, device) for name, device in file.devices.items()),
            location=file.location,
            contacts=tuple(Contact(contact.name, contact.phone) for contact in file.contacts),
        )

    def _circuits(self, center: str, network: str) -> Iterator[Circuit]:
        link = self._file.centers[center].links[network]
        for role, file in ((Role.PRIMARY, link.primary), (Role.BACKUP, link.backup)):
            if file is not None:
                yield self._circuit(center, network, role, file)

    def _circuit(self, center: str, network: str, role: Role, file: CircuitFile) -> Circuit:
        path = ("centers", center, "links", network, role.value)
        if file.source and file.far and ip_address(file.source).version != ip_address(file.far).version:
            version = ip_address(file.far).version
            self._wrong((*path, "source"), repr(file.source), f"an IPv{version} address, as `far` is")
        far_look = None
        if file.far is not None:
            far_look = self._circuit_look(path, file, Aim(file.far, file.source, file.interface))
        return Circuit(
            center=center,
            network=network,
            role=role,
            near=file.near,
            far=file.far,
            carrier=file.carrier,
            number=file.number,
            bearer=file.bearer,
            source=file.source,
            interface=file.interface,
            near_look=self._circuit_look(path, file, Aim(file.near)),
            far_look=far_look,
            anchor_look=self._pinned_anchor_look(network, file),
        )

    def _pinned_anchor_look(self, network: str, file: CircuitFile) -> Look | None:
        """Return how the network's anchor is looked at over this circuit; None if nothing pins it there."""
        anchor = self._file.networks[network].anchor if network in self._file.networks else None
        if anchor is None:
            return None
        alike = file.source and ip_address(file.source).version == ip_address(anchor).version
        source = file.source if alike else None
        if source is None and file.interface is None:
            return None
        look = self._anchor_look(Aim(anchor, source, file.interface))
        return replace(look, name="anchor") if look is not None else None

    def _circuit_look(self, path: Path, file: CircuitFile, aim: Aim) -> Look | None:
        node, manner = self._on_paths("circuit"), PATH.under(self._file.looks.circuit)
        own = file.look or LookFile()
        if own.kind not in {None, manner.kind}:
            node = self._at(*path, "look")
        elif file.look is not None:
            node = merge(node, self._at(*path, "look"))
        return self._maker.make(own, node, aim, manner=manner)

    def _on_paths(self, key: str) -> Node:
        """Return what the file says of all looks at circuits or at anchors."""
        looks = self._node.child("looks")
        return (looks.child(key) if looks is not None else None) or replace(self._node, value={})

    def _device(self, center: str, key: str, file: DeviceFile) -> Device:
        path = ("centers", center, "devices", key)
        if key in PARTS:
            self._wrong(path, repr(key), "another id: this one is the program's own")
        if key in self._file.networks:
            self._wrong(path, repr(key), "an id that is not a network's: both would be the same path")
        profile = self._profile(path, file)
        name = named(profile.file.name, Name(key, key)) if profile is not None else Name(key, key)
        looks = tuple(self._device_looks(path, file, profile)) if profile is not None else ()
        return Device(center, key, named(file.name, name), file.address or "", file.profile, looks)

    def _profile(self, path: Path, file: DeviceFile) -> Profile | None:
        """Return the device's profile, with the device's own looks laid on it; None if it is wrong."""
        base = self._profiles.get(file.profile) if file.profile is not None else None
        if file.profile is not None and base is None:
            return None
        empty = replace(self._at(*path), value={})
        node = base.node if base is not None else empty
        if not file.looks:
            return base or Profile(ProfileFile(), node)
        merged = merge(node, replace(empty, value={"looks": self._at(*path, "looks")}))
        whole, problems = validated(ProfileFile, merged, {"kind": list(self._kinds)})
        self.problems += problems
        return Profile(whole, merged) if whole is not None else None

    def _device_looks(self, path: Path, file: DeviceFile, profile: Profile) -> Iterator[Look]:
        if file.address is None and not self._is_told(profile):
            if self._at(*path).child("address") is None:  # otherwise it is a wrong one, which was told
                self._wrong((*path, "address"), "nothing", "a value (IP address, or a host name)")
            return
        variables = self._variables(path, file, profile)
        nodes = (profile.node.child("looks") or profile.node).children()
        manner = DEVICE.under(self._file.looks.device)
        for name, look in profile.file.looks.items() if variables is not None else ():
            at = (*path, "looks", name)
            aim = Aim(file.address or "")
            made = self._maker.make(
                look, nodes[name], aim, manner=manner, name=name, at=at, variables=variables, center=path[1]
            )
            if made is not None and self._is_about_a_circuit(made, at):
                yield made

    def _is_about_a_circuit(self, look: Look, at: Path) -> bool:
        """Tell whether what the look is about, if anything, is a circuit of the device's own center."""
        links = self._file.centers[at[1]].links
        circuits = [
            f"{network}/{role}" for network, link in links.items() for role in Role if getattr(link, role)
        ]
        about = (look.about or "").removeprefix(f"{at[1]}/")
        if look.about is None or about in circuits:
            return True
        self._wrong((*at, "about"), repr(about), one_of(circuits, "a circuit of this center"))
        return False

    def _is_told(self, profile: Profile) -> bool:
        """Tell whether all looks wait for reports, so that no address is needed."""
        kinds = [self._kinds.get(look.kind or "") for look in profile.file.looks.values()]
        return bool(kinds) and all(kind is not None and kind.told for kind in kinds)

    def _variables(self, path: Path, file: DeviceFile, profile: Profile) -> dict[str, Node] | None:
        """Return what texts of the device's looks may name; None if one is unknown or lacks a value."""
        declared = profile.file.variables
        unknown = [name for name in file.variables if name not in declared] if file.profile else []
        for name in unknown:
            place, words = (*path, "variables", name), f"a variable of profile {file.profile}"
            self._wrong(
                place, f"the unknown variable {name!r}", one_of(declared, words), nearest(name, declared)
            )
        lacking = [n for n, v in declared.items() if v is None and file.variables.get(n) is None]
        for name in lacking:
            words = f"a value: profile {file.profile} has none of its own"
            self._wrong((*path, "variables", name), "nothing", words)
        if unknown or lacking:
            return None
        center = ("centers", path[1])
        outer = scope(self._node.child("variables"), self._at(*center).child("variables"))
        own = scope(profile.node.child("variables"), self._at(*path).child("variables"))
        address = replace(self._at(*path, "address"), value=file.address or "")
        return outer | {"id": replace(self._at(*center), value=path[1])} | own | {"address": address}
