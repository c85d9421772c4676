"""How an alarm goes on: step by step until somebody answers, and again when an answer is too old."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.core.alarm.model import Alarm, Answer, Step, What


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody is to be told now."""

    what: What
    step: Step


def due(alarm: Alarm, now: float) -> tuple[Alarm, tuple[Call, ...]]:
    """Return the alarm as it is at *now*, and who is to be told because of that.

    Steps whose time passed while nobody looked are taken together, each once.
    """
    if alarm.due_at is None or now < alarm.due_at or is_held(alarm, now):
        return replace(alarm, due_at=next_due(alarm, now)), ()
    if alarm.answer is not None:
        alarm = replace(alarm, answer=None)
        calls = tuple(Call(What.AGAIN, step) for step in alarm.plan.steps[: alarm.steps])
    elif alarm.steps < len(alarm.plan.steps):
        calls = tuple(_steps(alarm, now))
        alarm = replace(alarm, steps=alarm.steps + len(calls))
    else:
        calls = tuple(Call(What.REPEAT, step) for step in alarm.plan.steps)
    return replace(alarm, due_at=_after(alarm, now)), calls


def _steps(alarm: Alarm, now: float) -> Iterator[Call]:
    for number, step in enumerate(alarm.plan.steps[alarm.steps :], alarm.steps):
        if number and alarm.opened_at + step.after > now:
            return
        yield Call(What.ESCALATED if number else What.ALARM, step)


def is_held(alarm: Alarm, now: float) -> bool:
    """Tell whether nothing is to be said of an alarm now."""
    if alarm.closed_at is not None or alarm.paused:
        return True
    return alarm.muted_until is not None and now < alarm.muted_until


def next_due(alarm: Alarm, now: float) -> float | None:
    """Return when something is to be done next; None: not before something changes."""
    if alarm.closed_at is not None or alarm.paused:
        return None
    if alarm.muted_until is not None and now < alarm.muted_until:
        return max(alarm.muted_until, alarm.due_at or 0.0)
    return alarm.due_at


def _after(alarm: Alarm, now: float) -> float | None:
    plan = alarm.plan
    if alarm.steps < len(plan.steps):
        return max(now, alarm.opened_at + plan.steps[alarm.steps].after)
    return now + plan.repeat if plan.repeat else None


def answered(alarm: Alarm, answer: Answer) -> Alarm:
    """Return an alarm that somebody has taken on; a later answer takes the place of an earlier one."""
    holds = alarm.plan.answer_holds
    until = answer.until if answer.until is not None else (answer.at + holds if holds else None)
    return replace(alarm, answer=replace(answer, until=until), due_at=until)


def muted(alarm: Alarm, until: float | None, now: float) -> Alarm:
    """Return an alarm of which nothing is said until then, beside that it is over; None: no longer so."""
    alarm = replace(alarm, muted_until=until)
    if until is not None:
        return replace(alarm, due_at=max(until, alarm.due_at or 0.0))
    return resumed(alarm, now)


def paused(alarm: Alarm, now: float, *, planned: bool) -> Alarm:
    """Return an alarm whose cause is planned work from now on, or no longer is."""
    if planned == alarm.paused:
        return alarm
    if planned:
        return replace(alarm, paused=True, due_at=None)
    return resumed(replace(alarm, paused=False), now)


def resumed(alarm: Alarm, now: float) -> Alarm:
    """Return an alarm that nothing holds back any more: what is overdue is done at once."""
    if alarm.answer is not None:
        return replace(alarm, due_at=alarm.answer.until)
    if not alarm.steps:
        return replace(alarm, due_at=now)
    return replace(alarm, due_at=_after(alarm, now))


def closed(alarm: Alarm, now: float) -> Alarm:
    """Return an alarm that is over."""
    return replace(alarm, closed_at=now, due_at=None)
