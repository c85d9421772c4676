"""How a report is doing: what the vitals and the log say of it."""

from collections.abc import Callable, Iterator

import structlog

from monitor.core.vitals import OutputVitals
from monitor.ports.standing import Standing

log = structlog.get_logger()


class Troubles(Standing):
    """Keeps one report's vitals; that nobody acknowledges our log is a trouble too."""

    said = "beliefs"

    def __init__(self, own: OutputVitals, report: str, broker: str, clock: Callable[[], float]) -> None:
        super().__init__(own, log.bind(report=report, broker=broker), "report", clock)
        self.unanswered = False
        """Our log is not acknowledged."""
        self.strange = ""
        """What is wrong with the acknowledgements."""

    def _more(self) -> Iterator[str]:
        if self.strange:
            yield self.strange

    def _last(self) -> Iterator[str]:
        if self.unanswered:
            yield "no collecting daemon acknowledges our log"
