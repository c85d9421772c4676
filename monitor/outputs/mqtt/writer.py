"""Messages to be sent: each thing that is to be told, in words and on its topic."""

from collections.abc import Callable
from datetime import tzinfo

from monitor.core.alarm import Alarm
from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.kit.mqtt import Message
from monitor.outputs.mqtt.compose import Composer
from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.outbox import Item, Lane
from monitor.outputs.mqtt.payloads import Payload
from monitor.outputs.mqtt.topics import DAEMON, EVENT, alarm_topic, incident_topic, topic_of

Named = tuple[Lane, str]
"""Something that has a retained topic: the lane it is told in, and its subject or id."""

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
        self._topics: dict[Named, str] = {}
        self._named: dict[str, Named] = {}
        self.session = 0
        """Counts the connections of this boot; with it the epoch of birth and will."""
        self.state = "starting"

    def index(self) -> None:
        """Look up anew which readings belong to which subject."""
        self._composer.index()

    def message(self, item: Item, certificate_days: float | None, most: int) -> Message | None:
        """Put *item* into words; None if nothing is to be said any more. Raises ValueError without words.

        What is said of the daemon itself and of incidents keeps to *most* bytes, by saying less.
        """
        match item.lane:
            case Lane.DAEMON:
                return self.daemon(certificate_days, most)
            case Lane.EVENT if item.event is not None:
                return _message(f"{self._options.root}/{EVENT}", self._composer.event(item.event))
            case Lane.STATUS:
                return self._status(item.key)
            case Lane.INCIDENT:
                return self._incident(item.key, most)
            case Lane.ALARM:
                return self._alarm(item.key)
            case _:
                return None if self.is_told(item.key) else Message(item.key, b"", retain=True)

    def topic(self, item: Item) -> str:
        """Name where *item* belongs, as far as is known."""
        if item.lane is Lane.EVENT:
            return f"{self._options.root}/{EVENT}"
        return self._topics.get((item.lane, item.key), item.key)

    def is_told(self, topic: str) -> bool:
        """Say whether *topic* belongs to a subject, an incident or an open alarm that there is."""
        lane, key = self._named.get(topic, (Lane.STATUS, ""))
        world = self._world()
        if lane is Lane.ALARM:
            return _is_open(world.alarms.get(key))
        return key in (world.stories if lane is Lane.INCIDENT else world.statuses)

    def forget(self, topic: str) -> None:
        """Forget a topic that has been cleared, unless what it told of has come back meanwhile."""
        if topic in self._named and not self.is_told(topic):
            del self._topics[self._named.pop(topic)]

    def daemon(self, certificate_days: float | None, most: int) -> Message:
        """Say how the daemon is: birth, heartbeat or farewell; without its vitals if there is no room."""
        reason = "stopped" if self.state == "offline" else ""
        message = self._daemon(self.state, reason, self._vitals, certificate_days)
        return message if _fits(message, most) else self._daemon(self.state, reason, None, None)

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
        status, named = self._world().statuses.get(subject), (Lane.STATUS, subject)
        if status is None:
            return self._cleared(named)
        topic = self._note(named, topic_of(self._options.root, status))
        return _message(topic, self._composer.status(status), retain=True, expiry=self._expiry)

    def _incident(self, incident: str, most: int) -> Message | None:
        """Say how the incident is, or take back what was said if it is closed."""
        story, named = self._world().stories.get(incident), (Lane.INCIDENT, incident)
        if story is None:
            return self._cleared(named)
        topic = self._note(named, incident_topic(self._options.root, incident))
        for brief in (False, True):
            payload = self._composer.incident(story, brief=brief)
            message = _message(topic, payload, retain=True, expiry=self._expiry)
            if _fits(message, most):
                break
        return message

    def _alarm(self, name: str) -> Message | None:
        """Say how the alarm is, or take back what was said if it is over."""
        alarm, named = self._world().alarms.get(name), (Lane.ALARM, name)
        if alarm is None or alarm.closed_at is not None:
            return self._cleared(named)
        topic = self._note(named, alarm_topic(self._options.root, name))
        return _message(topic, self._composer.alarm(alarm), retain=True, expiry=self._expiry)

    def _note(self, named: Named, topic: str) -> str:
        self._topics[named] = topic
        self._named[topic] = named
        return topic

    def _cleared(self, named: Named) -> Message | None:
        topic = self._topics.get(named)
        return Message(topic, b"", retain=True) if topic else None

    @property
    def _expiry(self) -> int:
        """Seconds after which the broker forgets a retained word."""
        return max(1, round(self._options.valid_for))


def open_alarms(world: World) -> dict[str, Alarm]:
    """Return the alarms that are not over, by id."""
    return {name: alarm for name, alarm in world.alarms.items() if _is_open(alarm)}


def _is_open(alarm: Alarm | None) -> bool:
    return alarm is not None and alarm.closed_at is None


def _fits(message: Message, most: int) -> bool:
    """Say whether a message has room in a packet of *most* bytes."""
    return len(message.payload) + len(message.topic) + HEADERS <= most


def _message(topic: str, payload: Payload, *, retain: bool = False, expiry: int | None = None) -> Message:
    return Message(topic, payload.model_dump_json().encode(), retain, expiry, JSON)
