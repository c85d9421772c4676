"""How a look is shown in the shell: a line for people, or a JSON object."""

import datetime as dt
import json
import math
from collections.abc import Sequence

from monitor.core.observation import Finding
from monitor.ports import ProbeKind

LONG = 60.0
"""Seconds from which on nobody asks for milliseconds."""


def as_text(
    kind: ProbeKind,
    _target: str,
    number: int,
    _at: float,
    took: float,
    finding: Finding,
    lines: Sequence[str],
) -> str:
    """Return a look as a line for people, and what it tells besides below it."""
    word = "" if finding.reason == finding.outcome else f" {finding.reason}"
    detail = f" ({finding.detail})" if finding.detail else ""
    values = " ".join(value_of(kind, *told) for told in finding.values.items() if _happened(kind, *told))
    told = f"{number}: {finding.outcome}{word}{detail} {values or f'after {milliseconds(took)} ms'}"
    return "\n".join([told, *(f"   {line}" for line in lines)])


def _happened(kind: ProbeKind, name: str, value: float) -> bool:
    """Say whether a value is more than the time of a phase that there was not, like TLS of plain HTTP."""
    return value != 0 or kind.values.get(name, ("", ""))[0] != "seconds"


def value_of(kind: ProbeKind, name: str, value: float) -> str:
    """Return a measured value in a unit that people use."""
    unit = kind.values.get(name, ("", ""))[0]
    if unit == "seconds":
        return f"{name}={value:.0f}s" if abs(value) >= LONG else f"{name}={milliseconds(value)}ms"
    if unit == "Unix time":
        return f"{name}={dt.datetime.fromtimestamp(value, dt.UTC):%Y-%m-%d}"
    if unit == "ratio":
        return f"{name}={value:.0%}"
    return f"{name}={value:.0f}" if value.is_integer() else f"{name}={value:g}"


def milliseconds(seconds: float) -> str:
    """Return milliseconds with three digits that count, to the microsecond at most."""
    ms = seconds * 1000
    return f"{ms:.{min(3, max(0, 2 - math.floor(math.log10(abs(ms)))))}f}" if ms else "0.000"


def as_json(
    kind: ProbeKind,
    target: str,
    number: int,
    at: float,
    took: float,
    finding: Finding,
    lines: Sequence[str],
) -> str:
    """Return a look as one JSON object on a line."""
    told = {
        "kind": kind.name,
        "target": target,
        "look": number,
        "at": round(at, 3),
        "took": round(took, 6),
        "outcome": finding.outcome,
        "reason": finding.reason,
        "detail": finding.detail,
        "path_up": finding.path_up,
        "values": dict(finding.values),
    }
    if lines:
        told["lines"] = list(lines)
    return json.dumps(told, ensure_ascii=False)
