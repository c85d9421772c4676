"""How what publishes over MQTT is doing: what the vitals and the log say of it."""

from collections.abc import Callable, Iterator

from structlog.typing import FilteringBoundLogger

from monitor.core.vitals import OutputVitals
from monitor.kit.mqtt import DAY, WARN_DAYS, ends_soon
from monitor.kit.text import clean

MOST = 1000
"""Troubles remembered one by one."""


class Standing:
    """Keeps the vitals of one publisher; logs each trouble once, when it begins."""

    said = ""
    """What it publishes, and tells again only as long as somebody looks."""

    def __init__(
        self, own: OutputVitals, log: FilteringBoundLogger, prefix: str, clock: Callable[[], float]
    ) -> None:
        """Log under names that begin with *prefix*."""
        self.connected = False
        self.deaf = False
        self.idle = False
        """Nobody looks any more, so that nothing is told as fresh."""
        self.certificate_ends: float | None = None
        self.certificate_doubt = ""
        self._own = own
        self._log = log
        self._prefix = prefix
        self._clock = clock
        self._away = "not connected yet"
        self._refused: dict[str, str] = {}
        self._warned = 0

    def online(self, session: int) -> None:
        """Say that we are connected, and the broker has everything."""
        self._log.info(f"{self._prefix}.online", session=session)

    def away(self, words: str) -> None:
        """Say that there is no session, and why."""
        if words != self._away:
            self._log.warning(f"{self._prefix}.away", reason=words)
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
            self._log.error(f"{self._prefix}.refused", topic=clean(topic), reason=clean(words))
        if topic in self._refused or len(self._refused) < MOST:
            self._refused[topic] = words

    def cleared(self, topic: str) -> None:
        """Forget the doubt about *topic*."""
        self._refused.pop(topic, None)

    def days_left(self) -> float | None:
        """Return for how many days our own certificate holds."""
        return None if self.certificate_ends is None else (self.certificate_ends - self._clock()) / DAY

    def show(self) -> None:
        """Bring the vitals up to date."""
        self._own.connected = self.connected
        self._own.trouble = clean(next(self._troubles(), ""))
        self._warn_of_certificate()

    def _more(self) -> Iterator[str]:
        """Give what else is wrong, the gravest first."""
        yield from ()

    def _last(self) -> Iterator[str]:
        """Give what is wrong besides, and may only follow from the rest."""
        yield from ()

    def _warn_of_certificate(self) -> None:
        """Log at each of the stated numbers of days before our own certificate runs out, once."""
        days = self.days_left()
        passed = 0 if days is None else sum(days <= limit for limit in WARN_DAYS)
        if days is not None and passed > self._warned:
            self._log.warning(f"{self._prefix}.certificate_ends", days=round(days, 1))
        self._warned = passed

    def _troubles(self) -> Iterator[str]:
        ends = ends_soon(self.certificate_ends, self._clock())
        if not self.connected:
            yield f"{self._away}; {ends}" if ends else self._away
        if self.idle:
            yield f"nobody looks any more: {self.said} are not told again"
        yield from self._more()
        if self._refused:
            yield f"{len(self._refused)} not taken, among them {next(iter(self._refused.values()))}"
        if self.deaf:
            yield "the broker takes our messages, but nothing that we subscribe to comes back"
        yield from self._last()
        if self.certificate_doubt:
            yield self.certificate_doubt
        if ends:
            yield ends
