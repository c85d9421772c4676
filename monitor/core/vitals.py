"""How we are ourselves: counts that the engine and the outputs keep, and others show."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class OutputVitals:
    """How one output is doing."""

    connected: bool = False
    """It can deliver now (an output without a peer sets it once it serves)."""
    queued: int = 0
    """Things waiting to be delivered."""
    delivered: int = 0
    failed: int = 0
    """Deliveries that were refused or timed out."""
    dropped: int = 0
    """Events that a full queue pushed out."""
    reconnects: int = 0
    trouble: str = ""
    """The latest trouble in words; empty while all is well."""


@dataclass(slots=True)
class StoreVitals:
    """How the event log is doing."""

    trouble: str = ""
    """Why nothing can be recorded now; empty while all is well."""
    notice: str = ""
    """What a person should know though all is recorded again: a file set aside, a backup restored."""
    pending: int = 0
    """Events in memory that are not recorded yet."""
    dropped: int = 0
    """Events that were never recorded, because the disk was bad for longer than memory lasted."""
    recorded: int = 0
    """Events recorded since the start."""
    acts_pending: int = 0
    """Acts of people in memory that are not recorded yet."""
    acts_recorded: int = 0
    acts_lost: int = 0
    """Acts that were never recorded, because more came than memory holds while the disk was bad."""
    commits: int = 0
    commit_seconds: float = 0.0
    """What the latest commit took."""
    position: int = 0
    """Of the latest recorded event."""
    size: int = 0
    """Bytes of the database with its write-ahead log."""
    backup_at: float = 0.0
    """Wall time of the latest backup, Unix seconds; 0: none yet."""
    backup_trouble: str = ""
    reserve: bool = True
    """The reserve on the disk stands ready."""


@dataclass(slots=True)
class Vitals:
    """How the daemon is doing; written by the engine and the outputs, shown by metrics, MQTT and board."""

    started_at: float = 0.0
    ready: bool = False
    looks: int = 0
    in_flight: int = 0
    waiting: int = 0
    """Looks that wait for a free place because the concurrency bound is reached."""
    skipped: int = 0
    """Looks not made because the one before was still under way."""
    evidence_dropped: int = 0
    """Findings not used because the event loop lagged while they were gathered."""
    mishaps: int = 0
    """Bugs of ours that broke a finding, an assessment or a diagnosis, and nothing else."""
    traps: int = 0
    """Traps of devices that are watched."""
    traps_of_strangers: int = 0
    """Genuine traps from addresses at which nothing is watched."""
    lag: float = 0.0
    """Latest lag of the event loop, seconds."""
    lag_max: float = 0.0
    """Largest lag since the start, seconds."""
    lag_buckets: list[int] = field(default_factory=lambda: [0] * 12)
    """Counts of lags by upper bound, see LAG_BOUNDS; the last is +Inf."""
    lag_sum: float = 0.0
    ticks: int = 0
    last_tick: float = 0.0
    """Monotonic time of the latest scheduler tick, seconds."""
    events: int = 0
    incidents_confirmed: dict[str, int] = field(default_factory=dict)
    """Root causes that were confirmed since the start, by the kind of their component."""
    incidents_withdrawn: dict[str, int] = field(default_factory=dict)
    """Suspicions that did not come true, likewise."""
    incidents_unwatched: int = 0
    """Incidents that were closed because what was broken is no longer watched."""
    reflected: int = 0
    """Test packets of others that were answered."""
    ignored: int = 0
    """Those that were not: of strangers, beyond a sender's rate, or none at all."""
    reloads: int = 0
    reload_failed: int = 0
    reload_ok: bool = True
    reload_at: float = 0.0
    """Wall time of the latest reload that was tried, or of the start."""
    reload_trouble: str = ""
    store: StoreVitals = field(default_factory=StoreVitals)
    outputs: dict[str, OutputVitals] = field(default_factory=dict)


LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the lag histogram, seconds; +Inf follows."""
