"""What has to be known about a broker before it can be talked to, and what is said to it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the literal addresses of a host; bounded in time, raises ResolveError."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How to prove who is who: paths of PEM files, read anew for each connection."""

    ca: str | None = None
    """Who may vouch for the broker; None: whom the system trusts."""
    cert: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish, with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry: int | None = None
    """Seconds after which the broker may throw it away; MQTT 5 only."""
    content_type: str = ""
    """MQTT 5 only; a text payload is marked as UTF-8 with it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that the broker brought."""

    topic: str
    payload: bytes
    retained: bool
    """It was kept by the broker, not published just now."""


Handler = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, who we are to it, and how patient we are."""

    host: str
    port: int
    client_id: str
    """Never empty: the broker keeps our session under this name."""
    protocol: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    fresh: bool = False
    """Begin without what the broker kept for our name, and have it keep nothing."""
    keepalive: int = 10
    """Seconds between two signs of life, ours and the echo that we ask for."""
    timeout: float = 5.0
    """Seconds to connect, and without any acknowledgement while one is due."""
    window: int = 100
    """Most messages under way to the broker; its own Receive Maximum may be lower."""
    receive_maximum: int = 20
    """Most messages under way to us that we have not acknowledged."""
    session_expiry: int = 3600
    """Seconds that the broker keeps our subscriptions and queue while we are away; MQTT 5 only."""
    max_packet: int = 65536
    """Largest packet sent or taken, bytes."""
    echo: str | None = None
    """A topic of our own that we publish to and subscribe to, to see that both ways work."""
