"""Tells another level, over a broker of its own, what this vantage believes and what happened here.

What is live goes first: how the daemon is, then beliefs, at once when they change and again thrice within the
time for which they hold. The log follows as the line and the collecting daemon allow. What is not
acknowledged is sent again: after a lost session, a restart of either side, or a restored backup.
"""

import asyncio
import time
from collections.abc import Callable

from monitor.core.vitals import OutputVitals, Vitals
from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Connection, MqttError, Refused, Resolve, Session
from monitor.ports import Feed, Journal, News
from monitor.vantages.beliefs import STEPS
from monitor.vantages.options import ReportOptions
from monitor.vantages.sweep import retained
from monitor.vantages.tail import Tail
from monitor.vantages.teller import Teller
from monitor.vantages.topics import beliefs_filter, check_of
from monitor.vantages.troubles import Troubles
from monitor.vantages.voice import Voice

COUNT_EVERY = 5.0
"""Seconds between two counts of the backlog."""
UNANSWERED = 3
"""Attempts in a row without an answer after which a person should know."""
FAREWELL = 1.5
"""Seconds for what is still to be told when the daemon stops."""


class Reporter:
    """The output `report/<name>`."""

    durable = False
    """What was told is known by acknowledgements, not by a place in its feed."""

    def __init__(
        self,
        name: str,
        options: ReportOptions,
        vitals: Vitals,
        journal: Journal,
        *,
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
    ) -> None:
        """Prepare to report to the level *name*, which has a broker of its own."""
        self.name = f"report/{name}"
        self.vitals = vitals.outputs.setdefault(self.name, OutputVitals())
        self._report = name
        self._options = options
        self._vitals = vitals
        self._journal = journal
        self._resolve = resolve
        self._clock = clock
        self._backoff = backoff

    async def run(self, feed: Feed) -> None:
        """Report until cancelled; then say that we stop, within two seconds."""
        broker = self._options.report_broker(feed.world.vantage, self._report)
        troubles = Troubles(self.vitals, self._report, f"{broker.host}:{broker.port}", self._clock)
        voice = Voice(self._options, lambda: feed.world, clock=self._clock)
        tail = Tail(self._journal, self.name)
        connection = Connection(
            broker,
            will=lambda: voice.will(tail.place),
            resolve=self._resolve,
            troubled=troubles.away,
            backoff=self._backoff,
        )
        run = _Run(self._options, feed, self._vitals, self.vitals, voice, tail, troubles, connection)
        await run.until_cancelled()


class _Run:
    """One run of a report."""

    def __init__(
        self,
        options: ReportOptions,
        feed: Feed,
        vitals: Vitals,
        own: OutputVitals,
        voice: Voice,
        tail: Tail,
        troubles: Troubles,
        connection: Connection,
    ) -> None:
        self._options = options
        self._feed = feed
        self._vitals = vitals
        self._own = own
        self._voice = voice
        self._tail = tail
        self._troubles = troubles
        self._connection = connection
        self._teller = Teller(options.root, feed, voice, tail, troubles, changed=self._show)
        self._session: Session | None = None
        self._sessions = 0

    async def until_cancelled(self) -> None:
        """Report."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._refresh())
            group.create_task(self._beat())
            group.create_task(self._count())
            group.create_task(self._connection.keep(self._serve))

    async def _listen(self) -> None:
        while True:
            self._hear(await self._feed.news(events=False))

    def _hear(self, news: News) -> None:
        self._teller.change(news.believed)

    async def _refresh(self) -> None:
        """Have every unchanged belief told again in each third of its validity, spread over it."""
        step = 0
        while True:
            await asyncio.sleep(self._options.valid_for / 3 / STEPS)
            step = (step + 1) % STEPS
            if self._session is not None and self._vouching():
                self._teller.beliefs.refresh(step, self._feed.world)
                self._teller.stir()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._options.keepalive)
            self._teller.beat_due = True
            self._teller.stir()

    async def _count(self) -> None:
        while True:
            self._tail.look()
            await self._tail.count()
            self._show()
            await asyncio.sleep(COUNT_EVERY)

    def _vouching(self) -> bool:
        """Somebody still looks: what nobody checks any more must not be told as fresh."""
        vitals = self._vitals
        return not vitals.ticks or time.monotonic() - vitals.last_tick <= self._options.valid_for

    async def _serve(self, session: Session) -> None:
        """Live through one session: birth, every belief anew, the stale ones cleared, then what comes."""
        self._begin(session)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._teller.tell_live(session))
                group.create_task(self._teller.tell_log(session))
                group.create_task(self._tidy(session))
        except asyncio.CancelledError:
            if session.alive:
                await self._farewell(session)
                self._troubles.stopped()
            raise
        finally:
            self._session = None
            self._teller.lost(proven=session.accepted > 0)
            self._show()

    def _begin(self, session: Session) -> None:
        self._session = session
        self._own.reconnects += self._sessions > 0
        self._sessions += 1
        self._teller.begin()
        if self._vouching():
            self._teller.beliefs.introduce(self._feed.world)
        self._troubles.online(self._voice.session)
        self._show()

    async def _tidy(self, session: Session) -> None:
        """Clear what we left on the broker about checks that are no more."""
        world, root = self._feed.world, self._options.root
        pattern = beliefs_filter(root, world.vantage)
        await self._teller.settled.wait()
        try:
            topics = await retained(session, pattern)
        except Refused as error:
            self._troubles.doubtful(pattern, str(error))
            return
        self._troubles.cleared(pattern)
        checks = {check_of(root, world.vantage, topic) for topic in topics}
        self._teller.beliefs.clear(sorted(check for check in checks if check and check not in world.checks))
        self._teller.stir()

    async def _farewell(self, session: Session) -> None:
        """Tell what is left and that we stop; if the broker does not take it in time, its will tells."""
        try:
            async with asyncio.timeout(FAREWELL):
                self._hear(await self._feed.news(0, events=False))
                await self._teller.finish(session)
        except (TimeoutError, MqttError):
            session.client.finish("stopped without a farewell")

    def _show(self) -> None:
        troubles, session, tail = self._troubles, self._session, self._tail
        self._own.queued = tail.queued
        troubles.connected = session is not None
        troubles.deaf = session is not None and session.deaf
        troubles.idle = not self._vouching()
        troubles.unanswered = tail.window.attempts >= UNANSWERED
        troubles.strange = tail.strange
        troubles.certificate_ends = self._connection.certificate_ends
        troubles.certificate_doubt = self._connection.certificate_doubt
        troubles.show()
