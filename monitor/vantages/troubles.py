"""How a report is doing: what the vitals and the log say of it."""

from collections.abc import Callable, Iterator

import structlog

from monitor.core.vitals import OutputVitals
from monitor.kit.mqtt import DAY, WARN_DAYS, ends_soon
from monitor.kit.text import clean

MOST = 1000
"""Troubles remembered one by one."""

log = structlog.get_logger()


class Troubles:
    """Keeps one report's vitals; logs each trouble once, when it begins."""

    def __init__(self, own: OutputVitals, report: str, broker: str, clock: Callable[[], float]) -> None:
        self._own = own
        self._report = report
        self._broker = broker
        self._clock = clock
        self._away = "not connected yet"
        self._refused: dict[str, str] = {}
        self._warned = 0
        self.connected = False
        self.deaf = False
        self.idle = False
        """Nobody looks any more, so that nothing is told as fresh."""
        self.unanswered = False
        """Our log is not acknowledged."""
        self.strange = ""
        """What is wrong with the acknowledgements."""
        self.certificate_ends: float | None = None
        self.certificate_doubt = ""

    def online(self, session: int) -> None:
        """Say that we are connected."""
        log.info("report.online", report=self._report, broker=self._broker, session=session)

    def away(self, words: str) -> None:
        """Say that there is no session, and why."""
        if words != self._away:
            log.warning("report.away", report=self._report, broker=self._broker, reason=words)
        self._away = words
        self.show()

    def stopped(self) -> None:
        """Say that there is no session because we want none."""
        self._away = "stopped"

    def accepted(self, topic: str) -> None:
        """Count a message that the broker took."""
        self._own.delivered += 1
        self._refused.pop(topic, None)

    def refused(self, topic: str, words: str) -> None:
        """Count a message that was given up: the broker or we ourselves will not have it."""
        self._own.failed += 1
        self.doubtful(topic, words)

    def doubtful(self, topic: str, words: str) -> None:
        """Remember that something is wrong with *topic*, until it is `accepted` or `cleared`."""
        if topic not in self._refused:
            log.error("report.refused", report=self._report, topic=clean(topic), reason=clean(words))
        if topic in self._refused or len(self._refused) < MOST:
            self._refused[topic] = words

    def cleared(self, topic: str) -> None:
        """Forget the doubt about *topic*."""
        self._refused.pop(topic, None)

    def show(self) -> None:
        """Bring the vitals up to date."""
        self._own.connected = self.connected
        self._own.trouble = next(self._troubles(), "")
        self._warn_of_certificate()

    def _warn_of_certificate(self) -> None:
        """Log at each of the stated numbers of days before our own certificate runs out, once."""
        ends = self.certificate_ends
        days = None if ends is None else (ends - self._clock()) / DAY
        passed = 0 if days is None else sum(days <= limit for limit in WARN_DAYS)
        if days is not None and passed > self._warned:
            log.warning("report.certificate_ends", report=self._report, days=round(days, 1))
        self._warned = passed

    def _troubles(self) -> Iterator[str]:
        ends = ends_soon(self.certificate_ends, self._clock())
        if not self.connected:
            yield clean(f"{self._away}; {ends}" if ends else self._away)
        if self.idle:
            yield "nobody looks any more: beliefs are not told again"
        if self._refused:
            first = next(iter(self._refused.values()))
            yield clean(f"{len(self._refused)} not taken, among them {first}")
        if self.strange:
            yield clean(self.strange)
        if self.deaf:
            yield "the broker takes our messages, but nothing that we subscribe to comes back"
        if self.unanswered:
            yield "no collecting daemon acknowledges our log"
        if self.certificate_doubt:
            yield clean(self.certificate_doubt)
        if ends:
            yield ends
