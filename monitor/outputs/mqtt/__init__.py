"""Tells a broker: retained statuses with validity, events in order, birth, heartbeat and will of the daemon.

The contract for consumers is docs/mqtt.md; the models in `payloads` are its letter.
"""

import time
from collections.abc import Callable
from datetime import tzinfo

from monitor.core.vitals import OutputVitals, Vitals
from monitor.kit.mqtt import Resolve
from monitor.outputs.mqtt.options import MqttOptions, MqttTls
from monitor.outputs.mqtt.orders import Carry
from monitor.outputs.mqtt.publisher import Publisher
from monitor.ports import Feed, Intake

__all__ = ["MqttOptions", "MqttOutput", "MqttTls"]


class MqttOutput:
    """The output `mqtt`."""

    name = "mqtt"
    durable = True

    def __init__(
        self,
        options: MqttOptions,
        vitals: Vitals,
        *,
        resolve: Resolve | None = None,
        zone: tzinfo | None = None,
        carry: Carry | None = None,
        intake: Intake | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to tell; *zone* is that of the times for people, by default this machine's.

        *carry* carries out orders that come by the broker, *intake* takes in heartbeats, if the options want
        them taken.
        """
        self._options = options
        self._vitals = vitals
        self._resolve = resolve
        self._zone = zone
        self._carry = carry if options.orders else None
        self._intake = intake if options.heartbeats else None
        self._clock = clock
        self.vitals = vitals.outputs.setdefault(self.name, OutputVitals())

    async def run(self, feed: Feed) -> None:
        """Tell what the feed brings until cancelled; then say that we stop, within two seconds."""
        publisher = Publisher(
            self._options,
            self._vitals,
            self.vitals,
            feed,
            resolve=self._resolve,
            zone=self._zone,
            carry=self._carry,
            intake=self._intake,
            clock=self._clock,
        )
        await publisher.run()
