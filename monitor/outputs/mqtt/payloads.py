"""What is told, as published: the models that the JSON Schemas are made from.

Times are told twice: as Unix seconds to reckon with, and in `…_iso` as ISO 8601 with offset, for people.
Consumers must ignore keys that they do not know; keys are added within `v1`, never taken away.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from monitor.core.agent import Presence
from monitor.core.health import Health
from monitor.core.inventory import Role
from monitor.core.quality import Severity
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
    """A short stable word: `ok`, `timeout`, `loss`, `slow`, `backup_down`, `behind_network` …"""
    severity: Severity | None = None
    """Of what is degraded because it is worse than it used to be: `minor`, `warn` or `critical`."""
    suspected: bool
    """Amber: enough was missed to be shown, not yet enough to be told."""
    since: float
    """When this health began: at the first miss, not at our conclusion. Unix seconds."""
    since_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    incidents: tuple[str, ...]
    """Ids of the open incidents that break, spoil or hide the subject, the oldest first."""


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
    mos: float | None = None
    """Estimated opinion of a call over it, 1 to 4.5 (ITU-T G.107); null while nothing is known of it."""
    fit_for_video: bool | None = None
    """A video conference can be held over it: one way takes at most 400 ms, jitter is at most 50 ms, and loss
    is not shown to be above 1 % (ITU-T G.1010, Y.1541). Null while nothing is known of it."""


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
    """Something that happened; not retained, told in the order of the log."""

    vantage: str
    """The place that saw it; not necessarily that of the daemon that tells it."""
    boot: str
    """The run of the daemon that saw it."""
    at: float
    """When it happened, by the clock of the vantage that saw it, Unix seconds."""
    id: str
    """`vantage/boot/seq`: the same event told twice has the same id."""
    seq: int
    """Counts up within one boot of one vantage; a gap means that events were lost on the way."""
    received_at: float | None
    """When it reached the daemon that tells it, Unix seconds; null if that daemon saw it itself."""
    received_at_iso: str | None = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    late: bool
    """It is not known to have reached the daemon that tells it within 10 s: history, never a live alert."""
    kind: EventKind
    """`belief` (of a check), `status` (of a subject), `incident` (a root cause), `planned` (of planned work),
    `report` (what a person has entered) or `daemon` (of a daemon)."""
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


class StoreVitalsPayload(Payload):
    """How the event log of the daemon is doing."""

    trouble: str
    """Why nothing can be recorded now; empty while all is well."""
    notice: str
    """What a person should know though all is recorded again: a file set aside, a backup restored."""
    pending: int
    """Events in memory that are not recorded yet."""
    dropped: int
    """Events that were never recorded: the disk was bad for longer than memory lasted."""
    recorded: int
    """Events recorded since the start."""
    commits: int
    commit_seconds: Seconds
    """What the latest commit took."""
    position: int
    """Of the latest recorded event."""
    size: int
    """Bytes of the database with its write-ahead log."""
    backup_at: float | None
    """When the latest backup was made, Unix seconds; null: none yet."""
    backup_at_iso: str | None = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    backup_trouble: str
    reserve: bool
    """The reserve on the disk stands ready."""


class AgentPayload(Payload):
    """How the daemon of another vantage is, as far as a collecting daemon hears it."""

    presence: Presence
    """`unheard`, `online`, `silent` (its evidence is missing, nothing else is known) or `stopped`."""
    since: float
    """Since when, by the clock of the daemon that tells it, Unix seconds."""
    since_iso: str = Field(json_schema_extra={"format": "date-time"})
    """The same as ISO 8601 with offset."""
    boot: str
    """Its latest run; empty if it was never heard."""
    session: int
    clock_offset: Seconds | None
    """How far its clock is ahead of the telling daemon's; null: not measured yet."""
    duplicate: bool
    """Two daemons speak under its name."""
    quarantined: bool
    """It says more than can be listened to, so that it is not listened to for a while."""
    backlog: int
    """Events that it has and the telling daemon has not, at its last word."""
    gathered: int
    """Events taken from it since the start of the telling daemon."""
    repeated: int
    """Events that it sent and that were there already."""
    refused: int
    """Messages of it that could not be taken."""


class VitalsPayload(Payload):
    """How the daemon itself is doing."""

    ready: bool
    looks: int
    in_flight: int
    waiting: int
    skipped: int
    evidence_dropped: int
    mishaps: int
    """Bugs of the daemon itself that cost it a finding or a conclusion."""
    lag: Seconds
    """Latest lag of the event loop."""
    lag_max: Seconds
    """Largest lag since the start."""
    events: int
    reload_ok: bool
    """The inventory in force is the latest one that was tried."""
    certificate_days: float | None
    """Days until our own TLS certificate runs out; null without one."""
    store: StoreVitalsPayload
    outputs: dict[str, OutputVitalsPayload]
    agents: dict[str, AgentPayload]
    """By vantage; of a daemon that gathers what others report."""


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
    """Null in a will, and where all of it does not fit into one packet."""


STATUSES: tuple[type[StatusPayload], ...] = (
    CenterStatus,
    LinkStatus,
    CircuitStatus,
    DeviceStatus,
    NetworkStatus,
)
