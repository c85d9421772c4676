"""What is said of each check: at most ten series, however it is doing."""

from collections.abc import Callable, Iterator

from monitor.core.observation import Outcome
from monitor.core.world import Reading
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.health import CODES, LEGEND
from monitor.outputs.prometheus.labels import END, Ending, word

LABELS = ("check", "subject", "kind", "center", "network", "role", "probe")
_OK, _FAILED = Ending(("outcome", "ok")), Ending(("outcome", "failed"))
_OWN_FAMILY = frozenset({"rtt", "tls_expiry"})


def _each(value: Callable[[Reading], float | None]) -> Callable[[View], Iterator[Sample]]:
    """Make one sample out of each check that was looked at; none where *value* is None."""

    def samples(view: View) -> Iterator[Sample]:
        for labels, reading, _ in view.checks:
            if reading.finding is not None and (number := value(reading)) is not None:
                yield "", labels, END, number

    return samples


def _success(reading: Reading) -> float | None:
    outcome = reading.finding.outcome if reading.finding else Outcome.UNKNOWN
    return None if outcome is Outcome.UNKNOWN else int(outcome is Outcome.OK)


def _last_rtt(reading: Reading) -> float | None:
    """Give the round-trip time only while the latest look measured one: a stale figure would mislead."""
    return reading.rtt if reading.finding and reading.finding.outcome is Outcome.OK else None


def _tls_expiry(reading: Reading) -> float | None:
    return reading.finding.values.get("tls_expiry") if reading.finding else None


def _looks(view: View) -> Iterator[Sample]:
    for labels, reading, _ in view.checks:
        yield "_total", labels, _OK, reading.ok
        yield "_total", labels, _FAILED, reading.failed


def _rtt(view: View) -> Iterator[Sample]:
    for labels, reading, _ in view.checks:
        if reading.rtt_count:
            yield "_sum", labels, END, reading.rtt_sum
            yield "_count", labels, END, reading.rtt_count


def _belief(view: View) -> Iterator[Sample]:
    for labels, _, belief in view.checks:
        yield "", labels, END, CODES[belief.verdict]


def _trouble(view: View) -> Iterator[Sample]:
    for labels, reading, _ in view.checks:
        finding = reading.finding
        if finding is not None and finding.reason != "ok":
            ending = Ending(("outcome", finding.outcome.value), ("reason", word(finding.reason)))
            yield "_info", labels, ending, 1


def _values(view: View) -> Iterator[Sample]:
    for labels, reading, _ in view.checks:
        for name, value in reading.finding.values.items() if reading.finding else ():
            if name not in _OWN_FAMILY and word(name) == name:
                yield "", labels, Ending(("name", name)), value


CHECK_FAMILIES = (
    Family(
        f"{PREFIX}check_success",
        Type.GAUGE,
        "Whether the latest look found all well (1) or not (0); absent while we could not look.",
        _each(_success),
        LABELS,
        query=f"{PREFIX}check_success == 0",
    ),
    Family(
        f"{PREFIX}check_looks",
        Type.COUNTER,
        "Looks that ended, by outcome (ok, failed); looks that could not be made are neither.",
        _looks,
        (*LABELS, "outcome"),
        query=f'rate({PREFIX}check_looks_total{{outcome="failed"}}[5m])',
    ),
    Family(
        f"{PREFIX}check_rtt_seconds",
        Type.SUMMARY,
        "Round-trip times of all looks that measured one: their sum and count.",
        _rtt,
        LABELS,
        "seconds",
        query=f"rate({PREFIX}check_rtt_seconds_sum[5m]) / rate({PREFIX}check_rtt_seconds_count[5m])",
    ),
    Family(
        f"{PREFIX}check_last_rtt_seconds",
        Type.GAUGE,
        "Round-trip time of the latest look; absent unless it succeeded.",
        _each(_last_rtt),
        LABELS,
        "seconds",
        query=f'{PREFIX}check_last_rtt_seconds{{kind="circuit"}} > 0.2',
    ),
    Family(
        f"{PREFIX}check_loss_ratio",
        Type.GAUGE,
        "Share of the latest looks (at most 60) that failed.",
        _each(lambda reading: reading.loss),
        LABELS,
        "ratio",
        query=f"{PREFIX}check_loss_ratio > 0.05",
    ),
    Family(
        f"{PREFIX}check_belief",
        Type.GAUGE,
        f"What is believed of the check: {LEGEND}.",
        _belief,
        LABELS,
        query=f"{PREFIX}check_belief == 3",
    ),
    Family(
        f"{PREFIX}check_last_look_timestamp_seconds",
        Type.GAUGE,
        "When the latest look began, Unix time.",
        _each(lambda reading: reading.last_at),
        LABELS,
        "seconds",
        query=f"time() - {PREFIX}check_last_look_timestamp_seconds > 60",
    ),
    Family(
        f"{PREFIX}check_trouble",
        Type.INFO,
        "Why the latest look was not ok; exists only while it was not.",
        _trouble,
        (*LABELS, "outcome", "reason"),
        query=f"count by (reason) ({PREFIX}check_trouble_info)",
    ),
    Family(
        f"{PREFIX}check_tls_expiry_timestamp_seconds",
        Type.GAUGE,
        "When the certificate seen by the latest look expires, Unix time.",
        _each(_tls_expiry),
        LABELS,
        "seconds",
        query=f"{PREFIX}check_tls_expiry_timestamp_seconds - time() < 14 * 86400",
    ),
)
"""The families that every check is in."""

VALUE_FAMILY = Family(
    f"{PREFIX}check_value",
    Type.GAUGE,
    "Further values measured by the latest look, in base units; switched on by `values`.",
    _values,
    (*LABELS, "name"),
    query=f'{PREFIX}check_value{{probe="http", name="first_byte"}}',
)
"""Phases of HTTP and the like: as many series as a probe has values, so it has to be asked for."""
