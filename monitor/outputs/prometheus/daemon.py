"""How the daemon itself is doing."""

import platform
from collections.abc import Callable, Iterator
from itertools import accumulate

from monitor import __version__
from monitor.core.vitals import LAG_BOUNDS, OutputVitals
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.labels import BARE, END, NO_LABELS, Labels
from monitor.outputs.prometheus.scalars import counter, gauge


def _output(
    name: str, type_: Type, help_: str, value: Callable[[OutputVitals], float], query: str = ""
) -> Family:
    suffix = "_total" if type_ is Type.COUNTER else ""

    def samples(view: View) -> Iterator[Sample]:
        for output, vitals in tuple(view.vitals.outputs.items()):
            yield suffix, Labels([("output", output)]), END, value(vitals)

    return Family(PREFIX + name, type_, help_, samples, ("output",), query=query)


def _build(_: View) -> Iterator[Sample]:
    labels = Labels([("version", __version__), ("python", platform.python_version())])
    yield "_info", labels, END, 1


def _vantage(view: View) -> Iterator[Sample]:
    inventory = view.world.inventory
    vantage = inventory.vantages.get(view.world.vantage)
    pairs = [("vantage", view.world.vantage), ("city", inventory.city.zh), ("city_en", inventory.city.en)]
    if vantage is not None:
        pairs += [("name", vantage.name.zh), ("name_en", vantage.name.en)]
    yield "_info", Labels(pairs), END, 1


def _checks(view: View) -> Iterator[Sample]:
    yield "", NO_LABELS, BARE, len(view.check_labels)


def _lag(view: View) -> Iterator[Sample]:
    bounds = (*(repr(bound) for bound in LAG_BOUNDS), "+Inf")
    counts = tuple(accumulate(view.vitals.lag_buckets))
    for bound, count in zip(bounds, counts, strict=True):
        yield "_bucket", Labels([("le", bound)]), END, count
    yield "_sum", NO_LABELS, BARE, view.vitals.lag_sum
    yield "_count", NO_LABELS, BARE, counts[-1]


_RELOAD_OK = f"{PREFIX}config_last_reload_successful == 0"
_LAG_P99 = f"histogram_quantile(0.99, rate({PREFIX}loop_lag_seconds_bucket[5m]))"

DAEMON_FAMILIES = (
    Family(f"{PREFIX}build", Type.INFO, "The program's version.", _build, ("version", "python")),
    Family(
        f"{PREFIX}vantage",
        Type.INFO,
        "The place from which this daemon looks, and the city.",
        _vantage,
        ("vantage", "city", "city_en", "name", "name_en"),
        query=f"({PREFIX}health == 3) * on (instance) group_left (vantage) {PREFIX}vantage_info",
    ),
    gauge("start_time_seconds", "When the daemon started, Unix time.", lambda v: v.started_at, "seconds"),
    gauge("ready", "Whether the daemon watches (1) or still starts (0).", lambda v: int(v.ready)),
    Family(f"{PREFIX}checks", Type.GAUGE, "How many checks this daemon makes.", _checks),
    Family(
        f"{PREFIX}loop_lag_seconds",
        Type.HISTOGRAM,
        "How late the event loop was.",
        _lag,
        ("le",),
        "seconds",
        query=_LAG_P99,
    ),
    gauge(
        "loop_lag_max_seconds",
        "The largest lag of the event loop since the start.",
        lambda v: v.lag_max,
        "seconds",
    ),
    counter(
        "scheduler_ticks",
        "Ticks of the scheduler; standing still means that nothing is watched.",
        lambda v: v.ticks,
        f"rate({PREFIX}scheduler_ticks_total[1m]) == 0",
    ),
    counter("looks", "Looks begun, of all checks.", lambda v: v.looks, f"rate({PREFIX}looks_total[1m])"),
    gauge("looks_in_flight", "Looks under way.", lambda v: v.in_flight),
    gauge("looks_waiting", "Looks that wait for a free place.", lambda v: v.waiting),
    counter(
        "looks_skipped", "Looks not made because the one before was still under way.", lambda v: v.skipped
    ),
    counter(
        "evidence_dropped",
        "Findings not used because the event loop lagged while they were gathered.",
        lambda v: v.evidence_dropped,
        f"increase({PREFIX}evidence_dropped_total[10m]) > 0",
    ),
    counter(
        "mishaps",
        "Bugs of the daemon itself that cost it a finding, an assessment or a diagnosis.",
        lambda v: v.mishaps,
        f"increase({PREFIX}mishaps_total[10m]) > 0",
    ),
    counter("traps", "SNMP traps heard of devices that are watched.", lambda v: v.traps),
    counter(
        "traps_of_strangers",
        "Genuine SNMP traps from addresses at which nothing is watched.",
        lambda v: v.traps_of_strangers,
        f"increase({PREFIX}traps_of_strangers_total[1h]) > 0",
    ),
    counter("events", "Events: changes of belief and health, and news of the daemon.", lambda v: v.events),
    counter("reflected", "Test packets of others that were answered.", lambda v: v.reflected),
    counter(
        "reflector_ignored",
        "Test packets that were not answered: of strangers, beyond a sender's rate, or none at all.",
        lambda v: v.ignored,
        f"increase({PREFIX}reflector_ignored_total[10m]) > 0",
    ),
    counter("config_reloads", "Reloads of the configuration that were accepted.", lambda v: v.reloads),
    counter(
        "config_reloads_failed",
        "Reloads that were refused; the old world was kept.",
        lambda v: v.reload_failed,
    ),
    gauge(
        "config_last_reload_successful",
        "Whether the latest reload, or the start, was accepted (1) or refused (0).",
        lambda v: int(v.reload_ok),
        query=_RELOAD_OK,
    ),
    gauge(
        "config_last_reload_timestamp_seconds",
        "When the latest reload was tried, or the start, Unix time.",
        lambda v: v.reload_at,
        "seconds",
    ),
    _output(
        "output_connected",
        Type.GAUGE,
        "Whether the output can deliver now (1); of mqtt, whether the broker is there.",
        lambda o: int(o.connected),
        f'{PREFIX}output_connected{{output="mqtt"}} == 0',
    ),
    _output("output_queued", Type.GAUGE, "Things that wait to be delivered.", lambda o: o.queued),
    _output("output_delivered", Type.COUNTER, "Things delivered.", lambda o: o.delivered),
    _output(
        "output_failed",
        Type.COUNTER,
        "Deliveries that were refused or timed out.",
        lambda o: o.failed,
        f"increase({PREFIX}output_failed_total[10m]) > 0",
    ),
    _output(
        "output_dropped",
        Type.COUNTER,
        "Events that a full queue pushed out before they were delivered.",
        lambda o: o.dropped,
    ),
    _output("output_reconnects", Type.COUNTER, "Connections made anew.", lambda o: o.reconnects),
)
"""The families that speak of the daemon."""
