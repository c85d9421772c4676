"""Makes the looks that are due: by the thousand through batch engines, the others through the runner."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from monitor.core.observation import Finding
from monitor.core.report import Standing
from monitor.core.vitals import Vitals
from monitor.engine.mailbox import Slot
from monitor.engine.mishaps import Mishaps
from monitor.engine.pipeline import Pipeline
from monitor.engine.runner import Runner, look_with
from monitor.engine.scheduler import Scheduler
from monitor.engine.watch import Watch
from monitor.ports import BatchEngine, ProbeKind


class Looker:
    """Sends what the scheduler says is due; one look per check at a time."""

    def __init__(
        self,
        kinds: Mapping[str, ProbeKind],
        pipeline: Pipeline,
        vitals: Vitals,
        mishaps: Mishaps,
        *,
        concurrency: int,
    ) -> None:
        self.scheduler: Scheduler
        self._kinds = kinds
        self._pipeline = pipeline
        self._vitals = vitals
        self._mishaps = mishaps
        self._engines: dict[str, BatchEngine] = {}
        self._runner = Runner(concurrency)

    def equip(self, watch: Watch) -> None:
        """Give *watch* the engine and handle it is looked at with, where its kind has one for its options."""
        kind = self._kinds[watch.check.look.kind]
        watch.look = look_with(kind.probe, watch.check.look.options)
        watch.words = kind.words if watch.check.look.about is not None else None
        if kind.judged is not None and watch.slot is not None:
            watch.look = partial(_read, kind.judged, watch.check.look.options, watch.slot)
        if kind.engine is None:
            return
        engine = self._engines.get(kind.name)
        if engine is None:
            engine = self._engines[kind.name] = kind.engine(self._pipeline)
        watch.handle = engine.prepare(watch.check.look.options)
        watch.engine = None if watch.handle is None else engine

    def launch(self, due: list[Watch]) -> None:
        """Begin a look at each watch that is due and has none under way."""
        batches: dict[BatchEngine, list[tuple[object, Watch, float]]] = {}
        put_first = self.scheduler.put_first
        for watch in due:
            put_first(watch)
            if watch.flying:
                self._vitals.skipped += 1
                continue
            watch.flying = True
            self._vitals.looks += 1
            engine = watch.engine
            if engine is None:
                self._runner.start(watch, watch.look, watch.wait, self._done)
            elif engine in batches:
                batches[engine].append((watch.handle, watch, watch.wait))
            else:
                batches[engine] = [(watch.handle, watch, watch.wait)]
        for engine, batch in batches.items():
            self._send(engine, batch)
        self._vitals.in_flight, self._vitals.waiting = self._runner.in_flight, self._runner.waiting

    def _send(self, engine: BatchEngine, batch: list[tuple[object, Watch, float]]) -> None:
        try:
            engine.send(batch)
        except Exception as error:  # noqa: BLE001 - the batches of other engines must go out
            self._mishaps.note("look", error)
            for _, watch, _ in batch:
                watch.flying = False

    def _done(self, watch: Watch, sent_at: float, finding: Finding, took: float) -> None:
        watch.reading.took = took
        self._pipeline.found(watch, sent_at, finding)

    async def aclose(self) -> None:
        """Give up what is under way; a look that was cancelled has found nothing."""
        await self._runner.aclose()
        for engine in self._engines.values():
            engine.close()


async def _read(judged: Callable[[Any, Standing], Finding], options: object, slot: Slot) -> Finding:
    """Look into a slot of the mailbox."""
    return judged(options, slot.standing())
