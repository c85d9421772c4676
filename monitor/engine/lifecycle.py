"""Start, run, reload, stop: the engine as one thing with a beginning and an end."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from monitor.core.act import Act
from monitor.core.alarm import Escalation
from monitor.core.alarm.desk import Desk
from monitor.core.alarm.ladder import Reach
from monitor.core.checks import bearer_of, checks_of, mark_of
from monitor.core.detection import Belief, Manner, manner
from monitor.core.inventory import Inventory
from monitor.core.learning import Learned
from monitor.core.record import Kept, Remembered
from monitor.core.story_facts import incident_facts
from monitor.core.topology import topology_of
from monitor.core.vitals import Vitals
from monitor.core.world import Check, Json, World
from monitor.engine.alarms import Alarms
from monitor.engine.diagnosing import Diagnostician
from monitor.engine.feed import LogFeed
from monitor.engine.hearing import Ear
from monitor.engine.intake import Intake
from monitor.engine.looker import Looker
from monitor.engine.mailbox import Mailbox, Slot
from monitor.engine.mishaps import Mishaps
from monitor.engine.nudging import Nudger
from monitor.engine.pipeline import Pipeline
from monitor.engine.planning import Planner
from monitor.engine.scheduler import Scheduler
from monitor.engine.telling import Telling
from monitor.engine.tracing import Tracer, Tracing
from monitor.engine.watch import Watch
from monitor.engine.witnesses import Budget
from monitor.kit import crash
from monitor.kit.steady import steady
from monitor.kit.trace import trace
from monitor.ports import Log, ProbeKind

ALIVE_EVERY = 5.0
"""Seconds between two signs of life in the log, and between two looks at the wall clock."""
LESSONS = 500
"""Checks of which then is recorded what they have learned; thousands that began together learn together."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the engine judges and how much it does at once."""

    false_alarms_per_year: float
    suspicions_per_year: float
    concurrency: int
    hold: float
    """Seconds for which all must be well before an incident is closed."""
    degradations_per_year: float = 0.1
    trace_every: float = 0.0
    """Seconds between two traces of a circuit that is well; 0: paths are not traced."""
    trace_beat: float = 2.0
    """Seconds between two traces of what is well, at least: a router says little to one host."""


