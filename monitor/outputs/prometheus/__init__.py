"""Tells Prometheus: every metric is a view of the latest world and vitals, nothing is kept on the side.

The families are written down once (`checks`, `subjects`, `incidents` …) and rendered twice: by a fast writer
that lets the event loop breathe, for the page, and as a prometheus_client collector. Labels come from
configuration only, but for the ids of open incidents. The vantage is no label of each series: it is a
property of the scrape's target, told once by `command_monitor_vantage_info`.
"""

from collections.abc import AsyncGenerator, Callable

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from pydantic import BaseModel, ConfigDict, Field

from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.outputs.prometheus.agents import AGENT_FAMILIES
from monitor.outputs.prometheus.alarms import ALARM_FAMILIES
from monitor.outputs.prometheus.checks import CHECK_FAMILIES, VALUE_FAMILY
from monitor.outputs.prometheus.collector import ViewCollector
from monitor.outputs.prometheus.daemon import DAEMON_FAMILIES
from monitor.outputs.prometheus.family import Family, View
from monitor.outputs.prometheus.incidents import INCIDENT_FAMILIES
from monitor.outputs.prometheus.store import STORE_FAMILIES
from monitor.outputs.prometheus.subjects import SUBJECT_FAMILIES
from monitor.outputs.prometheus.text import negotiate, write
from monitor.outputs.prometheus.view import Viewer, epoch_now

FAMILIES: tuple[Family, ...] = (
    *CHECK_FAMILIES,
    VALUE_FAMILY,
    *SUBJECT_FAMILIES,
    *INCIDENT_FAMILIES,
    *ALARM_FAMILIES,
    *DAEMON_FAMILIES,
    *STORE_FAMILIES,
    *AGENT_FAMILIES,
)
"""Every family there is."""


class Options(BaseModel):
    """What the metrics can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: bool = Field(
        default=False,
        description="Also give every further value of a look (the phases of HTTP and the like) as "
        "`command_monitor_check_value`; a check then has more than ten series.",
    )


class Metrics:
    """Renders the metrics page; the registry holds the same for use in process."""

    def __init__(
        self,
        world: Callable[[], World],
        vitals: Vitals,
        options: Options | None = None,
        *,
        epoch: Callable[[], float] = epoch_now,
    ) -> None:
        """Render *world* and *vitals*; *epoch* gives the wall time at which the monotonic clock was 0."""
        values = (options or Options()).values
        self.families = tuple(f for f in FAMILIES if values or f is not VALUE_FAMILY)
        self._viewer = Viewer(world, vitals, epoch)
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        GCCollector(registry=self._process)

    def __call__(self, accept: str) -> tuple[str, AsyncGenerator[bytes, None]]:
        """Give the content type that *accept*, an Accept header, likes best, and the page in slices."""
        form = negotiate(accept)
        return form.value, write(self.families, self._viewer, form, self._process.collect())

    def view(self) -> View:
        """Take the view of the world as it is now."""
        return self._viewer.view()

    def registry(self) -> CollectorRegistry:
        """Make a registry of our own with all of it: nothing is registered globally."""
        registry = CollectorRegistry()
        registry.register(ViewCollector(self.families, self.view))
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        return registry
