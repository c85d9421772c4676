"""What is read from the file while it is written: by a thread and a connection of their own."""

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, func, select

from monitor.core.world import Event
from monitor.ports import Gathered
from monitor.store import tables
from monitor.store.database import connect
from monitor.store.lane import Lane
from monitor.store.rows import event_of
from monitor.store.trouble import BROKEN

T = TypeVar("T")
_E = tables.events.c


class UnreadableError(OSError):
    """The file cannot be read now; the writer knows of it."""


class Pages:
    """Reads for all readers, one page at a time; shut while the writer is about to replace the file."""

    def __init__(self, path: Path, suspect: Callable[[Exception], None]) -> None:
        """Read the file at *path*; *suspect* is told what went wrong, in the event loop."""
        self._path = path
        self._suspect = suspect
        self._lane = Lane("log reader")
        self._engine: Engine | None = None
        self._shut = True

    def open(self) -> None:
        """Let the file be read from now on."""
        self._shut = False

    async def shut(self) -> None:
        """Let go of the file; returns when nothing of it is held any more."""
        self._shut = True
        await self._lane.run(self._let_go)

    def close(self) -> None:
        """End the thread."""
        self._lane.close()

    async def events(self, first: int, last: int, limit: int) -> list[Event]:
        """Return the events from position *first* to *last*, at most *limit*; raises UnreadableError."""
        query = select(tables.events).where(_E.position.between(first, last))
        return await self._ask(partial(_events, query.order_by(_E.position).limit(limit)))

    async def own(self, after: int, upto: int, limit: int) -> list[Event]:
        """Return our own events after one position up to another; raises UnreadableError."""
        query = select(tables.events).where(
            _E.received_at.is_(None), _E.position > after, _E.position <= upto
        )
        return await self._ask(partial(_events, query.order_by(_E.position).limit(limit)))

    async def count_own(self, after: int, upto: int) -> int:
        """Return how many events of our own come after one position up to another; raises UnreadableError."""
        query = select(func.count()).where(_E.received_at.is_(None), _E.position > after, _E.position <= upto)
        return await self._ask(lambda connection: connection.execute(query).scalar_one())

    async def gathered(self, vantage: str) -> Gathered:
        """Return how far the log of *vantage* was taken in; raises UnreadableError."""
        t = tables.gathered
        return await self._ask(partial(_gathered, select(t).where(t.c.vantage == vantage)))

    async def known(self, vantage: str, names: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return which events of *vantage*, named by boot and seq, are recorded; raises UnreadableError."""
        return await self._ask(partial(_known, vantage, names))

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        if self._shut:
            raise UnreadableError("the log cannot be read now")
        try:
            return await self._lane.run(partial(self._answer, question))
        except BROKEN as error:
            self._suspect(error)
            raise UnreadableError("the log cannot be read now") from error

    def _answer(self, question: Callable[[Connection], T]) -> T:
        if self._engine is None:
            self._engine = connect(self._path, writes=False)
        with self._engine.connect() as connection:
            return question(connection)

    def _let_go(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


def _events(query: Select[Any], connection: Connection) -> list[Event]:
    return [event_of(row) for row in connection.execute(query)]


def _gathered(query: Select[Any], connection: Connection) -> Gathered:
    row = connection.execute(query).one_or_none()
    if row is None:
        return Gathered()
    boots: list[str] = []
    with contextlib.suppress(ValueError):
        boots = [str(boot) for boot in json.loads(row.boots)]
    return Gathered(row.log, row.position, tuple(boots))


def _known(vantage: str, names: Sequence[tuple[str, int]], connection: Connection) -> set[tuple[str, int]]:
    found = set()
    for boot in {boot for boot, _ in names}:
        seqs = [seq for other, seq in names if other == boot]
        query = select(_E.seq).where(_E.vantage == vantage, _E.boot == boot, _E.seq.in_(seqs))
        found |= {(boot, seq) for (seq,) in connection.execute(query)}
    return found
