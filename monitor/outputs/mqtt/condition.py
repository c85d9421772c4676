"""How the output itself is doing: what the vitals and the log say of it."""

from collections.abc import Callable, Iterator

import structlog

from monitor.core.vitals import OutputVitals
from monitor.kit.text import clean
from monitor.outputs.mqtt.others import Overlap
from monitor.ports.standing import Standing

log = structlog.get_logger()


class Condition(Standing):
    """Keeps the output's vitals; another daemon that tells what we tell is a trouble too."""

    said = "statuses"

    def __init__(self, own: OutputVitals, broker: str, clock: Callable[[], float]) -> None:
        super().__init__(own, log.bind(broker=broker), "mqtt", clock)
        self._rival = ""
        self._overlap = ""

    def overlaps(self, overlap: Overlap | None) -> None:
        """Say that another daemon tells what we tell; None: not any more. Logged at the change only."""
        rival = overlap.vantage if overlap else ""
        if overlap and rival != self._rival:
            log.error("mqtt.overlap", vantage=rival, topics=overlap.topics, topic=clean(overlap.topic))
        elif self._rival and not overlap:
            log.info("mqtt.overlap_over", vantage=self._rival)
        self._rival, self._overlap = rival, str(overlap or "")

    def _more(self) -> Iterator[str]:
        if self._overlap:
            yield self._overlap
