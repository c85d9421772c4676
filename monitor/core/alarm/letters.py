"""What a message says, as facts for its templates: in the officer's language, the most urgent first."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.alarm.model import SHORTEST, Alarm, Notice, Severity
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.core.world import Json

LISTED = 2500
"""So many alarms are listed in one message; more go into the next."""
NAMED = 3
"""So many are named in its title."""
_RANKS = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Item:
    """One notice with its alarm, and who else was told."""

    notice: Notice
    alarm: Alarm
    also: tuple[str, ...] = ()
    """Names of officers."""

    @property
    def over(self) -> bool:
        """It says that the alarm is over, for it is."""
        return self.alarm.closed_at is not None


def latest(items: Sequence[Item]) -> list[Item]:
    """Return one item for each alarm, the latest word of it, the most urgent and oldest first."""
    last = {item.alarm.id: item for item in items}
    return sorted(
        last.values(), key=lambda one: (one.over, _RANKS.index(one.alarm.severity), one.alarm.since)
    )


def letter_facts(items: Sequence[Item], language: str) -> dict[str, object]:
    """Return what templates may speak of; *items* are those of `latest`, at least one."""
    words = WORDS[language]
    entries = [_entry(item, words) for item in items]
    open_ = [item for item in items if not item.over]
    return {
        "drill": all(item.alarm.drill for item in items),
        "entries": entries,
        "first": entries[0],
        "lead": entries[0]["lead"],
        "clauses": _clauses(items[0], words),
        "names": [entry["name"] for entry in entries[:NAMED]],
        "count": len(items),
        "opened": len(open_),
        "over": len(items) - len(open_),
        "severity_words": words.alarm_severity,
        "answer": _answer(open_, words),
    }


def severity(items: Sequence[Item]) -> Severity:
    """Return how urgent a message is: as its most urgent alarm that is not over."""
    open_ = [_RANKS.index(item.alarm.severity) for item in items if not item.over]
    return _RANKS[min(open_)] if open_ else Severity.INFO


def fitted(write: Callable[[Mapping[str, object]], str], facts: Mapping[str, object]) -> str:
    """Return the short text with as much in it as fits into one short message.

    The last clauses are left out first (the first says what is broken), then names; what is still too long is
    cut so that what to answer with stays.
    """
    clauses, names = list(_texts(facts["clauses"])), list(_texts(facts["names"]))
    for shown, named in [(n, len(names)) for n in range(len(clauses), 0, -1)] + [
        (1, n) for n in range(len(names) - 1, 0, -1)
    ]:
        text = write({**facts, "clauses": clauses[:shown], "names": names[:named]})
        if units(text) <= SHORTEST:
            return text
    return _cut(write, facts, clauses[:1], names[:1])


def _cut(
    write: Callable[[Mapping[str, object]], str],
    facts: Mapping[str, object],
    clauses: list[str],
    names: list[str],
) -> str:
    """Return as much of the first clause, or name, as leaves room for what comes after it."""
    for room in range(SHORTEST, -1, -1):
        texts = {
            "clauses": [f"{shortened(one, room)}…" for one in clauses],
            "names": [f"{shortened(one, room)}…" for one in names],
        }
        text = write({**facts, **texts})
        if units(text) <= SHORTEST:
            return text
    return shortened(text, SHORTEST)


def units(text: str) -> int:
    """Return how many UTF-16 code units a text takes."""
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text that takes at most so many UTF-16 code units."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _entry(item: Item, words: Words) -> dict[str, object]:
    alarm, facts = item.alarm, item.alarm.facts
    confidence = facts.get("confidence")
    return {
        "id": alarm.id,
        "code": alarm.code,
        "lead": _lead(item, words),
        "sentence": _sentence(alarm, words),
        "name": _called(facts.get("name"), words) or alarm.subject,
        "severity": str(alarm.severity),
        "over": item.over,
        "confidence": int(100 * confidence) if isinstance(confidence, float | int) else None,
        "works": _names_of(facts.get("works"), facts, words),
        "carriers": [_carrier(one, words) for one in _dicts(facts.get("carriers"))],
        "also": list(item.also),
    }


def _lead(item: Item, words: Words) -> str:
    """Return what a message begins with that is not the first about its alarm."""
    return "" if item.over else words.alarm.get(f"lead_{item.notice.what}", "")


def _sentence(alarm: Alarm, words: Words) -> str:
    said = alarm.facts.get("sentence")
    return str(said.get(words.language, alarm.subject)) if isinstance(said, dict) else alarm.subject


def _clauses(item: Item, words: Words) -> list[str]:
    """Return the clauses of an alarm's sentence: what is broken, whom to call, then all the rest."""
    end = words.sentence["end"]
    first, *rest = _sentence(item.alarm, words).removesuffix(end).split(words.semicolon)
    hints = [str(one.get("hotline") or "") for one in _dicts(item.alarm.facts.get("carriers"))]
    hints += [_called(one.get("name"), words) for one in _dicts(item.alarm.facts.get("carriers"))]
    calls = [one for one in rest if any(hint and hint in one for hint in hints)]
    return [_without_seconds(first), *calls, *(one for one in rest if one not in calls)]


def _without_seconds(text: str) -> str:
    """Leave the seconds out of times of day: in a short message they cost more than they tell."""
    return re.sub(r"\b(\d\d:\d\d):\d\d\b", r"\1", text)


def _answer(open_: Sequence[Item], words: Words) -> str:
    """Return what to answer with; empty where there is nothing to take on."""
    asking = [item for item in open_ if item.alarm.answer is None]
    if not asking:
        return ""
    return asking[0].alarm.code if len(asking) == 1 else words.alarm["all"]


def _carrier(facts: Mapping[str, Json], words: Words) -> dict[str, object]:
    numbers = facts.get("numbers")
    return {
        "name": _called(facts.get("name"), words),
        "hotline": str(facts.get("hotline") or ""),
        "numbers": [str(one) for one in numbers] if isinstance(numbers, list) else [],
    }


def _names_of(paths: Json, facts: Mapping[str, Json], words: Words) -> list[str]:
    known = {str(one.get("path")): one for one in _dicts(facts.get("names"))}
    listed = [str(path) for path in paths] if isinstance(paths, list) else []
    return [_called(known[path], words) if path in known else path for path in listed]


def _called(name: Json | Mapping[str, Json], words: Words) -> str:
    return str(name.get(words.language) or "") if isinstance(name, Mapping) else ""


def _dicts(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
