"""A metric family: what it is called, what it means, and its samples as a view of the world."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.detection import Belief
from monitor.core.health import Status
from monitor.core.vitals import Vitals
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
    """What one scrape sees. Its lists stand still though the world moves on while they are written."""

    world: World
    vitals: Vitals
    checks: Sequence[tuple[Labels, Reading, Belief]]
    subjects: Sequence[tuple[Labels, Ending, Status]]
    """With each subject's labels the names that people use for it."""


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
