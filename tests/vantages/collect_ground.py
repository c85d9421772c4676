"""What the tests of the collecting side stand on: a small city, an ear, a log, and agents of any manners."""

import asyncio
import contextlib
import itertools
import json
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import paho.mqtt.client as paho

from monitor.core.agent import Agent, Heard
from monitor.core.inventory import (
    Center,
    Circuit,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Role,
    Vantage,
)
from monitor.core.vitals import OutputVitals, StoreVitals, Vitals
from monitor.core.world import Event, World
from monitor.kit.backoff import Backoff
from monitor.kit.mqtt.options import BrokerOptions
from monitor.ports import Gathered
from monitor.store import Store, StoreOptions, log_file
from monitor.vantages.collector import Collector
from tests.fakes import FakeFeed

ROOT = "command/v1"
PATIENCE = 15.0
NAME = Name("丹江口", "Danjiangkou")
CHECK = "dan/province/primary/icmp"
QUICK = {"keepalive": 1, "timeout": 1.0}
LONG_AGO = 86_400.0


def city(*vantages: str) -> Inventory:
    """Return a city with a center for each of these vantages, and a vantage of its own called `city`."""
    names = vantages or ("dan", "yun", "wu")
    return Inventory(
        NAME,
        networks={n: Network(n, NAME) for n in ("city", "province")},
        carriers={},
        centers={name: _center(name) for name in names},
        vantages={"city": Vantage("city", NAME, networks=("city", "province"))}
        | {name: Vantage(name, NAME, center=name) for name in names},
    )


def _center(name: str) -> Center:
    look = Look("icmp", "icmp", None, 1.0, 1.0)
    links = tuple(
        Link(
            name, n, tuple(Circuit(name, n, role, "10.0.0.1", near_look=look, far_look=look) for role in Role)
        )
        for n in ("city", "province")
    )
    return Center(name, NAME, Level.COUNTY, links)


def checks(vantage: str) -> list[str]:
    return [f"{vantage}/{n}/{role}/icmp" for n in ("city", "province") for role in Role]


class Ear:
    """A `monitor.ports.Hearing` that remembers what it was told."""

    def __init__(self, inventory: Inventory) -> None:
        self.world = World(inventory, "city", "city-boot")
        self.told: list[tuple[str, str, dict]] = []
        """What, vantage and details of each event; the vantage is empty if it is about all."""
        self.heard_at: dict[str, float] = {}
        self.traces: list[Event] = []

    def heard(self, vantage: str, beliefs: Mapping[str, Heard | None]) -> None:
        held = self.world.heard.setdefault(vantage, {})
        for check, belief in beliefs.items():
            self.heard_at[check] = time.monotonic()
            if belief is None:
                held.pop(check, None)
            else:
                held[check] = belief

    def agent(self, agent: Agent, what: str = "", **data) -> None:
        self.world.agents[agent.vantage] = agent
        if what:
            self.told.append((what, agent.vantage, data))

    def broker(self, lost_at: float | None) -> None:
        self.world.broker_lost_at = lost_at

    def tell(self, what: str, **data) -> None:
        self.told.append((what, "", data))

    def traced(self, event: Event) -> None:
        self.traces.append(event)


class MemoryArchive:
    """A `monitor.ports.Archive` in memory; while its disk is bad nothing is committed."""

    def __init__(self) -> None:
        self.known: dict[str, Gathered] = {}
        self.events: dict[tuple[str, str, int], Event] = {}
        self.kept: deque = deque(maxlen=1000)
        self.good = asyncio.Event()
        self.good.set()

    async def gathered(self, vantage: str) -> Gathered:
        return self.known.get(vantage, Gathered())

    async def gather(self, vantage: str, log: str, upto: int, events) -> int:
        await self.good.wait()
        before = self.known.get(vantage, Gathered())
        new = [e for e in events if (e.vantage, e.boot, e.seq) not in self.events]
        self.events |= {(e.vantage, e.boot, e.seq): e for e in new}
        boots = tuple(dict.fromkeys((*before.boots, *(e.boot for e in new))))
        position = max(upto, before.position) if before.log == log else upto
        self.known[vantage] = Gathered(log, position, boots)
        return len(new)

    async def quarantine(self, vantage: str, topic: str, reason: str, payload: bytes) -> None:
        await self.good.wait()
        self.kept.append((vantage, topic, reason, payload))

    def of(self, vantage: str) -> list[tuple[str, int]]:
        """Return boot and seq of what was taken in of a vantage, in that order."""
        return [(e.boot, e.seq) for e in self.events.values() if e.vantage == vantage]


