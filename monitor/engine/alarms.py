"""Where time passes for alarms: what follows from an event is recorded with it, what is due is done.

The desk decides what is to be brought, the outbox brings it and says here how that went.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from monitor.core.act import Act
from monitor.core.alarm import Answer, Notice, Severity
from monitor.core.alarm.desk import Desk, Turn
from monitor.core.alarm.news import alarm_news, notice_news
from monitor.core.record import Remembered
from monitor.core.world import Event, Json
from monitor.engine.mishaps import Mishaps
from monitor.engine.telling import Implied, Telling

BREATH = 0.2
"""Seconds between two looks at what is due."""
REST = 10
"""A look at what is due is followed by a rest of so many times what it took."""
LONGEST = 10.0
"""The same while nothing is due: the auditor wants to see that somebody looks."""


class Alarms:
    """Keeps the desk going; a part of the engine, in its event loop."""

    def __init__(self, desk: Desk, telling: Telling, mishaps: Mishaps, clock: Callable[[], float]) -> None:
        """Go by *clock*: Unix seconds that pass evenly, whatever is done to the system's own clock."""
        self.desk = desk
        self.clock = clock
        self.looked_at = clock()
        """When it was last looked at what is due."""
        self.stirred: Callable[[], None] = _nobody
        """Hears that there may be something new to bring."""
        self._telling = telling
        self._mishaps = mishaps
        self._sooner = asyncio.Event()
        telling.implied = self.heed

    def adopt(self, remembered: Remembered) -> None:
        """Go on with what an earlier run left."""
        self.desk.adopt(remembered.alarms, remembered.notices)
        self._sooner.set()
        self.stirred()

    def catch_up(self, incidents: Iterable[Mapping[str, Json]]) -> None:
        """Open an alarm for each of these incidents that has none: there was nobody to tell when it began."""
        turn = Turn()
        for facts in incidents:
            if facts["incident"] not in self.desk.alarms:
                self.desk.heed(facts, turn, self.clock())
        self.tell(turn)

    def heed(self, events: Iterable[Event]) -> Implied:
        """Return what follows from events that are about to be recorded; a bug of ours costs none of them."""
        turn = Turn()
        for event in events:
            if event.kind == "incident" and event.received_at is None:
                with self._mishaps.contained("alarms"):
                    self.desk.heed(event.data, turn, self.clock())
        return self._implied(turn)

    def own(self, name: str, severity: Severity, facts: Mapping[str, Json]) -> None:
        """Take in a trouble of our own."""
        turn = Turn()
        if name not in self.desk.alarms:
            self.desk.open(name, severity, facts, turn, self.clock())
        self.tell(turn)

    def own_is_over(self, name: str, facts: Mapping[str, Json]) -> None:
        """Take in that a trouble of our own is over, and how that is told."""
        turn = Turn()
        if self.desk.find(name) is not None:
            self.desk.restate(name, facts)
            self.desk.close(name, turn, self.clock())
        self.tell(turn)

    def drill(self, name: str, severity: Severity, facts: Mapping[str, Json], act: Act) -> bool:
        """Open an alarm that only exercises; tell whether a plan is for such ones."""
        turn = Turn()
        self.desk.open(name, severity, facts, turn, self.clock(), drill=True)
        self.tell(turn, (act,))
        return bool(turn.alarms)

    def answer(self, names: Sequence[str], answer: Answer, act: Act) -> None:
        """Take in that somebody has taken alarms on."""
        turn = Turn()
        for name in names:
            self.desk.answer(name, answer, turn)
        self.tell(turn, (act,))

    def mute(self, name: str, until: float | None, act: Act) -> None:
        """Say nothing of an alarm until then; None: from now on again."""
        turn = Turn()
        self.desk.mute(name, until, turn, self.clock())
        self.tell(turn, (act,))

    def end(self, names: Iterable[str], acts: Sequence[Act] = ()) -> None:
        """End alarms whose cause is gone: a drill is over, a component is not watched any more."""
        turn = Turn()
        for name in names:
            self.desk.close(name, turn, self.clock())
        self.tell(turn, acts)

    def moved(self, channel: str, letter: str, notices: Sequence[Notice], words: str, *, news: bool) -> None:
        """Take in how far the notices of one message have got; *news*: it is worth an event."""
        turn = Turn()
        self.desk.moved(notices, turn, self.clock())
        told = [self._telling.event("notice", letter, notice_news(channel, notices, words))] if news else []
        self.tell(turn, told=told)

    async def run(self) -> None:
        """Go through the plans until cancelled."""
        while True:
            self._sooner.clear()
            began = self.clock()
            self.turn()
            await asyncio.sleep(max(BREATH, REST * (self.clock() - began)))
            try:
                async with asyncio.timeout(
                    min(LONGEST, max(0.0, self.desk.next_due(self.clock()) - self.clock()))
                ):
                    await self._sooner.wait()
            except TimeoutError:
                pass

    def turn(self) -> None:
        """Do what is due; a bug of ours is told and does not end this."""
        turn = Turn()
        self.looked_at = self.clock()
        with self._mishaps.contained("alarms"):
            self.desk.turn(turn, self.looked_at)
        self.tell(turn)

    def tell(self, turn: Turn, acts: Sequence[Act] = (), told: Sequence[Event] = ()) -> None:
        """Record what one act has changed."""
        if turn.said or turn.alarms or turn.notices or acts or told:
            self._telling.tell(told, acts=acts, implied=self._implied(turn))

    def _implied(self, turn: Turn) -> Implied:
        if turn.alarms or turn.notices:
            self._sooner.set()
            self.stirred()
        events = (self._telling.event("alarm", said.alarm.id, alarm_news(said)) for said in turn.said)
        return Implied(tuple(events), turn.alarms, turn.notices)


def _nobody() -> None:
    """Let nobody know."""
