"""What outlasts a restart: what happened, and what was believed and said because of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.act import Act
from monitor.core.alarm import Alarm, Notice
from monitor.core.detection import Belief
from monitor.core.health import Status
from monitor.core.incident import Incident
from monitor.core.learning import Learned
from monitor.core.planned import Work
from monitor.core.report import Report
from monitor.core.world import Event


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one check."""

    mark: str
    """What tells the look from another of the same name: a belief holds for one address only."""
    belief: Belief
    learned: Learned
    report: Report | None = None
    """Of a check that we are told of: the latest report, which holds for whatever address it has."""


@dataclass(frozen=True, slots=True)
class Record:
    """What happened in one moment and all that it implies; recorded as a whole or not at all."""

    events: tuple[Event, ...] = ()
    checks: Mapping[str, Kept | None] = field(default_factory=dict)
    """What is now kept of these checks; None: nothing any more."""
    statuses: Mapping[str, Status | None] = field(default_factory=dict)
    """What is now said of these subjects; None: nothing any more."""
    incidents: Mapping[str, Incident | None] = field(default_factory=dict)
    """What is now known of these incidents; None: they were closed, and are remembered no longer."""
    planned: Mapping[str, Work | None] = field(default_factory=dict)
    """What is now known of this planned work; None: it is over, or declared and not under way."""
    acts: tuple[Act, ...] = ()
    """What people did that brought it about."""
    alarms: Mapping[str, Alarm | None] = field(default_factory=dict)
    """What is now known of these alarms; None: they are settled."""
    notices: Mapping[str, Notice | None] = field(default_factory=dict)
    """What is now known of these notices, None likewise."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What earlier runs left."""

    seen_at: float = 0.0
    """Wall time of the latest sign of life of an earlier run, Unix seconds; 0: there was none."""
    checks: Mapping[str, Kept] = field(default_factory=dict)
    statuses: Mapping[str, Status] = field(default_factory=dict)
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    """Those that are open, and those that were closed not long before."""
    planned: Mapping[str, Work] = field(default_factory=dict)
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
