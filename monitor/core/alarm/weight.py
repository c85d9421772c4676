"""What sort of thing an incident is about, how urgent it is, and what an alarm keeps of its facts."""

from collections.abc import Mapping

from monitor.core.alarm.model import Area, Severity
from monitor.core.topology import Kind
from monitor.core.world import Json

AREAS: Mapping[str, Area] = {
    Kind.POWER: Area.CENTER,
    Kind.ROUTER: Area.CENTER,
    Kind.LAN: Area.CENTER,
    Kind.NETWORK: Area.NETWORK,
    Kind.TRUNK: Area.NETWORK,
    Kind.ANCHOR: Area.NETWORK,
    Kind.CIRCUIT: Area.CIRCUIT,
    Kind.CARRIER: Area.CIRCUIT,
    Kind.DUCT: Area.CIRCUIT,
    Kind.FEED: Area.CENTER,
    Kind.EQUIPMENT: Area.DEVICE,
    Kind.DEVICE: Area.DEVICE,
    Kind.SERVICE: Area.DEVICE,
    Kind.MANAGEMENT: Area.DEVICE,
    Kind.UPLINK: Area.OURSELVES,
    Kind.AGENT: Area.OURSELVES,
    Kind.BROKER: Area.OURSELVES,
    "ourselves": Area.OURSELVES,
}
KEPT = (
    "incident", "stage", "component", "kind", "center", "name", "confidence", "since", "closed_at", "called",
    "planned", "relapses", "affected", "carriers", "works", "others", "group", "names", "sentence",
)  # fmt: skip
"""Facts of an incident that a message may speak of."""


def area_of(kind: str) -> Area:
    """Return what sort of thing a component of this kind is."""
    return AREAS.get(kind, Area.DEVICE)


def severity_of(facts: Mapping[str, Json]) -> Severity:
    """Return how urgent an incident is: critical if a center, or we, cannot reach a network any more."""
    return Severity.CRITICAL if facts.get("isolated") or facts.get("lost_links") else Severity.WARNING


def kept(facts: Mapping[str, Json]) -> dict[str, Json]:
    """Return the facts of an incident that its alarm keeps."""
    return {key: facts[key] for key in KEPT if key in facts}
