"""Notices: who is told what, over which channel, and how far each is known to have got."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.alarm.escalation import Call
from monitor.core.alarm.model import Address, Alarm, Notice, Rung, What
from monitor.core.roster import Officer

LATE = 3600.0
"""Seconds after the end of an alarm for which word of its messages' arrival is still waited for."""
STALE = 7 * 86_400.0
"""Seconds after which a message that could not be brought is given up."""


@dataclass(frozen=True, slots=True)
class Way:
    """What is to be known of a channel to plan with it."""

    address: Address
    reports: bool
    """It hears whether a message has arrived."""

    @property
    def goal(self) -> Rung:
        """How far a message has to get to count as brought."""
        return Rung.DELIVERED if self.reports else Rung.HANDED_OVER


@dataclass(frozen=True, slots=True)
class Reach:
    """Who can be reached, and how."""

    officers: Mapping[str, Officer]
    ways: Mapping[str, Way]
    people: Callable[[str], Sequence[str]]
    """Gives the officers that a word of a plan stands for now: `duty`, `leaders`, an id."""

    def ends(self, who: Iterable[str], channel: str) -> Iterator[str]:
        """Give the officers whom *channel* reaches; once nobody if it speaks to a place."""
        way = self.ways.get(channel)
        if way is None:
            return
        if way.address is Address.NONE:
            yield ""
            return
        for officer in dict.fromkeys(one for word in who for one in self.people(word)):
            if self.address(officer, way.address):
                yield officer

    def address(self, officer: str, kind: Address) -> str:
        """Return where an officer is reached; empty if nowhere."""
        known = self.officers.get(officer)
        if known is None or kind is Address.NONE:
            return ""
        return known.phone if kind is Address.PHONE else known.email


def composed(
    alarm: Alarm, calls: Iterable[Call], reach: Reach, now: float
) -> tuple[Alarm, tuple[Notice, ...]]:
    """Return what has to be brought because of *calls*, to each person over each channel once.

    Where none of a step's channels reaches anybody, those that it has otherwise are used at once.
    """
    made: dict[tuple[str, str], Notice] = {}
    for call in calls:
        step = call.step
        ends = [(who, way) for way in step.over for who in reach.ends(step.who, way)]
        otherwise, limit = step.otherwise, now + step.within if step.otherwise else None
        if not ends:
            ends = [(who, way) for way in step.otherwise for who in reach.ends(step.who, way)]
            otherwise, limit = (), None
        for who, way in ends:
            name = f"{alarm.id}/{alarm.notices + len(made) + 1}"
            new = Notice(name, alarm.id, call.what, who, way, now, moved_at=now)
            made.setdefault((who, way), replace(new, otherwise=otherwise, limit_at=limit))
    return replace(alarm, notices=alarm.notices + len(made)), tuple(made.values())


def to_all_told(
    alarm: Alarm, what: What, notices: Iterable[Notice], now: float
) -> tuple[Alarm, tuple[Notice, ...]]:
    """Return notices that say *what* to everybody who was told, or is about to be, of an alarm."""
    told = dict.fromkeys((one.officer, one.channel) for one in notices if one.rung is not Rung.REFUSED)
    made = tuple(
        Notice(f"{alarm.id}/{alarm.notices + number}", alarm.id, what, officer, channel, now, moved_at=now)
        for number, (officer, channel) in enumerate(told, 1)
    )
    return replace(alarm, notices=alarm.notices + len(made)), made


def instead(
    alarm: Alarm, late: Iterable[Notice], reach: Reach, now: float
) -> tuple[Alarm, tuple[Notice, ...]]:
    """Return the notices that go another way because these were not brought in time, or cannot be."""
    made: dict[tuple[str, str], Notice] = {}
    for notice in late:
        for way in notice.otherwise:
            for officer in reach.ends((notice.officer,), way):
                name = f"{alarm.id}/{alarm.notices + len(made) + 1}"
                new = Notice(name, alarm.id, notice.what, officer, way, now, moved_at=now)
                made.setdefault((officer, way), new)
    return replace(alarm, notices=alarm.notices + len(made)), tuple(made.values())


def is_late(notice: Notice, ways: Mapping[str, Way], now: float) -> bool:
    """Tell whether a notice has another way to go, and has to go it now."""
    if notice.limit_at is None:
        return False
    if notice.rung is Rung.REFUSED:
        return True
    way = ways.get(notice.channel)
    goal = way.goal if way is not None else Rung.HANDED_OVER
    return now >= notice.limit_at and notice.rung.height < goal.height


def climbed(notice: Notice, rung: Rung, now: float) -> Notice:
    """Return a notice that is known to have got to *rung*; what comes late, or twice, lowers nothing."""
    if rung.height <= notice.rung.height:
        return notice
    return replace(notice, rung=rung, moved_at=now, trouble="", unsure=False)


def is_settled(alarm: Alarm, notices: Iterable[Notice], ways: Mapping[str, Way], now: float) -> bool:
    """Tell whether nothing more will come of an alarm: it is over, and everybody knows."""
    if alarm.closed_at is None:
        return False
    if now - alarm.closed_at > STALE:
        return True
    waits = now - alarm.closed_at < LATE
    return all(one.rung is Rung.REFUSED or _is_brought(one, ways, waits=waits) for one in notices)


def _is_brought(notice: Notice, ways: Mapping[str, Way], *, waits: bool) -> bool:
    way = ways.get(notice.channel)
    goal = way.goal if way is not None and waits else Rung.HANDED_OVER
    return notice.rung.height >= goal.height
