"""The daemon of another vantage, as far as we hear it, and what is remembered to judge it by.

What its words are worth is decided in `hearsay`, whether it has fallen silent in `rollcall`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Details = Mapping[str, str | float | bool]


class Presence(StrEnum):
    """Whether another vantage's daemon is there."""

    UNHEARD = "unheard"
    """Never heard since we listen."""
    ONLINE = "online"
    SILENT = "silent"
    """It said nothing for longer than it said it would: its evidence is missing, nothing else is known."""
    STOPPED = "stopped"
    """It said farewell."""
    UNKNOWN = "unknown"
    """It was online when our own broker went away: since then nobody could be heard."""


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
    at: float = 0.0
    """Monotonic time at which it was said last, seconds."""


@dataclass(frozen=True, slots=True)
class Agent:
    """What we know of the daemon at another vantage."""

    vantage: str
    presence: Presence = Presence.UNHEARD
    since: float = 0.0
    """Wall time since when it is present so (silent: since its last word), Unix seconds."""
    boot: str = ""
    session: int = 0
    heard_at: float = 0.0
    """Monotonic time of the latest word of it, seconds; 0: none yet."""
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
    """Words and events that it sent and we had already, since our start."""
    refused: int = 0
    """Messages, and events within them, that we could not take, since our start."""


class Order(NamedTuple):
    """Where a word stands among all that one boot said."""

    session: int
    n: int


NOTHING = Order(0, 0)
"""Comes before every word."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of a boot that was followed by another."""

    order: Order = NOTHING
    """Its latest word since our start."""
    clock_offset: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Who said a word, in which order, and when it came."""

    boot: str
    order: Order
    sent_at: float
    """By the sender's clock, Unix seconds."""
    now: float
    """Of reception, monotonic seconds."""
    wall: float
    """Of reception, Unix seconds."""
    retained: bool = False
    """The broker had kept it."""
    alive: bool = True
    """It shows a daemon at work: no farewell, no will."""


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one agent to judge its next word by."""

    agent: Agent
    listened_at: float = 0.0
    """Monotonic time since when we listen to it, seconds."""
    latest: Order = NOTHING
    """The latest live word of its present boot."""
    over: Order = NOTHING
    """The end of its latest session, by will or farewell."""
    lost_at: float | None = None
    """Monotonic time at which the broker told its will; None: not since its last word."""
    doubled_at: float | None = None
    """Monotonic time of the latest word of a second daemon."""
    hushed: bool = False
    """It fell silent together with all others, so its silence was not told as its own."""
    past: Mapping[str, Past] = field(default_factory=dict)
    """Past boots, oldest first."""
    differences: tuple[float, ...] = ()
    """Of its latest heartbeats, when it was sent less when it came, each by its own clock; seconds."""
    clock_wrong: bool = False


class Told(NamedTuple):
    """An event about an agent."""

    what: str
    details: Details


class Step(NamedTuple):
    """What a word or the passing of time makes of an agent, and what is worth telling of it."""

    track: Track
    told: tuple[Told, ...] = ()


def present(agent: Agent, broker_lost_at: float | None) -> Presence:
    """Return whether an agent is there, given since when we have no broker to hear it by, if so."""
    deaf = broker_lost_at is not None and agent.presence is Presence.ONLINE
    return Presence.UNKNOWN if deaf else agent.presence