class DiskArchive:
    """The real one, with a look into its file."""

    def __init__(self, store: Store, path: Path) -> None:
        self.gathered = store.gathered
        self.gather = store.gather
        self.quarantine = store.quarantine
        self._path = path

    def _rows(self, query: str, *values) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(query, values).fetchall()

    @property
    def kept(self) -> list[tuple[str, str, str, bytes]]:
        return self._rows("SELECT vantage, topic, reason, payload FROM quarantine ORDER BY id")

    @property
    def events(self) -> dict[tuple[str, str, int], Event]:
        columns = "vantage, boot, seq, at, kind, subject, data, position, received_at"
        rows = self._rows(f"SELECT {columns} FROM events ORDER BY position")  # noqa: S608 - ours
        return {row[:3]: Event(*row[:6], json.loads(row[6]), *row[7:]) for row in rows}

    def of(self, vantage: str) -> list[tuple[str, int]]:
        return self._rows("SELECT boot, seq FROM events WHERE vantage = ? ORDER BY position", vantage)


@contextlib.asynccontextmanager
async def on_disk(folder: Path) -> AsyncIterator[DiskArchive]:
    """Keep a real log in *folder*."""
    path = log_file(folder, "city")
    store = Store(path, "city", StoreVitals(), options=StoreOptions(reserve_mib=0))
    await store.open()
    try:
        yield DiskArchive(store, path)
    finally:
        await store.close()


@dataclass
class Collecting:
    """A collector at work."""

    ear: Ear
    archive: MemoryArchive | DiskArchive
    feed: FakeFeed
    vitals: OutputVitals
    task: asyncio.Task

    @property
    def world(self) -> World:
        return self.ear.world

    def agent(self, vantage: str = "dan") -> Agent:
        return self.world.agents[vantage]

    def whats(self, vantage: str | None = None) -> list[str]:
        """Return what was told, of one vantage or of all."""
        return [what for what, of, _ in self.ear.told if vantage is None or of == vantage]

    def details(self, what: str) -> list[dict]:
        return [details for told, _, details in self.ear.told if told == what]

    async def until(self, condition, patience: float = PATIENCE) -> None:
        """Wait until *condition* holds."""
        try:
            async with asyncio.timeout(patience):
                while not condition():
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            agents = "\n".join(map(str, self.world.agents.values()))
            raise AssertionError(
                f"not within {patience:g} s:\n{agents}\n{self.ear.told}\n{self.vitals}"
            ) from None

    async def ready(self) -> None:
        """Wait until it listens."""
        await self.until(lambda: self.vitals.connected)

    async def told(self, what: str, patience: float = PATIENCE) -> dict:
        """Wait for an event, and return its details."""
        await self.until(lambda: what in self.whats(), patience)
        return self.details(what)[0]

    def reload(self, inventory: Inventory) -> None:
        """Do as the engine does when the inventory changes."""
        self.world.inventory = inventory
        for known in (self.world.agents, self.world.heard):
            for vantage in known.keys() - inventory.vantages.keys():
                del known[vantage]

    async def stop(self) -> None:
        self.task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def collecting(
    port: int,
    archive=None,
    *,
    inventory: Inventory | None = None,
    ready: bool = True,
    shut: float = 60.0,
    clock=time.time,
    ear=Ear,
    **options,
) -> AsyncIterator[Collecting]:
    """Run a collector against the broker at *port*."""
    ear, vitals = ear(inventory or city()), Vitals()
    archive = MemoryArchive() if archive is None else archive
    feed = FakeFeed(ear.world)
    collector = Collector(
        BrokerOptions(**{"host": "127.0.0.1", "port": port} | QUICK | options),
        vitals,
        ear,
        archive,
        clock=clock,
        shut=shut,
        backoff=lambda: Backoff(base=0.05, cap=0.1),
    )
    task = asyncio.create_task(collector.run(feed), name=collector.name)
    it = Collecting(ear, archive, feed, collector.vitals, task)
    try:
        if ready:
            await it.ready()
        yield it
    finally:
        await it.stop()
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()


