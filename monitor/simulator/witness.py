"""Somebody who listens to the broker, and can say what was really told: the judge of a demo or a drill."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from monitor.kit.mqtt import Broker, Connection, Delivery, Session

Payload = dict[str, Any]
Hear = Callable[[str, Payload], None]
"""Takes the topic below the root, and what was said."""


class Witness:
    """Hears every status and event, keeps the latest status of each subject."""

    def __init__(self, host: str, port: int, root: str, hear: Hear = lambda _topic, _payload: None) -> None:
        self._connection = Connection(
            # A name of its own each time: brokers hang up on the older of two clients with the same name.
            Broker(host, port, f"witness-{time.monotonic_ns()}", protocol="3.1.1"),
            subscriptions=[(f"{root}/#", self._take)],
        )
        self._root = root
        self._hear = hear
        self._news = asyncio.Condition()
        self.statuses: dict[str, Payload] = {}
        """The latest status of each subject, by readable path."""
        self.events: dict[str, Payload] = {}
        """The latest event about the status of each subject."""

    async def listen(self) -> None:
        """Listen until cancelled."""
        await self._connection.keep(_stay)

    async def until(self, wanted: Callable[[], bool], patience: float) -> bool:
        """Wait until something holds of what was heard, at most *patience* seconds; say whether it does."""
        try:
            async with asyncio.timeout(patience), self._news:
                await self._news.wait_for(wanted)
        except TimeoutError:
            return False
        return True

    def says(self, subject: str, health: str) -> bool:
        """Tell whether the latest status of *subject* says *health*."""
        return self.statuses.get(subject, {}).get("health") == health

    def told(self, subject: str, health: str) -> bool:
        """Tell whether the latest status says so, and the latest event that it became so."""
        event = self.events.get(subject)
        return event is not None and event["data"]["now"] == health and self.says(subject, health)

    async def _take(self, delivery: Delivery) -> None:
        if not delivery.payload:
            return
        topic = delivery.topic.removeprefix(f"{self._root}/")
        tree = topic.partition("/")[0]
        if tree not in ("status", "network", "event"):
            return
        payload = json.loads(delivery.payload)
        if tree != "event":
            self.statuses[payload["subject"]] = payload
        elif payload["kind"] == "status":
            self.events[payload["subject"]] = payload
        self._hear(topic, payload)
        async with self._news:
            self._news.notify_all()


async def _stay(_session: Session) -> None:
    await asyncio.Event().wait()
