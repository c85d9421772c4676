"""The event log, as each part of the daemon sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.core.record import Record, Remembered
from monitor.core.world import Event


class Reader(Protocol):
    """One reader of the log and its place in it."""

    async def read(self, limit: int) -> Sequence[Event]:
        """Take the next events, at most *limit*; empty if there are no more now."""

    def told(self, position: int) -> None:
        """Save that everything up to this position is done with. Never waits."""

    @property
    def dropped(self) -> int:
        """How many events were lost to this reader so far: pushed out of memory while the disk was bad."""


class Log(Protocol):
    """The event log: appended to by the engine, read by everybody else."""

    def append(self, record: Record) -> None:
        """Record *record* soon. Never waits, never raises: while the disk is bad it stays in memory."""

    def alive(self, at: float) -> None:
        """Note that we are alive at this wall time. Never waits."""

    def remembered(self) -> Remembered:
        """Return what earlier runs left; to be asked for once, after the log has been opened."""

    def reader(self, name: str | None, wake: Callable[[], None]) -> Reader:
        """Return a reader; *wake* is called, in the event loop, whenever there may be more to read.

        A named reader goes on where it (or an earlier run's) left off, at first at the end of the log; one
        without a name begins at the end and leaves no trace.
        """


class Journal(Protocol):
    """The log as another vantage is told it: our own events only, again and again until acknowledged."""

    @property
    def identity(self) -> str:
        """Name of this log, a new one whenever its numbering may have begun anew; empty: not open yet."""

    @property
    def end(self) -> int:
        """Position of the latest recorded event."""

    async def own(self, after: int, limit: int) -> Sequence[Event]:
        """Return our own recorded events after a position, oldest first, at most *limit*.

        Raises OSError while the disk cannot be read: that is not the same as that there are none.
        """

    async def waiting(self, after: int) -> int:
        """Return how many of our own recorded events come after a position; raises OSError as above."""

    def place(self, reader: str) -> int:
        """Return the saved position of a reader; 0 without one."""

    def mark(self, reader: str, position: int) -> None:
        """Save the position of a reader. Never waits."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """How far the log of another vantage has been taken in."""

    log: str = ""
    """Identity of that log; empty: nothing of it yet."""
    position: int = 0
    """Its own position up to which everything is recorded here."""
    boots: tuple[str, ...] = ()
    """The boots of which we have events, oldest first, at most the latest hundred."""


class Archive(Protocol):
    """The log as it takes in what other vantages send."""

    async def gathered(self, vantage: str) -> Gathered:
        """Return how far we are with the log of *vantage*."""

    async def gather(self, vantage: str, log: str, upto: int, events: Sequence[Event]) -> int:
        """Record another vantage's events and that its log is taken in up to *upto*; say how many were new.

        One transaction; returns when it is committed, however long the disk is bad. What is recorded already,
        by vantage, boot and seq, is not recorded again.
        """

    async def quarantine(self, vantage: str, topic: str, reason: str, payload: bytes) -> None:
        """Keep a message that could not be understood, for a person to look at; the oldest of many go."""
