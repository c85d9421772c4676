"""Who is on duty when: shifts that come round in turn, shifts that are listed, changes by hand, and the gaps.

Times of day are of the zone that is given. A shift lasts until the clock shows its end, so one that clocks
are changed in is shorter or longer than others, and the next one follows it without a gap.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from monitor.core.alarm import Escalation
from monitor.core.inventory import Name
from monitor.core.planned import Span

DAY = timedelta(days=1)
AROUND = timedelta(days=2)
"""Before a moment, in which every shift has begun that is under way at it."""
FAR = 35
"""Days ahead in which the next hand-over is looked for."""
AHEAD = 30
"""Days ahead in which a time without anybody on duty is found."""


class Days(StrEnum):
    """On which days a shift begins."""

    ALL = "all"
    WORKDAYS = "workdays"
    """Days on which offices are open, make-up workdays included."""
    RESTDAYS = "restdays"
    """Weekends and holidays, make-up workdays excluded."""


class Turn(StrEnum):
    """After what the next in turn comes."""

    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked, where that is not as the weekday says."""

    rest: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    until: date | None = None
    """The last day that it knows of; after it, weekdays decide. None: it is not about certain years."""

    def is_workday(self, day: date) -> bool:
        """Tell whether offices are open on *day*."""
        return day in self.work or (day.weekday() < 5 and day not in self.rest)  # noqa: PLR2004 - Saturday


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who is told."""

    id: str
    name: str
    phone: str = ""
    email: str = ""
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Rota:
    """A shift that comes round, and who has it in turn."""

    id: str
    name: Name
    at: time
    """When it begins."""
    until: time
    """When it ends; if that is not later in the day, on the next one."""
    turns: tuple[tuple[str, ...], ...]
    """Officers' ids, those who are on duty together."""
    since: date
    """The day on which the first of them begins; before it there is no such shift."""
    days: Days | frozenset[int] = Days.ALL
    """Or days of the week, Monday is 0."""
    turn: Turn = Turn.DAY
    every: int = 1
    """After how many shifts, or weeks, the next has it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's duty from a beginning to an end, Unix seconds; the end is no longer part of it."""

    begin: float
    end: float
    officer: str
    rota: str
    """What comes round, or what a list calls it; empty: nothing in particular."""
    changed: bool = False
    """It is not as the rota says."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A shift that somebody has written down."""

    begin: datetime
    end: datetime
    """Without a zone: of the city's clocks."""
    officer: str
    rota: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody else's duty than the rota says, or one more, for some time."""

    begin: datetime
    end: datetime
    """Without a zone: of the city's clocks."""
    officer: str | None = None
    """Who comes; None: nobody."""
    instead_of: str | None = None
    """Who goes; None: whoever has that shift."""
    rota: str | None = None
    """Which shift it is about; None with nobody who goes: one more person on duty."""
    note: str = ""

    @property
    def adds(self) -> bool:
        """It is one more person on duty, and takes nobody's place."""
        return self.instead_of is None and self.rota is None and self.officer is not None


@dataclass(frozen=True, slots=True)
class Roster:
    """Everything declared about who is on duty."""

    officers: Mapping[str, Officer] = field(default_factory=dict)
    leaders: tuple[str, ...] = ()
    """Who is told where nobody is on duty, the first one first."""
    rotas: tuple[Rota, ...] = ()
    listed: tuple[Listed, ...] = ()
    changes: tuple[Change, ...] = ()
    """The later one wins."""
    calendar: Calendar = Calendar()
    escalation: Escalation | None = None
    """What is done until somebody answers; None: not declared."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is to be told at a moment."""

    officers: tuple[str, ...]
    vacant: bool
    """Nobody has a shift, so these are the leaders."""
    until: float | None
    """When that changes, Unix seconds; None: not within a month."""


