"""What somebody or something tells us of a check that nobody asks for, and what may be made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from monitor.core.observation import Finding, failed, ok, poor


class Told(StrEnum):
    """Who tells us, where we do not ask."""

    BY_THING = "thing"
    """What is watched reports by itself, over the network."""
    BY_PERSON = "person"
    """Somebody has tried it, by radio or telephone, and enters how it went."""


class State(StrEnum):
    """What a report can say."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: a fact, never changed."""

    at: float
    """Wall time at which it reached us, Unix seconds."""
    state: State
    note: str = ""
    """For people; whoever reports wrote what they liked."""
    values: Mapping[str, float] = field(default_factory=dict)
    who: str = ""
    """Who entered it, as they call themselves; empty: it came by itself."""
    via: str = ""
    """How it came: `http`, `mqtt`, `socket`."""


class Standing(NamedTuple):
    """What such a check stands on at one moment."""

    report: Report | None
    """The latest report; None: there was none yet."""
    age: float = 0.0
    """Seconds since it reached us."""
    listened: float = 0.0
    """Of these, the seconds in which another one would have reached us."""


def finding_of(report: Report, age: float) -> Finding:
    """Return what a report that holds says of its subject.

    It never proves the way: that worked when the report came, and nobody has tried it since.
    """
    match report.state:
        case State.FAILED:
            finding = failed("reported_failed", report.note)
        case State.DEGRADED:
            finding = poor("reported_degraded", report.note)
        case State.OK:
            finding = ok(report.note)
    return finding._replace(values={**report.values, "age": age}, path_up=False)
