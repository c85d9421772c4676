"""All of the log that is in memory: what is not recorded yet, the latest events, and what is held now.

It belongs to the event loop; nothing here waits, and no thread touches it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from monitor.core.alarm import Alarm, Notice
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.planned import Work
from monitor.core.record import Kept, Record
from monitor.core.vitals import StoreVitals
from monitor.core.world import Event
from monitor.store.audit_recent import Recent
from monitor.store.batch import Batch, Run
from monitor.store.file import Opened
from monitor.store.pending import Item, Pending
from monitor.store.readers import LogReader
from monitor.store.ring import Ring
from monitor.store.rows import Values

T = TypeVar("T")
PATIENCE = 0.5
"""Seconds that an event waits for its commit before it is told all the same."""
STUCK = 10.0
"""Seconds that an event may wait before the disk counts as bad though it has not said so."""


_ALL = 1 << 62


class WithdrawnError(Exception):
    """What came from another vantage was given up for now: it has to be handed in again."""


class Memory:
    """What has happened, in order, with how far it is recorded and how far it may be seen."""

    def __init__(self, vantage: str, most: int, vitals: StoreVitals) -> None:
        """Let at most *most* events wait for the disk."""
        self.ring = Ring()
        self.pending = Pending(most)
        self.something = asyncio.Event()
        """There may be something to write."""
        self.places: dict[str, int] = {}
        """Saved places of readers."""
        self.checks: dict[str, Kept] = {}
        self.statuses: dict[str, Status] = {}
        self.incidents: dict[str, Incident] = {}
        self.planned: dict[str, Work] = {}
        self.alarms: dict[str, Alarm] = {}
        self.notices: dict[str, Notice] = {}
        self._acts = Recent()
        self.settled = False
        """Positions are those of the log."""
        self.visible = self.ring.last
        """Readers may see everything up to here."""
        self._vantage = vantage
        self._vitals = vitals
        self._readers: list[LogReader] = []
        self._timer: asyncio.TimerHandle | None = None
        self._run: Run | None = None
        self._alive_at = 0.0
        self.again = False
        """The next batch is to hold everything that is remembered."""
        self.lost = 0
        """Events that were lost and that nobody was told of yet."""

    def append(self, record: Record) -> None:
        """Take in what happened and all that it implies."""
        events = self.ring.add(record.events)
        self._note(record)
        if events and self._run is None:
            self._begin_run(events[0])
        checks, statuses = dict(record.checks), dict(record.statuses)
        implied = dict(record.incidents), dict(record.planned), dict(record.alarms), dict(record.notices)
        self._add(Item(events, checks, statuses, *implied, acts=self._acts.entries(record.acts)))

    def take_in(self, item: Item) -> None:
        """Take in what came from another vantage."""
        item.events = self.ring.add(item.events)
        self._add(item)

    def waiting_of(self, vantage: str) -> set[tuple[str, int]]:
        """Return which events of another vantage, by boot and seq, are here and not recorded yet."""
        return {(event.boot, event.seq) for event in self.pending.taken_of(vantage)}

    def alive(self, at: float) -> None:
        """Take in a sign of our own life."""
        self._alive_at = max(at, self._alive_at)
        if self._run is not None:
            self._run = self.pending.run = replace(self._run, alive_at=self._alive_at)
            self.something.set()

    def ended(self, at: float) -> Run | None:
        """Return how this run ended, if it was ever recorded that it began."""
        return self._run and replace(self._run, alive_at=max(at, self._run.alive_at), ended_at=at)

    def mark(self, reader: str, position: int) -> None:
        """Take in where a reader is."""
        self.places[reader] = position
        self.pending.place(reader, position)
        self.something.set()

    def quarantine(self, row: Values) -> None:
        """Take in a message that could not be understood."""
        self.pending.quarantine(row)
        self.something.set()

    def follow(self, reader: LogReader) -> None:
        """Wake *reader* whenever there may be more to read."""
        self._readers.append(reader)

    def wake(self) -> None:
        """Let all readers look whether there is more to read."""
        for reader in self._readers:
            reader.wake()

    def take(self, most: int) -> Batch:
        """Return what to write next, of about *most* events."""
        self.something.clear()
        if not self.again:
            return self.pending.take(most)
        batch = self.pending.take(_ALL)
        batch.again = True
        batch.events = self.ring.everything()
        batch.checks, batch.statuses = dict(self.checks), dict(self.statuses)
        batch.incidents, batch.planned = dict(self.incidents), dict(self.planned)
        batch.alarms, batch.notices = dict(self.alarms), dict(self.notices)
        batch.places, batch.run = dict(self.places), self._run
        batch.acts = [*self._acts.recorded, *batch.acts]
        return batch

    def committed(self) -> None:
        """Note that what was taken is on the disk."""
        self.again = False
        items = self.pending.settle()
        events = [event for item in items for event in item.events]
        self.ring.record(events[-1].position if events else self.ring.recorded, self.pending.events)
        acts = [entry for item in items for entry in item.acts]
        self._acts.recorded.extend(acts)
        self._vitals.acts_recorded += len(acts)
        self._vitals.recorded += len(events)
        self._count_pending()
        self._vitals.position = self.ring.recorded
        for item in items:
            if item.done is not None and not item.done.done():
                item.done.set_result(None)
        self._look_at_horizon()

    def give_back(self) -> None:
        """Note that what was taken is not on the disk, or perhaps not."""
        self.pending.give_back()
        self.something.set()

    def refuse(self) -> None:
        """Give up what was taken, for it can never be written."""
        if self.again:  # what was in memory anyway is not worth everything else
            self.again = False
            self.pending.give_back()
            return
        items = self.pending.settle()
        self._let_go(items, ValueError("it holds what no database takes"))
        acts = [entry for item in items for entry in item.acts]
        if acts and any(item.events or item.taken for item in items):
            self._add(Item(acts=acts))  # it need not be they

    def withdraw(self) -> None:
        """Give up, for now, what came from other vantages and is not recorded: they have it still.

        Of our own, what is more than may wait for a bad disk is lost.
        """
        self._let_go(self.pending.withdraw())
        self.pending.flows = False
        self._let_go(self.pending.shrink())

    def is_ahead(self, last: int, act: str) -> bool:
        """Tell whether a file that ends with event *last* and with *act* has lost what was recorded."""
        waiting = {entry.name for item in self.pending for entry in item.acts}
        return last < self.ring.recorded or self._acts.is_ahead(act, waiting)

    def write_all_again(self, last: int) -> None:
        """Let the next batch hold all that is remembered: the file lost some, it ends at position *last*."""
        self.again = True
        if last + 1 < self.ring.first:
            self._count_lost(self.ring.lose_span(last + 1, self.ring.first - 1))
        self.something.set()

    def settle(self, opened: Opened) -> None:
        """Take up a log: what has happened meanwhile comes after what is in it."""
        shift = opened.last - self.ring.recorded
        self.ring.settle(shift)
        self.pending.replace(self.ring.latest(self.pending.events))
        self.visible += shift
        self.places = {**opened.places, **self.places}
        self.checks = {**opened.checks, **self.checks}
        self.statuses = {**opened.statuses, **self.statuses}
        self.incidents = {**opened.incidents, **self.incidents}
        self.planned = {**opened.planned, **self.planned}
        self.alarms = {**opened.alarms, **self.alarms}
        self.notices = {**opened.notices, **self.notices}
        self.settled = True
        self._vitals.position = opened.last
        for reader in self._readers:
            reader.settle(opened.last, opened.places)

    def renumber(self, above: int) -> None:
        """Give what is not recorded yet positions above *above*: the ones that it had are taken."""
        self.again = False
        self.ring.renumber(above, self.pending.events)
        self.pending.replace(self.ring.latest(self.pending.events))
        self._look_at_horizon()

    def _note(self, record: Record) -> None:
        """Keep what is held now, so that a file that lost it can be given it again."""
        _overlay(self.checks, record.checks)
        _overlay(self.statuses, record.statuses)
        _overlay(self.incidents, record.incidents)
        _overlay(self.planned, record.planned)
        _overlay(self.alarms, record.alarms)
        _overlay(self.notices, record.notices)

    def _begin_run(self, event: Event) -> None:
        at = max(event.at, self._alive_at)
        self._run = self.pending.run = Run(event.boot, event.at, at)

    def _add(self, item: Item) -> None:
        since = self.pending.since
        waited = 0.0 if since is None else time.monotonic() - since
        self.pending.flows = self.settled and not self._vitals.trouble and waited < STUCK
        self._let_go(self.pending.add(item))
        self._count_pending()
        self.something.set()
        if item.events:
            self._look_at_horizon()

    def _let_go(self, items: Sequence[Item], why: Exception | None = None) -> None:
        """Forget items that will not be recorded: our own are lost, who gathered the others is told *why*.

        None: only for now, they are to be handed in again.
        """
        for item in items:
            if item.taken is None:
                self.ring.lose(item.events)
                self._count_lost(len(item.events))
                continue
            self.ring.withdraw(item.events)
            if item.done is not None and not item.done.done():
                item.done.set_exception(why or WithdrawnError())
        self._count_pending()

    def _count_pending(self) -> None:
        vitals, pending = self._vitals, self.pending
        vitals.pending, vitals.acts_pending, vitals.acts_lost = (
            pending.events,
            pending.acts,
            pending.acts_lost,
        )

    def _count_lost(self, count: int) -> None:
        self.lost += count
        self._vitals.dropped += count

    def _look_at_horizon(self) -> None:
        """Let readers see what is recorded; everything, while the oldest that is not has waited too long."""
        since = self.pending.since
        late = since is not None and time.monotonic() - since >= PATIENCE
        if since is not None and not late and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(since + PATIENCE - time.monotonic(), self._waited)
        upto = self.ring.last if late else self.ring.recorded
        if upto > self.visible:
            self.visible = upto
            self.wake()

    def _waited(self) -> None:
        self._timer = None
        self._look_at_horizon()


def _overlay(held: dict[str, T], news: Mapping[str, T | None]) -> None:
    """Bring what is held up to date; None takes away."""
    for name, value in news.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value
