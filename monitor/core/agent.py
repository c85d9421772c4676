"""The daemon of another vantage, as far as we hear it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Presence(StrEnum):
    """Whether another vantage's daemon is there."""

    UNHEARD = "unheard"
    """Never heard since we listen."""
    ONLINE = "online"
    SILENT = "silent"
    """It said nothing for longer than it said it would: its evidence is missing, nothing else is known."""
    STOPPED = "stopped"
    """It said farewell."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What another vantage believes of one of its checks."""

    verdict: str
    suspected: bool
    reason: str
    since: float
    """Since when, by its own clock, Unix seconds."""
    until: float
    """Monotonic time until which it holds unless it is told again, seconds."""
    rtt: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """What we know of the daemon at another vantage."""

    vantage: str
    presence: Presence = Presence.UNHEARD
    since: float = 0.0
    """Wall time since when it is present so, Unix seconds."""
    boot: str = ""
    session: int = 0
    heard_at: float = 0.0
    """Monotonic time of the latest word of it, seconds."""
    valid_for: float = 30.0
    """Seconds of silence after which it is silent."""
    clock_offset: float | None = None
    """How far its clock is ahead of ours, seconds, less the time that a message takes."""
    duplicate: bool = False
    """Two daemons speak under its name."""
    quarantined: bool = False
    """It says more than we can listen to, so we do not listen for a while."""
    backlog: int = 0
    """Events that it has and we have not, at its last word."""
    gathered: int = 0
    """Events that we took from it since our start."""
    repeated: int = 0
    """Events that it sent and we had already."""
    refused: int = 0
    """Messages of it that we could not take, since our start."""
    past_boots: tuple[str, ...] = field(default=(), repr=False)
    """Boots that were followed by another: what still comes of them is old, or a second daemon's."""
