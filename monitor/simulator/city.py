"""The simulated city: every declared address answered for on loopback, faults by readable path."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

from monitor.core.inventory import Center, Circuit, Device, Inventory, Link, Look, Network
from monitor.errors import MonitorError
from monitor.ports import ProbeKind
from monitor.simulator.endpoints import Echo, Endpoint, Service
from monitor.simulator.faults import CUT, LONGEST_DELAY, WHOLE, Fault, Script

NETWORKS = IPv4Address("127.1.0.0")
NEAR_ENDS = IPv4Address("127.16.0.0")
FAR_ENDS = IPv4Address("127.64.0.0")
DEVICES = IPv4Address("127.128.0.0")
"""Where the addresses begin; a center has 256 of each, so there is room for 12,000 centers."""


class City:
    """A city that answers, as a context; *inventory* is the declared one with the addresses that answer.

    Circuits and anchors answer as UDP echoes, and so do devices that are pinged. HTTP looks find a page,
    looks of every other kind an open TCP port: how a peer greets is no part of the simulation. A device is
    reached over the first circuit of its center's first link that is not severed, as routers would do it;
    at *home*, the center that is watched from inside, it needs no circuit.
    """

    def __init__(
        self, declared: Inventory, kinds: Mapping[str, ProbeKind], *, home: str | None = None
    ) -> None:
        self._declared = declared
        self._kinds = kinds
        self._home = home
        self._endpoints: dict[str, list[Endpoint]] = {}
        """What answers for a subject, by readable path."""
        self._faults: dict[str, Fault] = {}
        self.inventory = declared

    async def __aenter__(self) -> Self:
        try:
            self.inventory = self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    def inflict(self, subject: str, fault: Fault) -> None:
        """Put a fault on a circuit, link, center (all its circuits), device or network (its anchor)."""
        for path in self._meant(subject):
            self._faults[path] = fault
            self._suffer(path, fault)
        if center := self._declared.centers.get(subject.partition("/")[0]):
            self._reroute(center)

    def restore(self) -> None:
        """Make everything whole again."""
        for path in tuple(self._faults):
            self.inflict(path, WHOLE)

    async def play(
        self, script: Script, tell: Callable[[str, Fault], None] = lambda _subject, _fault: None
    ) -> None:
        """Do the steps of a script, each at its time, and *tell* of each as it is done."""
        clock = asyncio.get_running_loop().time
        began = clock()
        for step in sorted(script, key=lambda step: step.at):
            await asyncio.sleep(began + step.at - clock())
            self.inflict(step.subject, step.fault)
            tell(step.subject, step.fault)

    # ── faults ──────────────────────────────────────────────────────────────────────────────────

    def _meant(self, subject: str) -> tuple[str, ...]:
        inside = f"{subject}/"
        circuits = tuple(path for path in self._declared.circuits if path.startswith(inside))
        known = subject in self._endpoints or subject in self._declared.circuits
        found = circuits or ((subject,) if known else ())
        if not found:
            raise MonitorError(f"the simulated city has nothing called {subject!r}")
        return found

    def _reroute(self, center: Center) -> None:
        """Let a center's devices suffer what the circuit suffers over which they are reached now."""
        ways = [self._faults.get(c.id, WHOLE) for link in center.links[:1] for c in link.circuits]
        way = next((fault for fault in ways if not fault.severs), CUT)
        if center.id == self._home or not ways:
            way = WHOLE
        for device in center.devices:
            self._suffer(device.id, _worse(way, self._faults.get(device.id, WHOLE)))

    def _suffer(self, path: str, fault: Fault) -> None:
        for endpoint in self._endpoints.get(path, ()):
            others = (
                other for other, there in self._endpoints.items() if other != path and endpoint in there
            )
            endpoint.suffer(reduce(_worse, (self._faults.get(other, WHOLE) for other in others), fault))

    # ── opening ─────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> Inventory:
        networks = {
            key: self._network(network, NETWORKS + number)
            for number, (key, network) in enumerate(self._declared.networks.items(), 1)
        }
        centers = {
            key: self._center(center, number)
            for number, (key, center) in enumerate(self._declared.centers.items(), 1)
        }
        return replace(self._declared, networks=networks, centers=centers)

    async def _close(self) -> None:
        for endpoint in {one for several in self._endpoints.values() for one in several}:
            await endpoint.close()
        self._endpoints.clear()

    def _network(self, network: Network, address: IPv4Address) -> Network:
        if network.anchor is None or network.look is None:
            return replace(network, anchor=None, look=None)
        look = self._echoed(f"network/{network.id}", network.look, str(address))
        return replace(network, anchor=str(address), look=look)

    def _center(self, center: Center, number: int) -> Center:
        block = 256 * number
        places = iter(range(block + 1, block + 256))
        links = tuple(self._link(link, places) for link in center.links)
        devices = (self._device(one, str(DEVICES + block + n)) for n, one in enumerate(center.devices, 1))
        return replace(center, links=links, devices=tuple(devices))

    def _link(self, link: Link, places: Iterator[int]) -> Link:
        return replace(link, circuits=tuple(self._circuit(c, next(places)) for c in link.circuits))

    def _circuit(self, circuit: Circuit, place: int) -> Circuit:
        near, far = str(NEAR_ENDS + place), str(FAR_ENDS + place)
        return replace(
            circuit,
            near=near,
            far=far if circuit.far else None,
            source=None,
            interface=None,
            near_look=circuit.near_look and self._echoed(circuit.id, circuit.near_look, near),
            far_look=circuit.far_look and self._echoed(circuit.id, circuit.far_look, far),
            anchor_look=circuit.anchor_look and self._anchored(circuit, circuit.anchor_look, far),
        )

    def _anchored(self, circuit: Circuit, look: Look, address: str) -> Look:
        """Return the look at an anchor over a circuit, which either of the two can silence."""
        echo = self._answering(circuit.id, Echo(address))
        self._answering(f"network/{circuit.network}", echo)
        return self._become(look, "udp", {"host": address, "port": echo.port})

    def _device(self, device: Device, address: str) -> Device:
        self._endpoints.setdefault(device.id, [])
        looks = tuple(self._looked(device.id, look, address) for look in device.looks)
        return replace(device, address=address, looks=looks)

    def _looked(self, path: str, look: Look, address: str) -> Look:
        makers = {"icmp": self._echoed, "udp": self._echoed, "http": self._paged}
        return makers.get(look.kind, self._opened)(path, look, address)

    def _echoed(self, path: str, look: Look, address: str) -> Look:
        echo = self._answering(path, Echo(address))
        return self._become(look, "udp", {"host": address, "port": echo.port})

    def _paged(self, path: str, look: Look, address: str) -> Look:
        service = self._answering(path, Service(address))
        return self._become(look, "http", {"url": f"http://{address}:{service.port}/"})

    def _opened(self, path: str, look: Look, address: str) -> Look:
        service = self._answering(path, Service(address))
        return self._become(look, "tcp", {"host": address, "port": service.port})

    def _answering(self, path: str, endpoint: Endpoint) -> Endpoint:
        self._endpoints.setdefault(path, []).append(endpoint)
        return endpoint

    def _become(self, look: Look, kind: str, options: dict[str, object]) -> Look:
        return replace(look, kind=kind, options=self._kinds[kind].options.model_validate(options))


def _worse(one: Fault, other: Fault) -> Fault:
    """Return what two faults in a row do to what passes through both."""
    return Fault(
        towards=1 - (1 - one.towards) * (1 - other.towards),
        away=1 - (1 - one.away) * (1 - other.away),
        delay=min(one.delay + other.delay, LONGEST_DELAY),
    )
