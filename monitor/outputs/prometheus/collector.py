"""The same families for prometheus_client's registry, for whoever wants to read them in process."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector

from monitor.outputs.prometheus.family import Family, View


class ViewCollector(Collector):
    """A custom collector over the latest world: nothing is kept, so nothing can go stale."""

    def __init__(self, families: Iterable[Family], view: Callable[[], View]) -> None:
        self._families = tuple(families)
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Give every family with its samples as the world is now."""
        view = self._view()
        for family in self._families:
            metric = Metric(family.name, family.help, family.type.value, family.unit)
            for suffix, labels, ending, value in family.samples(view):
                metric.add_sample(family.name + suffix, dict(labels.pairs + ending.pairs), value)
            yield metric

    def describe(self) -> Iterator[Metric]:
        """Name the families without looking at the world, so that registering costs nothing."""
        return (Metric(f.name, f.help, f.type.value, f.unit) for f in self._families)
