"""What is not recorded yet: in order, bounded, and never torn apart."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from monitor.core.alarm import Alarm, Notice
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.planned import Work
from monitor.core.record import Kept
from monitor.core.world import Event
from monitor.store.audit import LOST, Entry, given_up
from monitor.store.batch import Batch, Run, Taken
from monitor.store.rows import Values

T = TypeVar("T")
STORM = 10
"""So many times as many events may wait while the disk takes them."""
MOST_QUARANTINED = 100
"""Messages for the quarantine that wait in memory; the oldest of more go."""
MOST_ACTS = 10_000
"""Acts that wait, whatever becomes of the events that came with them."""
MANY_ACTS = 1_000
"""So many of the oldest go at once if there are more; an act in their place says so."""


@dataclass(slots=True, eq=False)
class Item:
    """Events and all that they imply: one transaction at least."""

    events: tuple[Event, ...] = ()
    checks: dict[str, Kept | None] = field(default_factory=dict)
    statuses: dict[str, Status | None] = field(default_factory=dict)
    incidents: dict[str, Incident | None] = field(default_factory=dict)
    planned: dict[str, Work | None] = field(default_factory=dict)
    alarms: dict[str, Alarm | None] = field(default_factory=dict)
    notices: dict[str, Notice | None] = field(default_factory=dict)
    acts: list[Entry] = field(default_factory=list)
    taken: Taken | None = None
    """They came from another vantage, which has them still."""
    done: asyncio.Future[None] | None = None
    """Is to know when they are recorded."""
    since: float = field(default_factory=time.monotonic)

    def inherit(self, earlier: "Item") -> None:
        """Take over what an earlier item implied, as far as this one does not say otherwise."""
        self.checks = _over(earlier.checks, self.checks)
        self.statuses = _over(earlier.statuses, self.statuses)
        self.incidents = _over(earlier.incidents, self.incidents)
        self.planned = _over(earlier.planned, self.planned)
        earlier.acts += self.acts
        self.acts = earlier.acts
        self.alarms = _over(earlier.alarms, self.alarms)
        self.notices = _over(earlier.notices, self.notices)

    @property
    def implies(self) -> bool:
        """Tell whether there is anything in it that must not go with its events."""
        states = (self.checks, self.statuses, self.incidents, self.planned, self.alarms, self.notices)
        return any((*states, self.acts))


class Pending:
    """A queue from whose front the writer takes batches, and takes them again if they came to nothing."""

    def __init__(self, most: int) -> None:
        """Let at most *most* events wait; the oldest of more are dropped, what they imply is not."""
        self.events = 0
        """How many events wait."""
        self.acts = 0
        """How many acts wait."""
        self.acts_lost = 0
        """How many were given up."""
        self.run: Run | None = None
        self.flows = False
        """The disk takes what it is given, if not as fast as it comes."""
        self._most = most
        self._items: deque[Item] = deque()
        self._in_hand = 0
        self._batch = Batch()
        self._places: dict[str, int] = {}
        self._quarantined: deque[Values] = deque(maxlen=MOST_QUARANTINED)

    def __bool__(self) -> bool:
        return bool(self._items or self._places or self._quarantined or self.run)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    @property
    def since(self) -> float | None:
        """Monotonic time since which the oldest event has waited."""
        return next((item.since for item in self._items if item.events), None)

    def add(self, item: Item) -> list[Item]:
        """Take in *item*; return the items that had to go for it."""
        self.acts += len(item.acts)
        gone = self._add(item)
        if self.acts > MOST_ACTS:
            self._give_up_acts()
        return gone

    def _add(self, item: Item) -> list[Item]:
        last = self._items[-1] if len(self._items) > self._in_hand else None
        if last is not None and last.taken is None and not item.events and item.taken is None:
            last.checks.update(item.checks)
            last.statuses.update(item.statuses)
            last.incidents.update(item.incidents)
            last.planned.update(item.planned)
            last.alarms.update(item.alarms)
            last.notices.update(item.notices)
            last.acts += item.acts
            return []
        self._items.append(item)
        self.events += len(item.events)
        return self.shrink() if self.events > self._most * (STORM if self.flows else 1) else []

    def taken_of(self, vantage: str) -> Iterator[Event]:
        """Give the events of another vantage that wait."""
        for item in self._items:
            if item.taken is not None and item.taken.vantage == vantage:
                yield from item.events

    def place(self, reader: str, position: int) -> None:
        """Take in where a reader is."""
        self._places[reader] = position

    def quarantine(self, row: Values) -> None:
        """Take in a message for the quarantine."""
        self._quarantined.append(row)

    def take(self, most: int) -> Batch:
        """Return what to write next: whole items of about *most* events; they stay here until `settle`."""
        batch = Batch(places=self._places, quarantined=list(self._quarantined), run=self.run)
        self._places, self.run = {}, None
        self._quarantined.clear()
        for item in self._items:
            if self._in_hand and len(batch.events) + len(item.events) > most:
                break
            self._in_hand += 1
            batch.events += item.events
            batch.checks |= item.checks
            batch.statuses |= item.statuses
            batch.incidents |= item.incidents
            batch.planned |= item.planned
            batch.alarms |= item.alarms
            batch.notices |= item.notices
            batch.acts += item.acts
            if item.taken is not None:
                batch.taken.append(item.taken)
        self._batch = batch
        return batch

    def settle(self) -> list[Item]:
        """Forget what was taken, it is written; return it."""
        written = [self._items.popleft() for _ in range(self._in_hand)]
        self.events -= sum(len(item.events) for item in written)
        self.acts -= sum(len(item.acts) for item in written)
        self._in_hand, self._batch = 0, Batch()
        return written

    def give_back(self) -> None:
        """Let what was taken be taken again: it was not written, or perhaps not."""
        batch = self._batch
        self._places = batch.places | self._places
        self.run = self.run or batch.run
        waiting = [*batch.quarantined, *self._quarantined]
        self._quarantined = deque(waiting, maxlen=MOST_QUARANTINED)
        self._in_hand, self._batch = 0, Batch()

    def replace(self, events: Sequence[Event]) -> None:
        """Take *events*, all that wait, in place of those that are here: the same under other positions."""
        at = 0
        for item in self._items:
            item.events = tuple(events[at : at + len(item.events)])
            at += len(item.events)

    def withdraw(self) -> list[Item]:
        """Give up what came from other vantages and is not in hand; return it. What came with it stays."""
        given_up: list[Item] = []
        kept, carried = list(self._items)[: self._in_hand], Item()
        for item in list(self._items)[self._in_hand :]:
            item.inherit(carried)
            carried = item if item.taken is not None else Item()
            (given_up if item.taken is not None else kept).append(item)
        if carried.implies:
            left = Item()
            left.inherit(carried)
            kept.append(left)
        self._items = deque(kept)
        self.events -= sum(len(item.events) for item in given_up)
        return given_up

    def shrink(self) -> list[Item]:
        """Drop the oldest items until there is room, and return them; what is in hand and the newest stay."""
        gone: list[Item] = []
        while self.events > self._most and self._in_hand < len(self._items) - 1:
            item, following = self._items[self._in_hand], self._items[self._in_hand + 1]
            following.inherit(item)
            del self._items[self._in_hand]
            self.events -= len(item.events)
            gone.append(item)
        return gone

    def _give_up_acts(self) -> None:
        """Give up the oldest acts that are not in hand, and leave one in their place."""
        gone: list[Entry] = []
        for item in islice(self._items, self._in_hand, None):
            count = min(len(item.acts), MANY_ACTS - len(gone))
            gone += item.acts[:count]
            del item.acts[:count]
        if gone:
            self._items[self._in_hand].acts.insert(0, given_up(gone, f"{gone[0].name}+{len(gone)}"))
            self.acts -= len(gone) - 1
            self.acts_lost += sum(entry.act.what != LOST for entry in gone)


def _over(earlier: dict[str, T], later: dict[str, T]) -> dict[str, T]:
    """Return both, the later over the earlier; at the cost of the later, for the earlier may be large."""
    earlier.update(later)
    return earlier