def duty(roster: Roster, at: float, zone: tzinfo) -> Duty:
    """Return who is to be told at Unix time *at*."""
    horizon = at + FAR * DAY.total_seconds()
    ahead = shifts(roster, at, horizon, zone)
    now = _on(ahead, at)
    turns = sorted({edge for one in ahead for edge in (one.begin, one.end) if at < edge < horizon})
    until = next((edge for edge in turns if _on(ahead, edge) != now), None)
    return Duty(now or roster.leaders, not now, until)


def _on(ahead: Iterable[Shift], at: float) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.officer for one in ahead if one.begin <= at < one.end))


def shifts(roster: Roster, begin: float, end: float, zone: tzinfo) -> list[Shift]:
    """Return the shifts that touch the time from *begin* to *end*, in order, all changes made."""
    found = [Shift(moment(o.begin, zone), moment(o.end, zone), o.officer, o.rota) for o in roster.listed]
    found += (one for rota in roster.rotas for one in _round(rota, roster, begin, end, zone))
    for change in roster.changes:
        found = list(dict.fromkeys(_changed(found, change, zone)))
    touching = (one for one in found if one.begin < end and one.end > begin)
    return sorted(touching, key=lambda one: (one.begin, one.end, one.rota))


def gaps(roster: Roster, begin: float, end: float, zone: tzinfo) -> list[Span]:
    """Return the times between *begin* and *end* in which nobody is on duty."""
    found, reached = [], begin
    for one in shifts(roster, begin, end, zone):
        if one.begin > reached:
            found.append(Span(reached, one.begin))
        reached = max(reached, one.end)
    return [*found, Span(reached, end)] if reached < end else found


def moment(at: datetime, zone: tzinfo) -> float:
    """Return when it is, Unix seconds; of a time that comes twice, the first."""
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


# What comes round.


def _round(rota: Rota, roster: Roster, begin: float, end: float, zone: tzinfo) -> Iterator[Shift]:
    first = max(rota.since, (datetime.fromtimestamp(begin, zone) - AROUND).date())
    last = datetime.fromtimestamp(end, zone).date()
    begins = _chooser(rota.days, roster.calendar)
    number = sum(map(begins, _dates(rota.since, first - DAY))) if rota.turn is Turn.DAY else 0
    for day in _dates(first, last):
        if not begins(day):
            continue
        count = number if rota.turn is Turn.DAY else (day - rota.since).days // 7
        number += 1
        until = day if rota.until > rota.at else day + DAY
        span = (moment(datetime.combine(one, at), zone) for one, at in ((day, rota.at), (until, rota.until)))
        start, stop = span
        for officer in rota.turns[count // rota.every % len(rota.turns)]:
            yield Shift(start, stop, officer, rota.id)


def _chooser(days: Days | frozenset[int], calendar: Calendar) -> Callable[[date], bool]:
    match days:
        case Days.ALL:
            return lambda _: True
        case Days.WORKDAYS:
            return calendar.is_workday
        case Days.RESTDAYS:
            return lambda day: not calendar.is_workday(day)
    return lambda day: day.weekday() in days


def _dates(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


# What is changed by hand.


def _changed(before: Iterable[Shift], change: Change, zone: tzinfo) -> Iterator[Shift]:
    """Give all shifts once *change* is made: those that it cuts in two are two afterwards."""
    begin, end = moment(change.begin, zone), moment(change.end, zone)
    if change.adds and change.officer is not None:
        yield Shift(begin, end, change.officer, "", changed=True)
    for one in before:
        if one.end <= begin or one.begin >= end or not _concerns(change, one):
            yield one
            continue
        if one.begin < begin:
            yield replace(one, end=begin)
        if change.officer is not None:
            inner = (max(one.begin, begin), min(one.end, end))
            yield Shift(*inner, change.officer, one.rota, changed=True)
        if one.end > end:
            yield replace(one, begin=end)


def _concerns(change: Change, shift: Shift) -> bool:
    if change.adds:
        return False
    return change.rota in {None, shift.rota} and change.instead_of in {None, shift.officer}
