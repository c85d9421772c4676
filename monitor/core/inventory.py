"""The city as declared: who should reach whom over what. Typed, frozen, checked at the door."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.planned import Window
from monitor.core.report import Told


class Role(StrEnum):
    """Which of a link's two bearers a circuit is."""

    PRIMARY = "primary"
    BACKUP = "backup"


class Bearer(StrEnum):
    """What a circuit runs on; each kind loses packets in its own way."""

    FIBRE = "fibre"
    MICROWAVE = "microwave"
    MOBILE = "mobile"
    SATELLITE = "satellite"


class RiskKind(StrEnum):
    """What it is that several circuits, devices or centers share, and lose together."""

    DUCT = "duct"
    """A conduit, a pole line, a bridge: one excavator cuts them all."""
    FEED = "feed"
    """A power feed of several centers or devices."""
    CARRIER = "carrier"
    """An exchange or backbone of a carrier."""
    EQUIPMENT = "equipment"
    """A switch, core router or VPN gateway in which several circuits end."""


class Level(StrEnum):
    """The rank of a command center."""

    MUNICIPAL = "municipal"
    COUNTY = "county"
    DISTRICT = "district"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Name:
    """What people call a thing, Chinese first."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or desk to call at a center."""

    name: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One configured way of looking, without its subject: kind, options, rhythm."""

    name: str
    kind: str
    options: object
    """The probe kind's own frozen options, already parsed."""
    period: float
    deadline: float
    means: Name | None = None
    """What a failure means in plain words, from the device's profile."""
    told: Told | None = field(default=None, repr=False)
    """Who tells us how it is; None: we look ourselves."""
    about: str | None = field(default=None, repr=False)
    """The circuit whose state a device's own word tells, such as a router's of its interface."""
    reaches: bool = field(default=False, repr=False)
    """That word is of something tried over the circuit, to its far end: a good one proves that it works."""


@dataclass(frozen=True, slots=True)
class Network:
    """An upper network that every center must reach."""

    id: str
    name: Name
    anchor: str | None = None
    """An address inside the network that answers pings: if it is silent too, the network is the suspect."""
    look: Look | None = None
    """How to look at the anchor."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who provides a circuit, and whom to call when it is broken."""

    id: str
    name: Name
    hotline: str = ""


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing whose fault takes several others with it."""

    id: str
    kind: RiskKind
    name: Name
    members: tuple[str, ...]
    """Readable paths of circuits and devices; a center's id stands for the power of all that is in it."""
    per_year: float | None = None
    """How often it breaks; None: as its kind usually does."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """One physical bearer of a link."""

    center: str
    network: str
    role: Role
    near: str
    """Address of the center's end."""
    far: str | None = None
    """Address of the network's end."""
    carrier: str | None = None
    number: str = ""
    """The carrier's own name for the circuit, which its hotline asks for."""
    bearer: Bearer = Bearer.FIBRE
    source: str | None = None
    """Address to send from, so that a look goes over this circuit and no other."""
    interface: str | None = None
    """Interface to bind to, for the same purpose."""
    near_look: Look | None = None
    """How others look at the center's end."""
    far_look: Look | None = None
    """How the center itself looks at the network's end, pinned to this circuit."""
    anchor_look: Look | None = None
    """How the center itself looks at the network's anchor over this circuit; None: nothing pins it there."""
    id: str = field(init=False)
    """The circuit's readable path, `danjiangkou/province/primary`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.center}/{self.network}/{self.role}")


@dataclass(frozen=True, slots=True)
class Link:
    """A center's connection to one network."""

    center: str
    network: str
    circuits: tuple[Circuit, ...]
    id: str = field(init=False)
    """The link's readable path, `danjiangkou/province`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.center}/{self.network}")


@dataclass(frozen=True, slots=True)
class Device:
    """Equipment at a center."""

    center: str
    key: str
    name: Name
    address: str
    profile: str | None = None
    looks: tuple[Look, ...] = ()
    id: str = field(init=False)
    """The device's readable path, `danjiangkou/router`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.center}/{self.key}")


@dataclass(frozen=True, slots=True)
class Center:
    """A command center: its links and what it holds."""

    id: str
    name: Name
    level: Level
    links: tuple[Link, ...]
    devices: tuple[Device, ...] = ()
    location: str = ""
    contacts: tuple[Contact, ...] = ()

    def circuits(self) -> Iterator[Circuit]:
        """Give the circuits of all links, in the order declared."""
        for link in self.links:
            yield from link.circuits


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place where a daemon runs, and what it can see from there."""

    id: str
    name: Name
    center: str | None = None
    """The center that it stands in; its own circuits are looked at from the near end."""
    networks: tuple[str, ...] = ()
    """The networks through which it sees the other centers; none: it looks at its own center only."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything declared about one city."""

    city: Name
    networks: dict[str, Network]
    carriers: dict[str, Carrier]
    centers: dict[str, Center]
    vantages: dict[str, Vantage]
    risks: dict[str, Risk] = field(default_factory=dict)
    planned: dict[str, Window] = field(default_factory=dict)
    """Planned work that is declared, by id."""
    circuits: dict[str, Circuit] = field(init=False)
    devices: dict[str, Device] = field(init=False)

    def __post_init__(self) -> None:
        everything = list(self.centers.values())
        circuits = {c.id: c for center in everything for c in center.circuits()}
        object.__setattr__(self, "circuits", circuits)
        object.__setattr__(self, "devices", {d.id: d for c in everything for d in c.devices})
