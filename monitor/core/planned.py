"""Planned work: windows in which something may be down without anybody being alarmed, and when they are open.

A window is open from a beginning to an end, once or every week. What it covers is said in `coverage`.
Times of day are of the zone that is given: the settings' own, for a window may be declared without one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

LONGEST_MINUTES = 1440
"""Minutes that a weekly window is open at a time; days that follow each other join up."""
WEEK = 7
AROUND = 9
"""Days on either side in which all of a weekly window that is open now has begun, and will end."""


class Span(NamedTuple):
    """From when to when a window is open, Unix seconds; the end is no longer part of it."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Once:
    """Open once. A time without a zone is one of the city's clocks."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Weekly:
    """Open every week, for the same time from the same hour on."""

    days: frozenset[int]
    """Days on which it begins, Monday is 0."""
    at: time
    """When it begins. Where the clock jumps over that time it counts as if it had not jumped yet; of a time
    that comes twice it is the first."""
    minutes: float
    """How long it is then open, in minutes that pass, whatever the clock shows: at most a day."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some planned work: where, when, on whose order."""

    id: str
    scope: tuple[str, ...]
    """What is worked on, readable paths; all that belongs to it is covered, too."""
    when: Once | Weekly
    document: str = ""
    """Number of the document that orders it."""
    note: str = ""
    who: str = ""
    declared: bool = True
    """It stands in the inventory; otherwise somebody started it while the daemon ran."""


@dataclass(frozen=True, slots=True)
class Work:
    """A window as the daemon holds it."""

    window: Window
    begun: Span | None = None
    """It was told to have begun, and not yet that it ended."""
    released: float = 0.0
    """It was ended before its time: what would have been open until then, Unix seconds, is over."""


def under_way(work: Work, at: float, zone: tzinfo) -> Span | None:
    """Return from when to when the window is open that is open at Unix time *at*; None: it is not."""
    span = span_at(work.window.when, at, zone)
    return None if span is None or span.end <= work.released else span


def span_at(when: Once | Weekly, at: float, zone: tzinfo) -> Span | None:
    """Return the span that holds Unix time *at*; None: there is none."""
    return next((span for span in _spans(when, at, zone) if span.begin <= at < span.end), None)


def span_after(when: Once | Weekly, at: float, zone: tzinfo) -> Span | None:
    """Return the first span that begins after Unix time *at*; None: there is none any more."""
    return next((span for span in _spans(when, at, zone) if span.begin > at), None)


def is_over(work: Work, at: float, zone: tzinfo) -> bool:
    """Tell whether it is not open at Unix time *at* and never will be again."""
    return under_way(work, at, zone) is None and span_after(work.window.when, at, zone) is None


def next_turn(works: Iterable[Work], at: float, zone: tzinfo) -> float | None:
    """Return the first time after *at* at which any of them begins or ends, Unix seconds; None: never."""
    return min((turn for work in works for turn in _turns(work, at, zone)), default=None)


def _turns(work: Work, at: float, zone: tzinfo) -> Iterator[float]:
    now, later = under_way(work, at, zone), span_after(work.window.when, at, zone)
    if now is not None:
        yield now.end
    if later is not None:
        yield later.begin


def _spans(when: Once | Weekly, at: float, zone: tzinfo) -> Iterator[Span]:
    """Give the spans about *at* in order; what touches is one."""
    if isinstance(when, Once):
        span = Span(_moment(when.begin, zone), _last_moment(when.end, zone))
        return iter((span,) if span.begin < span.end else ())
    today = datetime.fromtimestamp(at, zone).date()
    return _joined(_weekly(when, today, zone))


def _weekly(when: Weekly, today: date, zone: tzinfo) -> Iterator[Span]:
    days = (today + timedelta(days=n) for n in range(-AROUND, AROUND + WEEK + 1))
    for day in days:
        if day.weekday() in when.days:
            begin = datetime.combine(day, when.at, zone).timestamp()
            yield Span(begin, begin + when.minutes * 60.0)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    held: Span | None = None
    for span in spans:
        if held is not None and span.begin <= held.end:
            held = Span(held.begin, max(held.end, span.end))
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _moment(at: datetime, zone: tzinfo) -> float:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def _last_moment(at: datetime, zone: tzinfo) -> float:
    """Return when the clock shows *at*; the second time, if it does so twice."""
    return max(_moment(at.replace(fold=fold), zone) for fold in (0, 1))
