"""What is told of planned work: that it was entered, begins, ends, or has ended and all is not well yet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from monitor.core.act import Act
from monitor.core.coverage import name_of, subjects
from monitor.core.health import Health, Status
from monitor.core.inventory import Inventory
from monitor.core.planned import Once, Span, Window, Work, span_after, under_way
from monitor.core.sentence import WORDS, called, duration
from monitor.core.words import Words
from monitor.core.world import Json

MOST = 100
"""So many subjects are listed in an event; all are counted."""
NAMED = 3
"""So many are named in a sentence; of more it is also said how many they are."""
ILL: AbstractSet[Health] = frozenset({Health.DOWN, Health.DEGRADED, Health.ON_BACKUP})


class What(StrEnum):
    """What happened to planned work."""

    ADDED = "added"
    """Somebody entered it while the daemon ran."""
    WITHDRAWN = "withdrawn"
    """Somebody called it off before it began."""
    BEGUN = "begun"
    ENDED = "ended"
    OVERRUN = "overrun"
    """Its time is up, and something that it covers is not well."""
    MISSED = "missed"
    """It went by while the daemon did not run."""


class By(NamedTuple):
    """Who did something to planned work."""

    name: str = ""
    """As they call themselves; empty: it happened by itself."""
    uid: int | None = None
    """As the operating system knows them, if that is known."""
    via: str = ""
    """How the order came: `socket`, `mqtt`."""

    def did(self, at: float, what: str, subject: str = "", **data: Json) -> Act:
        """Return an act of theirs at wall time *at*; `Telling.tell` records it with what it brings about."""
        return Act(at, self.name, self.uid, self.via, what, subject, data)


NOBODY = By()


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that happened to planned work."""

    what: What
    window: Window
    span: Span
    at: float
    """Wall time, Unix seconds."""
    left: tuple[str, ...] = ()
    """What it covers and is not well now that it has ended."""
    by: By = NOBODY


def planned_subject(name: str) -> str:
    """Return the readable path of planned work; no center has it."""
    return f"planned/{name}"


def ended(window: Window, span: Span, at: float, left: Sequence[str], by: By = NOBODY) -> Turn:
    """Return how planned work has ended at wall time *at*, with *left* of it not well."""
    what = What.OVERRUN if left and at >= span.end else What.ENDED
    return Turn(what, window, span, at, tuple(left), by)


def left_over(window: Window, inventory: Inventory, statuses: Mapping[str, Status]) -> tuple[str, ...]:
    """Return what a window covers and is not well; of what is down as a whole the parts are left out."""
    ill = {
        subject: statuses[subject].health
        for subject in subjects(window.scope, inventory)
        if subject in statuses and statuses[subject].health in ILL
    }
    return tuple(name for name in ill if not any(ill.get(above) is Health.DOWN for above in _above(name)))


def planned_news(turn: Turn, inventory: Inventory, zone: tzinfo) -> Mapping[str, Json]:
    """Return what the event says, its sentence in every language included; times are told in *zone*."""
    window = turn.window
    covered = subjects(window.scope, inventory)
    data: dict[str, Json] = {
        "what": str(turn.what),
        "window": window.id,
        "declared": window.declared,
        "scope": list(window.scope[:MOST]),
        "covered": list(covered[:MOST]),
        "covering": len(covered),
        "from": round(turn.span.begin, 3),
        "to": round(turn.span.end, 3),
        "document": window.document,
        "note": window.note,
        "who": window.who,
        "by": turn.by.name,
        "uid": turn.by.uid,
        "via": turn.by.via,
        "sentence": {language: _sentence(turn, inventory, zone, WORDS[language]) for language in WORDS},
    }
    if turn.what in (What.ENDED, What.OVERRUN):
        data |= {"early": turn.at < turn.span.end, "left": list(turn.left[:MOST]), "leaving": len(turn.left)}
    return data


def planned_act(verb: str, window: Window, span: Span, at: float, by: By) -> Act:
    """Return what somebody did to planned work at wall time *at*: `add`, `end` or `withdraw`."""
    times: dict[str, Json] = {"from": round(span.begin, 3), "to": round(span.end, 3)}
    papers: dict[str, Json] = {"document": window.document, "note": window.note}
    facts = {"scope": list[Json](window.scope[:MOST]), **times, **papers}
    return by.did(at, f"planned/{verb}", planned_subject(window.id), **facts)


def work_facts(work: Work, inventory: Inventory, at: float, zone: tzinfo) -> dict[str, Json]:
    """Return all that is known of planned work at wall time *at*: the API and the command line say it."""
    window, when = work.window, work.window.when
    now, later = under_way(work, at, zone), span_after(when, at, zone)
    span = now or later or span_after(when, 0.0, zone)
    weekly: Json = None
    if not isinstance(when, Once):
        weekly = {"days": [*sorted(when.days)], "at": f"{when.at:%H:%M}", "minutes": when.minutes}
    state = "under_way" if now else "waiting" if later else "over"
    return {**window_facts(window, span, inventory), "state": state, "weekly": weekly}


def window_facts(window: Window, span: Span | None, inventory: Inventory) -> dict[str, Json]:
    """Return what a window is about, and one time at which it is open."""
    names = [name_of(path, inventory) for path in window.scope[:MOST]]
    return {
        "id": window.id,
        "declared": window.declared,
        "scope": list(window.scope[:MOST]),
        "names": [{"zh": name.zh, "en": name.en} for name in names],
        "from": None if span is None else round(span.begin, 3),
        "to": None if span is None else round(span.end, 3),
        "document": window.document,
        "note": window.note,
        "who": window.who,
    }


def moments(span: Span, zone: tzinfo) -> tuple[str, str]:
    """Return when a span begins and ends as people write it, the second with its date if that is another."""
    begin, end = (datetime.fromtimestamp(at, zone) for at in span)
    return f"{begin:%m-%d %H:%M}", f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%m-%d %H:%M}"


def named(paths: Sequence[str], inventory: Inventory, words: Words) -> str:
    """Name what is worked on, or is left over."""
    shown = words.comma.join(called(name_of(path, inventory), words.language) for path in paths[:NAMED])
    return shown if len(paths) <= NAMED else words.planned["more"].format(names=shown, count=len(paths))


def _sentence(turn: Turn, inventory: Inventory, zone: tzinfo, words: Words) -> str:
    told = words.semicolon.join(_clauses(turn, inventory, zone, words)) + words.sentence["end"]
    return told[:1].upper() + told[1:]


def _clauses(turn: Turn, inventory: Inventory, zone: tzinfo, words: Words) -> Iterator[str]:
    says, window = words.planned, turn.window
    begin, end = moments(turn.span, zone)
    left = named(turn.left, inventory, words)
    yield says[_pattern(turn)].format(
        names=named(window.scope, inventory, words),
        begin=begin,
        end=end,
        left=left,
        duration=duration(turn.at - turn.span.begin, words),
    )
    if turn.left and turn.what is What.ENDED:
        yield says["still"].format(left=left)
    facts = {"document": window.document, "note": window.note, "who": window.who, "by": turn.by.name}
    yield from (
        says[key].format(**{key: fact}) for key, fact in facts.items() if fact and _is_told(key, turn)
    )


def _pattern(turn: Turn) -> str:
    early = turn.what is What.ENDED and turn.at < turn.span.end
    return "ended_early" if early else str(turn.what)


def _is_told(key: str, turn: Turn) -> bool:
    """Tell whether a fact is worth a clause: who did it only where that is not who entered it."""
    return key != "by" or turn.by.name != turn.window.who


def _above(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))
