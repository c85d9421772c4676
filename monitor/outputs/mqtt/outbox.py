"""What is still to be told, and in which order: a value with rules, no clock and no socket.

Events are kept one by one and in order, statuses by subject and incidents by id: only the latest matters, and
it is put into words when its turn comes. First the daemon's own state, then events and what has changed in
turn, then what has to be cleared, then refreshes.

Nothing is ever pushed out. Events wait in the log until there is room here; how far they have been told, with
no gap, is what the log is told back. While the broker will not have events they are held, and only one at a
time is tried again.

A message on which the session ends again and again (some brokers hang up on one that they find too large)
would block everything behind it. So the first one that was under way when a session ended is tried alone in
the next; when that has ended three sessions in which the broker had proved to be alive, it is given up.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from monitor.core.world import Event

TRIES = 3
"""Sessions that a message may end while it is alone under way."""


class Lane(StrEnum):
    """What kind of thing is to be told."""

    DAEMON = "daemon"
    EVENT = "event"
    STATUS = "status"
    INCIDENT = "incident"
    ALARM = "alarm"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be told now."""

    ticket: int
    lane: Lane
    key: str
    """Of an event, incident or alarm its id, of a status its subject, of something to clear its topic."""
    event: Event | None = None
    number: int = 0
    """Of an event, the place in which it was given to us."""


class _Given(NamedTuple):
    number: int
    event: Event


def event_id(event: Event) -> str:
    """Return what names an event everywhere and for ever: `<vantage>/<boot>/<seq>`."""
    return f"{event.vantage}/{event.boot}/{event.seq}"


