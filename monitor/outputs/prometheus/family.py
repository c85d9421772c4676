"""A metric family: what it is called, what it means, and its samples as a view of the world."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.agent import Agent
from monitor.core.detection import Belief
from monitor.core.health import Status
from monitor.core.vitals import Vitals
from monitor.core.voice import Call
from monitor.core.world import Reading, World
from monitor.outputs.prometheus.labels import Ending, Labels

PREFIX = "command_monitor_"


class Type(StrEnum):
    """The kinds of families that we have, in OpenMetrics' words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SUMMARY = "summary"
    HISTOGRAM = "histogram"
    INFO = "info"


Sample = tuple[str, Labels, Ending, float]
"""One line of the page: suffix of the name, labels, further labels, value. A bare tuple, for its speed."""


@dataclass(frozen=True, slots=True)
class View:
    """What one scrape sees. Its lists stand still though the world moves on while they are written.

    They lie side by side instead of being lists of tuples, which would wake the garbage collector.
    """

    world: World
    vitals: Vitals
    epoch: float = 0.0
    """Wall time at which the monotonic clock stood at 0, Unix seconds."""
    agents: tuple[tuple[Labels, Agent], ...] = ()
    """The daemons of the other vantages that we listen to, in the order of the inventory."""
    check_labels: list[Labels] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    beliefs: list[Belief] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    """How a call over each circuit would be, as far as that is known."""
    subject_labels: list[Labels] = field(default_factory=list)
    names: list[Ending] = field(default_factory=list)
    """What people call each subject."""
    statuses: list[Status] = field(default_factory=list)

    @property
    def checks(self) -> Iterator[tuple[Labels, Reading, Belief]]:
        """All checks, whether looked at yet or not."""
        return zip(self.check_labels, self.readings, self.beliefs, strict=True)

    @property
    def subjects(self) -> Iterator[tuple[Labels, Ending, Status]]:
        """All subjects of which something is said."""
        return zip(self.subject_labels, self.names, self.statuses, strict=True)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family; `samples` gives its lines, those of one label set next to each other."""

    name: str
    """Without the suffix of its type: `…_looks`, whose samples are `…_looks_total`."""
    type: Type
    help: str
    samples: Callable[[View], Iterator[Sample]]
    labels: tuple[str, ...] = ()
    unit: str = ""
    """The base unit, with which the name then ends."""
    query: str = field(default="", kw_only=True)
    """An example in PromQL, for the reference."""
