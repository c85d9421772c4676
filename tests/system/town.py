"""A town of UDP echoes on the loopback, and the inventory that declares it."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

PERIOD = 0.5
NETWORKS = ("city", "province")
ROLES = ("primary", "backup")
NEAR, FAR = "127.40", "127.41"
"""What the addresses of the two ends of a circuit begin with."""
CENTERS = {"dan": 1, "yun": 2}
"""The centers there are at first, each with its part of the addresses."""


@dataclass(frozen=True)
class Flip:
    """A circuit breaks, or is mended."""

    at: float
    """Wall time, Unix seconds."""
    circuit: str
    now: str
    """`down` or `up`."""


class Echo(asyncio.DatagramProtocol):
    """One end of a circuit: sends back what comes, or keeps silent and only counts."""

    def __init__(self, circuit="", flips=None):
        """Write down in *flips* when it falls silent and when it answers again."""
        self.heard = []
        self._circuit = circuit
        self._flips = [] if flips is None else flips
        self._silent = False

    @property
    def silent(self):
        return self._silent

    @silent.setter
    def silent(self, silent):
        if silent is not self._silent:
            self._flips.append(Flip(time.time(), self._circuit, "down" if silent else "up"))
        self._silent = silent

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.heard.append(time.monotonic())
        if not self.silent:
            self.transport.sendto(data, addr)


@dataclass
class Town:
    """What answers, by circuit, and the file in which it is written down."""

    file: Path
    port: int = 0
    centers: dict[str, int] = field(default_factory=dict)
    echoes: dict[str, Echo] = field(default_factory=dict)
    """Of the near ends, where a center joins its networks."""
    far: dict[str, Echo] = field(default_factory=dict)
    """Of the far ends, at which a daemon in the center looks; with `counties` only."""
    counties: tuple[str, ...] = ()
    """Centers with a daemon of their own."""
    more: dict[str, object] = field(default_factory=dict)
    """Further keys of every center."""
    planned: dict[str, object] = field(default_factory=dict)
    """Planned work that is declared."""
    flips: list[Flip] = field(default_factory=list)
    """What has happened to the near ends, in its order."""
    far_flips: list[Flip] = field(default_factory=list)
    """The same of the far ends."""

    def of(self, center):
        return [echo for name, echo in self.echoes.items() if name.partition("/")[0] == center]

    def cut(self, center, *, silent=True):
        for echo in self.of(center):
            echo.silent = silent

    def looks(self):
        return sum(len(echo.heard) for echo in self.echoes.values())

    async def looked_at(self, more):
        """Wait until *more* further looks have come."""
        wanted = self.looks() + more
        async with asyncio.timeout(15):
            while self.looks() < wanted:
                await asyncio.sleep(0.02)

    def document(self):
        return {
            "city": {"zh": "十堰市", "en": "Shiyan"},
            "looks": {"circuit": {"kind": "udp", "port": self.port, "period": PERIOD, "deadline": PERIOD}},
            "networks": {name: {} for name in NETWORKS},
            "centers": {name: self.center(number) for name, number in self.centers.items()},
            **({"vantages": self.vantages()} if self.counties else {}),
            **({"planned": self.planned} if self.planned else {}),
        }

    def vantages(self):
        return {"city": {"networks": [*NETWORKS]}} | {name: {"center": name} for name in self.counties}

    def center(self, number):
        links = {n: {r: self.circuit(number, n, r) for r in ROLES} for n in NETWORKS}
        return {"links": links} | self.more

    def circuit(self, *place):
        return {"near": address(*place)} | ({"far": address(*place, net=FAR)} if self.counties else {})

    def write(self):
        # JSON is YAML; written aside first, so that nobody reads half of it.
        aside = self.file.with_suffix(".new")
        aside.write_text(json.dumps(self.document()))
        aside.replace(self.file)

    async def build(self, center, number):
        self.centers[center] = number
        loop = asyncio.get_running_loop()
        for network, role in product(NETWORKS, ROLES):
            place = (address(number, network, role), self.port)
            circuit = f"{center}/{network}/{role}"
            transport, echo = await loop.create_datagram_endpoint(partial(Echo, circuit, self.flips), place)
            self.port = transport.get_extra_info("sockname")[1]
            self.echoes[circuit] = echo
            if center in self.counties:
                place = (address(number, network, role, net=FAR), self.port)
                echo = partial(Echo, circuit, self.far_flips)
                _, self.far[circuit] = await loop.create_datagram_endpoint(echo, place)


def address(number, network, role, net=NEAR):
    return f"{net}.{number}.{2 * NETWORKS.index(network) + ROLES.index(role) + 1}"


@asynccontextmanager
async def town(folder, centers=None, counties=(), **more):
    """Build a town, that of `CENTERS` unless told otherwise, and declare it in a file in *folder*."""
    built = Town(folder / "town.yaml", more=more, counties=tuple(counties))
    try:
        for center, number in (CENTERS if centers is None else centers).items():
            await built.build(center, number)
        built.write()
        yield built
    finally:
        for echo in (*built.echoes.values(), *built.far.values()):
            echo.transport.close()
