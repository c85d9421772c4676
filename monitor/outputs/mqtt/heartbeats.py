"""Reports that things publish by themselves: from the broker into the mailbox.

The broker vouches for who publishes where. What it had kept is no report: nobody knows when it was sent.
"""

import structlog
from pydantic import Field

from monitor.core.report import State
from monitor.kit.mqtt import Delivery
from monitor.kit.text import clean
from monitor.outputs.mqtt.payloads import Payload
from monitor.ports import Intake, Taken

HEARTBEAT = "heartbeat/{check}"
FILTER = "heartbeat/#"
"""Filter below the root that matches every report."""
VIA = "mqtt"
NAMED = 100
"""Topics with a report that was not taken that are named in our log, each once."""

log = structlog.get_logger()


class HeartbeatPayload(Payload):
    """What a thing reports of itself; no payload at all, or a bare `ok`, says that all is well."""

    status: State = State.OK
    """`ok`, `degraded` or `failed`."""
    note: str = Field(default="", max_length=1000)
    """For people."""
    values: dict[str, float] = Field(default={}, max_length=16)
    """What it has measured; names that the inventory declares."""


class Heartbeats:
    """Hears reports over one session after the other."""

    def __init__(self, root: str, intake: Intake) -> None:
        self._below = f"{root}/{FILTER[:-1]}"
        self.topic = f"{root}/{FILTER}"
        self._intake = intake
        self._named: set[str] = set()

    async def hear(self, delivery: Delivery) -> None:
        """Take in a report; what is none is left alone, with a line in our log."""
        if delivery.retained:
            self._object(delivery.topic, "it was kept by the broker")
            return
        check = delivery.topic.removeprefix(self._below)
        taken, words = self._intake.hear(check, delivery.payload, VIA, None)
        if taken is not Taken.TAKEN:
            self._object(delivery.topic, words)

    def listening(self, *, listens: bool) -> None:
        """Hear whether reports can come from now on."""
        self._intake.listening(VIA, listens=listens)

    def _object(self, topic: str, words: str) -> None:
        if topic not in self._named and len(self._named) < NAMED:
            self._named.add(topic)
            log.warning("mqtt.no_heartbeat", topic=clean(topic), reason=words)
