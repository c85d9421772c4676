"""What the log needs besides commits: its write-ahead log brought in, its reserve, its age, its backups.

Short duties are done by the writer's thread between two commits, long ones (backup, check) by another.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from monitor.core.vitals import StoreVitals
from monitor.store import backup, retention
from monitor.store.audit import START
from monitor.store.audit_check import end_of
from monitor.store.ballast import Ballast
from monitor.store.database import connect, quick_check
from monitor.store.file import LogFile
from monitor.store.lane import Lane
from monitor.store.options import StoreOptions
from monitor.store.trouble import BROKEN, DamagedError, Kind, detail, diagnose

MEASURE_EVERY = 5.0
RESERVE_EVERY = 30.0
PRUNE_EVERY = 3600.0
BACKUP_LOOK_EVERY = 60.0
BACKUP_AGAIN = 900.0
"""Seconds before a backup that failed is tried again."""
DAY = 86_400.0
AFTER_START = 30.0
"""Seconds after the start before anything long is begun."""
WRITES_PER_CHECKPOINT = 1_000
"""Events, and commits, after which the write-ahead log is brought into the file."""
WAL_LARGE = 16 << 20
"""Bytes of write-ahead log from which it is cut short; that waits for readers."""
WAL_HUGE = 64 << 20
"""Bytes of it that a person should know of."""
CUT_EVERY = 60.0
HOUR = 3600.0


@dataclass(slots=True)
class Duty:
    """Something to do again and again."""

    do: Callable[[], Awaitable[None]]
    every: float
    due: float
    """Monotonic time at which it is due."""


class Upkeep:
    """Does what is due; belongs to the writer and to its event loop."""

    def __init__(
        self,
        file: LogFile,
        lane: Lane,
        vitals: StoreVitals,
        options: StoreOptions,
        *,
        suspect: Callable[[Exception], None],
        notice: Callable[[str, str], None],
        tell: Callable[..., None],
    ) -> None:
        """Tend *file* in the writer's *lane*.

        *suspect* is told what a check finds, *notice* what to show, *tell* what others should keep.
        """
        self._file, self._lane, self._vitals, self._options = file, lane, vitals, options
        self._suspect, self._notice, self._tell = suspect, notice, tell
        self._told_end = START
        self._ballast = Ballast(file.path.with_suffix(".reserve"), options.reserve_mib)
        self._long_lane = Lane("log upkeep")
        self._long: asyncio.Task[None] | None = None
        self._ending = False
        self._seen_at = 0.0
        self._began = time.monotonic(), time.time()
        self._written = 0
        self._cut_due = 0.0
        self._backup_due = 0.0
        now = time.monotonic()
        self._prune = Duty(self._prune_some, PRUNE_EVERY, now + AFTER_START)
        self._check = Duty(self._begin_check, DAY, now + DAY)
        self._duties = [
            Duty(self.measure, MEASURE_EVERY, now),
            Duty(self._renew_reserve, RESERVE_EVERY, now),
            self._prune,
            Duty(self._look_for_backup, BACKUP_LOOK_EVERY, now + AFTER_START),
            self._check,
            Duty(self._tell_end_of_acts, DAY, now + AFTER_START),
        ]

    def opened(self, *, seen_at: float, unclean: bool) -> None:
        """Take up a file whose latest sign of life was at wall time *seen_at*."""
        self._seen_at = seen_at
        if unclean:
            self._check.due = time.monotonic() + AFTER_START

    @property
    def due(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(duty.due for duty in self._duties) - time.monotonic())

    async def step(self) -> None:
        """Do what is due; raises what the disk does."""
        now = time.monotonic()
        for duty in self._duties:
            if duty.due <= now:
                duty.due = now + duty.every
                await duty.do()

    async def committed(self, events: int) -> None:
        """Bring the write-ahead log into the file when enough has been committed."""
        self._written += events + 1
        if self._written >= WRITES_PER_CHECKPOINT:
            self._written = 0
            await self._lane.run(partial(self._file.checkpoint, truncate=False))

    async def make_room(self) -> bool:
        """Give up the reserve; tell whether there was one."""
        stood = await self._lane.run(self._release)
        self._say_whether_reserve_stands(stands=False)
        return stood

    async def measure(self) -> None:
        """See how large the file is, and cut its write-ahead log short if that has grown."""
        size, wal = await self._lane.run(self._file.sizes)
        self._vitals.size = size + wal
        held = (
            f"{self._file.path}: its write-ahead log has {wal >> 20} MiB; some program reads it without end"
        )
        self._notice("wal", held if wal > WAL_HUGE else "")
        if wal > WAL_LARGE and time.monotonic() >= self._cut_due:
            self._cut_due = time.monotonic() + CUT_EVERY
            await self._lane.run(partial(self._file.checkpoint, truncate=True))

    async def close(self) -> None:
        """Give up what is under way."""
        self._ending = True
        if self._long is not None:
            self._long.cancel()
            await asyncio.wait([self._long])
        self._long_lane.close()

    def _release(self) -> bool:
        stood = self._ballast.ready
        self._ballast.release()
        return stood

    async def _renew_reserve(self) -> None:
        self._say_whether_reserve_stands(stands=await self._lane.run(self._ballast.renew))

    def _say_whether_reserve_stands(self, *, stands: bool) -> None:
        folder, size = self._file.path.parent, self._options.reserve_mib
        self._vitals.reserve = stands or not size
        lacks = f"{folder}: too little room for the reserve of {size} MiB; make some"
        self._notice("reserve", "" if self._vitals.reserve else lacks)

    async def _prune_some(self) -> None:
        before = retention.horizon(time.time(), self._options.keep_days, self._clock())
        if before is not None and await self._lane.run(partial(self._file.prune, before)):
            self._prune.due = time.monotonic()

    async def _tell_end_of_acts(self) -> None:
        """Tell, once a day, where the chain of acts ends: whoever hears it can prove later what it held."""
        end = await self._lane.run(partial(end_of, self._file.path))
        if end != self._told_end:
            self._told_end = end
            self._tell("audit_head", number=end.number, hash=end.hash)

    def _clock(self) -> float:
        """Return what the wall clock should say: who deletes by a clock that has jumped deletes too much."""
        monotonic, wall = self._began
        run = time.monotonic() - monotonic
        return self._seen_at if run < DAY and self._seen_at else wall + run

    async def _look_for_backup(self) -> None:
        if time.monotonic() >= self._backup_due:
            self._begin(self._back_up())

    async def _begin_check(self) -> None:
        if not self._begin(self._look_through()):
            self._check.due = time.monotonic() + MEASURE_EVERY

    def _begin(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin something long unless something long is under way."""
        if self._ending or (self._long is not None and not self._long.done()):
            work.close()
            return False
        self._long = asyncio.create_task(work, name="log upkeep")
        return True

    async def _back_up(self) -> None:
        try:
            made_at = await self._long_lane.run(self._backed_up)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no backup, and that must be seen
            self._vitals.backup_trouble = str(error) or type(error).__name__
            self._backup_due = time.monotonic() + BACKUP_AGAIN
        else:
            self._vitals.backup_at, self._vitals.backup_trouble = made_at, ""
            age = max(0.0, time.time() - made_at)
            self._backup_due = time.monotonic() + max(0.0, self._options.backup_hours * HOUR - age)

    def _backed_up(self) -> float:
        """Return the wall time of the newest backup, and make one if that is too old."""
        folder, name = self._file.backups, self._file.path.stem
        now = time.time()
        there = [path.stat().st_mtime for path in backup.every(folder, name)[:1]]
        if there and 0 <= now - there[0] < self._options.backup_hours * HOUR:
            return there[0]
        backup.make(self._file.path, backup.path_for(folder, name, now), given_up=lambda: self._ending)
        backup.rotate(folder, name, self._options.backups)
        return now

    async def _look_through(self) -> None:
        try:
            found = await self._long_lane.run(partial(_look_through, self._file.path))
        except BROKEN as error:  # the writer need not meet it: it knows its tables by heart
            self._suspect(error)
        else:
            if found:
                self._suspect(DamagedError(found))


def _look_through(path: Path) -> str:
    """Return what is wrong with the file; SQLite does not even begin where its list of tables is hurt."""
    engine = connect(path, writes=False)
    try:
        return quick_check(engine)
    except BROKEN as error:
        if diagnose(error, path).kind is not Kind.DAMAGED:
            raise
        return detail(error)
    finally:
        engine.dispose()
