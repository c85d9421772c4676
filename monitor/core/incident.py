"""Incidents: one root cause with a life, suspected → confirmed → recovering → closed.

An incident keeps its id whatever it is called. It is renamed only for a better name by far, it is not over
because nothing is seen of it any more, and after each relapse it must be quiet for twice as long.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf

HOLD = 30.0
"""Seconds for which all must be well before an incident is closed; twice as long after each relapse."""
LONGEST_HOLD = 900.0
MEMORY = 900.0
"""Seconds after its last end within which a fault that returns has to be quiet for longer than before."""
HEALING = 15.0
"""Seconds for which what is left of a fault that is healing is not yet a fault of its own."""
BETTER = 3.0
"""Nats by which another cause must fit better before a confirmed incident is called after it."""


class Stage(StrEnum):
    """How far an incident is."""

    SUSPECTED = "suspected"
    """Enough was missed to be shown, not yet enough to be told."""
    CONFIRMED = "confirmed"
    RECOVERING = "recovering"
    """All is well again, but it is not known yet whether it stays so."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Other:
    """Another explanation that fits almost as well."""

    causes: tuple[str, ...]
    """Components that it blames instead; none: the looks are wrong."""
    confidence: float
    behind: float
    """How much worse it is, nats."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A broken component as the diagnosis sees it now."""

    component: str
    group: tuple[str, ...]
    """All that it may be as well, itself first."""
    confidence: float
    since: float
    """Wall time of its first miss, Unix seconds."""
    stage: Stage
    """SUSPECTED or CONFIRMED, by the joint evidence."""
    explains: tuple[str, ...] = ()
    """Observations that look down because of it."""
    against: tuple[str, ...] = ()
    """Observations that look up though it should make them look down."""
    others: tuple[Other, ...] = ()
    planned: bool = False
    """It is being worked on."""

    def margin(self, component: str) -> float:
        """Return by how many nats it fits better than *component* in its place."""
        return min((other.behind for other in self.others if component in other.causes), default=inf)


@dataclass(frozen=True, slots=True)
class Incident:
    """One root cause and its life. Times are Unix seconds."""

    id: str
    """Date and time of its first miss, `20261124-091407`: it can be said on a telephone."""
    component: str
    group: tuple[str, ...]
    stage: Stage
    since: float
    """Time of the first miss."""
    confidence: float
    explains: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
    confirmed_at: float | None = None
    recovering_at: float | None = None
    closed_at: float | None = None
    relapses: int = 0
    hold: float = HOLD
    """Seconds for which all must be well before it is closed."""
    healing_since: float | None = None
    """When part of what it broke was first seen to work again, while another part still does not."""
    behind: str | None = None
    """The broken component that hides it; while it is hidden it can neither recover nor relapse."""
    called: tuple[str, ...] = ()
    """Components that it was called after before."""
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What was known of an incident, and what is known now."""

    before: Incident | None
    now: Incident


@dataclass(frozen=True, slots=True)
class Book:
    """All incidents that are not closed, and what is remembered of those that are."""

    open: Mapping[str, Incident] = field(default_factory=dict)
    ended: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By component: when its last incident was closed, and after which hold."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that one diagnosis says, as far as incidents go."""

    sightings: Sequence[Sighting]
    good: AbstractSet[str]
    """Observations that look up now."""
    bad: AbstractSet[str]
    """Observations that look down now."""
    masked: Mapping[str, str]
    """Components that no look can reach, each with the broken one that it is behind."""
    planned: AbstractSet[str] = frozenset()
    """Components that are being worked on."""


def advance(
    book: Book, seen: Seen, *, now: float, stamp: Callable[[float], str], hold: float = HOLD
) -> tuple[Book, tuple[Change, ...]]:
    """Return the book after one more diagnosis at *now*, and what has changed.

    *stamp* makes ids of times; *hold*: for how long, at first, all must be well before an incident is closed.
    """
    matched, strangers = _match(book.open, seen, now)
    open_, ended, changes = dict(book.open), dict(book.ended), []
    for before in book.open.values():
        after = _after(before, matched.get(before.id), seen, now)
        if after.stage is Stage.CLOSED:
            del open_[before.id]
            if after.confirmed_at is not None:
                ended[after.component] = (now, after.hold)
        else:
            open_[before.id] = after
        if _is_news(before, after):
            changes.append(Change(before, after))
    for sighting in strangers:
        if any(_is_left_over(sighting, incident, seen, now) for incident in book.open.values()):
            continue
        name = _free(stamp(sighting.since), open_)
        begun = _begun(name, sighting, _first_hold(sighting, book.ended, hold, now), now)
        open_[begun.id] = begun
        changes.append(Change(None, begun))
    return Book(open_, ended), tuple(changes)


def _free(name: str, taken: Collection[str]) -> str:
    """Return *name*, with a number behind it if another incident began in the same second."""
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 2)))
    return next(one for one in names if one not in taken)


def _match(
    open_: Mapping[str, Incident], seen: Seen, now: float
) -> tuple[dict[str, Sighting], list[Sighting]]:
    """Say which sighting is which incident, first by name, then by what it explains; and which are new."""
    matched: dict[str, Sighting] = {}
    left = list(seen.sightings)
    lasting = [
        one for one in open_.values() if one.healing_since is None or now - one.healing_since < HEALING
    ]
    for alike, incidents in ((_is_same, list(open_.values())), (_explains_same, lasting)):
        for incident in incidents:
            found = next((one for one in left if incident.id not in matched and alike(incident, one)), None)
            if found is not None:
                matched[incident.id] = found
                left.remove(found)
    return matched, left


