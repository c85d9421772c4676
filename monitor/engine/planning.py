"""Planned work as time goes by: what begins and ends, what may fail meanwhile, and who is told.

While a window is open probing goes on. Checks that may fail because of the work are excused, unless the
diagnosis names another cause for what they see.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from math import inf

from monitor.core.act import Act
from monitor.core.coverage import blamed, components, excused, known_paths
from monitor.core.incident import Incident
from monitor.core.planned import Once, Span, Window, Work, is_over, next_turn, span_after, span_at, under_way
from monitor.core.planned_news import (
    NOBODY,
    By,
    Turn,
    What,
    ended,
    left_over,
    planned_act,
    planned_news,
    planned_subject,
    work_facts,
)
from monitor.core.topology import Topology
from monitor.core.world import Event, Json, World
from monitor.engine.assessing import Assessor
from monitor.engine.telling import Telling

LOOK_EVERY = 1.0
"""Seconds between two looks at the wall clock, which may be set at any time."""
SET_BACK = 60.0
"""Seconds by which the clock must have been set back for what has begun to be taken back."""
MOST = 200
"""Windows that may be entered while the daemon runs, and not be over."""


class RefusedError(Exception):
    """An order cannot be carried out; the message says why."""


class Planner:
    """Keeps the planned work of the world; a part of the engine, in its event loop."""

    def __init__(
        self,
        world: World,
        telling: Telling,
        assessor: Assessor,
        zone: tzinfo,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Read times without a zone in *zone*, and tell them so."""
        self.worked_on: frozenset[str] = frozenset()
        """Components that are being worked on."""
        self.replanned: Callable[[frozenset[str]], None] = _nobody
        """Hears which components are being worked on, whenever that changes."""
        self.zone = zone
        self._world = world
        self._telling = telling
        self._assessor = assessor
        self._wall = wall
        self._topology: Topology
        self._concerned: frozenset[str] = frozenset()
        """Checks that may fail because of the work, whatever else may be the cause."""
        self._gone: list[Work] = []
        """Work that was under way when its window was taken out of the inventory."""
        self._turn_at = inf
        self._seen_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        """The wall time by which windows open and close, Unix seconds."""
        return self._wall()

    def adopt(
        self, topology: Topology, remembered: Mapping[str, Work], incidents: Iterable[Incident]
    ) -> None:
        """Plan for what is now declared, before anything is said of it; `turn` tells what that changes.

        *remembered* is what an earlier run left, *incidents* what is known to be broken.
        """
        world, self._topology = self._world, topology
        held, declared = {**remembered, **world.planned}, world.inventory.planned
        kept = {name: work for name, work in held.items() if not work.window.declared}
        planned = {name: _follow(held.get(name), window) for name, window in declared.items()}
        world.planned = {**planned, **kept}
        gone = (work for name, work in held.items() if name not in world.planned)
        self._gone += [work for work in gone if work.begun is not None]
        self._plan(self._wall())
        self._assessor.excused = self._concerned - blamed(topology, incidents)

    def turn(self, by: Mapping[str, By] | None = None, acts: Sequence[Act] = ()) -> None:
        """Begin and end what is due, and tell it with all that it changes; *by*, *acts*: who had it ended."""
        now, world, assessor = self._wall(), self._world, self._assessor
        before = dict(world.planned)
        over = [*self._over(now)]
        begun = [*self._begin(now)]
        worked_on = self.worked_on
        self._plan(now)
        changes = assessor.excuse(self._concerned - blamed(self._topology, world.incidents.values()))
        turns = [*self._ends(over, now, by or {}), *begun]
        events = [*map(self._event, turns), *assessor.events(changes)]
        differ = [name for name in {**before, **world.planned} if before.get(name) != world.planned.get(name)]
        differ += [work.window.id for work in over]
        states = {name: self._state(name, now) for name in differ}
        subjects = {change.now.subject for change in changes}
        self._telling.tell(events, subjects, assessor.reset, planned=states, acts=acts)
        if self.worked_on != worked_on:
            self.replanned(self.worked_on)
        self._wait()

    def follow(self) -> None:
        """Excuse no longer what fails for another cause, as the diagnosis sees it now, and the reverse."""
        if not self._concerned:
            return
        assessor = self._assessor
        concerned = self._concerned - blamed(self._topology, self._world.incidents.values())
        if concerned != assessor.excused:
            changes = assessor.excuse(concerned)
            subjects = {change.now.subject for change in changes}
            self._telling.tell(assessor.events(changes), subjects, assessor.reset)

    def close(self) -> None:
        """Look at the clock no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Orders.

    def add(self, window: Window, by: By = NOBODY) -> Turn:
        """Enter a window that is not declared. Raises RefusedError."""
        now, planned = self._wall(), self._world.planned
        span = self._upcoming(window, now)
        if window.id in planned:
            raise RefusedError(f"there is planned work with the id {window.id} already")
        if sum(not work.window.declared for work in planned.values()) >= MOST:
            raise RefusedError(f"{MOST} windows are entered already; end some of them")
        planned[window.id] = Work(window)
        turn = Turn(What.ADDED, window, span, now, by=by)
        self._tell(turn, planned_act("add", window, span, now, by))
        self.turn()
        return turn

    def end(self, name: str, by: By) -> Turn:
        """End what is under way before its time, or call off what has not begun. Raises RefusedError."""
        now, planned = self._wall(), self._world.planned
        work = planned.get(name)
        if work is None:
            raise RefusedError(f"there is no planned work with the id {name}")
        span = under_way(work, now, self.zone)
        if span is not None:
            planned[name] = replace(work, released=span.end)
            self.turn({name: by}, [planned_act("end", work.window, span, now, by)])
            return ended(work.window, span, now, self._left(work.window), by)
        if work.window.declared:
            raise RefusedError(f"{name} is not under way; it is declared in the inventory, change it there")
        span = self._upcoming(work.window, now)
        del planned[name]
        turn = Turn(What.WITHDRAWN, work.window, span, now, by=by)
        self._tell(turn, planned_act("withdraw", work.window, span, now, by))
        self._wait()
        return turn

    def free_name(self, at: float) -> str:
        """Return an id for a window that begins at wall time *at*."""
        name = datetime.fromtimestamp(at, self.zone).strftime("%Y%m%d-%H%M")
        names = (name, *(f"{name}-{number}" for number in range(2, len(self._world.planned) + 3)))
        return next(one for one in names if one not in self._world.planned)

    def _upcoming(self, window: Window, now: float) -> Span:
        known = set(known_paths(self._world.inventory))
        for path in window.scope:
            if path not in known:
                raise RefusedError(f"{path} is nothing that is declared in the inventory")
        span = span_at(window.when, now, self.zone) or span_after(window.when, now, self.zone)
        if span is None:
            raise RefusedError("it would be over already")
        return span

    def _tell(self, turn: Turn, act: Act) -> None:
        name = turn.window.id
        self._telling.tell([self._event(turn)], planned={name: self._state(name, turn.at)}, acts=[act])

    # Time.

    def _plan(self, now: float) -> None:
        """Find out which components are being worked on, and which checks may fail because of it."""
        works = self._world.planned.values()
        open_ = [path for work in works if under_way(work, now, self.zone) for path in work.window.scope]
        known = self._topology.components
        self.worked_on = components(open_, self._world.inventory, known) if open_ else frozenset()
        self._concerned = excused(self._topology, self.worked_on)

    def _over(self, now: float) -> Iterator[Work]:
        """Take note of what has ended, and forget what will not be open again; give it as it was."""
        gone, self._gone = self._gone, []
        yield from gone
        planned = self._world.planned
        for name, work in list(planned.items()):
            span = under_way(work, now, self.zone)
            ends = work.begun is not None and (span is None or span.begin >= work.begun.end)
            if ends:
                planned[name] = replace(work, begun=None)
            forgotten = not work.window.declared and is_over(work, now, self.zone)
            if forgotten:
                del planned[name]
            if ends or forgotten:
                yield work

    def _begin(self, now: float) -> Iterator[Turn]:
        """Take note of what has begun."""
        planned = self._world.planned
        for name, work in list(planned.items()):
            span = under_way(work, now, self.zone)
            if span is None:
                continue
            planned[name] = replace(work, begun=span)
            if work.begun is None:
                yield Turn(What.BEGUN, work.window, span, now)

    def _ends(self, over: Iterable[Work], now: float, by: Mapping[str, By]) -> Iterator[Turn]:
        """Say how what is over has ended, now that all is assessed without it."""
        for work in over:
            window, span = work.window, work.begun
            if span is not None:
                who = by.get(window.id, NOBODY)
                yield ended(window, span, now, self._left(window), who)
            elif isinstance(window.when, Once):
                missed = span_after(window.when, 0.0, self.zone)
                if missed is not None:
                    yield Turn(What.MISSED, window, missed, now)

    def _left(self, window: Window) -> tuple[str, ...]:
        return left_over(window, self._world.inventory, self._world.statuses)

    def news(self, turn: Turn) -> Mapping[str, Json]:
        """Return what is told of a turn."""
        return planned_news(turn, self._world.inventory, self.zone)

    def facts(self) -> list[Json]:
        """Return what is known of all planned work, what is under way first, then what comes next."""
        now, inventory = self._wall(), self._world.inventory
        known = [work_facts(work, inventory, now, self.zone) for work in self._world.planned.values()]
        order = ("under_way", "waiting", "over")
        return [*sorted(known, key=lambda one: (order.index(str(one["state"])), str(one["from"])))]

    def _event(self, turn: Turn) -> Event:
        return self._telling.event("planned", planned_subject(turn.window.id), self.news(turn))

    def _state(self, name: str, now: float) -> Work | None:
        """Return what is to be remembered of planned work; None: nothing, or what the inventory says."""
        work = self._world.planned.get(name)
        if work is None or not work.window.declared:
            return work
        return work if work.begun is not None or work.released > now else None

    def _wait(self) -> None:
        """Find out when something begins or ends next, and look at the clock until then."""
        self.close()
        self._seen_at = now = self._wall()
        turn_at = next_turn(self._world.planned.values(), now, self.zone)
        self._turn_at = inf if turn_at is None else turn_at
        if self._world.planned:  # what seems to be over may only seem so: the clock may be years ahead
            self._look_in(self._turn_at - now)

    def _look_in(self, seconds: float) -> None:
        delay = min(LOOK_EVERY, seconds)
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        now = self._wall()
        if self._turn_at > now > self._seen_at - SET_BACK:
            self._seen_at = now
            self._look_in(self._turn_at - now)
        else:
            self.turn()


def _follow(held: Work | None, window: Window) -> Work:
    """Return the work of a declared window, with what is known of it if it is held already."""
    return Work(window) if held is None else replace(held, window=window)


def _nobody(_: frozenset[str]) -> None:
    """Let nobody know."""
