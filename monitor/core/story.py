"""What is told of an incident: all that a program or a person may want to know of one root cause."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.incident import Incident
from monitor.core.inventory import Name


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call about circuits, and what to ask for."""

    carrier: Name
    hotline: str
    """Telephone number of its fault desk; empty if not declared."""
    numbers: tuple[str, ...]
    """The carrier's own names for its circuits that are broken; none: not declared, or all of them."""


@dataclass(frozen=True, slots=True)
class Left:
    """A link that still works, with less to spare than it had."""

    subject: str
    over: tuple[str, ...]
    """The circuits that are left."""


@dataclass(frozen=True, slots=True)
class Story:
    """An incident, and what it means as things stand now."""

    incident: Incident
    kind: str
    """Of its component, see `topology.Kind`."""
    name: Name
    """What people call the component."""
    center: str | None
    """The center to which the component belongs."""
    touched: frozenset[str]
    """Centers, links, circuits, devices and networks that it breaks, spoils or hides, readable paths."""
    lost: tuple[str, ...] = ()
    """Links, devices and services that do not work because of it."""
    lost_links: int = 0
    """How many of them are links."""
    reduced: tuple[Left, ...] = ()
    works: tuple[str, ...] = ()
    """Links and devices of its center that it leaves alone, as far as they can be seen."""
    hidden: tuple[str, ...] = ()
    """Components of which nothing can be known because of it."""
    isolated: bool = False
    """The daemon itself is cut off from every network: all else is unknown to it."""
    calls: tuple[Call, ...] = ()
    deciding: tuple[str, ...] = ()
    """Observations that would tell it from what it may be as well."""
    endings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where the ways over its circuits end, a clause for each end that was traced, by language."""
    names: Mapping[str, Name] = field(default_factory=dict)
    """What people call everything that is mentioned, by readable path."""
    sentence: Mapping[str, str] = field(default_factory=dict)
    """All of it in one sentence for a duty officer, by language."""
