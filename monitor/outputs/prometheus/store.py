"""How the event log is doing."""

from monitor.outputs.prometheus.family import PREFIX
from monitor.outputs.prometheus.scalars import counter, gauge

STORE_FAMILIES = (
    gauge(
        "store_healthy",
        "Whether events can be recorded (1); while not (0) they wait in memory and are told all the same.",
        lambda v: int(not v.store.trouble),
        query=f"{PREFIX}store_healthy == 0",
    ),
    gauge(
        "store_notice",
        "Whether a person should read the `notice` in the API (1): a backup restored, no room for a reserve.",
        lambda v: int(bool(v.store.notice)),
        query=f"{PREFIX}store_notice == 1",
    ),
    gauge(
        "store_pending",
        "Events in memory that are not recorded yet.",
        lambda v: v.store.pending,
        query=f"{PREFIX}store_pending > 1000",
    ),
    counter(
        "store_recorded",
        "Events recorded since the start, those of other vantages too.",
        lambda v: v.store.recorded,
        f"rate({PREFIX}store_recorded_total[1m])",
    ),
    counter(
        "store_dropped",
        "Events that were never recorded: the disk was bad for longer than memory lasted.",
        lambda v: v.store.dropped,
        f"increase({PREFIX}store_dropped_total[1h]) > 0",
    ),
    counter(
        "store_commits",
        "Transactions committed; one records all that has come meanwhile.",
        lambda v: v.store.commits,
        f"rate({PREFIX}store_commits_total[5m])",
    ),
    gauge(
        "store_last_commit_seconds",
        "What the latest commit took, until it was on the disk.",
        lambda v: v.store.commit_seconds,
        "seconds",
        f"max_over_time({PREFIX}store_last_commit_seconds[5m]) > 0.5",
    ),
    gauge(
        "store_position",
        "Place in the log of the latest recorded event; grows, though not by ones.",
        lambda v: v.store.position,
    ),
    gauge(
        "store_size_bytes",
        "The database with its write-ahead log.",
        lambda v: v.store.size,
        "bytes",
        f"predict_linear({PREFIX}store_size_bytes[1d], 30 * 86400)",
    ),
    gauge(
        "store_last_backup_timestamp_seconds",
        "When the latest backup was made, Unix time; 0: none yet.",
        lambda v: v.store.backup_at,
        "seconds",
        f"time() - {PREFIX}store_last_backup_timestamp_seconds > 2 * 86400",
    ),
    gauge(
        "store_backup_successful",
        "Whether the latest backup that was tried was made (1).",
        lambda v: int(not v.store.backup_trouble),
        query=f"{PREFIX}store_backup_successful == 0",
    ),
    gauge(
        "store_reserve_ready",
        "Whether the reserve on the disk stands ready (1), to be given up when the disk is full.",
        lambda v: int(v.store.reserve),
        query=f"{PREFIX}store_reserve_ready == 0",
    ),
)
"""The families that speak of the event log."""
