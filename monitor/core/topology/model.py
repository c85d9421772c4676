"""Components, observations and the ways between them; the same whether made of an inventory or of a graph.

A way has *alternatives*: it is open as long as one of them has no broken component. A pinned look has one, a
look that may go over either circuit of a link has two.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from monitor.core.inventory import Name

Alternatives = tuple[frozenset[str], ...]
"""Sets of component ids; open as long as one of them is whole. None at all: always open."""

SCATTER = 2_654_435_761
"""Knuth's multiplier: consecutive numbers times it are far apart."""


class Kind(StrEnum):
    """What sort of thing a component is."""

    UPLINK = "uplink"
    """A vantage's own connection: interface, cable, switch port."""
    AGENT = "agent"
    """The daemon at another vantage, and the machine that it runs on."""
    BROKER = "broker"
    NETWORK = "network"
    """The core of an upper network."""
    TRUNK = "trunk"
    """What joins two networks."""
    ANCHOR = "anchor"
    """The host in a network that answers pings for it."""
    POWER = "power"
    ROUTER = "router"
    MANAGEMENT = "management"
    """A router's own address: it may fall silent while the router forwards."""
    LAN = "lan"
    CIRCUIT = "circuit"
    DEVICE = "device"
    SERVICE = "service"
    """One thing that a device offers."""
    CARRIER = "carrier"
    DUCT = "duct"
    FEED = "feed"
    EQUIPMENT = "equipment"


@dataclass(frozen=True, slots=True)
class Component:
    """Something that can break on its own."""

    id: str
    """Readable path: `danjiangkou/province/primary`, `danjiangkou/power`, `network/city`, `risk/bridge`."""
    kind: Kind
    name: Name
    rate: float
    """How often it breaks in a year."""
    center: str | None = None
    """The center to which it belongs."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look from one vantage, and what it crosses."""

    id: str
    """Vantage and check: `city:danjiangkou/router/ping`; `danjiangkou:heartbeat`, `city:broker`."""
    vantage: str
    check: str
    """The check's id at its vantage; `heartbeat` and `broker` are none."""
    subject: str
    alternatives: Alternatives
    reports: Alternatives = ()
    """How its news reaches us; none: it is our own. While no alternative is open it is missing, not bad."""
    way: Alternatives = ()
    """What is proven to work when the peer itself answers, if only to refuse; none: nothing less than all."""
    proves: Alternatives = ()
    """What a good look proves to work, where that is less than what a bad one may be blamed on; none: all."""
    line: str = ""
    """The circuit that it is pinned to. The good looks over one circuit weigh as much as one together: if it
    is not where it is declared to be, all of them are wrong."""
    period: float = 1.0
    """Seconds from one look to the next."""
    max_age: float = inf
    """Seconds after which its evidence tells nothing any more."""
    told: bool = False
    """We are told how it is, and do not ask: that all is well was said some time ago, and proves nothing."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What people want to work: a link to a network, a device at its center, or a service of a device."""

    subject: str
    """`danjiangkou/province`, `danjiangkou/video`, `danjiangkou/video/h323`."""
    center: str
    alternatives: Alternatives
    over: tuple[str, ...] = ()
    """Of a link: its circuits, one for each alternative."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the diagnosing daemon itself reaches a network."""

    network: str
    alternatives: Alternatives


@dataclass(frozen=True, slots=True)
class Row:
    """An observation's ways in numbers: each alternative is a set of classes."""

    alternatives: tuple[frozenset[int], ...]
    pinned: frozenset[int]
    """Classes without which no alternative is left."""
    crossed: frozenset[int]
    """All classes in any of them."""


