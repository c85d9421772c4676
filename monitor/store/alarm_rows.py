"""From alarms and notices to rows of the log, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from monitor.core.alarm import Alarm, Answer, Area, Notice, Plan, Rung, Severity, Step, What
from monitor.store.rows import Values, written


def alarm_row(alarm: Alarm) -> Values:
    """Return *alarm* as a row, with the plan that it goes by."""
    return {"id": alarm.id, "data": written(asdict(alarm))}


def alarm_of(row: Row[Any]) -> Alarm:
    """Return the alarm that was written as *row*; raises ValueError for what we do not understand."""
    try:
        data = json.loads(row.data)
        answer = data["answer"]
        more = {
            "area": Area(data["area"]),
            "severity": Severity(data["severity"]),
            "plan": _plan_of(data["plan"]),
            "answer": answer and Answer(**answer),
        }
        return Alarm(**data | more)
    except (LookupError, TypeError) as error:
        raise ValueError(f"alarm {row.id}: {error!r}") from error


def _plan_of(data: Mapping[str, Any]) -> Plan:
    steps = (
        Step(**step | {key: tuple(step[key]) for key in ("who", "over", "otherwise")})
        for step in data["steps"]
    )
    return Plan(**dict(data) | {"steps": tuple(steps)})


def notice_row(notice: Notice) -> Values:
    """Return *notice* as a row."""
    return {"id": notice.id, "data": written(asdict(notice))}


def notice_of(row: Row[Any]) -> Notice:
    """Return the notice that was written as *row*; raises ValueError for what we do not understand."""
    try:
        data = json.loads(row.data)
        more = {"what": What(data["what"]), "rung": Rung(data["rung"]), "otherwise": tuple(data["otherwise"])}
        return Notice(**data | more)
    except (LookupError, TypeError) as error:
        raise ValueError(f"notice {row.id}: {error!r}") from error
