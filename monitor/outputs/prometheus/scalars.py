"""Families of one sample without labels: a number of the daemon's own vitals."""

from collections.abc import Callable, Iterator

from monitor.core.vitals import Vitals
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.labels import BARE, NO_LABELS


def gauge(name: str, help_: str, value: Callable[[Vitals], float], unit: str = "", query: str = "") -> Family:
    """Make a gauge of a number."""
    return Family(PREFIX + name, Type.GAUGE, help_, _one(value), unit=unit, query=query)


def counter(name: str, help_: str, value: Callable[[Vitals], float], query: str = "") -> Family:
    """Make a counter of a number that only grows."""
    return Family(PREFIX + name, Type.COUNTER, help_, _one(value, "_total"), query=query)


def _one(value: Callable[[Vitals], float], suffix: str = "") -> Callable[[View], Iterator[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        yield suffix, NO_LABELS, BARE, value(view.vitals)

    return samples
