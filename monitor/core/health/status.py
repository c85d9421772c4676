"""What is said of one subject, and what that rests on."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.detection import Belief
from monitor.core.inventory import Role
from monitor.core.quality import Decline, Severity


class Health(StrEnum):
    """The words for how a subject is."""

    UP = "up"
    ON_BACKUP = "on_backup"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


class SubjectKind(StrEnum):
    """What a status speaks of."""

    CENTER = "center"
    LINK = "link"
    CIRCUIT = "circuit"
    DEVICE = "device"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Status:
    """What is said of one subject now."""

    subject: str
    """Readable path: `danjiangkou`, `danjiangkou/province`, `danjiangkou/province/primary`."""
    kind: SubjectKind
    health: Health
    since: float
    """Wall time from which this health holds: of the first miss, not of our conclusion. Unix seconds."""
    reason: str = "ok"
    """A short stable word: `ok`, `timeout`, `loss`, `backup_down`, `behind_network`, `not_looked_yet` …"""
    suspected: bool = False
    """Amber: a check of this subject has missed enough to be shown, not yet enough to be told."""
    active: Role | None = None
    """Of a link: the circuit that carries it now."""
    works: tuple[str, ...] = ()
    """Of a center: the subjects that still work, readable paths."""
    ill_since: float | None = None
    """Wall time since which it has not been up, whatever it was meanwhile; None while it is."""
    planned: bool = False
    """Something is or may be wrong with it, and all of that is planned work."""
    decline: Decline | None = None
    """How much worse it is than it used to be, if it is degraded because of that."""

    @property
    def severity(self) -> Severity | None:
        """How severe that is; None if it is not degraded because of that."""
        return self.decline.severity if self.decline and self.health is Health.DEGRADED else None


@dataclass(frozen=True, slots=True)
class View:
    """What the assessment of a center rests on."""

    beliefs: Mapping[str, Sequence[Belief]]
    """Beliefs of the checks of each subject; a subject without checks is not spoken of."""
    before: Mapping[str, Status]
    """What was said until now."""
    networks: Mapping[str, Status]
    """What is said of the networks that this vantage looks through."""
    way: str | None = None
    """The network through which the center's devices are reached; None: they are at hand."""
    own: bool = False
    """The vantage stands in this center, so its circuits are not behind a network."""
    good: Mapping[str, float] = field(default_factory=dict)
    """Wall time of the latest good look at each device, Unix seconds."""
    planned: AbstractSet[str] = frozenset()
    """Circuits and devices of which all looks that are in doubt may fail because of planned work."""
    strained: Collection[str] = ()
    """The networks that seem to have become worse, not surely enough to be told."""
    doubtful: Collection[str] = ()
    """The networks whose anchor has missed its latest look."""
    at_hand: AbstractSet[str] = frozenset()
    """Devices that people try for us by other ways than that network."""


REACHABLE = frozenset({Health.UP, Health.ON_BACKUP, Health.DEGRADED})
"""A link with one of these carries traffic."""


def is_cut(status: Status) -> bool:
    """Tell whether nothing can be seen through a circuit, link or network."""
    return status.health is Health.DOWN or status.reason == "behind_network"
