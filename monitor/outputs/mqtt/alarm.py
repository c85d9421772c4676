"""What is told of an open alarm, as published: what officers are told of, and who has taken it on."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from monitor.core.alarm import Alarm, Area, Severity
from monitor.core.alarm.news import alarm_facts
from monitor.kit.text import discreet
from monitor.outputs.mqtt.incident import SentencePayload
from monitor.outputs.mqtt.payloads import Payload, Seconds, Stamp


class TakenOnPayload(Payload):
    """Who has taken an alarm on."""

    who: str
    """The officer's id, or what they call themselves; long numbers are masked."""
    name: str
    """The officer's name; empty: the roster knows nobody of that id."""
    via: str
    """By what means: `socket`, `api`, `mqtt`, or the channel of a reply."""
    at: float
    """When, Unix seconds."""
    until: float | None
    """When it is asked again, Unix seconds; null: never."""
    note: str
    """In their own words; long numbers are masked."""


class AlarmPayload(Stamp):
    """One alarm while it is open: officers are told of it; retained, cleared when it is over."""

    seq: int
    """Counts with the statuses of this boot: of two with the same boot the one with the larger is newer."""
    valid_for: Seconds
    """A consumer must not take the alarm for open once `now - at` is larger than this."""
    alarm: str
    """Its id; that of the incident, if it is about one."""
    code: str
    """What officers answer with: `0914`, from the time at which it began."""
    subject: str
    """What is broken, readable path."""
    area: Area
    """`center`, `network`, `circuit`, `device` or `ourselves`."""
    severity: Severity
    """`critical`, `warning` or `info`."""
    drill: bool
    """It only exercises."""
    planned: bool
    """It is planned work now, so that nobody is told."""
    since: float
    """When it began, Unix seconds."""
    since_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    muted_until: float | None
    """Nothing is said of it until then, Unix seconds; null: it is not muted."""
    answer: TakenOnPayload | None
    """Null: nobody has taken it on."""
    sentence: SentencePayload | None
    """What officers are told."""


def alarm_payload(alarm: Alarm, stamp: dict[str, Any], iso: Callable[[float], str]) -> AlarmPayload:
    """Put an alarm into words; *stamp* says who tells it and when."""
    facts: dict[str, Any] = {**stamp, **alarm_facts(alarm), "since_iso": iso(alarm.since)}
    if facts["answer"] is not None:
        facts["answer"] |= {key: discreet(facts["answer"][key], ()) for key in ("who", "note")}
    return AlarmPayload.model_validate(facts)
