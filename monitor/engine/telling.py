"""How news leaves the engine: numbered, recorded with all that it implies, and announced to the feeds."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from monitor.core.act import Act
from monitor.core.alarm import Alarm, Notice
from monitor.core.incident import Change, Incident, Stage
from monitor.core.planned import Work
from monitor.core.record import Kept, Record
from monitor.core.vitals import Vitals
from monitor.core.world import Event, EventKind, Json, World
from monitor.engine.feed import LogFeed
from monitor.ports import Log

NOTHING: Mapping[str, Kept | None] = MappingProxyType({})
NO_INCIDENT: Mapping[str, Incident | None] = MappingProxyType({})
NO_WORK: Mapping[str, Work | None] = MappingProxyType({})


class Implied(NamedTuple):
    """What follows from events for alarms, recorded together with them."""

    events: tuple[Event, ...] = ()
    alarms: Mapping[str, Alarm | None] = {}
    notices: Mapping[str, Notice | None] = {}


class Telling:
    """Numbers the events of one boot and hands them on."""

    def __init__(self, world: World, vitals: Vitals, log: Log, wall: Callable[[], float] = time.time) -> None:
        self._world = world
        self._vitals = vitals
        self._log = log
        self._wall = wall
        self._feeds: list[LogFeed] = []
        self._seq = 0
        self.implied: Callable[[Sequence[Event]], Implied] = _nothing
        """Says what follows from events for alarms."""

    def feed(self, name: str | None) -> LogFeed:
        """Return a new feed; it hears of every change from now on, and reads the log from its saved place."""
        feed = LogFeed(self._world, self._log, name)
        self._feeds.append(feed)
        return feed

    def event(self, kind: EventKind, subject: str, data: Mapping[str, Json]) -> Event:
        """Make an event of now, with the next number."""
        self._seq += 1
        self._vitals.events += 1
        return Event(self._world.vantage, self._world.boot, self._seq, self._wall(), kind, subject, data)

    def count(self, change: Change, kind: str) -> None:
        """Count what became of an incident; *kind*: of its component. Planned work is none of them."""
        vitals, before, now = self._vitals, change.before, change.now
        if _counts(now) and not _counts(before):
            vitals.incidents_confirmed[kind] = vitals.incidents_confirmed.get(kind, 0) + 1
        elif now.unwatched:
            vitals.incidents_unwatched += 1
        elif now.stage is Stage.CLOSED and now.confirmed_at is None:
            vitals.incidents_withdrawn[kind] = vitals.incidents_withdrawn.get(kind, 0) + 1

    def tell(
        self,
        events: Sequence[Event],
        changed: Collection[str] = (),
        checks: Mapping[str, Kept | None] = NOTHING,
        incidents: Mapping[str, Incident | None] = NO_INCIDENT,
        planned: Mapping[str, Work | None] = NO_WORK,
        acts: Sequence[Act] = (),
        implied: Implied | None = None,
    ) -> None:
        """Record events with what they imply, and stir the feeds.

        *changed*: subjects whose status changed; *checks*: what is now kept of them; *incidents*: what
        is now kept of those that changed or were closed; *planned*: what is now known of planned work;
        *acts*: what people did that brought it about, recorded with it or not at all; *implied*: what follows
        for alarms, from the events unless it is given.
        """
        world = self._world
        statuses = {subject: world.statuses.get(subject) for subject in changed}
        more = self.implied(events) if implied is None else implied
        all_events = (*events, *more.events)
        if all_events or statuses or checks or incidents or planned or acts or more.alarms or more.notices:
            record = Record(
                all_events, checks, statuses, incidents, planned, tuple(acts), more.alarms, more.notices
            )
            self._log.append(record)
            for feed in self._feeds:
                feed.push(changed, checks, incidents)

    def daemon(self, what: str, subject: str = "", acts: Sequence[Act] = (), /, **data: Json) -> None:
        """Tell something about ourselves, or about the daemon of another vantage; *acts*: by whom."""
        subject = subject or self._world.vantage
        self.tell([self.event("daemon", subject, {"what": what, **data})], acts=acts)


def _nothing(_events: Sequence[Event]) -> Implied:
    """Say that nothing follows."""
    return Implied()


def _counts(incident: Incident | None) -> bool:
    """Tell whether an incident is one in the statistics: it was confirmed, and is no planned work."""
    return incident is not None and incident.confirmed_at is not None and not incident.planned
