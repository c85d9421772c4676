"""Telling: what waits in the outbox goes to the broker, and what became of it comes back."""

import asyncio
from collections.abc import Callable

from monitor.kit.crash import point
from monitor.kit.mqtt import Lost, Message, MqttError, Refused, Session, Unsendable
from monitor.kit.text import clean
from monitor.outputs.mqtt.condition import Condition
from monitor.outputs.mqtt.outbox import Item, Lane, Outbox
from monitor.outputs.mqtt.writer import Writer

NOT_AUTHORIZED = 0x87
QUOTA_EXCEEDED = 0x97
NOT_NOW = frozenset({NOT_AUTHORIZED, QUOTA_EXCEEDED})
"""Reason codes of a PUBACK that say nothing against the message: a person or time will mend it.

MQTT 5, section 3.4.2.1.
"""


class Teller:
    """Empties one outbox, session by session."""

    def __init__(
        self,
        outbox: Outbox,
        writer: Writer,
        condition: Condition,
        *,
        mark: Callable[[int], None],
        answered: Callable[[], None],
    ) -> None:
        """Prepare; *mark* hears up to which position all events are told, *answered* of each answer."""
        self._outbox = outbox
        self._writer = writer
        self._condition = condition
        self._mark = mark
        self._marked = 0
        self._hear_answer = answered
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self.taken = ""
        """Topic of a status that the broker took in this session; empty: none yet."""

    def wake(self) -> None:
        """Look whether there is something to tell."""
        self._wake.set()

    async def empty(self, session: Session) -> None:
        """Tell what is in the outbox, and what comes into it, for as long as the session lives."""
        while True:
            await session.room(self._outbox.window)
            item = self._outbox.next()
            if item is None:
                self._wake.clear()
                await self._wake.wait()
            else:
                self._tell(session, item)
                await asyncio.sleep(0)  # let the probes have their turn in between

    async def settled(self) -> None:
        """Wait until everything introduced has been answered."""
        self._wake.set()
        while not self._outbox.introduced:
            self._answered.clear()
            await self._answered.wait()

    async def finish(self, session: Session) -> None:
        """Tell what news there is in the outbox, then that we stop."""
        self._outbox.hurry()
        while True:
            await session.room(self._outbox.window)
            item = self._outbox.next()
            if item is not None:
                self._tell(session, item)
            elif session.in_flight:
                await asyncio.sleep(0.01)
            else:
                break
        self._writer.state = "offline"
        await session.publish(self._writer.daemon(self._condition.days_left(), session.max_packet))

    def lost(self, *, proven: bool) -> None:
        """Take back what was under way when the session ended; *proven*: the broker had taken something."""
        self.taken = ""
        given_up = self._outbox.lost(proven=proven)
        if given_up is not None:
            self._give_up(given_up, "the broker hangs up on it every time")
            self._note_progress()

    def _tell(self, session: Session, item: Item) -> None:
        try:
            message = self._writer.message(item, self._condition.days_left(), session.max_packet)
            if message is not None:
                self._send(session, item, message)
                return
        except (Unsendable, ValueError) as error:
            self._give_up(item, str(error))
        self._done(item)

    def _send(self, session: Session, item: Item, message: Message) -> None:
        if item.event is not None:
            point("before_publish")
        session.send(message, lambda trouble: self._told(item, message, trouble))

    def _told(self, item: Item, message: Message, trouble: MqttError | None) -> None:
        if isinstance(trouble, Lost):
            return  # the outbox takes it back
        if item.event is not None:
            point("after_publish_before_puback")  # the broker surely has it, and nothing here knows it yet
        if trouble is None:
            self._condition.accepted(message.topic)
            self._note_taken(item, message)
        else:
            self._condition.refused(message.topic, str(trouble))
        if not message.payload:
            self._writer.forget(message.topic)
        if item.event is not None and isinstance(trouble, Refused) and trouble.code in NOT_NOW:
            self._outbox.hold(item)
        else:
            self._done(item)

    def _note_taken(self, item: Item, message: Message) -> None:
        if item.lane is Lane.STATUS and message.payload:
            self.taken = message.topic
        elif message.topic == self.taken:
            self.taken = ""

    def _done(self, item: Item) -> None:
        self._outbox.done(item)
        self._note_progress()
        self._answered.set()
        self._wake.set()
        self._hear_answer()

    def _note_progress(self) -> None:
        """Have it noted how far we are, so that nothing up to there is told again after a restart."""
        if self._outbox.told != self._marked:
            point("after_puback_before_mark")
            self._marked = self._outbox.told
            self._mark(self._marked)

    def _give_up(self, item: Item, words: str) -> None:
        """Give up an item that nobody will ever take."""
        self._condition.refused(self._writer.topic(item), clean(f"{item.lane} {item.key}: {words}"))
