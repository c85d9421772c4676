"""What is said of circuits, links, devices, centers and networks, from what is believed of their checks."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.core.inventory import Role


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
    """A short stable word: `ok`, `timeout`, `backup_down`, `behind_network`, `not_looked_yet` …"""
    suspected: bool = False
    """Amber: a check of this subject has missed enough to be shown, not yet enough to be told."""
    active: Role | None = None
    """Of a link: the circuit that carries it now."""
    works: tuple[str, ...] = ()
    """Of a center: the subjects that still work, readable paths."""
