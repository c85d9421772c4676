"""From what all vantages see to incidents: when to think, whom to ask anew, and what is told of it.

A second miss in a row has everything looked at anew that shares a component with the silent check, so that
what is said rests on looks that are younger than the fault. The diagnosis itself is the core's.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial

from monitor.core.agent import Presence
from monitor.core.diagnosis import Diagnosis, Tuning, diagnose
from monitor.core.diagnosis.consequences import is_proven, is_watched, masked, spoils
from monitor.core.ending import Ending
from monitor.core.incident import Book, Change, Incident, Seen, Stage, advance, let_go, recalled
from monitor.core.inventory import Name
from monitor.core.joint import began
from monitor.core.story import Story
from monitor.core.story_facts import incident_news
from monitor.core.storytelling import Storyteller
from monitor.core.topology import Topology
from monitor.core.trace import concerns, joined, trace_news
from monitor.core.world import Event, World
from monitor.engine.asking import Asking
from monitor.engine.mishaps import Mishaps
from monitor.engine.scheduler import Scheduler
from monitor.engine.sightings import sightings_of
from monitor.engine.telling import Telling
from monitor.engine.watch import Watch
from monitor.engine.witnesses import Budget, Testimony, Witnesses, earliest

SOON = 0.02
"""Seconds between the first sign and the diagnosis, so that what comes together is weighed together."""
AGAIN = 0.5
"""Seconds between two diagnoses while something is open though nothing new is heard."""
RECOLLECTION = 12.0
"""Seconds after a start for which incidents of an earlier run wait, at most, until all was looked at once."""
SHARE = 10
"""A diagnosis is followed by a rest of so many times what it took of our processor."""
ASKED = 2
"""Misses in a row after which the neighbours are looked at anew."""
TUNING = Tuning(stale=0.01)
"""A city has hundreds of looks that are older than a fault; together they must not acquit what is broken."""


class Diagnostician:
    """Holds the book of incidents; a part of the engine, in its event loop."""

    def __init__(
        self,
        world: World,
        telling: Telling,
        mishaps: Mishaps,
        budget: Budget,
        hold: float,
        zone: tzinfo,
    ) -> None:
        """Close an incident when all has been well for *hold* seconds, longer after each relapse."""
        self.scheduler: Scheduler
        self.worked_on: frozenset[str] = frozenset()
        """Components that are being worked on."""
        self.concluded: Callable[[], None] = _nobody
        """Hears whenever the world's incidents are those of a new diagnosis."""
        self.changed: Callable[[Sequence[Change]], None] = _no_change
        """Hears what has changed in the incidents, once it is told."""
        self._world = world
        self._telling = telling
        self._mishaps = mishaps
        self._budget = budget
        self._hold = hold
        self._zone = zone
        self._book = Book()
        self._kept: Mapping[str, Incident] = {}
        """What is on record of the book."""
        self._hidden: tuple[frozenset[str], Mapping[str, str]] = (frozenset(), {})
        """What is held to be broken, and what that hides."""
        self._topology: Topology
        self._tellers: tuple[Storyteller, ...] = ()
        """Who tells of what is declared now, and who told of what was before."""
        self._watches: Mapping[str, Watch] = {}
        self._witnesses: Witnesses
        self._asking = Asking(world.vantage)
        self._timer: asyncio.TimerHandle | None = None
        self._recollect_until = 0.0
        self._rest_until = 0.0

    def adopt(
        self, watches: Mapping[str, Watch], topology: Topology, incidents: Mapping[str, Incident]
    ) -> None:
        """Think of what is now watched; *incidents* are those that an earlier run left."""
        now = time.time()
        self._watches = watches
        self._hidden = (frozenset(), {})
        self._topology = topology
        self._tellers = (Storyteller(topology, self._world.inventory, self._zone), *self._tellers[:1])
        self._witnesses = Witnesses(self._world, watches, self._budget)
        self._asking.adopt(topology, watches)
        if incidents:
            self._book = recalled([*incidents.values(), *self._book.kept().values()], now=now)
            self._kept = dict(incidents)
            self._recollect_until = time.monotonic() + RECOLLECTION
        self._book, gone = let_go(self._book, is_watched=self._is_watched, now=now)
        self._tell(gone)
        self.stir()

    def _is_watched(self, incident: Incident) -> bool:
        return is_watched(self._topology, incident.component, incident.explains)

    def close(self) -> None:
        """Think no more."""
        if self._timer is not None:
            self._timer.cancel()

    def missed(self, watch: Watch) -> None:
        """Hear that a check is in doubt: after a second miss, look at what shares a component with it."""
        doubt = watch.belief.doubt
        if doubt is not None and doubt.looks == ASKED:
            self._asking.about(watch, self.scheduler)
        self.stir()

    def replan(self, worked_on: frozenset[str]) -> None:
        """Think at once of what is now being worked on, and of what no longer is."""
        self.worked_on = worked_on
        self.close()
        self._think()

    def traced(self, ending: Ending, *, ours: bool) -> None:
        """Take in where the way over a circuit ends; *ours*: our own trace, to be told as an event."""
        stories = self._world.stories
        joining = {
            name: joined(one, ending)
            for name, one in self._book.open.items()
            if name in stories and concerns(ending, one, stories[name].touched)
        }
        self._book = replace(self._book, open={**self._book.open, **joining})
        self._tell((), [self._trace_event(ending, sorted(joining))] if ours else [])

    def _trace_event(self, ending: Ending, incidents: Sequence[str]) -> Event:
        component = self._topology.components.get(ending.circuit)
        circuit = component.name if component else Name(ending.circuit, ending.circuit)
        vantage = self._world.inventory.vantages[self._world.vantage].name
        news = trace_news(ending, circuit, vantage, incidents)
        return self._telling.event("trace", ending.circuit, news)

    def stir(self) -> None:
        """Hear that something has changed that may matter."""
        self._think_in(SOON)

    def _think_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = max(loop.time() + seconds, self._rest_until)
        if self._timer is None or self._timer.when() > at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(at, self._think)

    def _think(self) -> None:
        self._timer = None
        began = time.thread_time()
        if time.monotonic() < self._recollect_until and self._is_blind():
            self._think_in(AGAIN)
            return
        now = time.time()
        going_on = True
        with self._mishaps.contained("diagnosis"):
            said = self._witnesses.testify(self._topology.observations, now)
            if said.misses or self._book.open:
                self._conclude(said, now)
            going_on = bool(self._book.open or said.misses)
        self._rest_until = time.monotonic() + SHARE * (time.thread_time() - began)
        if going_on:
            self._think_in(AGAIN)

    def _is_blind(self) -> bool:
        """Tell whether part of what incidents were founded on has not been seen or heard in this run yet."""
        if any(watch.reading.last_at == 0.0 for watch in self._watches.values()):
            return True
        return any(one.boot and one.presence is Presence.UNHEARD for one in self._world.agents.values())

    def _conclude(self, said: Testimony, now: float) -> None:
        """Bring the book up to date with what is held true, and tell what has changed."""
        topology = self._topology
        since = self._since(said)
        found = diagnose(topology, said.evidence, since=since, planned=self.worked_on, tuning=TUNING)
        good = {name for name, seen in said.evidence.items() if seen.llr < 0.0}
        sightings = tuple(sightings_of(found, said, topology, self._world.inventory, now=now, since=since))
        seen = Seen(
            sightings,
            good,
            said.misses.keys(),
            self._masked(found),
            self.worked_on,
            frozenset(self._proven(said)),
            partial(spoils, topology),
        )
        self._book, changes = advance(self._book, seen, now=now, stamp=self._stamp, hold=self._hold)
        self._tell(changes)
        self.concluded()

    def _since(self, said: Testimony) -> float | None:
        """Return from when on a good look acquits: the first miss of what is new, or of what was told last.

        A look at a device may be ten seconds old: it says nothing about what broke since. A relapse is new.
        """
        known = [one for one in self._book.open.values() if one.stage is Stage.CONFIRMED]
        told = {name for one in known for name in one.explains}
        first = began([miss for name, miss in said.misses.items() if name not in told])
        bouts = (earliest(said.misses[n] for n in one.explains if n in said.misses) for one in known)
        begun = [at for at in (first, *bouts) if at is not None]
        return max(begun, default=None)

    def _proven(self, said: Testimony) -> Iterator[str]:
        """Give what confirmed incidents are called after though a look has got past it since.

        It may have been under way when that was told; one that was weighed then, and too light, is no proof.
        """
        looks = {**said.evidence, **said.answering} if said.answering else said.evidence
        for one in self._book.open.values():
            if one.confirmed_at is None:
                continue
            begun = earliest(said.misses[name] for name in one.explains if name in said.misses)
            since = one.confirmed_at if begun is None else begun
            outweighed = dict.fromkeys(one.against, max(one.confirmed_at, since))
            if is_proven(self._topology, looks, one.component, since, later=outweighed):
                yield one.component

    def _masked(self, found: Diagnosis) -> Mapping[str, str]:
        """Return what no look can reach; worked out anew only when something else is held to be broken."""
        broken = frozenset((*found.components, *self._broken()))
        if self._hidden[0] != broken:
            self._hidden = (broken, masked(self._topology, sorted(broken)))
        return self._hidden[1]

    def _broken(self) -> tuple[str, ...]:
        """Return what is held to be broken; what is recovering works."""
        open_ = self._book.open.values()
        return tuple(one.component for one in open_ if one.stage is not Stage.RECOVERING)

    def _tell(self, changes: Sequence[Change], events: Iterable[Event] = ()) -> None:
        """Bring the world up to date, and tell what has changed."""
        world, before = self._world, dict(self._world.stories)
        stories = self._tellers[0].stories(self._book.open.values(), self._broken())
        world.incidents.clear()
        world.incidents.update(self._book.open)
        world.stories.clear()
        world.stories.update(stories)
        told = [*events]
        for change in changes:
            story = stories.get(change.now.id) or self._teller(change.now).story(change.now)
            self._telling.count(change, story.kind)
            told.append(self._telling.event("incident", change.now.component, incident_news(change, story)))
        retold = [name for name, story in stories.items() if _differs(before.get(name), story)]
        kept = self._book.kept()
        changed = [*(change.now.id for change in changes), *retold, *(self._kept.keys() - kept.keys())]
        self._kept = kept
        if changed or told:
            self._telling.tell(told, incidents={name: kept.get(name) for name in changed})
        self.changed(changes)

    def _teller(self, incident: Incident) -> Storyteller:
        """Return who can tell of an incident: of what is no longer declared, who told of it before."""
        knowing = (teller for teller in self._tellers if teller.knows(incident.component))
        return next(knowing, self._tellers[0])

    def _stamp(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone).strftime("%Y%m%d-%H%M%S")


def _nobody() -> None:
    """Let nobody know."""


def _no_change(_changes: Sequence[Change]) -> None:
    """Let nobody know."""


def _differs(before: Story | None, now: Story) -> bool:
    """Tell whether a story is worth telling anew before its time."""
    return before is None or _told(before) != _told(now)


def _told(story: Story) -> tuple[object, ...]:
    return story.sentence, story.touched, story.incident.endings
