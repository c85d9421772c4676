"""How gathering goes: what the vitals and the log say of its two connections."""

from collections.abc import Callable, Iterator, Mapping

import structlog

from monitor.core.vitals import OutputVitals
from monitor.kit.mqtt import MqttError, Refused, ends_soon
from monitor.kit.text import clean
from monitor.vantages.lane import Lane

log = structlog.get_logger()


class Condition:
    """Keeps the vitals of a collector; logs each trouble of a connection once, when it begins."""

    def __init__(self, own: OutputVitals, broker: str, clock: Callable[[], float]) -> None:
        self._own = own
        self._broker = broker
        self._clock = clock
        self._away: dict[str, str] = {}
        self._unacknowledged: dict[str, str] = {}

    def away(self, purpose: str, words: str) -> None:
        """Note that a connection is lost, or could not be made, and why."""
        if self._away.get(purpose) != words:
            log.warning("collect.away", broker=self._broker, connection=purpose, reason=words)
        self._away[purpose] = words

    def answered(self, topic: str, trouble: MqttError | None) -> None:
        """Note how an acknowledgement of a log was taken."""
        if trouble is None:
            self._own.delivered += 1
            self._unacknowledged.pop(topic, None)
        elif isinstance(trouble, Refused):
            self._own.failed += 1
            if topic not in self._unacknowledged:
                log.error("collect.cannot_acknowledge", topic=topic, reason=str(trouble))
            self._unacknowledged[topic] = str(trouble)

    def show(self, lanes: Mapping[str, Lane], waiting: int) -> None:
        """Bring the vitals up to date; *waiting* messages are still to be kept aside."""
        for purpose, lane in lanes.items():
            if lane.since is not None and self._away.pop(purpose, None) is not None:
                log.info("collect.online", broker=self._broker, connection=purpose)
        self._own.connected = all(lane.since is not None for lane in lanes.values())
        self._own.reconnects = sum(max(0, lane.sessions - 1) for lane in lanes.values())
        self._own.queued = waiting
        self._own.trouble = clean(next(self._troubles(lanes), ""))

    def _troubles(self, lanes: Mapping[str, Lane]) -> Iterator[str]:
        ends = ends_soon(next((lane.certificate_ends for lane in lanes.values()), None), self._clock())
        for purpose, lane in lanes.items():
            if lane.session is None:
                words = self._away.get(purpose, "not connected yet")
                yield f"{words}; {ends}" if ends else words
        for lane in lanes.values():
            yield from lane.refused.values()
        yield from self._unacknowledged.values()
        if self._is_deaf(lanes["hear"]):
            yield "the broker takes our messages, but nothing that we subscribe to comes back"
        yield from filter(None, (lane.certificate_doubt for lane in lanes.values()))
        if ends:
            yield ends

    @staticmethod
    def _is_deaf(lane: Lane) -> bool:
        """Say whether nothing comes back; of logs nothing has to, while the disk holds them up."""
        return lane.session is not None and lane.session.deaf
