"""From a diagnosis to what incidents are made of: each cause, how far it is proven, what else it may be."""

from collections.abc import Iterator, Sequence

from monitor.core import joint
from monitor.core.diagnosis import Cause, Diagnosis
from monitor.core.diagnosis.consequences import is_proven
from monitor.core.incident import Other, Sighting, Stage
from monitor.core.inventory import Inventory
from monitor.core.loss import PRIORS
from monitor.core.topology import Kind, Topology
from monitor.core.topology.ways import HEARTBEAT
from monitor.engine.witnesses import Testimony, onset

DECIDED = 15.0
"""Seconds after the first miss of a service by which its device has been looked at, too."""


def sightings_of(
    found: Diagnosis,
    said: Testimony,
    topology: Topology,
    inventory: Inventory,
    *,
    now: float,
    since: float | None,
) -> Iterator[Sighting]:
    """Give the causes of a diagnosis that are proven far enough to be shown; *since*: as it was made."""
    for cause in found.causes:
        misses = [said.misses[name] for name in cause.explains if name in said.misses]
        stage = joint.stage(misses, _burst(cause, topology, inventory), cause.confidence, now=now)
        if stage is not None:
            doubtful = _is_passed(cause, misses, said, topology, since)
            doubtful = doubtful or _is_undecided(cause, misses, said, topology, now)
            told = Stage.SUSPECTED if doubtful else stage
            yield _sighting(cause, told, onset(misses), found)


def _is_passed(
    cause: Cause, misses: Sequence[joint.Miss], said: Testimony, topology: Topology, since: float | None
) -> bool:
    """Tell whether a look has got past a cause after its own first miss, though before another fault began.

    The diagnosis does not count that look any more. It is made anew soon, for it shares a component.
    """
    first = joint.began(misses)
    if first is None or since is None or first >= since:
        return False
    before = {name: seen for name, seen in said.evidence.items() if seen.sent_at < since}
    return is_proven(topology, before, cause.component, first)


def _is_undecided(
    cause: Cause, misses: Sequence[joint.Miss], said: Testimony, topology: Topology, now: float
) -> bool:
    """Tell whether it may be the device and not just its service: it has not been looked at since.

    We do that after a second miss, and a device that is off lets each look take its whole time.
    """
    service, first = cause.component, joint.began(misses)
    if topology.components[service].kind is not Kind.SERVICE or first is None or now - first >= DECIDED:
        return False
    device = service.rpartition("/")[0]
    if is_proven(topology, said.evidence, device, first):
        return False
    looks = {topology.seen[row] for row in topology.rows_of([device])} & said.evidence.keys()
    ours = {n: said.evidence[n] for n in looks if topology.observations[n].vantage == topology.vantage}
    return is_proven(topology, ours, device, 0.0)


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
