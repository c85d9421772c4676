"""What the tests of a report stand on: a log in memory, a world, and one who takes in what is told."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.core.detection import Belief, Verdict
from monitor.core.inventory import Inventory, Look
from monitor.core.observation import ok
from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import Check, Event, Reading, World
from monitor.kit.backoff import Backoff
from monitor.kit.mqtt import Broker, Connection, Delivery, Message, Session
from monitor.ports import News
from monitor.vantages.options import ReportOptions
from monitor.vantages.reporter import Reporter
from monitor.vantages.topics import log_topic
from monitor.vantages.wire import Ack, BeliefWord, Chunk, DaemonWord, parse
from tests.mosquitto import mosquitto

ROOT = "command/v1"
VANTAGE = "danjiangkou"
TREE = f"{ROOT}/vantage/{VANTAGE}"
DAEMON = f"{TREE}/daemon"
BELIEF = f"{TREE}/belief/"
LOG = f"{TREE}/log"
ACK = f"{ROOT}/ack/{VANTAGE}"
PATIENCE = 15.0
QUICK = {"keepalive": 1, "timeout": 1.0}
"""Options with which a test takes seconds."""
NAME = "report/city"
QUICKLY = ("allow_anonymous true", "set_tcp_nodelay true")
"""Settings of a broker that is in nobody's way."""


def at_once() -> Backoff:
    """Reconnect without the waits that make a test long."""
    return Backoff(base=0.05, cap=0.1)


class MemoryJournal:
    """A `monitor.ports.Journal` of events that the test records; positions have gaps, as real ones may."""

    def __init__(self, identity: str = "log-1") -> None:
        self.identity = identity
        self.events: list[Event] = []
        self.places: dict[str, int] = {}
        self.foreign = 0
        """Positions taken by events of others since the latest of ours."""
        self.reads = 0
        self.unreadable = False

    @property
    def end(self) -> int:
        return (self.events[-1].position if self.events else 0) + self.foreign

    def record(self, *events: Event) -> None:
        for event in events:
            self.events.append(replace(event, position=self.end + 3))
            self.foreign = 0

    async def own(self, after: int, limit: int) -> Sequence[Event]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.unreadable:
            raise OSError("the disk is bad")
        return [event for event in self.events if event.position > after][:limit]

    async def waiting(self, after: int) -> int:
        if self.unreadable:
            raise OSError("the disk is bad")
        return sum(event.position > after for event in self.events)

    def place(self, reader: str) -> int:
        return self.places.get(reader, 0)

    def mark(self, reader: str, position: int) -> None:
        self.places[reader] = position


