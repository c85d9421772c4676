"""The lab's city on paper: who is wired to whom, and under which address. Nothing here touches the machine.

    cmt-lab-city ── cmt-lab-mr ───────────── cmt-lab-pr
     (the daemon)   municipal router         provincial router
                      ║ city circuits           ║ province circuits
                      ╚═══ cmt-lab-<center> ════╝   primary and backup each
                                  │
                           cmt-lab-<center>-lan     its servers

All addresses are private (RFC 1918) and live in namespaces alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

PREFIX = "cmt-lab-"
CITY = f"{PREFIX}city"
PROVINCE = f"{PREFIX}province"
ROUTERS = {"city": f"{PREFIX}mr", "province": f"{PREFIX}pr"}
ANCHORS = {"city": "10.77.255.1", "province": "10.77.255.2"}
DAEMON = "10.77.0.2"
"""The municipal center's own address: the daemon and the broker live there."""
PROVINCIAL = "10.77.2.2"
"""The provincial center's own address: another daemon and another broker."""

CENTERS = {
    "maojian": "茅箭区",
    "zhangwan": "张湾区",
    "yunyang": "郧阳区",
    "danjiangkou": "丹江口市",
    "yunxi": "郧西县",
    "zhushan": "竹山县",
    "zhuxi": "竹溪县",
    "fangxian": "房县",
    "wudangshan": "武当山特区",
    "jingkai": "十堰经开区",
}
COUNTIES = ("danjiangkou", "yunxi", "zhushan")
"""The centers with a daemon and a broker of their own."""
STRANGER = "fangxian"
"""A center whose daemon is declared and never runs: somebody else speaks under its name."""
DUCT = ("zhushan/province/primary", "zhuxi/province/primary")
"""Circuits in one duct along one road."""
NETWORKS = ("city", "province")
ROLES = ("primary", "backup")
DEVICES = {"server": (10, 80), "video": (11, 1720), "siren": (12, 502)}
"""Last number of the address, and port."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One circuit: a veth between a center's router and the router of a network."""

    center: str
    number: int
    network: str
    role: str

    @property
    def id(self) -> str:
        """Its readable path, as the daemon names it."""
        return f"{self.center}/{self.network}/{self.role}"

    @property
    def near_port(self) -> str:
        """The interface at the center."""
        return self.network[0] + self.role[0]

    @property
    def far_port(self) -> str:
        """The interface at the network's router."""
        return f"c{self.number}{self.role[0]}"

    @property
    def router(self) -> str:
        """The namespace of the network's router."""
        return ROUTERS[self.network]

    @property
    def table(self) -> int:
        """The center's routing table for answers that must go back over this circuit."""
        return 100 + 10 * NETWORKS.index(self.network) + ROLES.index(self.role)

    def _end(self, last: int) -> str:
        return f"10.{78 + NETWORKS.index(self.network)}.{self.number}.{4 * ROLES.index(self.role) + last}"

    @property
    def far(self) -> str:
        """The address at the network's router."""
        return self._end(1)

    @property
    def near(self) -> str:
        """The address at the center."""
        return self._end(2)


def place(center: str) -> str:
    """Name the namespace of a center's router."""
    return PREFIX + center


def lan(center: str) -> str:
    """Name the namespace of a center's servers."""
    return f"{PREFIX}{center}-lan"


def subnet(center: str) -> str:
    """Give the first three numbers of the addresses of a center's servers."""
    return f"10.80.{1 + list(CENTERS).index(center)}"


def nets(center: str) -> tuple[str, ...]:
    """Give the nets in which a center has addresses."""
    number = 1 + list(CENTERS).index(center)
    return tuple(f"10.{second}.{number}.0/24" for second in (78, 79, 80))


def wires(center: str | None = None) -> Iterator[Wire]:
    """Give the circuits of one center, or of all."""
    for number, name in enumerate(CENTERS, 1):
        if center in (None, name):
            yield from (Wire(name, number, network, role) for network, role in product(NETWORKS, ROLES))


def wire(path: str) -> Wire:
    """Find a circuit by its readable path."""
    return next(found for found in wires() if found.id == path)


def namespaces() -> Iterator[str]:
    """Give every namespace of the lab."""
    yield from (CITY, PROVINCE, *ROUTERS.values())
    for center in CENTERS:
        yield from (place(center), lan(center))