@dataclass
class Mouth:
    """An agent of plain paho that says what the test wants it to, and hears how its log is acknowledged."""

    port: int
    vantage: str = "dan"
    boot: str = "boot-1"
    session: int = 1
    log: str = "log-1"
    ahead: float = 0.0
    """Seconds by which its clock is ahead."""
    valid_for: float = 3.0
    acks: list[dict] = field(default_factory=list)
    recorded: list[tuple[str, bytes, bool]] = field(default_factory=list)
    said: itertools.count = field(default_factory=lambda: itertools.count(1))
    client: paho.Client | None = None

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    def topic(self, what: str) -> str:
        return f"{ROOT}/vantage/{self.vantage}/{what}"

    def connect(self, *, will: bool = False) -> "Mouth":
        name = f"mouth-{self.vantage}-{self.boot}-{self.session}-{time.monotonic_ns()}"
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
        self.client.max_inflight_messages_set(200)
        self.client.max_queued_messages_set(0)
        self.client.on_message = lambda _c, _u, m: self.acks.append(json.loads(m.payload))
        if will:
            word = self.daemon_word("offline", "lost", n=2**53 - 1)
            self.client.will_set(self.topic("daemon"), json.dumps(word), 1, retain=True)
        self.client.connect("127.0.0.1", self.port, keepalive=60)
        self.client.loop_start()
        self.client.subscribe(f"{ROOT}/ack/{self.vantage}", 1)
        return self

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def cut(self) -> None:
        """Lose the connection as a killed process does, so that the broker tells the will."""
        self.client.loop_stop()
        self.client.socket().close()

    async def publish(self, topic: str, payload, *, retain: bool = False) -> None:
        """Say something and wait until the broker has it."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.recorded.append((topic, raw, retain))
        info = self.client.publish(topic, raw, 1, retain)
        async with asyncio.timeout(PATIENCE):
            while not info.is_published():
                await asyncio.sleep(0.002)

    def stamp(self, **known) -> dict:
        return {
            "vantage": self.vantage,
            "boot": self.boot,
            "session": self.session,
            "n": next(self.said),
            "sent_at": self.now,
        } | known

    def daemon_word(self, state: str = "online", reason: str = "", **known) -> dict:
        return self.stamp(
            **{
                "state": state,
                "reason": reason,
                "valid_for": self.valid_for,
                "version": "1",
                "log": self.log,
                "end": 0,
                "acknowledged": 0,
                "backlog": 0,
            }
            | known
        )

    async def beat(self, state: str = "online", reason: str = "", **known) -> None:
        await self.publish(self.topic("daemon"), self.daemon_word(state, reason, **known), retain=True)

    def belief_word(self, check: str, verdict: str = "up", **known) -> dict:
        return self.stamp(
            **{
                "check": check,
                "subject": check.rpartition("/")[0],
                "verdict": verdict,
                "suspected": False,
                "reason": "ok" if verdict == "up" else "timeout",
                "since": self.now,
                "valid_for": 3.0,
                "rtt": 0.001,
                "loss": 0.0,
            }
            | known
        )

    async def believe(self, check: str = CHECK, verdict: str = "up", **known) -> None:
        word = self.belief_word(check, verdict, **known)
        await self.publish(self.topic(f"belief/{check}"), word, retain=True)

    def entry(self, seq: int, **known) -> dict:
        return {
            "boot": self.boot,
            "seq": seq,
            "at": self.now,
            "kind": "status",
            "subject": f"{self.vantage}/province",
            "data": {"was": "up", "now": "down"},
        } | known

    def chunk_word(self, after: int, upto: int, entries=None, **known) -> dict:
        entries = [self.entry(seq) for seq in range(after + 1, upto + 1)] if entries is None else entries
        return self.stamp(log=self.log, after=after, upto=upto, entries=entries) | known

    async def tell(self, after: int, upto: int, entries=None, **known) -> None:
        """Tell a chunk of the log, in which position and seq are the same unless entries are given."""
        await self.publish(self.topic("log"), self.chunk_word(after, upto, entries, **known))


@contextlib.contextmanager
def mouth(port: int, vantage: str = "dan", *, will: bool = False, **known):
    """Let an agent speak while the context lasts."""
    it = Mouth(port, vantage, **known).connect(will=will)
    try:
        yield it
    finally:
        it.close()


@contextlib.asynccontextmanager
async def beating(*mouths: Mouth, every: float = 0.5):
    """Have agents say that they are there, again and again."""

    async def beat() -> None:
        while True:
            for one in mouths:
                await one.beat()
            await asyncio.sleep(every)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def without(inventory: Inventory, vantage: str) -> Inventory:
    """Return the city without one vantage."""
    return replace(inventory, vantages={k: v for k, v in inventory.vantages.items() if k != vantage})
