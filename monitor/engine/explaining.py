"""What a diagnosis says of all that is held true: the long part of thinking, of things that do not change."""

from collections.abc import Mapping
from typing import NamedTuple

from monitor.core.diagnosis import Tuning, diagnose
from monitor.core.diagnosis.consequences import masked
from monitor.core.incident import Sighting
from monitor.core.inventory import Inventory
from monitor.core.topology import Topology
from monitor.engine.sightings import sightings_of
from monitor.engine.witnesses import Testimony

TUNING = Tuning(stale=0.01)
"""A city has hundreds of looks that are older than a fault; together they must not acquit what is broken."""


class Hidden(NamedTuple):
    """What no look can reach while so much is held to be broken."""

    broken: frozenset[str] = frozenset()
    behind: Mapping[str, str] = {}
    """By component, the broken one that it is behind."""


class Asked(NamedTuple):
    """What is to be explained, and what is known beforehand."""

    said: Testimony
    now: float
    """Wall time of what is said, Unix seconds."""
    since: float | None
    """From when on a good look acquits."""
    planned: frozenset[str]
    """Components that are being worked on."""
    broken: tuple[str, ...]
    """What was held to be broken so far."""
    hidden: Hidden
    """What was hidden at last; it is worked out anew only when something else is broken."""


class Explanation(NamedTuple):
    """The answer."""

    sightings: tuple[Sighting, ...]
    hidden: Hidden


def explained(topology: Topology, inventory: Inventory, asked: Asked) -> Explanation:
    """Return the causes that are proven far enough to be shown, and what they hide."""
    said, now, since = asked.said, asked.now, asked.since
    found = diagnose(topology, said.evidence, since=since, planned=asked.planned, tuning=TUNING)
    sightings = tuple(sightings_of(found, said, topology, inventory, now=now, since=since))
    broken, hidden = frozenset((*found.components, *asked.broken)), asked.hidden
    if hidden.broken != broken:
        hidden = Hidden(broken, masked(topology, sorted(broken)))
    return Explanation(sightings, hidden)
