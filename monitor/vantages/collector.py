"""Gathers what the other vantages report: what they believe now, and all that happened there.

Two connections: one for live words, and one, whose session the broker keeps, for logs, whose chunks are
acknowledged after they are recorded. So neither a backlog nor a bad disk delays the word that something has
just failed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from monitor.core.vitals import OutputVitals, Vitals
from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Broker, Delivery, Message, MqttError, Refused, Resolve, ends_soon
from monitor.kit.mqtt.options import BrokerOptions
from monitor.kit.text import clean
from monitor.ports import Archive, Feed, Hearing
from monitor.vantages.floods import SHUT, Floods
from monitor.vantages.intake import Intake
from monitor.vantages.lane import Lane
from monitor.vantages.listener import Listener
from monitor.vantages.peers import Peer, Peers
from monitor.vantages.quarantine import Quarantine
from monitor.vantages.roll import Roll
from monitor.vantages.topics import beliefs_filter, daemon_topic, log_topic

TICK = 0.5
"""Seconds between two looks at what time has made of the vantages."""
LAGGED = 1.0
"""Seconds by which such a look may be late; later, we were deaf meanwhile."""
AT_ONCE = 200
"""Words under way to us that we have not acknowledged, at most."""
CHUNKS = 20
"""The same for chunks of logs, each of which may be as large as a packet."""
KEPT = 86_400
"""Seconds for which the broker keeps our place in what is said about logs while we are away."""
CATCH = "vantage/#"
"""What a vantage says, below the root."""

log = structlog.get_logger()


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
        run = _Run(self._options, self.vitals, self._hearing, self._archive, feed.world.vantage, self._clock)
        await run.until_cancelled(self._resolve, self._shut, self._backoff)


class _Run:
    """One run of a collector."""

    def __init__(
        self,
        options: BrokerOptions,
        own: OutputVitals,
        hearing: Hearing,
        archive: Archive,
        vantage: str,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._own = own
        self._archive = archive
        self._vantage = vantage
        self._clock = clock
        self._peers = peers = Peers(hearing)
        self._quarantine = Quarantine(peers, archive)
        self._intake = Intake(
            options.root, vantage, peers, archive, self._quarantine,
            wall=clock, send=self._send, answered=self._answered,
        )  # fmt: skip
        self._listener = Listener(options.root, peers, hearing, clock, self._claimed)
        self._roll = Roll(peers)
        self._deaf_at = 0.0
        self._away: dict[str, str] = {"hear": "not connected yet", "gather": "not connected yet"}
        self._unacknowledged: dict[str, str] = {}
        self._floods: Floods
        self._words: Lane
        self._logs: Lane
        self._new: asyncio.Queue[Peer] = asyncio.Queue()

    async def until_cancelled(
        self, resolve: Resolve | None, shut: float, backoff: Callable[[], Backoff]
    ) -> None:
        """Gather."""
        root = self._options.root
        self._floods = Floods(self._peers, self._listen, shut)

        def lane(
            purpose: str,
            broker: Broker,
            filters: Callable[[str], tuple[str, ...]],
            hear: Callable[[Peer, Delivery], Awaitable[None]],
            joined: Callable[[str], None],
        ) -> Lane:
            return Lane(
                broker,
                f"{root}/{CATCH}",
                filters,
                lambda delivery: self._take(purpose, delivery, hear),
                joined=joined,
                troubled=lambda words: self._troubled(purpose, words),
                resolve=resolve,
                backoff=backoff(),
            )

        self._words = lane(
            "hear", self._broker("hear", AT_ONCE, kept=0),
            lambda v: (daemon_topic(root, v), beliefs_filter(root, v)), self._hear_word, self._joined,
        )  # fmt: skip
        self._logs = lane(
            "gather", self._broker("gather", CHUNKS, kept=KEPT),
            lambda v: (log_topic(root, v),), self._hear_chunk, self._intake.remind,
        )  # fmt: skip
        self._follow(time.monotonic())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._words.run())
            group.create_task(self._logs.run())
            group.create_task(self._intake.run())
            group.create_task(self._quarantine.run())
            group.create_task(self._recall())
            group.create_task(self._tend())

    def _broker(self, purpose: str, at_once: int, *, kept: int) -> Broker:
        given = self._options.broker(
            client_id=f"command-monitor-{self._vantage}",
            echo=f"{self._options.root}/daemon/{self._vantage}/echo/{purpose}",
            session_expiry=kept,
        )
        return replace(given, client_id=f"{given.client_id}-{purpose}", receive_maximum=at_once)

    # What comes in

    async def _take(
        self, purpose: str, delivery: Delivery, hear: Callable[[Peer, Delivery], Awaitable[None]]
    ) -> None:
        """Take in one message, whatever it is: nothing that a peer says may end our session."""
        vantage = delivery.topic.removeprefix(f"{self._options.root}/vantage/").partition("/")[0]
        peer = self._peers.get(vantage)
        if peer is None:
            (self._words if purpose == "hear" else self._logs).forget(vantage)
        elif peer.shut_until is None:
            now = time.monotonic()
            try:
                await hear(peer, delivery)
            except ValueError as error:
                self._quarantine.refuse(peer, delivery.topic, str(error), delivery.payload, now)
            except Exception:
                log.exception("collect.failed", vantage=vantage, topic=clean(delivery.topic))
                self._quarantine.refuse(peer, delivery.topic, "we failed at it", delivery.payload, now)

    async def _hear_word(self, peer: Peer, delivery: Delivery) -> None:
        now = time.monotonic()
        if peer.words.take(now):
            self._listener.hear(peer, delivery, now, self._hears_since())
        else:
            self._flooded(peer, now)

    async def _hear_chunk(self, peer: Peer, delivery: Delivery) -> None:
        now, useful = time.monotonic(), False
        try:
            useful = await self._intake.hear(peer, delivery, now)
        finally:
            if not useful and not peer.chunks.take(now):
                self._flooded(peer, now)

    def _flooded(self, peer: Peer, now: float) -> None:
        log.warning("collect.flooded", vantage=peer.vantage)
        self._floods.begin(peer, now)

    def _claimed(self, peer: Peer, log: str, position: int) -> None:
        self._intake.remind(peer.vantage, (log, position))

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
            self._show()

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

    def _hears_since(self) -> float:
        """Return since when we have been hearing without a break; never, while we do not."""
        since = self._words.since
        return float("inf") if since is None else max(since, self._deaf_at)

    def _follow(self, now: float) -> None:
        new = self._peers.follow(now)
        if new is not None:
            self._listen()
            for peer in new:
                self._new.put_nowait(peer)

    def _listen(self) -> None:
        wanted = self._peers.listened_to()
        self._words.listen(wanted)
        self._logs.listen(wanted)

    def _joined(self, vantage: str) -> None:
        peer = self._peers.get(vantage)
        if peer is not None:
            peer.track = replace(peer.track, listened_at=time.monotonic())

    async def _recall(self) -> None:
        """Find out which boots of each new vantage we know from earlier."""
        while True:
            peer = await self._new.get()
            try:
                known = await self._archive.gathered(peer.vantage)
            except Exception:
                log.exception("collect.unknown", vantage=peer.vantage)
            else:
                self._peers.recall(peer, known.boots)

    # How we are

    def _send(self, message: Message, done: Callable[[MqttError | None], None]) -> bool:
        return self._logs.send(message, done)

    def _answered(self, topic: str, trouble: MqttError | None) -> None:
        if trouble is None:
            self._own.delivered += 1
            self._unacknowledged.pop(topic, None)
        elif isinstance(trouble, Refused):
            self._own.failed += 1
            self._unacknowledged[topic] = str(trouble)

    def _troubled(self, purpose: str, words: str) -> None:
        if self._away.get(purpose) != words:
            log.warning("collect.away", connection=purpose, reason=words)
        self._away[purpose] = words
        self._own.reconnects += 1

    def _show(self) -> None:
        lanes = {"hear": self._words, "gather": self._logs}
        self._own.connected = all(lane.since is not None for lane in lanes.values())
        self._own.queued = self._quarantine.waiting
        self._own.trouble = next(iter(self._troubles(lanes)), "")

    def _troubles(self, lanes: dict[str, Lane]) -> list[str]:
        away = [self._away[purpose] for purpose, lane in lanes.items() if lane.session is None]
        refused = [words for lane in lanes.values() for words in lane.refused.values()]
        deaf = [lane for lane in lanes.values() if lane.session is not None and lane.session.deaf]
        found = [*away, *refused, *self._unacknowledged.values()]
        if deaf:
            found.append("the broker takes our messages, but nothing that we subscribe to comes back")
        ends = ends_soon(self._words.certificate_ends, self._clock())
        return [clean(words) for words in (*found, ends) if words]
