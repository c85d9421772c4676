"""Gathers what the other vantages report: what they believe now, and all that happened there.

Two connections: one for live words, and one, whose session the broker keeps, for logs, whose chunks are
acknowledged after they are recorded. So neither a backlog nor a bad disk delays the word that something has
just failed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from math import inf

import structlog

from monitor.core.vitals import OutputVitals, Vitals
from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Broker, Delivery, Message, MqttError, Resolve
from monitor.kit.mqtt.options import BrokerOptions
from monitor.kit.text import clean
from monitor.ports import Archive, Feed, Hearing
from monitor.vantages.condition import Condition
from monitor.vantages.floods import SHUT, Floods
from monitor.vantages.intake import Intake
from monitor.vantages.lane import Filter, Lane
from monitor.vantages.listener import Listener
from monitor.vantages.peers import Peer, Peers
from monitor.vantages.quarantine import Quarantine
from monitor.vantages.roll import Roll
from monitor.vantages.topics import beliefs_filter, daemon_topic, log_topic

TICK = 0.5
"""Seconds between two looks at what time has made of the vantages."""
LAGGED = 1.0
"""Seconds by which such a look may be late; if it is later, we were deaf meanwhile."""
AT_ONCE = 200
"""Words under way to us that we have not acknowledged, at most."""
CHUNKS = 20
"""The same for chunks of logs, each of which may be as large as a packet."""
KEPT = 86_400
"""Seconds for which the broker keeps what is said about logs while we are away; MQTT 5 only."""

log = structlog.get_logger()

Hear = Callable[[Peer, Delivery, float], Awaitable[None]]


class Collector:
    """The output `collect`."""

    name = "collect"
    durable = False
    """It reads nothing of its feed but the world."""

    def __init__(
        self,
        options: BrokerOptions,
        vitals: Vitals,
        hearing: Hearing,
        archive: Archive,
        *,
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.time,
        shut: float = SHUT,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        """Prepare to gather at the broker that *options* name.

        Whoever floods us is not listened to for *shut* seconds.
        """
        self.vitals = vitals.outputs.setdefault(self.name, OutputVitals())
        self._options = options
        self._hearing = hearing
        self._archive = archive
        self._resolve = resolve
        self._clock = clock
        self._shut = shut
        self._backoff = backoff

    async def run(self, feed: Feed) -> None:
        """Gather until cancelled."""
        del feed  # who hears has the world
        run = _Run(
            self._options,
            self.vitals,
            self._hearing,
            self._archive,
            clock=self._clock,
            shut=self._shut,
            resolve=self._resolve,
            backoff=self._backoff,
        )
        await run.until_cancelled()


class _Run:
    """One run of a collector."""

    def __init__(
        self,
        options: BrokerOptions,
        own: OutputVitals,
        hearing: Hearing,
        archive: Archive,
        *,
        clock: Callable[[], float],
        shut: float,
        resolve: Resolve | None,
        backoff: Callable[[], Backoff],
    ) -> None:
        root, vantage = options.root, hearing.world.vantage
        self._options = options
        self._vantage = vantage
        self._hearing = hearing
        self._lost_at: float | None = None
        """Monotonic time at which we noticed that we have no connection; None: we have one."""
        self._archive = archive
        self._clock = clock
        self._condition = condition = Condition(own, f"{options.host}:{options.port}", clock)
        self._peers = peers = Peers(hearing)
        self._quarantine = Quarantine(peers, archive)
        self._floods = Floods(peers, self._listen, shut)
        self._roll = Roll(peers)
        self._listener = Listener(root, peers, hearing, clock, self._claimed)
        self._intake = Intake(
            root,
            vantage,
            peers,
            archive,
            self._quarantine,
            wall=clock,
            send=self._send,
            answered=condition.answered,
            traced=hearing.traced,
        )

        self._resolve = resolve
        self._backoff = backoff
        words, logs = (daemon_topic, beliefs_filter), (log_topic,)
        self._words = self._lane("hear", self._hear_word, self._joined, words, at_once=AT_ONCE, kept=0)
        self._logs = self._lane(
            "gather", self._hear_chunk, self._intake.remind, logs, at_once=CHUNKS, kept=KEPT
        )
        self._lanes = {"hear": self._words, "gather": self._logs}
        self._unknown: asyncio.Queue[Peer] = asyncio.Queue()
        self._deaf_at = -inf
        """Monotonic time at which we noticed last that we had not heard."""

    async def until_cancelled(self) -> None:
        """Gather."""
        self._follow(time.monotonic())
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes.values():
                group.create_task(lane.run())
            group.create_task(self._intake.run())
            group.create_task(self._quarantine.run())
            group.create_task(self._recall())
            group.create_task(self._tend())

    def _lane(
        self,
        purpose: str,
        hear: Hear,
        joined: Callable[[str], None],
        filters: Sequence[Filter],
        *,
        at_once: int,
        kept: int,
    ) -> Lane:
        return Lane(
            self._broker(purpose, at_once=at_once, kept=kept),
            self._options.root,
            filters,
            partial(self._take, purpose, hear),
            joined=joined,
            troubled=partial(self._condition.away, purpose),
            resolve=self._resolve,
            backoff=self._backoff(),
        )

    def _broker(self, purpose: str, *, at_once: int, kept: int) -> Broker:
        given = self._options.broker(
            client_id=f"command-monitor-{self._vantage}",
            echo=f"{self._options.root}/daemon/{self._vantage}/echo/{purpose}",
            session_expiry=kept,
        )
        return replace(given, client_id=f"{given.client_id}-{purpose}", receive_maximum=at_once)

    # What comes in

    async def _take(self, purpose: str, hear: Hear, delivery: Delivery) -> None:
        """Take in one message, whatever it is: nothing that a peer says may end our session."""
        vantage = delivery.topic.removeprefix(f"{self._options.root}/vantage/").partition("/")[0]
        peer = self._peers.get(vantage)
        if peer is None:
            self._lanes[purpose].forget(vantage)
        elif peer.shut_until is None:
            now = time.monotonic()
            try:
                await hear(peer, delivery, now)
            except ValueError as error:
                self._quarantine.refuse(peer, delivery.topic, str(error), delivery.payload, now)
            except Exception:
                log.exception("collect.failed", vantage=vantage, topic=clean(delivery.topic))
                self._quarantine.refuse(peer, delivery.topic, "we failed at it", delivery.payload, now)

    async def _hear_word(self, peer: Peer, delivery: Delivery, now: float) -> None:
        if peer.words.take(now):
            self._listener.hear(peer, delivery, now, self._hears_since())
        else:
            self._floods.begin(peer, now)

    async def _hear_chunk(self, peer: Peer, delivery: Delivery, now: float) -> None:
        useful = False
        try:
            useful = await self._intake.hear(peer, delivery, now)
        finally:
            if not useful and not peer.chunks.take(now):
                self._floods.begin(peer, now)

    def _claimed(self, peer: Peer, log: str, position: int) -> None:
        self._intake.remind(peer.vantage, (log, position))

    def _joined(self, vantage: str) -> None:
        peer = self._peers.get(vantage)
        if peer is not None:
            peer.track = replace(peer.track, listened_at=time.monotonic())

    # What time brings

    async def _tend(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._follow(now)
            self._floods.tend(now)
            if now - before > TICK + LAGGED:
                self._deaf_at = now  # what was said meanwhile is still to be read
            else:
                self._judge(now)
            before = now
            self._own_connection(now)
            self._condition.show(self._lanes, self._quarantine.waiting)

    def _judge(self, now: float) -> None:
        """Forget what holds no longer, and say who is silent as far as we could hear."""
        for peer in self._peers:
            self._listener.expire(peer, now)
        session = self._words.session
        if session is None:
            return
        if session.deaf:
            self._deaf_at = now
            return
        since, proven = self._hears_since(), self._words.proven_at
        self._roll.call(proven, self._clock() - (now - proven), since)
        if now - proven > TICK and self._roll.is_doubtful(now, since):
            self._words.prove()

    def _own_connection(self, now: float) -> None:
        session = self._words.session
        heard = session is not None and not session.deaf
        self._lost_at = None if heard else self._lost_at or now
        self._hearing.broker(self._lost_at)

    def _hears_since(self) -> float:
        """Return since when we have been hearing without a break; never, while we do not."""
        since = self._words.since
        return inf if since is None else max(since, self._deaf_at)

    def _follow(self, now: float) -> None:
        new = self._peers.follow(now)
        if new is not None:
            self._listen()
            for peer in new:
                self._unknown.put_nowait(peer)

    def _listen(self) -> None:
        for lane in self._lanes.values():
            lane.listen(self._peers.listened_to())

    async def _recall(self) -> None:
        """Find out which boots of each new vantage are known from earlier."""
        while True:
            peer = await self._unknown.get()
            try:
                known = await self._archive.gathered(peer.vantage)
            except Exception:
                log.exception("collect.unknown", vantage=peer.vantage)
            else:
                self._peers.recall(peer, known.boots)

    def _send(self, message: Message, done: Callable[[MqttError | None], None]) -> bool:
        return self._logs.send(message, done)
