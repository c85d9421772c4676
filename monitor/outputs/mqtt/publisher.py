"""One run of the output: hears the feed, keeps connected, tells.

What changed goes into the outbox at once and without waiting for the broker; events come a page at a time
while there is room for them, and wait in the log otherwise. A task of the session empties the outbox. How far
the events have been told is told back to the log, which after a restart goes on from there.

Nothing here runs in the path of a probe.
"""

import asyncio
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import tzinfo
from functools import lru_cache

from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import World
from monitor.kit.mqtt import Connection, MqttError, Refused, Resolve, Session
from monitor.outputs.mqtt.condition import Condition
from monitor.outputs.mqtt.ear import Ear
from monitor.outputs.mqtt.heartbeats import Heartbeats
from monitor.outputs.mqtt.mentions import Mentions
from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.orders import Carry, Orders, every
from monitor.outputs.mqtt.others import Others
from monitor.outputs.mqtt.outbox import Lane, Outbox
from monitor.outputs.mqtt.sweep import Sweep, comes_back, sweep
from monitor.outputs.mqtt.teller import Teller
from monitor.outputs.mqtt.topics import DAEMONS, ECHO, TREES
from monitor.outputs.mqtt.writer import Writer, open_alarms
from monitor.ports import Feed, Intake, News

ENOUGH_EVENTS = 500
"""Events in hand from which no more are asked for; those that follow wait in the log."""

STEPS = 20
"""In how many portions an interval's refreshes are told."""

LONGEST_PAUSE = 60.0
"""Seconds between two looks at who else is there, at most."""

FAREWELL = 1.5
"""Seconds for what is still to be told when the daemon stops."""

