"""How the output itself is doing: what the vitals and the log say of it."""

from collections.abc import Callable, Iterator

import structlog

from monitor.core.vitals import OutputVitals
from monitor.kit.mqtt import DAY, WARN_DAYS, ends_soon
from monitor.kit.text import clean
from monitor.outputs.mqtt.others import Overlap

MOST = 1000
"""Troubles remembered one by one."""

log = structlog.get_logger()


class Condition:
    """Keeps one output's vitals; logs each trouble once, when it begins."""

    def __init__(self, own: OutputVitals, broker: str, clock: Callable[[], float]) -> None:
        self._own = own
        self._broker = broker
        self._clock = clock
        self._away = "not connected yet"
        self._refused: dict[str, str] = {}
        self.connected = False
        self.deaf = False
        self.idle = False
        """Nobody looks any more, so that nothing is told as fresh."""
        self.certificate_ends: float | None = None
        self.certificate_doubt = ""
        self._warned = 0
        self._rival = ""
        self._overlap = ""

    def online(self, session: int) -> None:
        """Say that the broker has everything."""
        log.info("mqtt.online", broker=self._broker, session=session)

    def away(self, words: str) -> None:
        """Say that there is no session, and why."""
        if words != self._away:
            log.warning("mqtt.away", broker=self._broker, reason=words)
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
            log.error("mqtt.refused", topic=clean(topic), reason=words)
        if topic in self._refused or len(self._refused) < MOST:
            self._refused[topic] = words

    def cleared(self, topic: str) -> None:
        """Forget the doubt about *topic*."""
        self._refused.pop(topic, None)

    def overlaps(self, overlap: Overlap | None) -> None:
        """Say that another daemon tells what we tell; None: not any more. Logged at the change only."""
        rival = overlap.vantage if overlap else ""
        if overlap and rival != self._rival:
            log.error("mqtt.overlap", vantage=rival, topics=overlap.topics, topic=clean(overlap.topic))
        elif self._rival and not overlap:
            log.info("mqtt.overlap_over", vantage=self._rival)
        self._rival, self._overlap = rival, clean(str(overlap or ""))

    def days_left(self) -> float | None:
        """Return for how many days our own certificate holds."""
        return None if self.certificate_ends is None else (self.certificate_ends - self._clock()) / DAY

    def show(self) -> None:
        """Bring the vitals up to date."""
        self._own.connected = self.connected
        self._own.trouble = next(self._troubles(), "")
        self._warn_of_certificate()

    def _warn_of_certificate(self) -> None:
        """Log at each of the stated numbers of days before our own certificate runs out, once."""
        days = self.days_left()
        passed = 0 if days is None else sum(days <= limit for limit in WARN_DAYS)
        if days is not None and passed > self._warned:
            log.warning("mqtt.certificate_ends", days=round(days, 1))
        self._warned = passed

    def _troubles(self) -> Iterator[str]:
        ends = ends_soon(self.certificate_ends, self._clock())
        if not self.connected:
            yield clean(f"{self._away}; {ends}" if ends else self._away)
        if self.idle:
            yield "nobody looks any more: statuses are not told again"
        if self._overlap:
            yield self._overlap
        if self._refused:
            first = next(iter(self._refused.values()))
            yield clean(f"{len(self._refused)} not taken, among them {first}")
        if self.deaf:
            yield "the broker takes our messages, but nothing that we subscribe to comes back"
        if self.certificate_doubt:
            yield clean(self.certificate_doubt)
        if ends:
            yield ends
