"""From a diagnosis to what incidents are made of: each cause, how far it is proven, what else it may be."""

from collections.abc import Iterator

from monitor.core import joint
from monitor.core.diagnosis import Cause, Diagnosis
from monitor.core.incident import Other, Sighting, Stage
from monitor.core.inventory import Inventory
from monitor.core.loss import PRIORS
from monitor.core.topology import Kind, Topology
from monitor.core.topology.ways import HEARTBEAT
from monitor.engine.witnesses import Testimony, onset


def sightings_of(
    found: Diagnosis, said: Testimony, topology: Topology, inventory: Inventory, now: float
) -> Iterator[Sighting]:
    """Give the causes of a diagnosis that are proven far enough to be shown."""
    for cause in found.causes:
        misses = [said.misses[name] for name in cause.explains if name in said.misses]
        stage = joint.stage(misses, _burst(cause, topology, inventory), cause.confidence, now=now)
        if stage is not None:
            yield _sighting(cause, stage, onset(misses), found)


def _burst(cause: Cause, topology: Topology, inventory: Inventory) -> joint.Burst:
    """Return how the cause goes black for a moment while it is healthy."""
    circuit = inventory.circuits.get(cause.component)
    if circuit is not None:
        prior = PRIORS[circuit.bearer]
        return joint.Burst(prior.burst, prior.share)
    kind = topology.components[cause.component].kind
    return joint.SERVICE if kind in (Kind.SERVICE, Kind.DEVICE) else joint.SHARED


def _sighting(cause: Cause, stage: Stage, since: float, found: Diagnosis) -> Sighting:
    others = tuple(
        Other(rival.causes, rival.confidence, rival.behind)
        for rival in found.rivals
        if cause.component in rival.instead_of
    )
    return Sighting(
        cause.component,
        cause.group,
        cause.confidence,
        since,
        stage,
        cause.explains,
        cause.against,
        others,
        cause.planned,
        all(name.endswith(f":{HEARTBEAT}") for name in cause.explains),
    )