_SILENCE = "what we told does not come back: telling or reading is silently refused"


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
        carry: Carry | None,
        intake: Intake | None,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._vitals = vitals
        self._own = own
        self._feed = feed
        self._outbox = Outbox(ENOUGH_EVENTS)
        self._ear = Ear(feed, lambda: self._outbox.has_room)
        self._mentions = Mentions()
        self._others = Others(feed.world.vantage, wall=clock)
        self._writer = Writer(options, vitals, lambda: feed.world, zone=zone, clock=clock)
        self._condition = Condition(own, f"{options.host}:{options.port}", clock)
        self._teller = Teller(
            self._outbox, self._writer, self._condition, mark=feed.told, answered=self._settled
        )
        vantage, boot = feed.world.vantage, feed.world.boot
        self._orders = () if carry is None else every(options.root, vantage, boot, carry, clock)
        self._heartbeats = None if intake is None else Heartbeats(options.root, intake)
        echo = f"{options.root}/{ECHO.format(vantage=vantage)}"
        self._session: Session | None = None
        self._welcomed = False
        self._connection = Connection(
            options.broker(client_id=f"command-monitor-{vantage}", echo=echo),
            will=self._writer.will,
            resolve=resolve,
            troubled=self._condition.away,
        )

    async def run(self) -> None:
        """Tell until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._refresh())
                group.create_task(self._beat())
                group.create_task(self._connection.keep(self._serve))
        finally:
            self._ear.close()

    # Hearing

    async def _listen(self) -> None:
        while True:
            self._hear(await self._ear.news())

    def _hear(self, news: News) -> None:
        self._own.dropped += news.dropped
        self._outbox.tell(news.events)
        world = self._feed.world
        mentioning = self._mentions.changed(news.incidents, world.stories) & world.statuses.keys()
        self._outbox.change(news.incidents, Lane.INCIDENT)
        self._outbox.change(_alarms(news, world), Lane.ALARM)
        self._outbox.change([*news.changed, *sorted(mentioning)])
        self._stir()

    async def _refresh(self) -> None:
        """Have all that is unchanged told again each interval, spread over it by a hash of its name."""
        step = 0
        while True:
            await asyncio.sleep(self._options.interval / STEPS)
            step = (step + 1) % STEPS
            if step == 0:
                self._writer.index()
            if self._session is not None and self._vouching():
                world = self._feed.world
                self._outbox.refresh((i for i in world.stories if _step_of(i) == step), Lane.INCIDENT)
                self._outbox.refresh((a for a in open_alarms(world) if _step_of(a) == step), Lane.ALARM)
                self._outbox.refresh(s for s in world.statuses if _step_of(s) == step)
                self._stir()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._options.keepalive)
            self._show()
            if self._session is not None:
                self._outbox.daemon()
                self._outbox.resume()
                self._stir()

    def _vouching(self) -> bool:
        """Somebody still looks: a status that nobody checks any more must not be told as fresh."""
        vitals = self._vitals
        return not vitals.ticks or time.monotonic() - vitals.last_tick <= self._options.valid_for

    # Being connected

    async def _serve(self, session: Session) -> None:
        """Live through one session: birth, all anew that is retained, the stale cleared, then what comes."""
        self._session, self._writer.state = session, "starting"
        self._own.reconnects += self._welcomed
        self._welcomed = True
        self._writer.index()
        self._outbox.daemon()
        self._show()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._teller.empty(session))
                await self._introduce(session)
                for orders in self._orders:
                    await self._take(session, orders)
                    group.create_task(orders.carry_out(session))
                if self._heartbeats is not None and await self._take(session, self._heartbeats):
                    self._heartbeats.listening(listens=True)
                await self._look_around(session)
        except asyncio.CancelledError:
            if session.alive:
                await self._farewell(session)
                self._condition.stopped()
            raise
        finally:
            self._session = None
            if self._heartbeats is not None:
                self._heartbeats.listening(listens=False)
            self._teller.lost(proven=session.accepted > 0)
            self._show()

    async def _introduce(self, session: Session) -> None:
        await self._hear_others(session)
        tree = f"{self._options.root}/{TREES[0]}"
        try:
            found = await self._sweep(session)  # before we overwrite what it finds
            await self._tell_all()
            self._others.seen(found.others, self._writer.is_told)
            await self._clear(topic for topic in found.ours if not self._writer.is_told(topic))
            self._condition.cleared(tree)
            if not await self._comes_back(session):
                self._condition.doubtful(tree, _SILENCE)
        except Refused as error:
            self._condition.doubtful(tree, str(error))
            await self._tell_all()
        self._writer.state = "online"
        self._outbox.daemon()
        self._stir()
        self._condition.online(self._writer.session)

    async def _hear_others(self, session: Session) -> None:
        daemons = f"{self._options.root}/{DAEMONS}"
        try:
            await session.subscribe(daemons, self._others.hear, qos=0)
        except Refused as error:
            self._condition.doubtful(daemons, str(error))

    async def _take(self, session: Session, hearer: Orders | Heartbeats) -> bool:
        """Have somebody hear what comes on their topic; tell whether the broker lets them."""
        try:
            await session.subscribe(hearer.topic, hearer.hear)
        except Refused as error:
            self._condition.doubtful(hearer.topic, str(error))
            return False
        return True

    async def _sweep(self, session: Session) -> Sweep:
        return await sweep(session, self._options.root, self._feed.world.vantage)

    async def _tell_all(self) -> None:
        """Tell every incident and every status anew, and wait until the broker has answered each."""
        if self._vouching():
            world = self._feed.world
            self._outbox.introduce(
                list(world.statuses), incidents=list(world.stories), alarms=open_alarms(world)
            )
        await self._teller.settled()

    async def _clear(self, topics: Iterable[str]) -> None:
        """Clear what we left on the broker about subjects and incidents that are no more."""
        self._outbox.introduce(topics=sorted(topics))
        await self._teller.settled()

    async def _comes_back(self, session: Session) -> bool:
        """Read one of our statuses back, if the broker took any."""
        topic = self._teller.taken
        boot, patience = self._feed.world.boot, self._options.timeout
        return not topic or await comes_back(session, topic, boot, patience)

    async def _look_around(self, session: Session) -> None:
        """See to it, for as long as the session lives, that nobody else tells what we tell."""
        while True:
            self._show()
            await asyncio.sleep(min(self._options.valid_for, LONGEST_PAUSE))
            if self._others.worth_a_look():
                with suppress(Refused):  # told of when we were introduced
                    found = await self._sweep(session)
                    self._others.seen(found.others, self._writer.is_told)

    async def _farewell(self, session: Session) -> None:
        """Tell what is left and that we stop; if the broker does not take it in time, its will tells."""
        try:
            async with asyncio.timeout(FAREWELL):
                self._hear(await self._ear.latest())
                await self._teller.finish(session)
        except (TimeoutError, MqttError):
            session.client.finish("stopped without a farewell")

    def _stir(self) -> None:
        self._teller.wake()
        self._show()

    def _settled(self) -> None:
        self._ear.listen()
        self._show()

    def _show(self) -> None:
        self._own.queued = self._outbox.queued
        condition, session = self._condition, self._session
        condition.connected = session is not None
        condition.deaf = session is not None and session.deaf
        condition.idle = not self._vouching()
        if session is not None and self._writer.state == "online":
            condition.overlaps(self._others.overlap())
        condition.certificate_ends = self._connection.certificate_ends
        condition.certificate_doubt = self._connection.certificate_doubt
        condition.show()


def _alarms(news: News, world: World) -> Iterable[str]:
    """Give the ids of the alarms of which something has changed, our own alone."""
    own = (one.subject for one in news.events if one.kind == "alarm" and one.received_at is None)
    return {*own, *(news.incidents & world.alarms.keys())}


@lru_cache(maxsize=1 << 16)
def _step_of(name: str) -> int:
    return zlib.crc32(name.encode(errors="replace")) % STEPS
