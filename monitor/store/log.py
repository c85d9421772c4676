"""The event log as the rest of the daemon sees it: added to, read on, told to others."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import structlog

from monitor.core.record import Record, Remembered
from monitor.core.vitals import StoreVitals
from monitor.core.world import Event
from monitor.kit.text import clean
from monitor.ports import Gathered, Reader
from monitor.store.batch import Taken
from monitor.store.file import LogFile
from monitor.store.memory import Memory, WithdrawnError
from monitor.store.options import StoreOptions
from monitor.store.pages import Pages, UnreadableError
from monitor.store.pending import Item
from monitor.store.readers import LogReader
from monitor.store.trouble import BROKEN
from monitor.store.writer import LAST_WORDS, Writer

MOST_PAYLOAD = 65_536
"""Bytes of a message in quarantine; the rest is cut off."""
AGAIN = 0.5
"""Seconds before the disk is asked again for what it could not give."""

log = structlog.get_logger()


def log_file(state_dir: Path, vantage: str) -> Path:
    """Return where the log of *vantage* is."""
    return state_dir / f"log-{vantage}.db"


def backup_folder(path: Path) -> Path:
    """Return where the backups of the log at *path* are."""
    return path.parent / "backups"


class Store:
    """A `monitor.ports.Log`, `Journal` and `Archive` in one SQLite file; belongs to one event loop."""

    def __init__(self, path: Path, vantage: str, vitals: StoreVitals, *, options: StoreOptions) -> None:
        """Keep the log of *vantage* at *path*; nothing is opened yet."""
        self._vantage = vantage
        self._memory = Memory(vantage, options.memory_events, vitals)
        self._pages = Pages(path, self._suspect)
        file = LogFile(path, backup_folder(path))
        self._writer = Writer(file, self._memory, self._pages, vitals, options)
        self._writing: asyncio.Task[None] | None = None
        self._left = False
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.tell: Callable[..., None] = _nobody
        """Is told about ourselves, `tell(what, **data)`: `store_trouble` (trouble), `store_back` (events that
        had waited), `database_set_aside` (file, restored_from, salvaged), `events_lost` (count),
        `audit_head` (number, hash)."""
        self._writer.tell = self._tell_soon

    async def open(self) -> None:
        """Open the log and load what earlier runs left.

        A bad disk does not make it fail: then it begins in memory, and goes on trying. Raises LockedError if
        another process writes this log, NewerError if a newer version did.
        """
        try:
            await self._writer.begin()
        except BaseException:
            await self._leave()
            raise
        self._writing = asyncio.create_task(self._writer.run(), name="log")

    async def close(self) -> None:
        """Record what is not recorded yet, within a few seconds, and let go of the file."""
        if self._writing is not None:
            self._writer.end()
            await asyncio.wait([self._writing], timeout=LAST_WORDS + 1)
            self._writing.cancel()
            await asyncio.wait([self._writing], timeout=1)
            self._writing = None
        await self._leave()

    async def _leave(self) -> None:
        if self._left:
            return
        self._left = True
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._pages.shut()
                await self._writer.close()
        except BROKEN as error:  # TimeoutError too: the disk hangs, and so would we
            log.warning("store.not_closed", error=repr(error))
        self._pages.close()

    # The log.

    def append(self, record: Record) -> None:
        """Record *record* soon."""
        self._memory.append(record)

    def alive(self, at: float) -> None:
        """Note that we are alive at this wall time."""
        self._memory.alive(at)

    def remembered(self) -> Remembered:
        """Return what earlier runs left."""
        left = self._writer.left
        if left is None:
            return Remembered()
        states = (left.checks, left.statuses, left.incidents, left.planned, left.alarms, left.notices)
        return Remembered(left.seen_at, *states)

    def reader(self, name: str | None, wake: Callable[[], None]) -> Reader:
        """Return a reader that goes on where *name* left off, or begins at the end."""
        memory = self._memory
        end = memory.ring.last
        saved = memory.places.get(name) if name is not None else None
        reader = LogReader(memory, self._pages, name, wake, end if saved is None else saved)
        memory.follow(reader)
        if name is not None and saved is None and memory.settled:
            memory.mark(name, end)
        return reader

    # The journal.

    @property
    def identity(self) -> str:
        """Name of this log; empty: not open yet."""
        return self._writer.identity

    @property
    def end(self) -> int:
        """Position of the latest recorded event; 0: none, or not open yet."""
        return self._memory.ring.recorded if self._memory.settled else 0

    async def own(self, after: int, limit: int) -> Sequence[Event]:
        """Return our own recorded events after a position; raises OSError while the disk cannot be read."""
        ring, end = self._memory.ring, self.end
        if after + 1 >= ring.first:
            ours = (event for event in ring.walk(after + 1, end) if event.received_at is None)
            return list(islice(ours, limit))
        return await self._pages.own(after, end, limit)

    async def waiting(self, after: int) -> int:
        """Return how many of our own recorded events come after a position; raises OSError as `own` does."""
        if after + 1 >= self._memory.ring.near:
            return len(await self.own(after, len(self._memory.ring)))
        return await self._pages.count_own(after, self.end)

    def place(self, reader: str) -> int:
        """Return the saved position of a reader; 0 without one."""
        return self._memory.places.get(reader, 0)

    def mark(self, reader: str, position: int) -> None:
        """Save the position of a reader."""
        self._memory.mark(reader, position)

    # The archive.

    async def gathered(self, vantage: str) -> Gathered:
        """Return how far we are with the log of *vantage*; waits until the disk can say it."""
        while True:
            await self._writer.healthy.wait()
            try:
                return await self._pages.gathered(vantage)
            except UnreadableError:
                await asyncio.sleep(AGAIN)

    async def gather(self, vantage: str, log: str, upto: int, events: Sequence[Event]) -> int:
        """Record another vantage's events and that its log is taken in up to *upto*; say how many were new.

        Raises ValueError for events that are not of *vantage* or that no database takes, and if *vantage* is
        our own.
        """
        if vantage == self._vantage or any(event.vantage != vantage for event in events):
            raise ValueError(f"these events are not of {vantage!r}, another vantage")
        async with self._turns[vantage]:
            while True:
                await self._writer.healthy.wait()
                try:
                    return await self._gather(vantage, log, upto, events)
                except WithdrawnError:
                    continue
                except UnreadableError:
                    await asyncio.sleep(AGAIN)

    async def quarantine(self, vantage: str, topic: str, reason: str, payload: bytes) -> None:
        """Keep a message that could not be understood; written with the next commit."""
        row = {"at": time.time(), "vantage": clean(vantage), "topic": clean(topic), "reason": clean(reason)}
        self._memory.quarantine(row | {"payload": payload[:MOST_PAYLOAD]})

    async def _gather(self, vantage: str, log: str, upto: int, events: Sequence[Event]) -> int:
        named = {(event.boot, event.seq): event for event in events}
        try:
            known = await self._pages.known(vantage, list(named)) | self._memory.waiting_of(vantage)
        except (ArithmeticError, TypeError) as error:
            raise ValueError("it holds what no database takes") from error
        now = time.time()
        fresh = tuple(
            event if event.received_at is not None else replace(event, received_at=now)
            for name, event in named.items()
            if name not in known
        )
        boots = tuple(dict.fromkeys(event.boot for event in events))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._memory.take_in(Item(fresh, taken=Taken(vantage, log, upto, boots), done=done))
        await done
        return len(fresh)

    def _suspect(self, error: Exception) -> None:
        self._writer.suspect(error)

    def _tell_soon(self, what: str, **data: object) -> None:
        asyncio.get_running_loop().call_soon(lambda: self.tell(what, **data))


def _nobody(what: str, **data: object) -> None:
    """Tell nobody."""
