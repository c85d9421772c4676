"""How long it took from what is known to its record, and from what is composed to its message."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.system.account import Book
from tests.system.duty_heard import ENDED

USUALLY, AT_MOST, BACK = 5.0, 15.0, 30.0
"""Seconds for 95 of 100, for the last one, and after the return of what was broken: bounds of the design."""
SLACK = 1.0
"""Seconds by which times may differ that two programs have read."""
LOG = "log"
OWN = ("belief", "status", "incident", "alarm", "notice")


@dataclass(frozen=True)
class Wait:
    """From what is known to its record, or from a notice to its message."""

    name: str
    where: str
    """`log`, or the name of a channel."""
    seconds: float
    hindered: bool
    """Something was broken meanwhile; counted from its return."""


@dataclass(frozen=True)
class Times:
    """All waits, and those that are judged."""

    waits: Sequence[Wait]
    untimed: Collection[str]

    @property
    def recorded(self) -> str:
        """Return the median and the longest wait for the log, in words."""
        return figures([one.seconds for one in self.waits if one.where == LOG])

    @property
    def brought(self) -> str:
        """Return the same of what the channels brought."""
        return figures([one.seconds for one in self.waits if one.where != LOG])

    def faults(self) -> list[str]:
        """Return what took too long, in words."""
        judged = [one for one in self.waits if one.where not in self.untimed]
        found = [
            f"{one.where}: {one.name} took {one.seconds:.1f} s"
            for one in judged
            if one.seconds > (BACK if one.hindered else AT_MOST)
        ]
        for where in dict.fromkeys(one.where for one in judged):
            even = sorted(one.seconds for one in judged if one.where == where and not one.hindered)
            if len(even) >= 20 and even[int(0.95 * len(even))] > USUALLY:
                found.append(f"{where}: five in a hundred took more than {even[int(0.95 * len(even))]:.1f} s")
        return found


def figures(seconds: Sequence[float]) -> str:
    """Return the median and the longest, in words."""
    return f"{median(seconds):.2f}/{max(seconds):.2f} s" if seconds else "-"


def times_of(held: Book, channels: Mapping, returns: Sequence[float], untimed: Collection[str]) -> Times:
    """Return all waits; *channels*: their accounts, by name, `returns` as in `judged`."""
    waits = [*_recorded(held, returns)]
    for name, account in channels.items():
        if not account.dead:
            waits += _brought(name, account, returns)
    return Times(waits, untimed)


def _recorded(held: Book, returns: Sequence[float]) -> Iterator[Wait]:
    for entry in held.events:
        if entry.kind in OWN and entry.recorded_at is not None:
            yield _wait(f"{entry.kind} of {entry.subject}", LOG, entry.at, entry.recorded_at, returns)


def _brought(name: str, account, returns: Sequence[float]) -> Iterator[Wait]:
    said = [(one.alarm, one.what, message.at) for message in account.came for one in message.said]
    troubles = [one.at for one in account.brought if not one.taken]
    for (alarm, what), since in account.due.since.items():
        ends = [
            at for one, told, at in said if one == alarm and told in (what, ENDED, "") and at > since - SLACK
        ]
        if ends:
            yield _wait(f"{what} of {alarm}", name, since, min(ends), (*returns, *troubles))


def _wait(name: str, where: str, since: float, until: float, returns: Sequence[float]) -> Wait:
    """Count from the latest return of something that was broken meanwhile."""
    back = [at for at in returns if since < at <= until]
    return Wait(name, where, until - max([since, *back]), bool(back))
