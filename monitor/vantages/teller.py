"""What is told within a session, and in which order: what is live, then the log as far as there is room."""

import asyncio
import time
from collections.abc import Callable, Iterable

from monitor.kit import crash
from monitor.kit.mqtt import Delivery, Message, MqttError, Refused, Session
from monitor.ports import Feed
from monitor.vantages.beliefs import Beliefs
from monitor.vantages.pace import Pace
from monitor.vantages.post import Post
from monitor.vantages.tail import Tail
from monitor.vantages.topics import ack_topic
from monitor.vantages.troubles import Troubles
from monitor.vantages.voice import Voice
from monitor.vantages.wire import Ack, parse

TICK = 0.05
"""Seconds between two looks at whether more was recorded."""
SOON = 0.005
"""The same while something is about to be recorded: a belief has just changed."""
COMMIT = 0.25
"""Seconds within which what changed is mostly recorded."""
TURN = 5.0
"""Seconds after which the log gets a turn though what is live never ends: the line is too slow for it."""
FIRST_ACK = 0.3
"""Seconds within which a broker that keeps an acknowledgement has brought it."""


class Teller:
    """Tells one broker what is live and what was recorded."""

    def __init__(
        self,
        root: str,
        feed: Feed,
        voice: Voice,
        tail: Tail,
        troubles: Troubles,
        *,
        changed: Callable[[], None],
    ) -> None:
        """Prepare; *changed* is called whenever the broker or the collecting daemon has answered."""
        self.beliefs = Beliefs()
        self.beat_due = False
        """The daemon's own state is to be told next."""
        self.settled = asyncio.Event()
        """Every belief has been handed to the broker."""
        self._root = root
        self._feed = feed
        self._voice = voice
        self._tail = tail
        self._troubles = troubles
        self._changed = changed
        self._pace = Pace()
        self._post = Post(self._pace, troubles, self.stir)
        self._chunks_away = 0
        self._chunk_at = 0.0
        self._changed_at = 0.0
        self._live = asyncio.Event()
        self._log = asyncio.Event()
        self._acknowledged = asyncio.Event()

    def change(self, checks: Iterable[str]) -> None:
        """Tell of these checks what is new, and soon of what is recorded about them."""
        self._changed_at = time.monotonic()
        self.beliefs.change(checks, self._feed.world)
        self.stir()

    def stir(self) -> None:
        """See to it that what there is to tell is looked for."""
        self._live.set()
        self._log.set()
        self._changed()

    def begin(self) -> None:
        """Begin a session: the broker may know nothing."""
        self.beat_due = True
        self.settled.clear()
        self._acknowledged.clear()
        self._tail.reconnected()

    def lost(self, *, proven: bool) -> None:
        """End a session; *proven*: the broker had acknowledged something in it."""
        if self._chunks_away and proven:
            self._pace.hung_up()
        self._chunks_away = 0
        self._pace.lost()

    async def finish(self, session: Session) -> None:
        """Tell what is left and that we stop; raises MqttError if the broker does not take it."""
        while (check := self.beliefs.next_urgent()) is not None:
            await session.room()
            self._tell_belief(session, check, self._post.urgent)
        await self._tail.fill()
        while self._tail.ready:
            self._tell_chunk(session)
        self._tail.save(time.monotonic(), hurry=True)
        await session.publish(self._voice.farewell(self._tail.place))

    # What is live

    async def tell_live(self, session: Session) -> None:
        """Tell how the daemon is and what it believes, for as long as the session lives; raises Lost."""
        while True:
            self._live.clear()
            await session.room()
            if not self._tell_next(session):
                if not self.beliefs.waiting:
                    self.settled.set()
                await self._live.wait()

    def _tell_next(self, session: Session) -> bool:
        """Tell what is most urgent; say whether there was anything that may be told now."""
        if self.beat_due:
            self.beat_due = False
            self._post.urgent(session, self._voice.online(self._tail.place))
            return True
        check = self.beliefs.next_urgent()
        if check is not None:
            self._tell_belief(session, check, self._post.urgent)
            return True
        check = self.beliefs.next_again() if self._pace.has_room else None
        if check is not None:
            self._tell_belief(session, check, self._post.bulky)
        return check is not None

    def _tell_belief(self, session: Session, check: str, send: Callable[[Session, Message], None]) -> None:
        told = self.beliefs.telling(check, self._feed.world)
        try:
            message = self._voice.nothing(check) if told is None else self._voice.belief(told)
        except ValueError as error:
            self._troubles.refused(check, str(error))
        else:
            send(session, message)

    # The log

    async def tell_log(self, session: Session) -> None:
        """Tell what was recorded, for as long as the session lives; raises Lost."""
        await self._ask_for_acknowledgements(session)
        while True:
            self._log.clear()
            self._tail.look()
            await self._tail.fill()
            if self._log_has_its_turn(session):
                self._tell_chunk(session)
            else:
                soon = time.monotonic() - self._changed_at < COMMIT
                await _either(self._log, SOON if soon else TICK)

    async def _ask_for_acknowledgements(self, session: Session) -> None:
        topic = ack_topic(self._root, self._feed.world.vantage)
        try:
            await session.subscribe(topic, self._hear)
        except Refused as error:
            self._troubles.doubtful(topic, str(error))
        else:
            self._troubles.cleared(topic)
            await _either(self._acknowledged, FIRST_ACK)

    async def _hear(self, delivery: Delivery) -> None:
        """Take in an acknowledgement; an empty one was cleared by a person."""
        try:
            ack = parse(Ack, delivery.payload) if delivery.payload else None
        except ValueError as error:
            self._troubles.doubtful(delivery.topic, f"an acknowledgement that cannot be read: {error}")
            return
        self._troubles.cleared(delivery.topic)
        if ack is not None:
            self._tail.acknowledge(ack)
            self._acknowledged.set()
            self.stir()

    def _log_has_its_turn(self, session: Session) -> bool:
        if not self._tail.ready or not self._pace.has_room or session.in_flight >= session.window:
            return False
        waits = self.beat_due or self.beliefs.waiting
        return not waits or time.monotonic() - self._chunk_at > TURN

    def _tell_chunk(self, session: Session) -> None:
        tail = self._tail
        around = self._voice.around_chunk(tail.log)
        room, most = self._pace.chunk(session.max_packet), self._pace.message(session.max_packet)
        after, portion = tail.take(room - around, most - around)
        message = self._voice.chunk(tail.log, after, portion)
        if len(portion.entries) < portion.events:
            unsaid = portion.events - len(portion.entries)
            self._troubles.refused(f"{message.topic} {after}", f"{unsaid} events cannot be put into words")
        self._chunk_at = time.monotonic()
        self._chunks_away += 1
        crash.point("before_publish")
        self._post.bulky(session, message, self._chunk_ended)
        crash.point("after_publish_before_puback")

    def _chunk_ended(self, trouble: MqttError | None) -> None:
        self._chunks_away -= 1
        if trouble is None:
            self._pace.taken()
            self._tail.arrived()


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for *event*, but not longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
