"""What is told, as published: the models that the JSON Schemas are made from.

Times are told twice: as Unix seconds to reckon with, and in `…_iso` as ISO 8601 with offset, for people.
Consumers must ignore keys that they do not know; keys are added within `v1`, never taken away.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from monitor.core.health import Health
from monitor.core.inventory import Role
from monitor.core.world import EventKind

Seconds = float


class Payload(BaseModel):
    """What all payloads have in common."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class NamePayload(Payload):
    """What people call a thing."""

    zh: str
    en: str


class CarrierPayload(Payload):
    """Whom to call about a circuit, and what to ask for."""

    name: NamePayload
    number: str
    """The carrier's own name for the circuit; empty if not declared."""
    hotline: str
    """Telephone number of its fault desk; empty if not declared."""


class Stamp(Payload):
    """Who says it, and when."""

    vantage: str
    """The place from which it is seen."""
    boot: str
    """Names the run of the daemon that says it; a new one at each start."""
    at: float
    """When it was said, Unix seconds."""
    at_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""


class StatusPayload(Stamp):
    """What is said of one subject now; retained."""

    seq: int
    """Counts the statuses of this boot: of two with the same boot the one with the larger is newer."""
    valid_for: Seconds
    """A consumer must take the subject for unknown once `now - at` is larger than this."""
    subject: str
    """Readable path, such as `danjiangkou/province/primary`."""
    name: NamePayload
    health: Health
    """`up`, `on_backup`, `degraded`, `down`, `unknown` or `maintenance`."""
    reason: str
    """A short stable word: `ok`, `timeout`, `backup_down`, `behind_network` …"""
    suspected: bool
    """Amber: enough was missed to be shown, not yet enough to be told."""
    since: float
    """When this health began: at the first miss, not at our conclusion. Unix seconds."""
    since_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""


class CenterStatus(StatusPayload):
    """How a command center is."""

    kind: Literal["center"] = "center"
    works: tuple[str, ...]
    """Subjects of the center that still work, readable paths."""


class Measured(StatusPayload):
    """A status of something that is measured itself."""

    rtt: Seconds | None
    """Latest round-trip time, seconds; null if the latest look got no answer or none was made."""
    loss: float | None
    """Share of the last looks (at most 60) that failed, 0 to 1; null before the first."""


class LinkStatus(Measured):
    """How a center's connection to a network is; measured on its active circuit."""

    kind: Literal["link"] = "link"
    center: str
    network: str
    active: Role | None
    """The circuit that carries it now; null if none does, or it is not known."""


class CircuitStatus(Measured):
    """How one physical bearer of a link is."""

    kind: Literal["circuit"] = "circuit"
    center: str
    network: str
    role: Role
    carrier: CarrierPayload | None
    """Null if no carrier was declared."""


class DeviceStatus(Measured):
    """How a piece of equipment is."""

    kind: Literal["device"] = "device"
    center: str
    device: str


class NetworkStatus(Measured):
    """How an upper network is, as seen from the vantage."""

    kind: Literal["network"] = "network"
    network: str


class EventPayload(Stamp):
    """Something that happened; not retained, told in order."""

    id: str
    """`boot/seq`: the same event told twice has the same id."""
    seq: int
    """Counts up within one boot; a gap means that events were lost on the way."""
    kind: EventKind
    """`belief` (of a check), `status` (of a subject) or `daemon` (of ourselves)."""
    subject: str
    data: dict[str, JsonValue]
    """What the kind of event has to say."""


class OutputVitalsPayload(Payload):
    """How one output of the daemon is doing."""

    connected: bool
    queued: int
    delivered: int
    failed: int
    dropped: int
    reconnects: int
    trouble: str


class VitalsPayload(Payload):
    """How the daemon itself is doing."""

    ready: bool
    looks: int
    in_flight: int
    waiting: int
    skipped: int
    evidence_dropped: int
    lag: Seconds
    """Latest lag of the event loop."""
    lag_max: Seconds
    """Largest lag since the start."""
    events: int
    reload_ok: bool
    """The inventory in force is the latest one that was tried."""
    certificate_days: float | None
    """Days until our own TLS certificate runs out; null without one."""
    outputs: dict[str, OutputVitalsPayload]


class DaemonPayload(Stamp):
    """Birth, heartbeat and will of a daemon; retained."""

    session: int
    """Counts the connections of this boot: an `offline` of an older one than the newest is void."""
    state: Literal["starting", "online", "offline"]
    """`starting`: the retained statuses are being told anew; only `online` vouches for them."""
    reason: str
    """Of `offline`: `stopped` in good order, or `lost` (the broker told the will). Otherwise empty."""
    valid_for: Seconds
    """A daemon whose `at` is older than this is offline. Of a will, `at` is the beginning of its session."""
    since: float
    """When this run of the daemon began, Unix seconds."""
    since_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    version: str
    """Of the program."""
    vitals: VitalsPayload | None
    """Null in a will."""


STATUSES: tuple[type[StatusPayload], ...] = (
    CenterStatus,
    LinkStatus,
    CircuitStatus,
    DeviceStatus,
    NetworkStatus,
)
