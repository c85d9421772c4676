"""What the events of alarms and of their notices say; an address is never among it."""

from collections.abc import Iterable, Mapping, Sequence

from monitor.core.alarm.desk import Said
from monitor.core.alarm.model import Alarm, Notice
from monitor.core.world import Json

LISTED = 50
"""So many alarms are named in the event of one message; all are counted."""


def alarm_facts(alarm: Alarm) -> dict[str, Json]:
    """Return what is known of an alarm; events, orders and the API have the same keys."""
    answer = alarm.answer
    return {
        "alarm": alarm.id,
        "code": alarm.code,
        "subject": alarm.subject,
        "area": str(alarm.area),
        "severity": str(alarm.severity),
        "drill": alarm.drill,
        "since": round(alarm.since, 3),
        "opened_at": round(alarm.opened_at, 3),
        "closed_at": alarm.closed_at and round(alarm.closed_at, 3),
        "plan": alarm.plan.id,
        "steps": alarm.steps,
        "due_at": alarm.due_at and round(alarm.due_at, 3),
        "planned": alarm.paused,
        "muted_until": alarm.muted_until,
        "answer": None
        if answer is None
        else {
            "who": answer.who,
            "name": answer.name,
            "via": answer.via,
            "at": round(answer.at, 3),
            "until": answer.until and round(answer.until, 3),
            "note": answer.note,
        },
        "sentence": alarm.facts.get("sentence"),
    }


def notice_facts(notice: Notice) -> dict[str, Json]:
    """Return what is known of a notice."""
    return {
        "notice": notice.id,
        "what": str(notice.what),
        "officer": notice.officer,
        "channel": notice.channel,
        "composed_at": round(notice.composed_at, 3),
        "rung": str(notice.rung),
        "moved_at": round(notice.moved_at, 3),
        "attempts": notice.attempts,
        "trouble": notice.trouble,
        "unsure": notice.unsure,
    }


def alarm_news(said: Said) -> Mapping[str, Json]:
    """Return what the event about an alarm says."""
    told: list[Json] = [
        {"officer": one.officer, "channel": one.channel, "what": str(one.what)} for one in said.notices
    ]
    return {"what": said.what, **alarm_facts(said.alarm), "told": told}


def notice_news(channel: str, notices: Sequence[Notice], words: str = "") -> Mapping[str, Json]:
    """Return what the event says of how far a message has got that brings these notices."""
    first = notices[0]
    return {
        "channel": channel,
        "officer": first.officer,
        "rung": str(first.rung),
        "attempts": first.attempts,
        "unsure": first.unsure,
        "words": words,
        "composed_at": round(min(one.composed_at for one in notices), 3),
        "count": len(notices),
        "alarms": _named(notices),
    }


def _named(notices: Iterable[Notice]) -> list[Json]:
    alarms: list[Json] = [*dict.fromkeys(one.alarm for one in notices)]
    return alarms[:LISTED]
