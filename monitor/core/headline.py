"""The one sentence about an incident: where, since when, what still works, whom to call.

As short as it can be: what goes without saying is left out (that a dead device cannot be reached, that one is
sure), and what several things have in common is said once.
"""

from collections.abc import Iterator
from datetime import datetime

from monitor.core.incident import Stage
from monitor.core.meaning import NAMED, Meaning, Naming, Setting
from monitor.core.sentence import WORDS, called, clock, duration
from monitor.core.story import Call, Story
from monitor.core.topology import Kind
from monitor.core.words import Words

SURE = 0.95
"""A probability from which on it need not be told."""

ENDINGS = 2
"""Ends of a way that are told in the sentence: one circuit from both ends."""


def headline(story: Story, setting: Setting, language: str) -> str:
    """Return one sentence about the incident as it is now."""
    words, incident = WORDS[language], story.incident
    telling = _Telling(story, setting, words)
    clauses = [words.incident["and"].join(filter(None, telling.what_is_so()))]
    if incident.stage in (Stage.SUSPECTED, Stage.CONFIRMED):
        clauses += telling.what_else()
    told = words.semicolon.join(filter(None, clauses)) + words.sentence["end"]
    return told[:1].upper() + told[1:]


class _Telling:
    """One story in one language."""

    def __init__(self, story: Story, setting: Setting, words: Words) -> None:
        self._story = story
        self._incident = story.incident
        self._naming = Naming(story, setting, words)
        self._meaning = Meaning(story, setting, words, self._naming)
        self._components = setting.topology.components
        self._zone = setting.zone
        self._words = words
        self._says = words.incident

    def what_is_so(self) -> Iterator[str]:
        """Give what is broken, and what that means."""
        incident, says = self._incident, self._says
        yield self._first()
        if incident.stage is Stage.CLOSED and incident.relapses and incident.confirmed_at is not None:
            yield says["relapses"].format(count=incident.relapses)
        if incident.stage in (Stage.CLOSED, Stage.RECOVERING):
            return
        if incident.planned:
            yield says["planned"]
        if incident.behind is not None:
            yield says["hidden"].format(behind=self._naming.name(incident.behind))
        else:
            yield from self._meaning.clauses()

    def what_else(self) -> Iterator[str]:
        """Give whom to call, and what else is to be known."""
        incident, says = self._incident, self._says
        if incident.stage is Stage.CONFIRMED and incident.behind is None and not incident.planned:
            yield from self._story.endings.get(self._words.language, ())[:ENDINGS]
            yield from map(self._whom, self._story.calls[:NAMED])
        if incident.relapses:
            yield says["relapsed"].format(count=incident.relapses)
        if incident.called:
            yield says["renamed"].format(before=self._naming.name(incident.called[-1]))
        if incident.confidence < SURE:
            yield self._doubt()

    # What is broken.

    def _first(self) -> str:
        incident = self._incident
        ended = incident.recovering_at or incident.closed_at or incident.since
        return self._says[self._how()].format(
            name=self._suspects(),
            fault=self._fault(),
            at=self._moment(incident.since, ended),
            back=clock(ended, self._zone),
            hold=self._hold(),
            duration=duration(ended - incident.since, self._words),
        )

    def _how(self) -> str:
        """Return how far it is, or how it was closed."""
        incident = self._incident
        if incident.unwatched:
            return "unwatched_suspected" if incident.confirmed_at is None else "unwatched"
        withdrawn = incident.stage is Stage.CLOSED and incident.confirmed_at is None
        return "withdrawn" if withdrawn else str(incident.stage)

    def _suspects(self) -> str:
        """Name the component, with those that it may be as well."""
        name, others = self._naming.name(self._incident.component), self._others()
        if self._story.kind == Kind.NETWORK:
            name = self._says["core"].format(name=name)
        if not others:
            return name
        pattern = "or" if len(others) <= NAMED else "or_more"
        shown = self._words.comma.join(self._naming.beside(other) for other in others[:NAMED])
        return self._says[pattern].format(name=name, others=shown, count=len(others) + 1)

    def _others(self) -> tuple[str, ...]:
        return tuple(name for name in self._incident.group if name != self._incident.component)

    def _fault(self) -> str:
        """Say what is wrong with it, in a word that fits all that it may be."""
        says = self._says
        suspects = (self._incident.component, *self._others())
        kinds = {self._components[name].kind for name in suspects if name in self._components}
        faults = {says.get(f"fault_{kind}", says["fault"]) for kind in kinds}
        return faults.pop() if len(faults) == 1 else says["fault"]

    def _moment(self, at: float, now: float) -> str:
        """Tell a time of day, with the date if that is another one than now."""
        days = [datetime.fromtimestamp(time, self._zone).date() for time in (at, now)]
        date = "" if days[0] == days[1] else f"{days[0]:%m-%d} "
        return f"{date}{clock(at, self._zone)}"

    def _hold(self) -> str:
        minutes, seconds = divmod(round(self._incident.hold), 60)
        if minutes and not seconds:
            return self._says["minutes"].format(m=minutes)
        return duration(self._incident.hold, self._words)

    # Whom to call, and how sure it is.

    def _whom(self, call: Call) -> str:
        words, says = self._words, self._says
        carrier = called(call.carrier, words.language)
        if call.hotline:
            carrier = says["hotline"].format(carrier=carrier, hotline=call.hotline)
        numbers = words.comma.join(call.numbers[:NAMED])
        return says["call_number" if numbers else "call"].format(carrier=carrier, numbers=numbers)

    def _doubt(self) -> str:
        """Say how probable it is, and what else it may be."""
        first = next(iter(self._incident.others), None)
        confidence = int(self._incident.confidence * 100)
        if first is None:
            return self._says["sure"].format(confidence=confidence)
        others = self._words.comma.join(map(self._naming.name, first.causes[:NAMED]))
        return self._says["else" if others else "else_wrong"].format(confidence=confidence, others=others)