def _is_same(incident: Incident, sighting: Sighting) -> bool:
    return incident.component in sighting.group or sighting.component in incident.group


def _explains_same(incident: Incident, sighting: Sighting) -> bool:
    """Tell whether most of what an incident explained is now explained by another cause, or the reverse."""
    common = len(set(incident.explains) & set(sighting.explains))
    return 2 * common > min(len(incident.explains), len(sighting.explains))


def _first_hold(
    sighting: Sighting, ended: Mapping[str, tuple[float, float]], hold: float, now: float
) -> float:
    """Return for how long it must be quiet: what keeps coming back, for longer and longer."""
    closed_at, last = ended.get(sighting.component, (-MEMORY, 0.0))
    return min(2 * last, LONGEST_HOLD) if last and now - closed_at <= MEMORY else hold


def _begun(name: str, sighting: Sighting, hold: float, now: float) -> Incident:
    begun = Incident(
        name,
        sighting.component,
        sighting.group,
        Stage.SUSPECTED,
        sighting.since,
        sighting.confidence,
        hold=hold,
    )
    return _sighted(begun, sighting, now)


def _after(incident: Incident, sighting: Sighting | None, seen: Seen, now: float) -> Incident:
    if sighting is not None and not _is_same(incident, sighting) and _is_healing(incident, seen):
        return replace(incident, healing_since=incident.healing_since or now)
    if sighting is not None:
        return _sighted(_named(incident, sighting), sighting, now)
    incident = _unsighted(incident, seen)
    behind = seen.masked.get(incident.component)
    if incident.stage is Stage.SUSPECTED:
        unfounded = seen.bad.isdisjoint(incident.explains)
        return replace(incident, stage=Stage.CLOSED, closed_at=now) if unfounded else incident
    if behind is not None or not _is_well(incident, seen):
        return replace(incident, behind=behind)
    if incident.stage is Stage.CONFIRMED:
        return replace(incident, stage=Stage.RECOVERING, recovering_at=now, behind=None)
    if incident.recovering_at is not None and now - incident.recovering_at >= incident.hold:
        return replace(incident, stage=Stage.CLOSED, closed_at=now, behind=None)
    return replace(incident, behind=None)


def _unsighted(incident: Incident, seen: Seen) -> Incident:
    """Return an incident that the diagnosis does not name; it is no planned one once the work has ended."""
    if incident.stage is Stage.RECOVERING or not incident.planned:
        return incident
    return replace(incident, planned=not seen.planned.isdisjoint((incident.component, *incident.group)))


def _is_well(incident: Incident, seen: Seen) -> bool:
    """Tell whether something that the incident broke is seen to work: silence is no recovery."""
    return any(name in seen.good for name in incident.explains)


def _is_healing(incident: Incident, seen: Seen) -> bool:
    """Tell whether a confirmed incident looks like a smaller one only because part of it is over."""
    return incident.stage is not Stage.SUSPECTED and _is_well(incident, seen)


def _is_left_over(sighting: Sighting, incident: Incident, seen: Seen, now: float) -> bool:
    """Tell whether a sighting is but the rest of an incident that is healing, so not one of its own yet."""
    since = incident.recovering_at or incident.healing_since or now
    return (
        set(sighting.explains) <= set(incident.explains)
        and now - since < HEALING
        and _is_healing(incident, seen)
    )


def _named(incident: Incident, sighting: Sighting) -> Incident:
    """Call an incident after a better cause; a confirmed one only if that is better by far.

    One that is over, it seems, keeps its name until it is sure to be back.
    """
    if _is_same(incident, sighting):
        return replace(incident, group=sighting.group)
    if incident.stage is Stage.RECOVERING and sighting.stage is Stage.SUSPECTED:
        return incident
    if incident.stage is not Stage.SUSPECTED and sighting.margin(incident.component) < BETTER:
        return incident
    called = incident.called if incident.stage is Stage.SUSPECTED else (*incident.called, incident.component)
    return replace(incident, component=sighting.component, group=sighting.group, called=called)


def _sighted(incident: Incident, sighting: Sighting, now: float) -> Incident:
    known = replace(
        incident,
        confidence=sighting.confidence,
        explains=sighting.explains,
        against=sighting.against,
        others=sighting.others,
        planned=sighting.planned,
        healing_since=None,
        behind=None,
    )
    match incident.stage, sighting.stage:
        case Stage.SUSPECTED, Stage.CONFIRMED:
            return replace(known, stage=Stage.CONFIRMED, confirmed_at=now)
        case Stage.RECOVERING, Stage.CONFIRMED:
            hold = min(2 * incident.hold, LONGEST_HOLD)
            relapses = incident.relapses + 1
            return replace(known, stage=Stage.CONFIRMED, recovering_at=None, relapses=relapses, hold=hold)
        case Stage.RECOVERING, _:
            return replace(known, recovering_at=now)  # a mere suspicion: the quiet has to begin anew
    return known


def _is_news(before: Incident, now: Incident) -> bool:
    """Tell whether a change is worth an event."""
    return (before.stage, before.component, before.behind, before.relapses, before.planned) != (
        now.stage,
        now.component,
        now.behind,
        now.relapses,
        now.planned,
    )
