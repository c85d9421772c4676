"""The one who writes: whole transactions, one after the other, and again until the disk has taken them."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import structlog

from monitor.core.vitals import StoreVitals
from monitor.kit.backoff import Backoff
from monitor.store.batch import ClashError
from monitor.store.file import LogFile, Opened
from monitor.store.lane import Lane
from monitor.store.lock import LockedError
from monitor.store.memory import Memory
from monitor.store.mend import mend
from monitor.store.options import StoreOptions
from monitor.store.pages import Pages
from monitor.store.trouble import BROKEN, Kind, NewerError, detail, diagnose, is_unreadable, refuses
from monitor.store.upkeep import Upkeep

GROUP = 1_000
"""Events that are committed at once, as a rule."""
LOCKED_FOR = 3.0
"""Seconds for which another program may hold the lock before it is a trouble."""
LAST_WORDS = 5.0
"""Seconds that remain, at the end, for what is not recorded yet."""
TELL_LOST_EVERY = 60.0
UNREADABLE_FOR = 30.0
"""Seconds for which the file may be unreadable before another one takes its place."""
_KEEP_OPEN = {Kind.LOCKED, Kind.FULL}
"""Troubles in which the open file is the best that we have: to open it anew needs room, too."""

log = structlog.get_logger()


class Writer:
    """Commits what is in memory, in order, for as long as it runs; nothing but its end stops it."""

    def __init__(
        self, file: LogFile, memory: Memory, pages: Pages, vitals: StoreVitals, options: StoreOptions
    ) -> None:
        self.tell: Callable[..., None] = _nobody
        """Is told what a person should know, `tell(what, **data)`."""
        self.healthy = asyncio.Event()
        """The file is open and takes what it is given."""
        self.identity = ""
        self.left: Opened | None = None
        """What earlier runs left, as far as it could be read at the start."""
        self._file, self._memory, self._pages, self._vitals = file, memory, pages, vitals
        self._lane = Lane("log writer")
        self._upkeep = Upkeep(
            file, self._lane, vitals, options, suspect=self.suspect, notice=self._notice, tell=self._tell
        )
        self._backoff = Backoff(base=0.1, cap=2.0, draw=lambda: 1.0)
        self._group = GROUP
        self._is_open = False
        self._verify = False
        self._suspected: Exception | None = None
        self._failing_since: float | None = None
        self._trouble: Kind | None = None
        self._notices: dict[str, str] = {}
        self._lost_told_at = 0.0
        self._deadline: float | None = None
        """Monotonic time at which to give up; None: not asked to end."""

    def suspect(self, error: Exception) -> None:
        """Hear that somebody who read the file met *error*."""
        if diagnose(error, self._file.path).kind in (Kind.IO, Kind.DAMAGED):
            self._suspected = error
            self._memory.something.set()

    async def begin(self) -> None:
        """Open the file, or find out why that is not possible now. Raises NewerError and LockedError."""
        for _ in range(3):  # a damaged file is mended in between
            await self._open()
            if self._is_open or self._failing_since is not None:
                break
        if not self._is_open:
            with contextlib.suppress(*BROKEN):
                self.left = await self._lane.run(self._file.peek)

    async def run(self) -> None:
        """Write until asked to end and all is written, or until the time for that is up."""
        while not self._is_over():
            try:
                await self._turn()
            except BROKEN as error:
                await self._suffer(error)
            except Exception as error:
                log.exception("store.unexpected", error=repr(error))
                await self._suffer(error)

    def end(self) -> None:
        """Ask `run` to come to an end."""
        self._deadline = time.monotonic() + LAST_WORDS
        self._memory.something.set()

    async def close(self) -> None:
        """Note that this run ended well, and let go of the file. Raises what the disk does."""
        await self._upkeep.close()
        pending = self._memory.pending
        if pending.events or pending.acts:
            log.warning("store.unrecorded", events=pending.events, acts=pending.acts)
        try:
            if self._is_open:
                await self._lane.run(partial(self._file.end, self._memory.ended(time.time())))
        finally:
            await self._lane.run(self._file.leave)
            self._lane.close()

    def _is_over(self) -> bool:
        if self._deadline is None:
            return False
        memory = self._memory
        all_is_written = self._is_open and not memory.pending and not memory.again
        return all_is_written or time.monotonic() >= self._deadline

    async def _turn(self) -> None:
        self._tell_lost()
        if self._suspected is not None:
            error, self._suspected = self._suspected, None
            await self._suffer(error)
        elif not self._is_open:
            await self._open()
        elif self._memory.pending or self._memory.again or self._trouble is not None:
            await self._commit()
            await self._upkeep.step()
        else:
            await self._upkeep.step()
            await self._wait(self._upkeep.due)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._memory.something.wait()
                self._memory.something.clear()
        except TimeoutError:
            pass

    # Committing.

    async def _commit(self) -> None:
        waiting = self._memory.pending.events
        batch = self._memory.take(self._group)
        try:
            seconds = await self._lane.run(partial(self._file.commit, batch))
        except ClashError:
            log.exception("store.clash")
            self._memory.give_back()
            self._memory.renumber(await self._lane.run(self._file.last))
        except Exception as error:
            if not refuses(error):
                self._memory.give_back()
                raise
            self._refused(error)
        except BaseException:
            self._memory.give_back()
            raise
        else:
            self._memory.committed()
            self._vitals.commits += 1
            self._vitals.commit_seconds = seconds
            self._group = min(GROUP, self._group * 2)
            self._recover(waiting)
            await self._upkeep.committed(len(batch.events))

    def _refused(self, error: Exception) -> None:
        """Narrow it down to the one item that cannot be written, and do without it."""
        if self._group > 1:
            self._group //= 2
            self._memory.give_back()
            return
        log.error("store.refused", error=repr(error))
        self._memory.refuse()

    # Trouble, and its end.

    async def _suffer(self, error: Exception) -> None:
        """Bear with a disk that is bad: say so, and try again after a while."""
        trouble = diagnose(error, self._file.path)
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if trouble.kind is not Kind.LOCKED or now - self._failing_since >= LOCKED_FOR:
            self._declare(trouble.kind, trouble.sentence)
        if trouble.kind is Kind.FULL and await self._upkeep.make_room():
            return
        if trouble.kind not in _KEEP_OPEN:
            await self._let_go(verify=trouble.kind in (Kind.IO, Kind.DAMAGED))
        await self._pause()

    async def _pause(self) -> None:
        seconds = self._backoff.next()
        if self._deadline is not None:
            seconds = min(seconds, max(0.0, self._deadline - time.monotonic()))
        await asyncio.sleep(seconds)

    async def _let_go(self, *, verify: bool) -> None:
        self._is_open = False
        self.healthy.clear()
        self._verify = self._verify or verify
        if verify:
            await self._pages.shut()
        await self._lane.run(self._file.close)

    def _declare(self, kind: Kind, sentence: str) -> None:
        self.healthy.clear()
        self._memory.withdraw()
        self._vitals.trouble = sentence
        if kind is not self._trouble:
            self._trouble = kind
            self.tell("store_trouble", trouble=sentence)

    def _recover(self, waiting: int) -> None:
        """Note that the disk has taken what it was given, the first of *waiting* events."""
        self._failing_since = None
        self._backoff.reset()
        self.healthy.set()
        if self._trouble is not None:
            self._trouble, self._vitals.trouble = None, ""
            self.tell("store_back", events=waiting)

    def _tell_lost(self) -> None:
        lost, now = self._memory.lost, time.monotonic()
        if lost and (self._trouble is None or now - self._lost_told_at >= TELL_LOST_EVERY):
            self._memory.lost, self._lost_told_at = 0, now
            self.tell("events_lost", count=lost)

    def _tell(self, what: str, **data: object) -> None:
        self.tell(what, **data)

    def _notice(self, about: str, sentence: str) -> None:
        self._notices[about] = sentence
        self._vitals.notice = " ".join(filter(None, self._notices.values()))

    # Opening.

    async def _open(self) -> None:
        try:
            opened = await self._lane.run(partial(self._file.open, verify=self._verify))
        except (NewerError, LockedError):
            raise  # at the start for good, later a trouble like others
        except BROKEN as error:
            if self._is_beyond_hope(error):
                await self._mend(error)
            else:
                await self._suffer(error)
        else:
            self._take_up(opened)

    def _is_beyond_hope(self, error: Exception) -> bool:
        """Tell whether the file will not become readable by itself."""
        if diagnose(error, self._file.path).kind is Kind.DAMAGED:
            return True
        since = self._failing_since
        return is_unreadable(error) and since is not None and time.monotonic() - since >= UNREADABLE_FOR

    async def _mend(self, error: Exception) -> None:
        """Put a sound file in the place of a damaged one, after a second look at it."""
        if not self._verify:
            self._verify = True
            await self._pages.shut()
            return
        if self._memory.settled:
            self._declare(Kind.DAMAGED, diagnose(error, self._file.path).sentence)
        try:
            mended = await self._lane.run(partial(mend, self._file.path, self._file.backups))
        except BROKEN as hindrance:
            await self._suffer(hindrance)
            return
        self._verify = False
        self._notice("mended", mended.told(self._file.path, detail(error)))
        self.tell(
            "database_set_aside",
            file=str(mended.aside or ""),
            restored_from=str(mended.restored_from or ""),
            salvaged=mended.salvaged,
        )

    def _take_up(self, opened: Opened) -> None:
        self._is_open, self._verify = True, False
        if not self._memory.settled:
            self.left = self.left or opened
            self._memory.settle(opened)
            self._upkeep.opened(seen_at=opened.seen_at, unclean=opened.unclean)
        elif opened.identity != self.identity or self._memory.is_ahead(opened.last, opened.act):
            self._memory.write_all_again(opened.last)
        self.identity = opened.identity
        self._pages.open()
        self._memory.wake()
        if self._trouble is None:
            self.healthy.set()


def _nobody(what: str, **data: object) -> None:
    """Tell nobody."""