class BeliefFeed:
    """A `monitor.ports.Feed` of beliefs alone: a report must not ask for events."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._believed: set[str] = set()
        self._something = asyncio.Event()

    def tell(self, *believed: str) -> None:
        self._believed |= set(believed)
        self._something.set()

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ASYNC109 - the port's
        assert not events
        try:
            async with asyncio.timeout(timeout):
                while not self._believed:
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            pass
        news = News((), frozenset(), frozenset(self._believed))
        self._believed = set()
        return news

    def told(self, position: int) -> None:
        raise AssertionError(f"a report has no place in the feed, not even {position}")


def world_of(*checks: str, boot: str = "boot-1") -> World:
    """Return a world in which all is well with these checks."""
    world = World(Inventory({}, {}, {}, {}, {}), VANTAGE, boot)
    for check in checks:
        add(world, check)
    return world


def add(world: World, check: str) -> None:
    """Begin to look at something, and find it well."""
    look = Look(check.rpartition("/")[2], "icmp", None, 1.0, 1.0)
    world.checks[check] = Check(check, check.rpartition("/")[0], look)
    world.beliefs[check] = Belief(Verdict.UP, 1_700_000_000.0, "ok")
    world.readings[check] = reading = Reading()
    reading.finding, reading.rtt = ok(), 0.0123
    reading.remember(lost=False)


def believe(feed: BeliefFeed, check: str, verdict: Verdict, reason: str = "timeout") -> None:
    """Change what is believed of a check, and let the outputs hear it."""
    feed.world.beliefs[check] = Belief(verdict, time.time(), reason)
    feed.tell(check)


def event(seq: int, boot: str = "boot-1", **data) -> Event:
    """Return something that was seen here just now."""
    return Event(
        VANTAGE, boot, seq, time.time(), "status", "danjiangkou", {"was": "up", "now": "down"} | data
    )


def events(count: int, first: int = 1, boot: str = "boot-1") -> list[Event]:
    return [event(seq, boot) for seq in range(first, first + count)]


@dataclass
class Reporting:
    """A report at work."""

    feed: BeliefFeed
    journal: MemoryJournal
    vitals: Vitals
    own: OutputVitals
    task: asyncio.Task
    port: int
    """Of its broker."""

    async def until(self, condition, patience: float = PATIENCE) -> None:
        """Wait until the report's vitals are so."""
        try:
            async with asyncio.timeout(patience):
                while not condition(self.own):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {patience:g} s: {self.own}") from None

    async def stop(self) -> None:
        """Stop it as the app does, and insist on its being quick."""
        self.task.cancel()
        async with asyncio.timeout(3):
            await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def reporting(
    port: int, world: World, journal=None, *, name: str = "city", vitals: Vitals | None = None, **options
) -> AsyncIterator[Reporting]:
    """Run a report of *world* to the broker at *port*."""
    journal, vitals = journal or MemoryJournal(), vitals or Vitals()
    feed = BeliefFeed(world)
    known = {"host": "127.0.0.1", "port": port} | QUICK | options
    reporter = Reporter(name, ReportOptions(**known), vitals, journal, backoff=at_once())
    task = asyncio.create_task(reporter.run(feed), name=reporter.name)
    it = Reporting(feed, journal, vitals, reporter.vitals, task, port)
    try:
        yield it
    finally:
        await it.stop()
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()


@dataclass
class Taker:
    """One who takes in a log as the collecting daemon must: in order, without gaps, nothing twice."""

    log: str = ""
    position: int = 0
    taken: list[tuple[str, int]] = field(default_factory=list)
    """Boot and seq of every event, in the order taken in."""
    entries: dict[tuple[str, int], dict] = field(default_factory=dict)
    repeated: int = 0
    gaps: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    beliefs: list[tuple[float, BeliefWord | None, str]] = field(default_factory=list)
    """Monotonic time, word (None: cleared) and topic of what was believed, in the order heard."""
    daemon: list[DaemonWord] = field(default_factory=list)
    mute: bool = False
    """Take in, but acknowledge nothing."""
    sessions: int = 0
    _session: Session | None = None

    async def hear_log(self, delivery: Delivery) -> None:
        chunk = parse(Chunk, delivery.payload)
        self.chunks.append(chunk)
        gap = self.take(chunk)
        if not self.mute:
            await self.acknowledge(gap=gap)

    def take(self, chunk: Chunk) -> bool:
        """Take in what is new; say whether something before it is missing."""
        if chunk.log != self.log:
            self.log, self.position = chunk.log, 0
        if chunk.after > self.position:
            self.gaps += 1
            return True
        for entry in chunk.entries:
            key = (entry.boot, entry.seq)
            if key in self.entries:
                self.repeated += 1
            else:
                self.taken.append(key)
                self.entries[key] = entry.data
        self.position = max(self.position, chunk.upto)
        return False

    async def acknowledge(
        self, position: int | None = None, log: str | None = None, *, gap: bool = False
    ) -> None:
        if self._session is None or not self._session.alive:
            return  # a kept session brings chunks before we are ready; `live` says where we are
        at = self.position if position is None else position
        ack = Ack(collector="shiyan", at=time.time(), log=log or self.log, position=at, gap=gap)
        self._session.send(Message(ACK, ack.payload(), retain=True), lambda _: None)

    async def hear_live(self, delivery: Delivery) -> None:
        if delivery.topic == DAEMON:
            self.daemon.append(word := parse(DaemonWord, delivery.payload))
            if word.log and not self.log and not self.mute:
                await self.acknowledge(log=word.log)
        else:
            word = parse(BeliefWord, delivery.payload) if delivery.payload else None
            self.beliefs.append((time.monotonic(), word, delivery.topic.removeprefix(BELIEF)))

    async def live(self, session: Session) -> None:
        """Hear what is live, and say how far we are, as a collecting daemon does when it comes back."""
        self._session = session
        await session.subscribe(DAEMON, self.hear_live)
        await session.subscribe(f"{BELIEF}#", self.hear_live)
        self.sessions += 1
        if self.log and not self.mute:
            await self.acknowledge()
        await asyncio.get_running_loop().create_future()

    async def until(self, condition, patience: float = PATIENCE) -> None:
        """Wait until *condition* holds."""
        try:
            async with asyncio.timeout(patience):
                while not condition():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(
                f"not within {patience:g} s: {len(self.taken)} taken, {self.repeated} repeated, "
                f"{self.gaps} gaps, {len(self.beliefs)} beliefs, daemon {self.daemon[-3:]}"
            ) from None

    async def has(self, events: Iterable[Event], patience: float = PATIENCE) -> None:
        """Wait until all of these are taken in."""
        wanted = {(event.boot, event.seq) for event in events}
        await self.until(lambda: wanted <= self.entries.keys(), patience)

    def said(self) -> dict[str, BeliefWord]:
        """Return the latest word on each check, what was cleared left out."""
        latest = {check: word for _, word, check in self.beliefs}
        return {check: word for check, word in latest.items() if word is not None}