@dataclass(frozen=True)
class Topology:
    """Components, observations and what is wanted of them, as one daemon can know them. Build it once.

    Components that every observation crosses alike are one *class*: no evidence can ever tell them apart.
    Rows are the observations, then their ways, then their proofs. Both are numbered in the order of names, so
    that nothing that follows depends on the order in which things were declared.
    """

    components: Mapping[str, Component]
    observations: Mapping[str, Observation]
    vantage: str = ""
    """Where the diagnosis is made."""
    passages: tuple[Passage, ...] = ()
    exits: tuple[Exit, ...] = ()
    classes: tuple[tuple[str, ...], ...] = field(init=False, repr=False)
    """Component ids by class."""
    class_of: Mapping[str, int] = field(init=False, repr=False)
    rows: tuple[Row, ...] = field(init=False, repr=False)
    like: tuple[int, ...] = field(init=False, repr=False)
    """By row: the first one that crosses just the same."""
    row_of: Mapping[str, int] = field(init=False, repr=False)
    """Row by observation id."""
    way_of: Mapping[str, int] = field(init=False, repr=False)
    """Row of the way by observation id, of those that have one."""
    proof_of: Mapping[str, int] = field(init=False, repr=False)
    """Row of what a good look proves by observation id, of those where that is less than all."""
    lines: Mapping[str, tuple[str, ...]] = field(init=False, repr=False)
    """Observation ids by the circuit that they are pinned to."""
    seen: tuple[str, ...] = field(init=False, repr=False)
    """Observation id by row."""
    touching: tuple[tuple[int, ...], ...] = field(init=False, repr=False)
    """Rows by class, scattered: the first few are a fair sample of all."""
    breadth: tuple[int, ...] = field(init=False, repr=False)
    """By class: how many rows are lost without it; of one that can be done without, how many cross it."""
    needed: Mapping[str, int] = field(init=False, repr=False)
    """How many passages end with a component."""
    rates: tuple[float, ...] = field(init=False, repr=False)
    """By class: how often one of it breaks in a year."""

    def __post_init__(self) -> None:
        observations = sorted(self.observations.values(), key=lambda o: o.id)
        whole = [(o.id, o.alternatives) for o in observations]
        ways = [(o.id, o.way) for o in observations if o.way]
        proofs = [(o.id, o.proves) for o in observations if o.proves]
        every = [*whole, *ways, *proofs]
        classes = _classes(self.components, [alternatives for _, alternatives in every])
        class_of = {name: number for number, members in enumerate(classes) for name in members}
        rows = tuple(_row(alternatives, class_of) for _, alternatives in every)
        touching = _touching(rows, len(classes))
        firsts: dict[tuple[frozenset[int], ...], int] = {}
        for name, value in {
            "classes": classes,
            "class_of": class_of,
            "rows": rows,
            "like": tuple(firsts.setdefault(row.alternatives, number) for number, row in enumerate(rows)),
            "row_of": {name: number for number, (name, _) in enumerate(whole)},
            "way_of": {name: len(whole) + number for number, (name, _) in enumerate(ways)},
            "proof_of": {name: len(whole) + len(ways) + number for number, (name, _) in enumerate(proofs)},
            "lines": _lines(observations),
            "seen": tuple(name for name, _ in every),
            "touching": touching,
            "breadth": _breadth(rows, touching),
            "needed": Counter(name for one in self.passages for name in _needed(one)),
            "rates": tuple(sum(self.components[name].rate for name in members) for members in classes),
        }.items():
            object.__setattr__(self, name, value)

    def rows_of(self, components: Iterable[str]) -> set[int]:
        """Return the rows that cross any of *components*."""
        return {row for name in components for row in self.touching[self.class_of[name]]}


def _needed(passage: Passage) -> frozenset[str]:
    return frozenset.intersection(*passage.alternatives) if passage.alternatives else frozenset()


def is_open(alternatives: Alternatives, broken: frozenset[str]) -> bool:
    """Tell whether a way is open while *broken* are."""
    return not alternatives or any(broken.isdisjoint(one) for one in alternatives)


def _classes(components: Mapping[str, Component], ways: list[Alternatives]) -> tuple[tuple[str, ...], ...]:
    """Put together what all ways cross alike, the most fragile first."""
    crossed: dict[str, list[tuple[int, int]]] = {name: [] for name in sorted(components)}
    for number, alternatives in enumerate(ways):
        for slot, one in enumerate(alternatives):
            for name in one:
                crossed[name].append((number, slot))
    groups: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, where in crossed.items():
        groups.setdefault(tuple(where), []).append(name)
    return tuple(tuple(sorted(group, key=lambda name: -components[name].rate)) for group in groups.values())


def _lines(observations: Iterable[Observation]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for observation in observations:
        if observation.line:
            found.setdefault(observation.line, []).append(observation.id)
    return {line: tuple(names) for line, names in found.items()}


def _row(alternatives: Alternatives, class_of: Mapping[str, int]) -> Row:
    sets = tuple(dict.fromkeys(frozenset(class_of[name] for name in one) for one in alternatives))
    kept = tuple(one for one in sets if not any(other < one for other in sets))
    if len(kept) == 1:
        return Row(kept, kept[0], kept[0])
    none: frozenset[int] = frozenset()
    return Row(kept, frozenset.intersection(*kept) if kept else none, none.union(*kept))


def _breadth(rows: tuple[Row, ...], touching: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    needing = [0] * len(touching)
    for row in rows:
        for number in row.pinned:
            needing[number] += 1
    return tuple(count or len(some) for count, some in zip(needing, touching, strict=True))


def _touching(rows: tuple[Row, ...], count: int) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(count)]
    for number in sorted(range(len(rows)), key=lambda number: number * SCATTER % (1 << 32)):
        for name in rows[number].crossed:
            found[name].append(number)
    return tuple(map(tuple, found))
