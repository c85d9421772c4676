"""One run of the output: hears the feed, keeps connected, tells.

What is heard goes into the outbox at once and without waiting for the broker; a task of the session empties
it. Nothing here runs in the path of a probe.
"""

import asyncio
import time
import zlib
from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache

from monitor.core.vitals import OutputVitals, Vitals
from monitor.kit.mqtt import (
    Broker,
    Connection,
    Lost,
    Message,
    MqttError,
    Refused,
    Resolve,
    Session,
    Tls,
    Unsendable,
)
from monitor.kit.text import clean
from monitor.outputs.mqtt.compose import Composer
from monitor.outputs.mqtt.condition import Condition
from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.outbox import Item, Lane, Outbox
from monitor.outputs.mqtt.payloads import Payload
from monitor.outputs.mqtt.sweep import sweep
from monitor.outputs.mqtt.topics import DAEMON, ECHO, EVENT, topic_of
from monitor.ports import Feed

MOST_EVENTS = 10_000
"""Events kept while the broker is away; older ones are dropped and counted."""

STEPS = 20
"""In how many portions an interval's refreshes are told."""

FAREWELL = 1.5
"""Seconds for what is still to be told when the daemon stops."""

PATIENCE = 3
"""Heartbeats that may be missed before the daemon is to be taken for offline."""

JSON = "application/json"


