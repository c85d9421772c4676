"""From events and what is held of everything to rows of the log, and back."""

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from monitor.core.detection import Belief, Verdict
from monitor.core.ending import Ending
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.incident import Incident, Other, Stage
from monitor.core.inventory import Role
from monitor.core.learning import Learned
from monitor.core.planned import Once, Span, Weekly, Window, Work
from monitor.core.quality import Decline, Severity
from monitor.core.quantile import packed, unpacked
from monitor.core.record import Kept
from monitor.core.report import Report, State
from monitor.core.world import Event

Values = dict[str, Any]

_COLUMNS = ("looks", "isolated")
"""Of what was learned, what has a column of its own."""
_TAUGHT = tuple(name for name in Learned.__slots__ if name not in (*_COLUMNS, "rtts"))
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def event_row(event: Event, recorded_at: float) -> Values:
    """Return *event* as a row."""
    return {
        "position": event.position,
        "vantage": event.vantage,
        "boot": event.boot,
        "seq": event.seq,
        "at": event.at,
        "received_at": event.received_at,
        "recorded_at": recorded_at,
        "kind": event.kind,
        "subject": event.subject,
        "data": written(dict(event.data)),
    }


def event_of(row: Row[Any]) -> Event:
    """Return the event that was written as *row*."""
    return Event(
        row.vantage,
        row.boot,
        row.seq,
        row.at,
        row.kind,
        row.subject,
        _data(row.data),
        row.position,
        row.received_at,
    )


def _data(text: str) -> dict[str, Any]:
    """Read what an event says; a flipped bit on the disk must not make all events unreadable."""
    try:
        data = json.loads(text)
    except ValueError:
        return {"unreadable": text[:200]}
    return data if isinstance(data, dict) else {"unreadable": text[:200]}


def check_row(check: str, kept: Kept) -> Values:
    """Return what is kept of a check as a row; a doubt under way is not, it would mean nothing later."""
    belief, learned = kept.belief, kept.learned
    return {
        "id": check,
        "mark": kept.mark,
        "verdict": str(belief.verdict),
        "since": belief.since,
        "reason": belief.reason,
        "detail": belief.detail,
        "looks": learned.looks,
        "isolated": learned.isolated,
        "learned": written(_taught(learned)),
        "decline": _decline_text(belief.decline),
        "report": None if kept.report is None else written(asdict(kept.report)),
    }


def _taught(learned: Learned) -> Values:
    taught: Values = {name: getattr(learned, name) for name in _TAUGHT}
    return taught | {"rtts": unpacked(learned.rtts)}


def kept_of(row: Row[Any]) -> Kept:
    """Return what was kept of a check; raises ValueError for a word that we do not know."""
    decline = _decline_of(row.decline)
    belief = Belief(Verdict(row.verdict), row.since, row.reason, row.detail, decline=decline)
    return Kept(row.mark, belief, learned_of(row), report_of(row))


def report_of(row: Row[Any]) -> Report | None:
    """Return the report in a check's row; what cannot be read was never reported."""
    try:
        data = json.loads(row.report or "null")
        return data and Report(**data | {"state": State(data["state"])})
    except (ValueError, TypeError, LookupError):
        return None


def learned_of(row: Row[Any]) -> Learned:
    """Return what a check's row says was learned; what cannot be read is learned anew."""
    try:
        data = json.loads(row.learned)
        rtts = packed((int(bucket), int(count)) for bucket, count in data.pop("rtts", ()))
        more = {str(name): float(value) for name, value in data.items()}
        learned = Learned(row.looks, row.isolated, **more, rtts=rtts)
    except (IndexError, OverflowError):
        return Learned()
    except (ValueError, TypeError, AttributeError):
        learned = Learned(row.looks, row.isolated)
    return learned if learned.plausible else Learned()


def _decline_text(decline: Decline | None) -> str | None:
    return None if decline is None else written(asdict(decline))


