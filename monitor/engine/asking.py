"""Whom to ask anew when a check is silent: everything that shares a component with it, within bounds."""

import time
from collections.abc import Iterator, Mapping

from monitor.core.diagnosis.looks import related
from monitor.core.topology import Topology, observation_id
from monitor.engine.scheduler import Scheduler
from monitor.engine.watch import Watch

YOUNG = 0.3
"""Seconds for which a look needs no repetition."""
WAVE = 200
"""Looks that one miss may cause."""
PER_SECOND = 400.0
"""Looks that all misses together may cause in a second."""


class Asking:
    """Has neighbours looked at sooner than in their rhythm; a part of the diagnostician."""

    def __init__(self, vantage: str) -> None:
        self._vantage = vantage
        self._topology: Topology
        self._watches: Mapping[str, Watch] = {}
        self._allowance = PER_SECOND
        self._allowed_at = 0.0

    def adopt(self, topology: Topology, watches: Mapping[str, Watch]) -> None:
        """Ask among what is now watched."""
        self._topology, self._watches = topology, watches

    def about(self, watch: Watch, scheduler: Scheduler) -> None:
        """Have everything looked at now that shares a component with a silent check, as far as is allowed."""
        now = time.monotonic()
        earned = (now - self._allowed_at) * PER_SECOND
        self._allowance = min(PER_SECOND, self._allowance + earned)
        self._allowed_at = now
        wall = time.time()
        for neighbour in self._neighbours(watch):
            if self._allowance < 1.0:
                return
            if neighbour.flying or wall - neighbour.reading.last_at < YOUNG:
                continue
            self._allowance -= 1.0
            scheduler.put_at(neighbour, now)

    def _neighbours(self, watch: Watch) -> Iterator[Watch]:
        """Give the checks of ours that share a component with *watch*, the most telling ones first."""
        topology, vantage = self._topology, self._vantage
        own = observation_id(vantage, watch.check.id)
        if own in topology.observations:
            for name in related(topology, own, by=vantage, most=WAVE):
                neighbour = self._watches.get(topology.observations[name].check)
                if neighbour is not None:  # not every observation is a look: some are heard
                    yield neighbour
