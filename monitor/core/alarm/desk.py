"""All alarms that are not settled: opened for what is confirmed, gone on with by their plans, closed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from math import inf

from monitor.core.alarm.escalation import Call, answered, closed, due, muted, next_due, paused
from monitor.core.alarm.ladder import (
    LATE,
    STALE,
    Reach,
    climbed,
    composed,
    instead,
    is_late,
    is_settled,
    to_all_told,
)
from monitor.core.alarm.model import Alarm, Answer, Escalation, Notice, Plan, Rung, Severity, What
from monitor.core.alarm.weight import area_of, kept, severity_of
from monitor.core.world import Json

OPEN = frozenset({"confirmed", "recovering"})
"""Stages of incidents that people are told of."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something about an alarm that is worth an event."""

    what: str
    alarm: Alarm
    notices: tuple[Notice, ...] = ()
    """Those that were made because of it."""


@dataclass(slots=True)
class Turn:
    """What one act changes; None: it is settled."""

    said: list[Said] = field(default_factory=list)
    alarms: dict[str, Alarm | None] = field(default_factory=dict)
    notices: dict[str, Notice | None] = field(default_factory=dict)


class Desk:
    """Holds the alarms and their notices. Mutable; whoever calls it records the turns that it returns."""

    def __init__(self, reach: Reach, escalation: Escalation, zone: tzinfo) -> None:
        """Name alarms by the time of day in *zone*."""
        self.reach = reach
        self.escalation = escalation
        self.alarms: dict[str, Alarm] = {}
        self.notices: dict[str, dict[str, Notice]] = {}
        """By alarm and id."""
        self._waiting: dict[str, dict[str, Notice]] = {}
        """By channel and id, those that are to be brought."""
        self._turned = 0.0
        """When it was last looked at what is due."""
        self._numbers: dict[str, int] = {}
        """By time of day, how many codes begin with it; a number is used once while any alarm is there."""
        self._codes: dict[str, str] = {}
        """Ids of alarms by what is answered with."""
        self._zone = zone

    def adopt(self, alarms: Mapping[str, Alarm], notices: Mapping[str, Notice]) -> None:
        """Go on with what an earlier run left."""
        self.alarms.update(alarms)
        self._codes.update((alarm.code, name) for name, alarm in alarms.items())
        for notice in notices.values():
            if notice.alarm in self.alarms:
                self._hold(notice)

    def of(self, alarm: str) -> list[Notice]:
        """Return the notices about an alarm."""
        return list(self.notices.get(alarm, {}).values())

    # What happens.

    def heed(self, facts: Mapping[str, Json], turn: Turn, now: float) -> None:
        """Take in what the event of an incident says."""
        name, stage, planned = str(facts["incident"]), facts["stage"], bool(facts.get("planned"))
        alarm = self.alarms.get(name)
        if alarm is None and stage in OPEN and not planned:
            self.open(name, severity_of(facts), kept(facts), turn, now)
        if alarm is None or alarm.closed_at is not None:
            return
        was = alarm.subject
        alarm = replace(alarm, facts=kept(facts), subject=str(facts["component"]))
        self._put(paused(alarm, now, planned=planned), turn)
        if stage == "closed":
            self.close(name, turn, now)
            return
        self._judge(name, severity_of(facts), now)
        if was != alarm.subject and not planned:
            self._tell_all(name, What.CORRECTION, turn, now)
        self._go_on(name, turn, now)

    def open(
        self,
        name: str,
        severity: Severity,
        facts: Mapping[str, Json],
        turn: Turn,
        now: float,
        *,
        drill: bool = False,
        plan: Plan | None = None,
    ) -> None:
        """Open an alarm, and take the first step of its plan; nothing if no plan is for such ones."""
        area = area_of(str(facts.get("kind", "ourselves")))
        plan = plan or self.escalation.plan(severity, area)
        if plan is None:
            return
        since = facts.get("since")
        begun = float(since) if isinstance(since, int | float) else now
        subject = str(facts.get("component", name))
        code = self._code(begun)
        alarm = Alarm(name, code, subject, area, severity, plan, begun, now, now, facts, drill=drill)
        self._codes[code] = name
        turn.said.append(Said("opened", alarm))
        self._put(alarm, turn)
        self._go_on(name, turn, now)

    def restate(self, name: str, facts: Mapping[str, Json]) -> None:
        """Say something else of an alarm from now on."""
        self.alarms[name] = replace(self.alarms[name], facts=facts)

    def close(self, name: str, turn: Turn, now: float) -> None:
        """Close an alarm, and say so to everybody who was told."""
        alarm = closed(self.alarms[name], now)
        turn.said.append(Said("closed", alarm))
        self._put(alarm, turn)
        self._tell_all(name, What.RECOVERY, turn, now)
        self._let_go(name, turn, now)

    def drop(self, name: str, turn: Turn, now: float) -> None:
        """Settle an alarm without another word."""
        turn.said.append(Said("closed", closed(self.alarms[name], now)))
        self._forget(name, turn)

    def _judge(self, name: str, severity: Severity, now: float) -> None:
        """Begin anew with what has become more urgent; whoever answered answered something smaller."""
        alarm = self.alarms[name]
        if severity is not Severity.CRITICAL or alarm.severity is severity:
            return
        plan = self.escalation.plan(severity, alarm.area) or alarm.plan
        fresh = replace(alarm, severity=severity, plan=plan, steps=0, opened_at=now, due_at=now, answer=None)
        self.alarms[name] = fresh

    def _tell_all(self, name: str, what: What, turn: Turn, now: float) -> None:
        alarm, made = to_all_told(self.alarms[name], what, self.of(name), now)
        self._put(alarm, turn, made)

    def _code(self, since: float) -> str:
        """Return the time of day at which it began, with a letter behind it if another alarm has that."""
        code = datetime.fromtimestamp(since, self._zone).strftime("%H%M")
        if not self._codes:
            self._numbers.clear()
        number = self._numbers.get(code, 0)
        while (name := f"{code}{_letters(number)}") in self._codes:
            number += 1
        self._numbers[code] = number + 1
        return name

    # What people do.

    def find(self, word: str) -> Alarm | None:
        """Return the open alarm with this code or id."""
        alarm = self.alarms.get(word) or self.alarms.get(self._codes.get(word.lower(), ""))
        return alarm if alarm is not None and alarm.closed_at is None else None

    def unanswered(self, officer: str) -> list[Alarm]:
        """Return the open alarms that an officer was told of and nobody has answered, the oldest first."""
        open_ = (one for one in self.alarms.values() if one.closed_at is None and one.answer is None)
        return [one for one in open_ if any(notice.officer == officer for notice in self.of(one.id))]

    def answer(self, name: str, answer: Answer, turn: Turn) -> None:
        """Take in that somebody has taken an alarm on; what was brought of it counts as acknowledged."""
        known = self.reach.officers.get(answer.who)
        alarm = answered(self.alarms[name], replace(answer, name=known.name if known else ""))
        brought = (one for one in self.of(name) if one.rung.height >= Rung.HANDED_OVER.height)
        turn.said.append(Said("answered", alarm))
        self._put(alarm, turn, [climbed(one, Rung.ACKNOWLEDGED, answer.at) for one in brought])

    def mute(self, name: str, until: float | None, turn: Turn, now: float) -> None:
        """Say nothing more of an alarm until then, beside that it is over; None: from now on again."""
        alarm = muted(self.alarms[name], until, now)
        turn.said.append(Said("muted" if until is not None else "unmuted", alarm))
        self._put(alarm, turn)

    # What time does.

    def turn(self, turn: Turn, now: float) -> None:
        """Do all that is due."""
        for alarm in list(self.alarms.values()):
            if self._wakes_at(alarm, now) <= now:
                self._go_on(alarm.id, turn, now)
                self._go_round(alarm.id, turn, now)
                self._let_go(alarm.id, turn, now)
        self._turned = now

    def next_due(self, now: float) -> float:
        """Return when something is due next; infinity: not before something happens."""
        return min((self._wakes_at(alarm, now) for alarm in self.alarms.values()), default=inf)

    def _wakes_at(self, alarm: Alarm, now: float) -> float:
        if alarm.closed_at is not None:
            return next(
                (at for at in (alarm.closed_at + LATE, alarm.closed_at + STALE) if at > self._turned), inf
            )
        limits = (one.limit_at for one in self.notices.get(alarm.id, {}).values())
        times = (next_due(alarm, now), *limits)
        return min((at for at in times if at is not None), default=inf)

    def _go_on(self, name: str, turn: Turn, now: float) -> None:
        before = self.alarms[name]
        after, calls = due(before, now)
        if not calls:
            if after != before:
                self._put(after, turn)
            return
        after, made = composed(after, calls, self.reach, now)
        turn.said.append(Said(_in_a_word(calls, before), after, made))
        self._put(after, turn, made)

    def _go_round(self, name: str, turn: Turn, now: float) -> None:
        """Use another way for what was not brought in time; when all is over nobody needs it any more."""
        late = [one for one in self.of(name) if is_late(one, self.reach.ways, now)]
        if not late:
            return
        alarm, made = self.alarms[name], tuple[Notice, ...]()
        if alarm.closed_at is None:
            alarm, made = instead(alarm, late, self.reach, now)
        if made:
            turn.said.append(Said("otherwise", alarm, made))
        self._put(alarm, turn, (*(replace(one, limit_at=None) for one in late), *made))

    def _let_go(self, name: str, turn: Turn, now: float) -> None:
        alarm, notices = self.alarms[name], self.of(name)
        if is_settled(alarm, notices, self.reach.ways, now):
            self._forget(name, turn)

    def _forget(self, name: str, turn: Turn) -> None:
        self._codes.pop(self.alarms.pop(name).code, None)
        turn.alarms[name] = None
        gone = self.notices.pop(name, {})
        turn.notices |= dict.fromkeys(gone)
        for one in gone.values():
            self._waiting.get(one.channel, {}).pop(one.id, None)

    # What became of what was brought.

    def waiting(self, channel: str) -> Collection[Notice]:
        """Return what is to be brought over a channel, in the order in which it was composed."""
        return self._waiting.get(channel, {}).values()

    def moved(self, notices: Iterable[Notice], turn: Turn, now: float) -> None:
        """Take in how far notices have got; those of alarms that are settled are of no account any more."""
        names = dict.fromkeys(one.alarm for one in notices if one.alarm in self.alarms)
        for one in notices:
            if one.alarm in names:
                turn.notices[one.id] = self._hold(one)
        for name in names:
            self._go_round(name, turn, now)
            self._let_go(name, turn, now)

    def _put(self, alarm: Alarm, turn: Turn, notices: Iterable[Notice] = ()) -> None:
        self.alarms[alarm.id] = turn.alarms[alarm.id] = alarm
        for one in notices:
            turn.notices[one.id] = self._hold(one)

    def _hold(self, notice: Notice) -> Notice:
        self.notices.setdefault(notice.alarm, {})[notice.id] = notice
        waiting = self._waiting.setdefault(notice.channel, {})
        if notice.rung is Rung.COMPOSED:
            waiting[notice.id] = notice
        else:
            waiting.pop(notice.id, None)
        return notice


def _in_a_word(calls: Sequence[Call], before: Alarm) -> str:
    if before.answer is not None:
        return "answer_expired"
    return {What.ALARM: "told", What.ESCALATED: "escalated"}.get(calls[-1].what, "repeated")


def _letters(number: int) -> str:
    """Return nothing, `a` to `z`, `aa` and so on."""
    text = ""
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text