class Publisher:
    """Tells one broker what one feed brings."""

    def __init__(
        self,
        options: MqttOptions,
        vitals: Vitals,
        own: OutputVitals,
        feed: Feed,
        *,
        resolve: Resolve | None,
        zone: tzinfo | None,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._vitals = vitals
        self._own = own
        self._feed = feed
        self._clock = clock
        self._born = clock()
        self._outbox = Outbox(MOST_EVENTS)
        self._composer = Composer(lambda: feed.world, clock=clock, zone=zone, valid_for=options.valid_for)
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._topics: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        self._condition = Condition(own, f"{options.host}:{options.port}", clock)
        self._session: Session | None = None
        self._sessions = 0
        self._welcomed = False
        self._state = "starting"
        self._missed_in_feed = 0
        self._daemon_topic = f"{options.root}/{DAEMON.format(vantage=feed.world.vantage)}"
        self._connection = Connection(
            _broker(options, feed.world.vantage),
            will=self._will,
            resolve=resolve,
            troubled=self._condition.away,
        )

    async def run(self) -> None:
        """Tell until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._refresh())
            group.create_task(self._beat())
            group.create_task(self._connection.keep(self._serve))

    # Hearing

    async def _listen(self) -> None:
        while True:
            await self._hear(None)

    async def _hear(self, patience: float | None) -> None:
        news = await self._feed.news(patience)
        self._missed_in_feed += news.dropped
        self._outbox.tell(news.events)
        self._outbox.change(news.changed)
        self._stir()

    async def _refresh(self) -> None:
        """Have every unchanged status told again each interval, spread over it by a hash of its subject."""
        step = 0
        while True:
            await asyncio.sleep(self._options.interval / STEPS)
            step = (step + 1) % STEPS
            if step == 0:
                self._composer.index()
            if self._session is not None and self._vouching():
                self._outbox.refresh(s for s in self._feed.world.statuses if _step_of(s) == step)
                self._stir()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._options.keepalive)
            self._show()
            if self._session is not None:
                self._outbox.daemon()
                self._stir()

    def _vouching(self) -> bool:
        """Somebody still looks: a status that nobody checks any more must not be told as fresh."""
        vitals = self._vitals
        return not vitals.ticks or time.monotonic() - vitals.last_tick <= self._options.valid_for

    # Being connected

    async def _serve(self, session: Session) -> None:
        """Live through one session: birth, every status anew, the stale ones cleared, then what comes."""
        self._session, self._state = session, "starting"
        self._own.reconnects += self._welcomed
        self._welcomed = True
        self._composer.index()
        self._outbox.daemon()
        if self._vouching():
            self._outbox.introduce(list(self._feed.world.statuses))
        self._show()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(session))
                await self._introduce(session)
                await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if session.alive:
                await self._farewell(session)
                self._condition.stopped()
            raise
        finally:
            self._session = None
            given_up = self._outbox.lost(proven=session.accepted > 0)
            if given_up is not None:
                self._dead(given_up, "the broker hangs up on it every time")
            self._show()

    async def _introduce(self, session: Session) -> None:
        await self._settled()
        await self._clear_stale(session)
        self._state = "online"
        self._outbox.daemon()
        self._stir()
        self._condition.online(self._sessions)

    async def _clear_stale(self, session: Session) -> None:
        """Clear what we left on the broker about subjects that are no more."""
        tree = f"{self._options.root}/status/#"
        try:
            found = await sweep(session, self._options.root, self._feed.world.vantage)
        except Refused as error:
            self._condition.doubtful(tree, str(error))
            return
        if not found and self._topics and self._feed.world.statuses:
            self._condition.doubtful(
                tree, "what we told does not come back: telling or reading is silently refused"
            )
            return
        self._condition.cleared(tree)
        stale = sorted(topic for topic in found if not self._is_ours(topic))
        self._outbox.introduce(topics=stale)
        await self._settled()

    async def _settled(self) -> None:
        """Wait until everything introduced has been answered."""
        self._stir()
        while not self._outbox.introduced:
            self._answered.clear()
            await self._answered.wait()

    def _is_ours(self, topic: str) -> bool:
        return self._subjects.get(topic) in self._feed.world.statuses

    async def _pump(self, session: Session) -> None:
        """Empty the outbox for as long as the session lives."""
        while True:
            await self._tell_next(session)

    async def _tell_next(self, session: Session) -> None:
        await session.room(self._outbox.window)
        item = self._outbox.next()
        if item is None:
            self._wake.clear()
            await self._wake.wait()
        else:
            self._tell(session, item)
            await asyncio.sleep(0)  # let the probes have their turn in between

    async def _farewell(self, session: Session) -> None:
        """Tell what is left and that we stop; if the broker does not take it in time, its will tells."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self._hear(0)
                self._outbox.hurry()
                self._state = "offline"
                while self._outbox.queued or session.in_flight:
                    await session.room(self._outbox.window)
                    item = self._outbox.next()
                    if item is not None:
                        self._tell(session, item)
                    else:
                        await asyncio.sleep(0.01)
                await session.publish(self._daemon_message())
        except (TimeoutError, MqttError):
            session.client.finish("stopped without a farewell")

    # Telling

    def _tell(self, session: Session, item: Item) -> None:
        try:
            message = self._message(item)
            if message is not None:
                session.send(message, lambda trouble: self._told(item, message.topic, trouble))
                return
        except (Unsendable, ValueError) as error:
            self._dead(item, str(error))
        self._done(item)

    def _message(self, item: Item) -> Message | None:
        match item.lane:
            case Lane.DAEMON:
                return self._daemon_message()
            case Lane.EVENT if item.event is not None:
                return _message(f"{self._options.root}/{EVENT}", self._composer.event(item.event))
            case Lane.STATUS:
                return self._status_message(item.key)
            case _:
                return None if self._is_ours(item.key) else Message(item.key, b"", retain=True)

    def _status_message(self, subject: str) -> Message | None:
        """Say how the subject is, or take back what was said if it is no more."""
        status = self._feed.world.statuses.get(subject)
        if status is None:
            topic = self._topics.pop(subject, "")
            self._subjects.pop(topic, None)
            return Message(topic, b"", retain=True) if topic else None
        topic = self._topics[subject] = topic_of(self._options.root, status)
        self._subjects[topic] = subject
        expiry = max(1, round(self._options.valid_for))
        return _message(topic, self._composer.status(status), retain=True, expiry=expiry)

    def _daemon_message(self) -> Message:
        reason = "stopped" if self._state == "offline" else ""
        return self._daemon_says(self._state, reason, self._vitals)

    def _will(self) -> Message:
        """Give the will of the session that is about to begin; its epoch is boot and session."""
        self._sessions += 1
        return self._daemon_says("offline", "lost", None)

    def _daemon_says(self, state: str, reason: str, vitals: Vitals | None) -> Message:
        payload = self._composer.daemon(
            state,
            session=self._sessions,
            valid_for=PATIENCE * self._options.keepalive,
            since=self._vitals.started_at or self._born,
            reason=reason,
            vitals=vitals,
            days=self._condition.days_left(),
        )
        return _message(self._daemon_topic, payload, retain=True)

    def _told(self, item: Item, topic: str, trouble: MqttError | None) -> None:
        if isinstance(trouble, Lost):
            return  # the outbox takes it back
        self._done(item)
        if trouble is None:
            self._condition.accepted(topic)
        else:
            self._condition.refused(topic, str(trouble))
        self._stir()

    def _done(self, item: Item) -> None:
        self._outbox.done(item)
        self._answered.set()

    def _dead(self, item: Item, words: str) -> None:
        """Give up an item that nobody will ever take."""
        named = (
            f"{self._options.root}/{EVENT}"
            if item.lane is Lane.EVENT
            else self._topics.get(item.key, item.key)
        )
        self._condition.refused(named, clean(f"{item.lane} {item.key}: {words}"))

    def _stir(self) -> None:
        self._wake.set()
        self._show()

    def _show(self) -> None:
        self._own.queued = self._outbox.queued
        self._own.dropped = self._outbox.dropped + self._missed_in_feed
        condition, session = self._condition, self._session
        condition.connected = session is not None
        condition.deaf = session is not None and session.deaf
        condition.idle = not self._vouching()
        condition.certificate_ends = self._connection.certificate_ends
        condition.show()


@lru_cache(maxsize=1 << 16)
def _step_of(subject: str) -> int:
    return zlib.crc32(subject.encode(errors="replace")) % STEPS


def _message(topic: str, payload: Payload, *, retain: bool = False, expiry: int | None = None) -> Message:
    return Message(topic, payload.model_dump_json().encode(), retain, expiry, JSON)


def _broker(options: MqttOptions, vantage: str) -> Broker:
    tls = options.tls
    return Broker(
        options.host,
        options.port,
        client_id=options.client_id or f"command-monitor-{vantage}",
        protocol=options.protocol,
        username=options.username,
        password=options.password.get_secret_value() if options.password else None,
        tls=Tls(*(str(p) if p else None for p in (tls.ca, tls.cert, tls.key))) if tls else None,
        keepalive=options.keepalive,
        timeout=options.timeout,
        max_packet=options.max_packet,
        echo=f"{options.root}/{ECHO.format(vantage=vantage)}",
    )