class Engine:
    """Watches an inventory from one vantage; made inside the running event loop."""

    def __init__(
        self,
        inventory: Inventory,
        vantage: str,
        kinds: Mapping[str, ProbeKind],
        tuning: Tuning,
        *,
        boot: str,
        zone: tzinfo,
        log: Log,
        vitals: Vitals,
        tracer: Tracer = trace,
        desk: Desk | None = None,
    ) -> None:
        self.vitals = vitals
        self._tuning = tuning
        self._log = log
        desk = Desk(Reach({}, {}, lambda _: ()), Escalation(), zone) if desk is None else desk
        world = World(inventory, vantage, boot, alarms=desk.alarms, notices=desk.notices)
        self._telling = Telling(world, vitals, log)
        self.ear = Ear(world, self._telling)
        """Who takes in what other vantages say."""
        self.mishaps = mishaps = Mishaps(vitals, self._telling)
        """Who keeps a bug of ours to what it broke."""
        self.alarms = Alarms(desk, self._telling, mishaps, steady())
        """Who opens alarms and goes through their plans."""
        self._pipeline = Pipeline(world, vitals, self._telling, mishaps, zone)
        budget = Budget(tuning.suspicions_per_year, tuning.false_alarms_per_year)
        self._diagnostician = Diagnostician(world, self._telling, mishaps, budget, tuning.hold, zone)
        self.planner = Planner(world, self._telling, self._pipeline.assessor, zone)
        """Who keeps the planned work."""
        self.planner.replanned = self._diagnostician.replan
        self._diagnostician.concluded = self.planner.follow
        self._pipeline.stirred = self._diagnostician.missed
        self.ear.stirred = self._diagnostician.stir
        self.tracing = Tracing(world, mishaps, tracer, tuning.trace_every, tuning.trace_beat)
        self.tracing.ended = partial(self._diagnostician.traced, ours=True)
        self._diagnostician.changed = self.tracing.changed
        self.ear.ended = partial(self._diagnostician.traced, ours=False)
        self._looker = Looker(kinds, self._pipeline, vitals, mishaps, concurrency=tuning.concurrency)
        self._scheduler = Scheduler(self._looker.launch, self.vitals, time.time())
        self._pipeline.scheduler = self._pipeline.assessor.scheduler = self._scheduler
        self._looker.scheduler = self._scheduler
        self.nudger = Nudger(vitals)
        """Who has looked at once at what speaks up unasked."""
        self.nudger.scheduler = self._scheduler
        self._mailbox = Mailbox(time.monotonic, lambda: self.vitals.lag_sum)
        self.intake = Intake(self._mailbox, self._pipeline, self._telling, zone)
        """Who takes in what is reported to us."""
        self._diagnostician.scheduler = self._scheduler

    @property
    def world(self) -> World:
        """The latest world."""
        return self._pipeline.world

    def feed(self, name: str | None) -> LogFeed:
        """Return a feed for one output, which reads the log on from where *name* left off.

        To be asked for before the log is opened, so that it hears everything of this run.
        """
        return self._telling.feed(name)

    def tell(self, what: str, **data: Json) -> None:
        """Tell something about ourselves."""
        self._telling.daemon(what, **data)

    def start(self) -> None:
        """Take up what an earlier run left, and begin to look."""
        remembered = self._log.remembered()
        self.vitals.started_at = time.time()
        self.world.statuses.update(remembered.statuses)
        self.alarms.adopt(remembered)
        self._watch(self.world.inventory, remembered)
        self.alarms.catch_up(map(incident_facts, self.world.stories.values()))
        self._scheduler.start()
        self.tracing.start()
        self.vitals.ready = True
        self.vitals.reload_at = self.vitals.started_at
        gap = self.vitals.started_at - remembered.seen_at if remembered.seen_at else None
        self.tell("started", unwatched_seconds=gap and round(gap, 3))
        self._log.alive(self.vitals.started_at)

    async def run(self) -> None:
        """Note that we are alive, keep what was learned and an eye on the clock, until cancelled."""
        while True:
            await asyncio.sleep(ALIVE_EVERY)
            self._pipeline.follow_clock()
            self._note(LESSONS)

    def reload(self, inventory: Inventory, acts: Sequence[Act] = ()) -> None:
        """Watch *inventory* from now on; a check that did not change keeps phase, belief and readings.

        *acts*: who had it done.
        """
        self._watch(inventory, Remembered())
        crash.point("in_reload")
        self.vitals.reloads += 1
        self.vitals.reload_ok, self.vitals.reload_trouble = True, ""
        self.vitals.reload_at = time.time()
        self._telling.daemon("reloaded", "", acts, checks=len(self.world.checks))

    def refuse_reload(self, trouble: str, acts: Sequence[Act] = ()) -> None:
        """Keep the world as it is, and say why."""
        self.vitals.reload_failed += 1
        self.vitals.reload_ok, self.vitals.reload_trouble = False, trouble
        self.vitals.reload_at = time.time()
        self._telling.daemon("reload_refused", "", acts, trouble=trouble)

    async def stop(self) -> None:
        """Stop looking; report nothing of what was under way."""
        self._scheduler.stop()
        self.planner.close()
        self._diagnostician.close()
        await self.tracing.aclose()
        await self._looker.aclose()
        self._pipeline.settle()
        if self.vitals.ready:  # what never started knows nothing, and must not write that over what is known
            self.tell("stopped")
            self._note()

    def _note(self, lessons: int | None = None) -> None:
        self._telling.tell([], set(), self._pipeline.relearned(lessons))
        self._log.alive(time.time())

    def _watch(self, inventory: Inventory, remembered: Remembered) -> None:
        vantage = inventory.vantages[self.world.vantage]
        old = self._pipeline.watches
        watches = {}
        for name, check in checks_of(inventory, vantage).items():
            watch, how = old.get(name), self._manner(check, inventory)
            if watch is None or watch.check != check:
                slot = watch.slot if watch is not None else None
                watch = _new_watch(check, how, remembered)
                if check.look.told is not None:
                    watch.slot = slot or self._slot(name, remembered)
            watch.adopt(how)
            watches[name] = watch
        for name, watch in old.items():
            if watches.get(name) is not watch:
                self._scheduler.take_off(watch)
        self.world.inventory = inventory
        slots = ((name, watch.slot) for name, watch in watches.items())
        self.world.reports = {name: slot.report for name, slot in slots if slot and slot.report}
        self.ear.forget()
        topology = topology_of(inventory, self.world.vantage)
        incidents = {**remembered.incidents, **self.world.incidents}
        self.planner.adopt(topology, remembered.planned, incidents.values())
        self._diagnostician.worked_on = self.planner.worked_on
        self._pipeline.adopt(watches)
        self.nudger.adopt(watches)
        self.tracing.adopt()
        self._diagnostician.adopt(self._pipeline.watches, topology, remembered.incidents)
        for name, watch in watches.items():
            if old.get(name) is not watch:
                self._looker.equip(watch)
                self._scheduler.put_first(watch)
        self.planner.turn()

    def _slot(self, check: str, remembered: Remembered) -> Slot:
        kept = remembered.checks.get(check)
        report = kept.report if kept is not None else None
        return self._mailbox.slot(report, now=time.time(), seen_at=remembered.seen_at)

    def _manner(self, check: Check, inventory: Inventory) -> Manner:
        return manner(
            check.look.period,
            bearer_of(check, inventory),
            suspicions_per_year=self._tuning.suspicions_per_year,
            false_alarms_per_year=self._tuning.false_alarms_per_year,
            degradations_per_year=self._tuning.degradations_per_year,
            told=check.look.told is not None,
        )


def _new_watch(check: Check, how: Manner, remembered: Remembered) -> Watch:
    """Begin to watch a check, with what was believed of it if it looks at the same thing as before."""
    mark = mark_of(check)
    kept = remembered.checks.get(check.id)
    if kept is None or kept.mark != mark:
        kept = Kept(mark, Belief(since=time.time()), Learned())
    return Watch(check, how, mark=mark, belief=kept.belief, learned=kept.learned)
