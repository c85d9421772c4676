"""What each look crosses on its way, from where its daemon stands to what it asks for.

A daemon in a center leaves it over its LAN, its router and the circuits of the center's own link; if the
center has no link to a network it is that network's head and joined to it directly. A daemon in no center
stands in the first network that it sees, and reaches others through that one's core and the trunk between
them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from monitor.core.checks import checks_of, way_to
from monitor.core.inventory import Center, Device, Inventory, Look, Vantage
from monitor.core.report import Told
from monitor.core.topology.components import (
    carriers_of,
    components_of,
    offers,
    router_id,
    router_of,
    trunk_id,
)
from monitor.core.topology.model import Alternatives, Exit, Observation, Passage, Topology
from monitor.core.world import Check

HEARTBEAT = "heartbeat"
BROKER = "broker"
OWN_PERIODS = 2
"""A look of our own is too old after so many periods and a second."""
VALID_FOR = 30.0
"""Seconds for which the word of another daemon holds, unless it is said otherwise."""


def observation_id(vantage: str, check: str) -> str:
    """Return the id of what *vantage* sees by *check*; `heartbeat` and `broker` are checks, too."""
    return f"{vantage}:{check}"


def topology_of(
    inventory: Inventory,
    vantage: str,
    heard: Iterable[str] | None = None,
    *,
    valid_for: float = VALID_FOR,
) -> Topology:
    """Return the city as a daemon at *vantage* that hears the daemons at *heard* can know it.

    *heard* left out: all others, if it looks through any network. *valid_for*: seconds for which their words
    hold.
    """
    at = inventory.vantages[vantage]
    if heard is None:
        heard = [key for key in inventory.vantages if key != vantage] if at.networks else []
    listened = tuple(dict.fromkeys(heard))
    return _Ways(inventory, at, listened, valid_for).topology()


class _Crossed(NamedTuple):
    """The ways of one check, as an observation has them."""

    whole: Sequence[frozenset[str]]
    way: Sequence[frozenset[str]] = ()
    proves: Sequence[frozenset[str]] = ()


class _Ways:
    """Builds one topology."""

    def __init__(self, inventory: Inventory, at: Vantage, heard: tuple[str, ...], valid_for: float) -> None:
        self._inventory = inventory
        self._at = at
        self._heard = heard
        self._valid_for = valid_for
        self._shared = _shared_by_member(inventory)

    def topology(self) -> Topology:
        """Return it whole."""
        observations = [*self._observations(self._at, ())]
        if self._heard:
            observations.append(self._own_connection())
        for key in self._heard:
            vantage = self._inventory.vantages[key]
            name = observation_id(key, HEARTBEAT)
            between = [way | self._ends(vantage) for way in self._between(vantage)]
            reports, proven = self._ways(between), self._proven(between)
            subject = f"vantage/{key}"
            observations.append(Observation(name, key, HEARTBEAT, subject, reports, proves=proven))
            observations += self._observations(vantage, reports)
        return Topology(
            components_of(self._inventory, self._at.id, self._heard),
            {observation.id: observation for observation in observations},
            self._at.id,
            tuple(self._passages()),
            tuple(Exit(n, self._ways(self._exits(self._at, n))) for n in self._goals(self._at)),
        )

    def _own_connection(self) -> Observation:
        """Return our own connection to the broker, which may run beside us or beyond our uplink."""
        beyond, at_hand = [frozenset({BROKER, _uplink(self._at)})], [frozenset({BROKER})]
        name = observation_id(self._at.id, BROKER)
        return Observation(name, self._at.id, BROKER, BROKER, self._ways(beyond), proves=self._ways(at_hand))

    def _observations(self, vantage: Vantage, reports: Alternatives) -> Iterator[Observation]:
        for check in checks_of(self._inventory, vantage).values():
            crossed, line = self._crossed(vantage, check), self._line(check)
            yield Observation(
                observation_id(vantage.id, check.id),
                vantage.id,
                check.id,
                check.subject,
                self._ways(crossed.whole),
                reports,
                self._proven(crossed.way),
                self._ways(crossed.proves) if line else self._proven(crossed.proves or crossed.whole),
                line,
                check.look.period,
                self._valid_for + 1.0 if reports else OWN_PERIODS * check.look.period + 1.0,
                check.look.told is not None,
            )

    def _line(self, check: Check) -> str:
        return check.over or (check.subject if check.subject in self._inventory.circuits else "")

    def _crossed(self, vantage: Vantage, check: Check) -> _Crossed:
        """Return what a check crosses."""
        subject, over = check.subject, check.over
        if subject.startswith("network/"):
            anchor = frozenset({f"{subject}/anchor"})
            exits = self._exits(vantage, subject.partition("/")[2])
            return _Crossed([way | anchor for way in exits if over is None or over in way])
        center = self._inventory.centers[subject.partition("/")[0]]
        if subject in self._inventory.circuits:
            return self._to_circuit(vantage, center, check)
        device = self._inventory.devices[subject]
        if check.look.told is Told.BY_PERSON:  # who tried it did so by other ways than ours
            own = _own(center, device)
            return _Crossed([own | {check.id} if offers(device, check.look) else own])
        way = [one | _own(center, device) for one in self._to_device(vantage, center, device)]
        if check.look.about is not None:
            return self._told(way, check.look)
        if not offers(device, check.look):
            return _Crossed(way)
        return _Crossed([one | {check.id} for one in way], way)

    def _told(self, way: list[frozenset[str]], look: Look) -> _Crossed:
        """Return what a device's word about a circuit crosses.

        Whatever it says, the way to it is open. A port may be dark, and a test fail, because the core behind
        the circuit is dead; a port may be up though what lies behind it is cut.
        """
        circuit = self._inventory.circuits[look.about or ""]
        beyond = [one | {circuit.id, f"network/{circuit.network}"} for one in way]
        return _Crossed(beyond, way, beyond if look.reaches else way)

    def _to_circuit(self, vantage: Vantage, center: Center, check: Check) -> _Crossed:
        """Return what a look at a circuit crosses.

        From inside, a far end that answers proves nothing of the network's core, for it may stand before it;
        one that is silent may be silent because the core is.
        """
        circuit = self._inventory.circuits[check.subject]
        core = f"network/{circuit.network}"
        if center.id != vantage.center:
            ends = {circuit.id, f"{center.id}/power", router_id(center)}
            return _Crossed([way | ends for way in self._exits(vantage, circuit.network)])
        out = _inside(vantage, center) | {router_id(center), circuit.id}
        if check.look is circuit.anchor_look:
            return _Crossed([out | {core, f"{core}/anchor"}])
        return _Crossed([out | {core}], proves=[out])

    def _to_device(self, vantage: Vantage, center: Center, device: Device) -> list[frozenset[str]]:
        """Return the ways to a device's own plug: past the router only, if it is the router."""
        ends = {f"{center.id}/power"}
        ends.add(router_id(center) if device is router_of(center) else f"{center.id}/lan")
        if center.id == vantage.center:
            return [_inside(vantage, center) | ends]
        network = way_to(center, vantage) or ""
        over = self._circuits(center, network)
        ends.add(router_id(center))
        return [way | ends | {circuit} for way, circuit in product(self._exits(vantage, network), over)]

    def _exits(self, vantage: Vantage, network: str) -> list[frozenset[str]]:
        """Return how a vantage reaches the core of a network, the core included."""
        core = f"network/{network}"
        if vantage.center is None:
            home = vantage.networks[0]
            through = {core} if home == network else {f"network/{home}", trunk_id(home, network), core}
            return [frozenset({_uplink(vantage), *through})]
        center = self._inventory.centers[vantage.center]
        out = _inside(vantage, center) | {router_id(center), core}
        return [out | {circuit} for circuit in self._circuits(center, network)] or [out]

    def _goals(self, vantage: Vantage) -> tuple[str, ...]:
        """Return the networks that a vantage looks into."""
        if vantage.networks or vantage.center is None:
            return vantage.networks
        return tuple(link.network for link in self._inventory.centers[vantage.center].links)

    def _circuits(self, center: Center, network: str) -> list[str]:
        return [circuit.id for circuit in center.circuits() if circuit.network == network]

    def _ends(self, vantage: Vantage) -> frozenset[str]:
        """Return what the words of another daemon cross wherever it stands."""
        agent = f"vantage/{vantage.id}/agent"
        return frozenset({BROKER, agent, _uplink(vantage), _uplink(self._at)})

    def _between(self, vantage: Vantage) -> list[frozenset[str]]:
        """Return what lies between another vantage and our own."""
        if vantage.center is None:
            common = next((name for name in self._at.networks if name in vantage.networks), None)
            if common is None:
                return [frozenset()]
            return [a | b for a in self._exits(vantage, common) for b in self._exits(self._at, common)]
        center = self._inventory.centers[vantage.center]
        inside = _inside(vantage, center)
        if vantage.center == self._at.center:
            return [inside]
        network = way_to(center, self._at)
        if network is None:
            return [inside | {router_id(center)}]
        over, exits = self._circuits(center, network), self._exits(self._at, network)
        return [inside | {router_id(center), circuit} | way for circuit, way in product(over, exits)]

    def _passages(self) -> Iterator[Passage]:
        for center in self._inventory.centers.values():
            ends = {f"{center.id}/power", router_id(center)}
            for link in center.links:
                over = tuple(circuit.id for circuit in link.circuits)
                ways = [frozenset({*ends, circuit, f"network/{link.network}"}) for circuit in over]
                yield Passage(link.id, center.id, self._ways(ways, keep=True), over)
            for device in center.devices:
                own = {f"{center.id}/power", f"{center.id}/lan", *_own(center, device)}
                if device is router_of(center):
                    own = {f"{center.id}/power", router_id(center)}
                yield Passage(device.id, center.id, self._ways([frozenset(own)]))
                for look in device.looks:
                    if offers(device, look):
                        service = f"{device.id}/{look.name}"
                        yield Passage(service, center.id, self._ways([frozenset({*own, service})]))

    def _ways(self, ways: Iterable[frozenset[str]], *, keep: bool = False) -> Alternatives:
        """Return *ways* with the risks that their members share; *keep* them all, like ones too."""
        shared = self._shared
        found = [way.union(*(shared[name] for name in way if name in shared)) for way in ways]
        return tuple(found if keep else dict.fromkeys(found))

    def _proven(self, ways: Iterable[frozenset[str]]) -> Alternatives:
        """Return what a good look proves that may have gone over several circuits.

        Of what those circuits share it proves nothing: the looks that are pinned to each of them do, and if a
        circuit is declared to share what it does not, only they are wrong.
        """
        circuits, shared = self._inventory.circuits, self._shared
        return tuple(
            dict.fromkeys(
                way.union(*(shared[name] for name in way if name in shared and name not in circuits))
                for way in ways
            )
        )


def _uplink(vantage: Vantage) -> str:
    return f"vantage/{vantage.id}/uplink"


def _inside(vantage: Vantage, center: Center) -> frozenset[str]:
    """Return what every look from inside a center crosses."""
    return frozenset({_uplink(vantage), f"{center.id}/power", f"{center.id}/lan"})


def _own(center: Center, device: Device) -> frozenset[str]:
    """Return what of a device itself answers."""
    return frozenset({f"{device.id}/management" if device is router_of(center) else device.id})


def _shared_by_member(inventory: Inventory) -> Mapping[str, frozenset[str]]:
    """Return the risks of each component that has any."""
    found: dict[str, set[str]] = {}
    for carrier, circuits in carriers_of(inventory).items():
        for circuit in circuits:
            found.setdefault(circuit, set()).add(carrier)
    for risk in inventory.risks.values():
        for member in risk.members:
            part = f"{member}/power" if member in inventory.centers else member
            found.setdefault(part, set()).add(f"risk/{risk.id}")
    return {member: frozenset(risks) for member, risks in found.items()}
