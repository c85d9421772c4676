"""Our log as another daemon is still to be told it: read ahead a little, sent in chunks, acknowledged."""

import time
from collections import deque
from contextlib import suppress

from monitor.core.world import Event
from monitor.kit import crash
from monitor.ports import Journal
from monitor.vantages.backlog import Window
from monitor.vantages.chunks import Portion, portion
from monitor.vantages.voice import Place
from monitor.vantages.wire import ENTRIES, Ack

PAGE = 2 * ENTRIES
"""Events read at a time."""
SAVE_EVERY = 1.0
"""Seconds between two savings of our place while much is acknowledged."""


class Tail:
    """What of the log is not acknowledged yet."""

    def __init__(self, journal: Journal, name: str) -> None:
        """Go on where the reader *name* left off, once the log is open."""
        self._journal = journal
        self._name = name
        self._page: deque[Event] = deque()
        self._read = 0
        self._turn = 0
        self._saved = 0
        self._saved_at = 0.0
        self.log = ""
        """Identity of the log; empty: not open yet."""
        self.window = Window()
        self.backlog = 0
        """Own events that are not acknowledged, when last counted."""
        self.strange = ""
        """What is wrong with the latest acknowledgement, in words."""

    @property
    def place(self) -> Place:
        """How far everybody is."""
        if not self.log:
            return Place()
        return Place(self.log, max(self._journal.end, self.window.acked), self.window.acked, self.queued)

    @property
    def queued(self) -> int:
        """Own events that are not acknowledged, as far as is known."""
        return 0 if self._is_done() else max(self.backlog, len(self._page), 1)

    @property
    def ready(self) -> bool:
        """A chunk could be sent now."""
        return bool(self._page) and self.window.has_room

    def look(self) -> None:
        """See whether the log is open, or another than before, and whether an answer is overdue."""
        if self._journal.identity != self.log:
            self.log = self._journal.identity
            self._saved = self._journal.place(self._name)
            self.strange = ""
            self._go_to(Window(self._saved))
        now = time.monotonic()
        if self.window.overdue(now):
            self._turn_to(self.window.back(now))
        self.save(now)

    def reconnected(self) -> None:
        """Begin a session: what was under way in the one before may be lost."""
        self._turn_to(self.window.reconnected())

    async def fill(self) -> None:
        """Read on, if little of what was read is left; not while the disk cannot be read."""
        if not self.log or len(self._page) >= ENTRIES or self._read >= self._journal.end:
            return
        turn, end = self._turn, self._journal.end
        try:
            events = await self._journal.own(self._read, PAGE)
        except OSError:
            return
        if turn != self._turn or self._journal.identity != self.log:
            return  # meanwhile we have gone elsewhere, or what we read was of another log
        self._page.extend(events)
        latest = events[-1].position if events else 0
        self._read = latest if len(events) == PAGE else max(end, latest)

    async def count(self) -> None:
        """Count what is not acknowledged."""
        if self._is_done() or not self.log:
            self.backlog = 0
            return
        with suppress(OSError):
            self.backlog = await self._journal.waiting(self.window.acked)

    def take(self, room: int, most: int) -> tuple[int, Portion]:
        """Take what goes into the next chunk, and the position after which it begins."""
        after = self.window.sent
        taken = portion(list(self._page)[:ENTRIES], room, most)
        for _ in range(taken.events):
            self._page.popleft()
        self.window = self.window.fly(taken.upto, time.monotonic())
        return after, taken

    def arrived(self) -> None:
        """Note that the broker took a chunk."""
        self.window = self.window.arrived(time.monotonic())

    def acknowledge(self, ack: Ack) -> None:
        """Take in how far the collecting daemon is."""
        if ack.log != self.log:
            return  # of a log that we had before, or that another daemon of our name has
        if ack.position > self._journal.end:
            self.strange = (
                f"{ack.collector} has acknowledged position {ack.position} of our log, which ends at "
                f"{self._journal.end}: was an old copy of the database put back by hand?"
            )
            return
        self.strange = ""
        before = self.window
        now = time.monotonic()
        self._turn_to(before.acknowledged(ack.position, now, gap=ack.gap))
        self.save(now, hurry=self.window.acked < before.acked)

    def save(self, now: float, *, hurry: bool = False) -> None:
        """Save our place; unless there is hurry not too often, for what it saves is but sending twice."""
        if self.window.acked != self._saved and (hurry or now - self._saved_at >= SAVE_EVERY):
            crash.point("after_puback_before_mark")
            self._saved, self._saved_at = self.window.acked, now
            self._journal.mark(self._name, self._saved)

    def _turn_to(self, window: Window) -> None:
        """Go on with *window*; where it sends from another place than the old one, read anew from there."""
        if window.sent != self.window.sent:
            self._go_to(window)
        self.window = window

    def _go_to(self, window: Window) -> None:
        self._page.clear()
        self._read = window.sent
        self._turn += 1
        self.window = window

    def _is_done(self) -> bool:
        window = self.window
        return not (window.flying or self._page) and self._read >= self._journal.end
