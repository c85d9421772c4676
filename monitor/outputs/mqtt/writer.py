"""Messages to be sent: each thing that is to be told, in words and on its topic."""

from collections.abc import Callable
from datetime import tzinfo

from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.kit.mqtt import Message
from monitor.outputs.mqtt.compose import Composer
from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.outbox import Item, Lane
from monitor.outputs.mqtt.payloads import Payload
from monitor.outputs.mqtt.topics import DAEMON, EVENT, topic_of

PATIENCE = 3
"""Heartbeats that may be missed before the daemon is to be taken for offline."""

JSON = "application/json"

HEADERS = 128
"""Bytes of a packet besides topic and payload, at most."""


class Writer:
    """Writes what one vantage tells, and knows what it told where."""

    def __init__(
        self,
        options: MqttOptions,
        vitals: Vitals,
        world: Callable[[], World],
        *,
        zone: tzinfo | None,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._vitals = vitals
        self._world = world
        self._born = clock()
        self._composer = Composer(world, clock=clock, zone=zone, valid_for=options.valid_for)
        self._topics: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        self.session = 0
        """Counts the connections of this boot; with it the epoch of birth and will."""
        self.state = "starting"

    def index(self) -> None:
        """Look up anew which readings belong to which subject."""
        self._composer.index()

    def message(self, item: Item, certificate_days: float | None, most: int) -> Message | None:
        """Put *item* into words; None if nothing is to be said any more. Raises ValueError without words.

        Only what is said of the daemon itself keeps to *most* bytes.
        """
        match item.lane:
            case Lane.DAEMON:
                return self.daemon(certificate_days, most)
            case Lane.EVENT if item.event is not None:
                return _message(f"{self._options.root}/{EVENT}", self._composer.event(item.event))
            case Lane.STATUS:
                return self._status(item.key)
            case _:
                return None if self.is_told(item.key) else Message(item.key, b"", retain=True)

    def topic(self, item: Item) -> str:
        """Name where *item* belongs, as far as is known."""
        if item.lane is Lane.EVENT:
            return f"{self._options.root}/{EVENT}"
        return self._topics.get(item.key, item.key)

    def is_told(self, topic: str) -> bool:
        """Say whether *topic* belongs to a subject that there is."""
        return self._subjects.get(topic) in self._world().statuses

    def is_known(self, subject: str) -> bool:
        """Say whether a status of *subject* has ever been written."""
        return subject in self._topics

    def forget(self, topic: str) -> None:
        """Forget a topic that has been cleared, unless its subject has come back meanwhile."""
        if not self.is_told(topic):
            self._topics.pop(self._subjects.pop(topic, ""), None)

    def daemon(self, certificate_days: float | None, most: int) -> Message:
        """Say how the daemon is: birth, heartbeat or farewell; without its vitals if there is no room."""
        reason = "stopped" if self.state == "offline" else ""
        message = self._daemon(self.state, reason, self._vitals, certificate_days)
        if len(message.payload) + len(message.topic) + HEADERS > most:
            return self._daemon(self.state, reason, None, None)
        return message

    def will(self) -> Message:
        """Write the will of the session that is about to begin, which with it has an epoch of its own."""
        self.session += 1
        return self._daemon("offline", "lost", None, None)

    def _daemon(self, state: str, reason: str, vitals: Vitals | None, days: float | None) -> Message:
        payload = self._composer.daemon(
            state,
            session=self.session,
            valid_for=PATIENCE * self._options.keepalive,
            since=self._vitals.started_at or self._born,
            reason=reason,
            vitals=vitals,
            days=days,
        )
        topic = f"{self._options.root}/{DAEMON.format(vantage=self._world().vantage)}"
        return _message(topic, payload, retain=True)

    def _status(self, subject: str) -> Message | None:
        """Say how the subject is, or take back what was said if it is no more."""
        status = self._world().statuses.get(subject)
        if status is None:
            topic = self._topics.get(subject)
            return Message(topic, b"", retain=True) if topic else None
        topic = self._topics[subject] = topic_of(self._options.root, status)
        self._subjects[topic] = subject
        expiry = max(1, round(self._options.valid_for))
        return _message(topic, self._composer.status(status), retain=True, expiry=expiry)


def _message(topic: str, payload: Payload, *, retain: bool = False, expiry: int | None = None) -> Message:
    return Message(topic, payload.model_dump_json().encode(), retain, expiry, JSON)
