"""The book of incidents, brought up to date with each diagnosis."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from monitor.core.incident.matching import (
    BETTER,
    absorber,
    is_healing,
    is_left_over,
    is_well,
    paired,
)
from monitor.core.incident.model import HOLD, Book, Change, Incident, Seen, Sighting, Stage

LONGEST_HOLD = 900.0
MEMORY = 900.0
"""Seconds after its last end within which a fault that returns has to be quiet for longer than before."""
STEADY = 2.0
"""Seconds for which another cause has to fit better: after a wave of fresh looks."""
HIDDEN = 10.0
"""Seconds for which it is not said anew what hides an incident."""
LONGEST_PAUSE = 60.0
"""Seconds after which an incident may be renamed however often it was before."""
ABSORBED = 10.0
"""Seconds for which another incident has to explain all that is seen of one before they are one."""


def advance(
    book: Book, seen: Seen, *, now: float, stamp: Callable[[float], str], hold: float = HOLD
) -> tuple[Book, tuple[Change, ...]]:
    """Return the book after one more diagnosis at *now*, and what has changed.

    *stamp* makes ids of times; *hold*: for how long, at first, all must be well before an incident is closed.
    """
    matched, strangers = paired(book.open, seen, now)
    rests = {sighting.component: _left_overs(sighting, book, seen, now) for sighting in strangers}
    unfinished = set[str]().union(*rests.values())
    open_, ended, changes = dict(book.open), _remembered(book.ended.values(), now), []
    for before in book.open.values():
        sighting = matched.get(before.id)
        whole = None if sighting else absorber(before, book.open, matched, seen)
        after = _part_of(whole, before, now) if whole else _after(before, sighting, seen, now)
        if after.stage is Stage.CLOSED and before.id in unfinished and not whole:
            after = before  # it would be told as a fault of its own
        if after.stage is Stage.CLOSED:
            del open_[before.id]
            if after.confirmed_at is not None and not whole:
                ended[after.component] = after
        else:
            open_[before.id] = after
        if _is_news(before, after):
            changes.append(Change(before, after))
    for sighting in strangers:
        if rests[sighting.component]:
            continue
        name = _free(stamp(sighting.since), book.kept().keys() | open_.keys())
        begun = _begun(name, sighting, _first_hold(sighting, ended, hold), now)
        open_[begun.id] = begun
        changes.append(Change(None, begun))
    return Book(open_, ended), tuple(changes)


def recalled(kept: Iterable[Incident], *, now: float) -> Book:
    """Return the book of what an earlier run has left."""
    closed: dict[bool, list[Incident]] = {True: [], False: []}
    for one in kept:
        closed[one.stage is Stage.CLOSED].append(one)
    return Book({one.id: one for one in closed[False]}, _remembered(closed[True], now))


def let_go(
    book: Book, *, is_watched: Callable[[Incident], bool], now: float
) -> tuple[Book, tuple[Change, ...]]:
    """Return the book without what is no longer watched, and what is closed with that, broken or not."""
    gone = [one for one in book.open.values() if not is_watched(one)]
    closed = (replace(one, stage=Stage.CLOSED, closed_at=now, behind=None, unwatched=True) for one in gone)
    changes = tuple(Change(one, after) for one, after in zip(gone, closed, strict=True))
    left = {name: one for name, one in book.open.items() if is_watched(one)}
    return Book(left, {name: one for name, one in book.ended.items() if is_watched(one)}), changes


def _left_overs(sighting: Sighting, book: Book, seen: Seen, now: float) -> set[str]:
    """Return the incidents, by id, that a sighting is but the rest of."""
    return {one.id for one in book.open.values() if is_left_over(sighting, one, seen, now)}


def _free(name: str, taken: Collection[str]) -> str:
    """Return *name*, with a number behind it if another incident began in the same second."""
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 2)))
    return next(one for one in names if one not in taken)


def _first_hold(sighting: Sighting, ended: Mapping[str, Incident], hold: float) -> float:
    """Return for how long it must be quiet: what keeps coming back, for longer and longer."""
    last = ended.get(sighting.component)
    return hold if last is None else min(2 * last.hold, LONGEST_HOLD)


def _remembered(ended: Iterable[Incident], now: float) -> dict[str, Incident]:
    """Return by component those that were closed not long ago, of one component the latest."""
    known = (one for one in ended if one.closed_at is not None and now - one.closed_at <= MEMORY)
    return {one.component: one for one in sorted(known, key=lambda one: one.closed_at or 0.0)}


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


def _part_of(whole: str, incident: Incident, now: float) -> Incident:
    """Return an incident that looks like a part of another: closed when it has looked so for a while."""
    since = now if incident.absorbed_since is None else incident.absorbed_since
    if now - since < ABSORBED:
        return replace(incident, absorbed_since=since)
    return replace(incident, stage=Stage.CLOSED, closed_at=now, behind=whole)


def _after(incident: Incident, sighting: Sighting | None, seen: Seen, now: float) -> Incident:
    incident = replace(incident, absorbed_since=None)
    if sighting is not None and incident.component not in sighting.group and is_healing(incident, seen):
        return replace(incident, healing_since=incident.healing_since or now)
    if sighting is not None:
        return _sighted(_named(incident, sighting, now), sighting, now)
    incident = _unsighted(incident, seen)
    behind = seen.masked.get(incident.component)
    if incident.stage is Stage.SUSPECTED:
        unfounded = seen.bad.isdisjoint(incident.explains)
        return replace(incident, stage=Stage.CLOSED, closed_at=now) if unfounded else incident
    if behind is not None or not is_well(incident, seen):
        return _hidden(replace(incident, well_since=None), behind, now)
    if incident.stage is Stage.CONFIRMED:
        since = now if incident.well_since is None else incident.well_since
        if now - since < _pause(incident.relapses):
            return replace(incident, well_since=since)
        return replace(incident, stage=Stage.RECOVERING, recovering_at=now, behind=None)
    if incident.recovering_at is not None and now - incident.recovering_at >= incident.hold:
        return replace(incident, stage=Stage.CLOSED, closed_at=now, behind=None)
    return _hidden(incident, None, now)


def _hidden(incident: Incident, behind: str | None, now: float) -> Incident:
    """Say what hides an incident, unless that was said otherwise just before."""
    said_just_now = incident.behind_at is not None and now - incident.behind_at < HIDDEN
    if behind == incident.behind or said_just_now:
        return incident
    return replace(incident, behind=behind, behind_at=now)


def _unsighted(incident: Incident, seen: Seen) -> Incident:
    """Return an incident that the diagnosis does not name; it is no planned one once the work has ended."""
    if incident.stage is Stage.RECOVERING or not incident.planned:
        return incident
    return replace(incident, planned=not seen.planned.isdisjoint((incident.component, *incident.group)))


def _named(incident: Incident, sighting: Sighting, now: float) -> Incident:
    """Call an incident after a better cause; a confirmed one only if that is better by far, and stays so.

    One that is over, it seems, keeps its name until it is sure to be back. What is renamed again and again is
    renamed ever more rarely; only when it is confirmed it has the name that it deserves.
    """
    if incident.component in sighting.group:
        return replace(incident, group=sighting.group, rather="")
    if incident.stage is Stage.RECOVERING and sighting.stage is Stage.SUSPECTED:
        return incident
    if incident.stage is not Stage.SUSPECTED and sighting.margin(incident.component) < BETTER:
        return incident
    if incident.stage is Stage.CONFIRMED and incident.rather != sighting.component:
        return replace(incident, rather=sighting.component, rather_since=now)
    if incident.stage is Stage.CONFIRMED and now - incident.rather_since < STEADY:
        return incident
    is_confirmed_now = incident.stage is Stage.SUSPECTED and sighting.stage is Stage.CONFIRMED
    if now - incident.named_at < _pause(incident.names) and not is_confirmed_now:
        return incident
    called = incident.called if incident.stage is Stage.SUSPECTED else (*incident.called, incident.component)
    return replace(
        incident,
        component=sighting.component,
        group=sighting.group,
        called=called,
        rather="",
        names=incident.names + 1,
        named_at=now,
    )


def _pause(times: int) -> float:
    """Return for how many seconds nothing is said of what has changed its mind so many times."""
    return min(2.0**times, LONGEST_PAUSE) if times else 0.0


def _sighted(incident: Incident, sighting: Sighting, now: float) -> Incident:
    known = replace(
        incident,
        confidence=sighting.confidence,
        explains=sighting.explains,
        against=sighting.against,
        others=sighting.others,
        planned=sighting.planned,
        healing_since=None,
        well_since=None,
    )
    known = _hidden(known, None, now)
    match incident.stage, sighting.stage:
        case Stage.SUSPECTED, Stage.CONFIRMED:
            return replace(known, stage=Stage.CONFIRMED, confirmed_at=now)
        case Stage.RECOVERING, Stage.CONFIRMED:
            hold = min(2 * incident.hold, LONGEST_HOLD)
            relapses = incident.relapses + 1
            again = replace(known, recovering_at=None, relapses=relapses, hold=hold, bout=sighting.since)
            return replace(again, stage=Stage.CONFIRMED)
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