def _decline_of(text: str | None) -> Decline | None:
    """Read how much worse something had become; raises ValueError for what we do not understand."""
    if text is None:
        return None
    try:
        data = json.loads(text)
        return Decline(**data | {"severity": Severity(data["severity"])})
    except (LookupError, TypeError) as error:
        raise ValueError(f"a decline that reads {error!r}") from error


def status_row(status: Status) -> Values:
    """Return *status* as a row; a suspicion is not written, its doubt is not either."""
    return {
        "subject": status.subject,
        "kind": str(status.kind),
        "health": str(status.health),
        "since": status.since,
        "reason": status.reason,
        "active": None if status.active is None else str(status.active),
        "works": written(list(status.works)),
        "ill_since": status.ill_since,
        "decline": _decline_text(status.decline),
    }


def status_of(row: Row[Any]) -> Status:
    """Return the status that was written as *row*; raises ValueError for a word that we do not know."""
    return Status(
        row.subject,
        SubjectKind(row.kind),
        Health(row.health),
        row.since,
        row.reason,
        active=None if row.active is None else Role(row.active),
        works=tuple(json.loads(row.works)),
        ill_since=row.ill_since,
        planned=row.health == Health.MAINTENANCE,
        decline=_decline_of(row.decline),
    )


def incident_row(incident: Incident) -> Values:
    """Return *incident* as a row."""
    return {"id": incident.id, "data": written(asdict(incident))}


def incident_of(row: Row[Any]) -> Incident:
    """Return the incident that was written as *row*; raises ValueError for what we do not understand."""
    try:
        data = json.loads(row.data)
        others = (Other(tuple(o["causes"]), o["confidence"], o["behind"]) for o in data.pop("others"))
        lists = {name: tuple(data.pop(name)) for name in ("group", "explains", "against", "called")}
        endings = (
            Ending(**e | {key: tuple(e[key]) for key in ("hops", "was")}) for e in data.pop("endings", ())
        )
        more = {"stage": Stage(data["stage"]), "others": tuple(others), "endings": tuple(endings)}
        return Incident(**data | lists | more)
    except (LookupError, TypeError) as error:
        raise ValueError(f"incident {row.id}: {error!r}") from error


def planned_row(work: Work) -> Values:
    """Return planned work as a row."""
    window, when = work.window, work.window.when
    data = asdict(work)
    if isinstance(when, Once):
        data["window"]["when"] = {"begin": when.begin.isoformat(), "end": when.end.isoformat()}
    else:
        at = when.at.isoformat()
        data["window"]["when"] = {"days": sorted(when.days), "at": at, "minutes": when.minutes}
    return {"id": window.id, "data": written(data)}


def planned_of(row: Row[Any]) -> Work:
    """Return the planned work that was written as *row*; raises ValueError for what we do not understand."""
    try:
        data = json.loads(row.data)
        window, begun = data["window"], data["begun"]
        changed = {"scope": tuple(window["scope"]), "when": _when(window["when"])}
        span = None if begun is None else Span(*map(float, begun))
        return Work(Window(**window | changed), span, float(data["released"]))
    except (LookupError, TypeError) as error:
        raise ValueError(f"planned work {row.id}: {error!r}") from error


def _when(data: Mapping[str, Any]) -> Once | Weekly:
    if "begin" in data:
        return Once(dt.datetime.fromisoformat(data["begin"]), dt.datetime.fromisoformat(data["end"]))
    return Weekly(frozenset(data["days"]), dt.time.fromisoformat(data["at"]), float(data["minutes"]))


def written(value: Mapping[str, Any] | list[Any]) -> str:
    """Return *value* as JSON; what JSON or UTF-8 does not know is replaced: no event is lost by it."""
    try:
        text = _dumped(value)
        text.encode()
    except (TypeError, ValueError):
        return _dumped(_plain(value))
    return text


def _dumped(value: object) -> str:
    return _WRITER.encode(value)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(_plain(str(key))): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    return str(value).encode(errors="replace").decode()