@contextlib.asynccontextmanager
async def taking(port: int, taker: Taker | None = None, **known) -> AsyncIterator[Taker]:
    """Take in what is reported to the broker at *port*."""
    taker = taker or Taker()
    broker = Broker("127.0.0.1", port, "taker", keepalive=2, timeout=2.0, max_packet=1 << 20, **known)
    connection = Connection(
        broker,
        subscriptions=[(log_topic(ROOT, VANTAGE), taker.hear_log)],
        backoff=at_once(),
    )
    task = asyncio.create_task(connection.keep(taker.live))
    try:
        await taker.until(lambda: taker.sessions or task.done())
        yield taker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def at_work(
    folder: Path, world: World, journal=None, *, settings: tuple[str, ...] = QUICKLY, taker=None, **options
) -> AsyncIterator[tuple[Taker, Reporting]]:
    """Run a broker, one who takes in what it brings, and a report to it."""
    async with (
        mosquitto(folder, *settings) as broker,
        taking(broker.port, taker) as taken,
        reporting(broker.port, world, journal, **options) as report,
    ):
        yield taken, report


class Line:
    """A way to a broker that can be cut, held up, or made slow; it leads where *port* says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.entry = 0
        self.rate: float | None = None
        """Bytes per second towards the broker; None: as many as there are."""
        self._open = asyncio.Event()
        self._open.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()

    def cut(self) -> None:
        """End all connections as if the cable were cut, with an RST."""
        for end in self._ends:
            end.transport.abort()

    def hold(self) -> None:
        """Let nothing through any more, in neither direction."""
        self._open.clear()

    def release(self) -> None:
        """Let everything through again."""
        self._open.set()

    async def _join(self, near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        ends = {near_end}
        try:
            far, far_end = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
            ends.add(far_end)
            self._ends |= ends
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(near, far_end, slow=True))
                group.create_task(self._pass(far, near_end, slow=False))
        except* OSError:
            pass
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(self, near: asyncio.StreamReader, far: asyncio.StreamWriter, *, slow: bool) -> None:
        while data := await near.read(1024):
            await self._open.wait()
            if slow and self.rate:
                await asyncio.sleep(len(data) / self.rate)
            far.write(data)
            await far.drain()
        raise ConnectionResetError


@contextlib.asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """Open a line to the broker at *port*; it takes connections at `entry`."""
    line = Line(port)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        line._tasks.add(task)
        try:
            await line._join(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            line._tasks.discard(task)

    server = await asyncio.start_server(join, "127.0.0.1", 0, limit=4096)
    for listener in server.sockets:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    line.entry = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for task in list(line._tasks):
            task.cancel()
        await asyncio.gather(*line._tasks, return_exceptions=True)
