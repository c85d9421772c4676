"""What a diagnosis has to do with the incidents that are open: which is which, what is but a rest of one."""

from collections.abc import Mapping

from monitor.core.incident.model import Incident, Seen, Sighting, Stage

BETTER = 3.0
"""Nats by which another cause must fit better before a confirmed incident is called after it."""
HEALING = 15.0
"""Seconds for which what is left of a fault that is healing is not yet a fault of its own."""
RETURNING = 60.0
"""The same where nothing is left but daemons that are not heard yet: they try again every half minute."""
AT_ONCE = 30.0
"""Seconds between their first misses from which two causes are two faults, the latter hiding the former."""


def paired(
    open_: Mapping[str, Incident], seen: Seen, now: float
) -> tuple[dict[str, Sighting], list[Sighting]]:
    """Say which sighting is which incident, first by name, then by what it explains; and which are new."""
    matched: dict[str, Sighting] = {}
    left = list(seen.sightings)

    def explains_same(incident: Incident, sighting: Sighting) -> bool:
        return _may_heal(sighting, incident.healing_since, now) and _explains_same(incident, sighting)

    for alike in (is_same, explains_same):
        for incident in open_.values():
            found = next((one for one in left if incident.id not in matched and alike(incident, one)), None)
            if found is not None:
                matched[incident.id] = found
                left.remove(found)
    return matched, left


def is_same(incident: Incident, sighting: Sighting) -> bool:
    """Tell whether a sighting is what an incident is called after, or cannot be told from it."""
    return incident.component in sighting.group or sighting.component in incident.group


def _explains_same(incident: Incident, sighting: Sighting) -> bool:
    """Tell whether most of what an incident explained is now explained by another cause, or the reverse.

    What began long after an incident was confirmed only hides it.
    """
    if incident.stage is Stage.CONFIRMED and not _at_once(incident.onset, sighting.since):
        return False
    common = len(set(incident.explains) & set(sighting.explains))
    return 2 * common > min(len(incident.explains), len(sighting.explains))


def _may_heal(sighting: Sighting, since: float | None, now: float) -> bool:
    """Tell whether a sighting may still be the rest of what has been healing *since* then."""
    return since is None or now - since < (RETURNING if sighting.silence else HEALING)


def _at_once(one: float, other: float) -> bool:
    return abs(one - other) < AT_ONCE


def absorber(
    incident: Incident, open_: Mapping[str, Incident], matched: Mapping[str, Sighting], seen: Seen
) -> str | None:
    """Return the cause of another incident that explains, far better, all that is still seen of this one."""
    left = seen.bad & set(incident.explains)
    for name, sighting in matched.items() if left else ():
        if (
            name != incident.id
            and sighting.stage is Stage.CONFIRMED
            and left <= set(sighting.explains)
            and sighting.margin(incident.component) >= BETTER
            and _at_once(incident.onset, open_[name].onset)
        ):
            return sighting.component
    return None


def is_well(incident: Incident, seen: Seen) -> bool:
    """Tell whether something that the incident broke is seen to work: silence is no recovery."""
    return any(name in seen.good for name in incident.explains)


def is_healing(incident: Incident, seen: Seen) -> bool:
    """Tell whether a confirmed incident looks like a smaller one only because part of it is over."""
    proven = incident.component in seen.proven or is_well(incident, seen)
    return incident.stage is not Stage.SUSPECTED and proven


def is_left_over(sighting: Sighting, incident: Incident, seen: Seen, now: float) -> bool:
    """Tell whether a sighting is but the rest of an incident that is healing, so not one of its own yet.

    While all was broken, part of what it broke may not have been heard of.
    """
    since = incident.recovering_at or incident.healing_since or now
    return (
        _may_heal(sighting, since, now)
        and is_healing(incident, seen)
        and all(name in incident.explains or _spoilt(name, incident, seen) for name in sighting.explains)
    )


def _spoilt(observation: str, incident: Incident, seen: Seen) -> bool:
    return any(seen.spoils(one, observation) for one in (incident.component, *incident.group))
