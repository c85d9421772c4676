"""Start, run, reload, stop: the engine as one thing with a beginning and an end."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from monitor.core.checks import checks_of
from monitor.core.detection import Belief, Learned, Manner, manner
from monitor.core.health import Status
from monitor.core.inventory import Bearer, Inventory
from monitor.core.vitals import Vitals
from monitor.core.world import Check, World
from monitor.engine.feed import QueueFeed
from monitor.engine.looker import Looker
from monitor.engine.pipeline import Pipeline
from monitor.engine.scheduler import Scheduler
from monitor.engine.state import Remembered, encode, load, save
from monitor.engine.watch import Watch
from monitor.ports import ProbeKind

SAVE_EVERY = 5.0
"""Seconds between two savings of the state, and between two looks at the wall clock."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the engine judges and how much it does at once."""

    false_alarms_per_year: float
    suspicions_per_year: float
    concurrency: int


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
        state_file: Path | None,
    ) -> None:
        self.vitals = Vitals(started_at=time.time())
        self._tuning = tuning
        self._state_file = state_file
        self._disk = ThreadPoolExecutor(1, "state")
        world = World(inventory, vantage, boot)
        self._pipeline = Pipeline(world, self.vitals, zone)
        self._looker = Looker(kinds, self._pipeline, self.vitals, concurrency=tuning.concurrency)
        self._scheduler = Scheduler(self._looker.launch, self.vitals, time.time())
        self._pipeline.scheduler = self._looker.scheduler = self._scheduler

    @property
    def world(self) -> World:
        """The latest world."""
        return self._pipeline.world

    def feed(self) -> QueueFeed:
        """Return a feed for one output; to be asked for before the start, so that it hears everything."""
        return self._pipeline.feed()

    def start(self) -> None:
        """Take up what an earlier run left, and begin to look."""
        remembered = Remembered() if self._state_file is None else load(self._state_file)
        self.world.statuses.update(remembered.statuses)
        self._watch(self.world.inventory, remembered)
        self._scheduler.start()
        self.vitals.ready = True
        self.vitals.reload_at = self.vitals.started_at
        gap = self.vitals.started_at - remembered.saved_at if remembered.saved_at else None
        self._pipeline.tell_daemon(
            "started", unwatched_seconds=gap and round(gap, 3), trouble=remembered.trouble
        )

    async def run(self) -> None:
        """Keep the state on disk and an eye on the clock until cancelled."""
        while True:
            await asyncio.sleep(SAVE_EVERY)
            self._pipeline.follow_clock()
            await self._save()

    def reload(self, inventory: Inventory) -> None:
        """Watch *inventory* from now on; a check that did not change keeps phase, belief and readings."""
        self._watch(inventory, Remembered())
        self.vitals.reloads += 1
        self.vitals.reload_ok, self.vitals.reload_trouble = True, ""
        self.vitals.reload_at = time.time()
        self._pipeline.tell_daemon("reloaded", checks=len(self.world.checks))

    def refuse_reload(self, trouble: str) -> None:
        """Keep the world as it is, and say why."""
        self.vitals.reload_failed += 1
        self.vitals.reload_ok, self.vitals.reload_trouble = False, trouble
        self.vitals.reload_at = time.time()
        self._pipeline.tell_daemon("reload_refused", trouble=trouble)

    async def stop(self) -> None:
        """Stop looking, report nothing of what was under way, save the state."""
        self._scheduler.stop()
        await self._looker.aclose()
        if self.vitals.ready:  # what never started knows nothing, and must not write that over what is known
            self._pipeline.tell_daemon("stopped")
            await self._save()
        self._disk.shutdown()

    def _watch(self, inventory: Inventory, remembered: Remembered) -> None:
        vantage = inventory.vantages[self.world.vantage]
        old = self._pipeline.watches
        watches = {}
        for name, check in checks_of(inventory, vantage).items():
            watch, how = old.get(name), self._manner(check, inventory)
            if watch is None or watch.check != check:
                watch = _new_watch(check, how, remembered)
            watch.how = how
            watches[name] = watch
        for name, watch in old.items():
            if watches.get(name) is not watch:
                self._scheduler.take_off(watch)
        self.world.inventory = inventory
        self._pipeline.adopt(watches)
        for name, watch in watches.items():
            if old.get(name) is not watch:
                self._looker.equip(watch)
                self._scheduler.put_first(watch)

    def _manner(self, check: Check, inventory: Inventory) -> Manner:
        return manner(
            check.look.period,
            _bearer(check, inventory),
            suspicions_per_year=self._tuning.suspicions_per_year,
            false_alarms_per_year=self._tuning.false_alarms_per_year,
        )

    async def _save(self) -> None:
        if self._state_file is None:
            return
        loop = asyncio.get_running_loop()
        watches, statuses = dict(self._pipeline.watches), dict(self.world.statuses)
        try:
            await loop.run_in_executor(self._disk, _save, self._state_file, watches, statuses)
        except OSError as error:
            self._note_disk(f"{self._state_file}: not saved: {error}")
        else:
            self._note_disk("")

    def _note_disk(self, trouble: str) -> None:
        """Tell once when the state can no longer be saved, and once when it can again."""
        if trouble != self.vitals.state_trouble:
            self.vitals.state_trouble = trouble
            self._pipeline.tell_daemon("state_not_saved" if trouble else "state_saved", trouble=trouble)


def _save(path: Path, watches: Mapping[str, Watch], statuses: Mapping[str, Status]) -> None:
    """Write down what outlasts a restart; in a thread, for it takes a while and waits for the disk."""
    state = Remembered(
        saved_at=time.time(),
        beliefs={name: watch.belief for name, watch in watches.items()},
        learned={name: watch.learned for name, watch in watches.items()},
        looks={name: watch.mark for name, watch in watches.items()},
        statuses=statuses,
    )
    save(path, encode(state))


def _new_watch(check: Check, how: Manner, remembered: Remembered) -> Watch:
    """Begin to watch a check, with what was believed of it if it looks at the same thing as before."""
    mark = _mark(check)
    known = remembered.looks.get(check.id) == mark
    return Watch(
        check,
        how,
        mark=mark,
        belief=remembered.beliefs[check.id] if known else Belief(since=time.time()),
        learned=remembered.learned[check.id] if known else Learned(),
    )


def _bearer(check: Check, inventory: Inventory) -> Bearer | None:
    """Return what a look at a circuit or network runs on; None for a service."""
    if check.subject.startswith("network/"):
        return Bearer.FIBRE
    circuit = inventory.circuits.get(check.subject)
    return circuit.bearer if circuit else None


def _mark(check: Check) -> str:
    """Return what tells one look from another, without what is secret in its options."""
    return hashlib.sha256(repr(check.look).encode()).hexdigest()[:16]
