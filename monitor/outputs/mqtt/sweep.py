"""Finding what is told below our root: what we left there in earlier lives, and who else tells the same."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from monitor.kit.mqtt import Delivery, Session
from monitor.outputs.mqtt.topics import TREES

QUIET = 0.5
"""Seconds without a retained message after which there are no more to come."""
LONGEST = 10.0
"""Seconds after which we stop listening in any case."""
MOST = 100_000
"""Topics remembered at most, of ours and of others."""


class Sweep:
    """What the broker retained of statuses when the sweep began."""

    def __init__(self, vantage: str, boot: str) -> None:
        self._vantage = vantage
        self._boot = boot
        self._latest = time.monotonic()
        self.ours: set[str] = set()
        """Topics of statuses that we have told, in this life or an earlier one."""
        self.others: dict[str, str] = {}
        """By topic, the vantage that told it, if it was not ours."""
        self.came_back = False
        """A status of this life came in: what we tell arrives and may be read."""

    async def hear(self, delivery: Delivery) -> None:
        """Take in one status."""
        if not delivery.retained and self.came_back:
            return
        told = read(delivery.payload)
        vantage = vantage_of(told)
        self.came_back |= vantage == self._vantage and told.get("boot") == self._boot
        if delivery.retained:
            self._latest = time.monotonic()
            if vantage == self._vantage and len(self.ours) < MOST:
                self.ours.add(delivery.topic)
            elif vantage is not None and len(self.others) < MOST:
                self.others[delivery.topic] = vantage

    async def over(self) -> None:
        """Wait until the broker has brought what it retained."""
        began = self._latest = time.monotonic()
        while time.monotonic() < min(self._latest + QUIET, began + LONGEST):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET / 5)


@asynccontextmanager
async def sweeping(session: Session, root: str, vantage: str, boot: str) -> AsyncIterator[Sweep]:
    """Listen to the trees of statuses, with QoS 0: brokers bound the queue of what has QoS 1.

    The broker brings what it retained at the moment of the subscription, so that what is told within the
    context hides nothing of it. Raises Refused if we may not listen.
    """
    sweep = Sweep(vantage, boot)
    filters = [f"{root}/{tree}" for tree in TREES]
    try:
        for pattern in filters:
            await session.subscribe(pattern, sweep.hear, qos=0)
        yield sweep
    finally:
        for pattern in filters:
            session.unsubscribe(pattern)


def read(payload: bytes) -> dict[str, Any]:
    """Return the object that a payload is; empty if it is none, for anybody may have written it."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def vantage_of(told: dict[str, Any]) -> str | None:
    """Return the vantage that a payload names."""
    vantage = told.get("vantage")
    return vantage if isinstance(vantage, str) else None
