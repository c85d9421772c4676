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
from monitor.outputs.mqtt.condition import Condition
from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.outbox import Item, Outbox
from monitor.outputs.mqtt.sweep import sweep
from monitor.outputs.mqtt.topics import ECHO
from monitor.outputs.mqtt.writer import Writer
from monitor.ports import Feed

MOST_EVENTS = 10_000
"""Events kept while the broker is away; older ones are dropped and counted."""

STEPS = 20
"""In how many portions an interval's refreshes are told."""

FAREWELL = 1.5
"""Seconds for what is still to be told when the daemon stops."""


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
        self._outbox = Outbox(MOST_EVENTS)
        self._writer = Writer(options, vitals, lambda: feed.world, zone=zone, clock=clock)
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._condition = Condition(own, f"{options.host}:{options.port}", clock)
        self._session: Session | None = None
        self._welcomed = False
        self._missed_in_feed = 0
        self._connection = Connection(
            _broker(options, feed.world.vantage),
            will=self._writer.will,
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
                self._writer.index()
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
        self._session, self._writer.state = session, "starting"
        self._own.reconnects += self._welcomed
        self._welcomed = True
        self._writer.index()
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
        self._writer.state = "online"
        self._outbox.daemon()
        self._stir()
        self._condition.online(self._writer.session)

    async def _clear_stale(self, session: Session) -> None:
        """Clear what we left on the broker about subjects that are no more."""
        tree = f"{self._options.root}/status/#"
        try:
            found = await sweep(session, self._options.root, self._feed.world.vantage)
        except Refused as error:
            self._condition.doubtful(tree, str(error))
            return
        if not found and any(map(self._writer.is_known, self._feed.world.statuses)):
            self._condition.doubtful(
                tree, "what we told does not come back: telling or reading is silently refused"
            )
            return
        self._condition.cleared(tree)
        stale = sorted(topic for topic in found if not self._writer.is_told(topic))
        self._outbox.introduce(topics=stale)
        await self._settled()

    async def _settled(self) -> None:
        """Wait until everything introduced has been answered."""
        self._stir()
        while not self._outbox.introduced:
            self._answered.clear()
            await self._answered.wait()

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
                self._writer.state = "offline"
                while self._outbox.queued or session.in_flight:
                    await session.room(self._outbox.window)
                    item = self._outbox.next()
                    if item is not None:
                        self._tell(session, item)
                    else:
                        await asyncio.sleep(0.01)
                await session.publish(self._writer.daemon(self._condition.days_left()))
        except (TimeoutError, MqttError):
            session.client.finish("stopped without a farewell")

    # Telling

    def _tell(self, session: Session, item: Item) -> None:
        try:
            message = self._writer.message(item, self._condition.days_left())
            if message is not None:
                session.send(message, lambda trouble: self._told(item, message, trouble))
                return
        except (Unsendable, ValueError) as error:
            self._dead(item, str(error))
        self._done(item)

    def _told(self, item: Item, message: Message, trouble: MqttError | None) -> None:
        if isinstance(trouble, Lost):
            return  # the outbox takes it back
        self._done(item)
        if trouble is None:
            self._condition.accepted(message.topic)
        else:
            self._condition.refused(message.topic, str(trouble))
        if not message.payload:
            self._writer.forget(message.topic)
        self._stir()

    def _done(self, item: Item) -> None:
        self._outbox.done(item)
        self._answered.set()

    def _dead(self, item: Item, words: str) -> None:
        """Give up an item that nobody will ever take."""
        self._condition.refused(self._writer.topic(item), clean(f"{item.lane} {item.key}: {words}"))

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
