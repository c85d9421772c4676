"""From what all vantages see to incidents: when to think, whom to ask anew, and what is told of it.

A second miss in a row has everything looked at anew that shares a component with the silent check, so that
what is said rests on looks that are younger than the fault. The diagnosis itself is the core's; of a large
city it takes long, so it is made in a thread beside the event loop, from what does not change.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial

from monitor.core.agent import Presence
from monitor.core.diagnosis.consequences import impact, is_proven, is_watched, spoils
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
from monitor.engine.effort import Effort
from monitor.engine.explaining import Asked, Hidden, explained
from monitor.engine.mishaps import Mishaps
from monitor.engine.scheduler import Scheduler
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
THREADS = 2
"""One for the diagnosis that is made, one for that which has been put off and cannot be stopped."""
ASKED = 2
"""Misses in a row after which the neighbours are looked at anew."""


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
        self._hidden = Hidden()
        self._topology: Topology
        self._tellers: tuple[Storyteller, ...] = ()
        """Who tells of what is declared now, and who told of what was before."""
        self._watches: Mapping[str, Watch] = {}
        self._witnesses: Witnesses
        self._asking = Asking(world.vantage)
        self._timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="diagnosis")
        self._thought: asyncio.Task[None] | None = None
        """The diagnosis that is being made."""
        self._stirred = False
        """Something new was heard since that began."""
        self._recollect_until = 0.0
        self._rest_until = 0.0

    def adopt(
        self, watches: Mapping[str, Watch], topology: Topology, incidents: Mapping[str, Incident]
    ) -> None:
        """Think of what is now watched; *incidents* are those that an earlier run left."""
        self._put_off()
        now = time.time()
        self._watches = watches
        self._hidden = Hidden()
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
        self._put_off()
        self._rest_until = float("inf")
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _put_off(self) -> None:
        for under_way in (self._timer, self._thought):
            if under_way is not None:
                under_way.cancel()
        self._timer = self._thought = None

    def missed(self, watch: Watch) -> None:
        """Hear that a check is in doubt: after a second miss, look at what shares a component with it."""
        doubt = watch.belief.doubt
        if doubt is not None and doubt.looks == ASKED:
            self._asking.about(watch, self.scheduler)
        self.stir()

    def replan(self, worked_on: frozenset[str]) -> None:
        """Think at once of what is now being worked on, and of what no longer is."""
        self.worked_on = worked_on
        self._put_off()
        self._begin()

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
        self._stirred = True
        if self._thought is None:
            self._think_in(SOON)

    def _think_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = max(loop.time() + seconds, self._rest_until)
        if self._timer is None or self._timer.when() > at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(at, self._begin)

    def _begin(self) -> None:
        self._timer, self._stirred = None, False
        self._thought = asyncio.get_running_loop().create_task(self._think(), name="diagnosis")

    async def _think(self) -> None:
        """Bring the book up to date once, and see to it that this is done again if need be."""
        going_on, effort = True, Effort(self._threads)
        if time.monotonic() >= self._recollect_until or not self._is_blind():
            with self._mishaps.contained("diagnosis"):
                going_on = await self._conclude(effort, time.time())
        self._thought = None
        self._rest_until = time.monotonic() + SHARE * effort.taken
        if going_on or self._stirred:
            self._think_in(SOON if self._stirred else AGAIN)

    def _is_blind(self) -> bool:
        """Tell whether part of what incidents were founded on has not been seen or heard in this run yet."""
        if any(watch.reading.last_at == 0.0 for watch in self._watches.values()):
            return True
        return any(one.boot and one.presence is Presence.UNHEARD for one in self._world.agents.values())

    async def _conclude(self, effort: Effort, now: float) -> bool:
        """Explain what is held true, and tell what has changed; say whether anything is open or missed."""
        with effort:
            said = self._witnesses.testify(self._topology.observations, now)
        if not said.misses and not self._book.open:
            return False
        since, broken = self._since(said), _broken(self._book)
        asked = Asked(said, now, since, self.worked_on, broken, self._hidden)
        sightings, self._hidden = await effort.beside(explained, self._topology, self._world.inventory, asked)
        seen = Seen(
            sightings,
            {name for name, one in said.evidence.items() if one.llr < 0.0},
            said.misses.keys(),
            self._hidden.behind,
            self.worked_on,
            frozenset(self._proven(said)),
            partial(spoils, self._topology),
        )
        await self._foresee(effort, seen, now)
        with effort:
            self._book, changes = self._advanced(seen, now)
            self._tell(changes)
        self.concluded()
        return bool(said.misses or self._book.open)

    def _advanced(self, seen: Seen, now: float) -> tuple[Book, tuple[Change, ...]]:
        return advance(self._book, seen, now=now, stamp=self._stamp, hold=self._hold)

    async def _foresee(self, effort: Effort, seen: Seen, now: float) -> None:
        """Have worked out what follows from what is going to be held to be broken."""
        broken = _broken(self._advanced(seen, now)[0])
        if not self._tellers[0].foresees(broken):
            self._tellers[0].expect(broken, await effort.beside(impact, self._topology, broken))

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
        """Give what confirmed incidents are called after though a look has got past it since."""
        for one in self._book.open.values():
            begun = earliest(said.misses[name] for name in one.explains if name in said.misses)
            since = max(one.confirmed_at or 0.0, begun or 0.0)
            if one.confirmed_at and is_proven(self._topology, said.evidence, one.component, since):
                yield one.component

    def _tell(self, changes: Sequence[Change], events: Iterable[Event] = ()) -> None:
        """Bring the world up to date, and tell what has changed."""
        world, before = self._world, dict(self._world.stories)
        stories = self._tellers[0].stories(self._book.open.values(), _broken(self._book))
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


def _broken(book: Book) -> tuple[str, ...]:
    """Return what is held to be broken; what is recovering works."""
    return tuple(one.component for one in book.open.values() if one.stage is not Stage.RECOVERING)


def _nobody() -> None:
    """Let nobody know."""


def _no_change(_changes: Sequence[Change]) -> None:
    """Let nobody know."""


def _differs(before: Story | None, now: Story) -> bool:
    """Tell whether a story is worth telling anew before its time."""
    return before is None or _told(before) != _told(now)


def _told(story: Story) -> tuple[object, ...]:
    return story.sentence, story.touched, story.incident.endings
