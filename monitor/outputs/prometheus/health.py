"""The words for health and belief as numbers.

One series per subject, not one per subject and state: `changes()`, `max by (center)` and Grafana's
state timeline work on it as it stands. The order is severity, so `>= 2` means "degraded or worse";
what is no statement about the subject is negative, so it never passes for an outage, nor for recovery.
"""

from collections.abc import Mapping

from monitor.core.health import Health

CODES: Mapping[str, int] = {
    Health.UP.value: 0,
    Health.ON_BACKUP.value: 1,
    Health.DEGRADED.value: 2,
    Health.DOWN.value: 3,
    Health.UNKNOWN.value: -1,
    Health.MAINTENANCE.value: -2,
}

LEGEND = ", ".join(f"{code} {name}" for name, code in CODES.items())