class Outbox:
    """Everything that waits, and everything under way."""

    def __init__(self, enough: int) -> None:
        """Ask for more events only while fewer than *enough* are in hand."""
        self._enough = enough
        self._given = 0
        self._events: deque[_Given] = deque()
        self._unsettled: deque[_Given] = deque()
        self._settled: set[int] = set()
        self._changed: dict[tuple[Lane, str], None] = {}
        self._clear: dict[tuple[Lane, str], None] = {}
        self._refresh: dict[tuple[Lane, str], None] = {}
        self._daemon = False
        self._events_turn = True
        self._held = False
        self._wary = False
        self._tickets = 0
        self._under_way: dict[int, Item] = {}
        self._introducing: set[tuple[Lane, str]] = set()
        self._suspect: tuple[Lane, str] | None = None
        self._sessions_ended = 0
        self.told = 0
        """Position of the event up to which all that we were given were taken by the broker or given up."""

    @property
    def queued(self) -> int:
        """How many events and changes are in hand and not yet acknowledged."""
        return len(self._unsettled) - len(self._settled) + len(self._changed) + len(self._clear)

    @property
    def has_room(self) -> bool:
        """There is room for another page of events."""
        return len(self._unsettled) < self._enough

    @property
    def window(self) -> int | None:
        """How many may be under way: one while there is a suspect, else as many as the session likes."""
        return 1 if self._suspect else None

    @property
    def introduced(self) -> bool:
        """Everything that `introduce` named has been answered by the broker, one way or the other."""
        return not self._introducing

    def tell(self, events: Iterable[Event]) -> None:
        """Add events, in the order in which the log gives them; while its disk is bad, not by position."""
        given = [_Given(number, event) for number, event in enumerate(events, self._given + 1)]
        self._given += len(given)
        self._events += given
        self._unsettled += given

    def change(self, keys: Iterable[str], lane: Lane = Lane.STATUS) -> None:
        """Tell these subjects' statuses, or the incidents or alarms with these ids, soon."""
        self._changed |= dict.fromkeys((lane, key) for key in keys)

    def refresh(self, keys: Iterable[str], lane: Lane = Lane.STATUS) -> None:
        """Tell these when nothing else is to be told."""
        self._refresh |= dict.fromkeys((lane, key) for key in keys)

    def introduce(
        self,
        subjects: Iterable[str] = (),
        topics: Iterable[str] = (),
        incidents: Iterable[str] = (),
        alarms: Iterable[str] = (),
    ) -> None:
        """Refresh these and clear these topics, and see to it that it is known when that is done."""
        told = {(Lane.INCIDENT, name): None for name in incidents}
        told |= {(Lane.ALARM, name): None for name in alarms}
        told |= {(Lane.STATUS, subject): None for subject in subjects}
        cleared = {(Lane.CLEAR, topic): None for topic in topics}
        self._refresh |= told
        self._clear |= cleared
        self._introducing |= {*told, *cleared}

    def daemon(self) -> None:
        """Tell the daemon's own state next."""
        self._daemon = True

    def hurry(self) -> None:
        """Forget what can be left untold when there is little time: refreshes."""
        self._refresh.clear()

    def next(self) -> Item | None:
        """Take what is to be told now; None if nothing is."""
        if self._daemon:
            self._daemon = False
            return self._take(Lane.DAEMON, "")
        if self._suspect is not None:
            return self._take_suspect(*self._suspect)
        self._events_turn = not self._events_turn
        if (self._events_turn or not self._changed) and self._may_tell_events():
            return self._take_event()
        for waiting in (self._changed, self._clear, self._refresh):
            if waiting:
                named = next(iter(waiting))
                del waiting[named]
                self._refresh.pop(named, None)
                return self._take(*named)
        return None

    def done(self, item: Item) -> None:
        """Forget *item*: the broker took it, or it has been given up."""
        if self._under_way.pop(item.ticket, None) is not None and item.event is not None:
            self._settle(item.number)
            self._wary = False
        self._introducing.discard((item.lane, item.key))
        if (item.lane, item.key) == self._suspect:
            self._suspect = None

    def hold(self, item: Item) -> None:
        """Take back an event that the broker will not have now; tell none of them until `resume`."""
        if self._under_way.pop(item.ticket, None) is not None and item.event is not None:
            insort(self._events, _Given(item.number, item.event))
            self._held = self._wary = True
        if (item.lane, item.key) == self._suspect:
            self._suspect = None

    def resume(self) -> None:
        """Try again to tell events, one of them until it has been taken."""
        self._held = False

    def lost(self, *, proven: bool) -> Item | None:
        """Take back what was under way when the session ended; return what is given up for having ended it.

        *proven* says that the broker had acknowledged something in that session.
        """
        under_way = [item for item in self._under_way.values() if item.lane is not Lane.DAEMON]
        self._under_way.clear()
        self._introducing.clear()
        self._refresh.clear()
        self._held = False
        self._events.extendleft(_Given(item.number, item.event) for item in reversed(under_way) if item.event)
        named = [(item.lane, item.key) for item in under_way if item.event is None]
        self._changed |= dict.fromkeys(one for one in named if one[0] is not Lane.CLEAR)
        self._clear |= dict.fromkeys(one for one in named if one[0] is Lane.CLEAR)
        return self._suspicion(under_way, proven=proven) if under_way else None

    def _may_tell_events(self) -> bool:
        if self._held or not self._events:
            return False
        return not self._wary or all(item.event is None for item in self._under_way.values())

    def _settle(self, number: int) -> None:
        """Move on over everything that is settled, as far as there is no gap."""
        self._settled.add(number)
        while self._unsettled and self._unsettled[0].number in self._settled:
            first = self._unsettled.popleft()
            self._settled.discard(first.number)
            self.told = first.event.position

    def _suspicion(self, under_way: list[Item], *, proven: bool) -> Item | None:
        first = under_way[0]
        if (first.lane, first.key) != self._suspect:
            self._suspect, self._sessions_ended = (first.lane, first.key), 0
        elif proven:
            self._sessions_ended += 1
        if self._sessions_ended < TRIES:
            return None
        self._suspect = None
        self._give_up(first)
        return first

    def _give_up(self, item: Item) -> None:
        if item.lane is Lane.EVENT:
            self._settle(self._events.popleft().number)
        for waiting in (self._changed, self._clear):
            waiting.pop((item.lane, item.key), None)

    def _take(self, lane: Lane, key: str, event: Event | None = None, number: int = 0) -> Item:
        self._tickets += 1
        item = Item(self._tickets, lane, key, event, number)
        self._under_way[item.ticket] = item
        return item

    def _take_event(self) -> Item:
        number, event = self._events.popleft()
        return self._take(Lane.EVENT, event_id(event), event, number)

    def _take_suspect(self, lane: Lane, key: str) -> Item | None:
        if any((item.lane, item.key) == self._suspect for item in self._under_way.values()):
            return None
        if lane is Lane.EVENT:
            return self._take_event()  # what was taken back comes first
        for waiting in (self._changed, self._clear, self._refresh):
            waiting.pop((lane, key), None)
        return self._take(lane, key)
