"""Finding what is told below our root: what we left there in earlier lives, and who else tells the same."""

import asyncio
import json
import time
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
    """What the broker retains of statuses and incidents, and who told it."""

    def __init__(self, vantage: str) -> None:
        self._vantage = vantage
        self._latest = time.monotonic()
        self.ours: set[str] = set()
        """Topics that we have told, in this life or an earlier one."""
        self.others: dict[str, str] = {}
        """By topic, the vantage that told it, if it was not ours."""

    async def hear(self, delivery: Delivery) -> None:
        """Take in one status or incident."""
        if not delivery.retained:
            return
        self._latest = time.monotonic()
        vantage = vantage_of(read(delivery.payload))
        if vantage == self._vantage and len(self.ours) < MOST:
            self.ours.add(delivery.topic)
        elif vantage is not None and len(self.others) < MOST:
            self.others[delivery.topic] = vantage

    async def over(self) -> None:
        """Wait until the broker has brought what it retains."""
        began = self._latest = time.monotonic()
        while time.monotonic() < min(self._latest + QUIET, began + LONGEST):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET / 5)


async def sweep(session: Session, root: str, vantage: str) -> Sweep:
    """Listen to all that is retained for a moment, with QoS 0: brokers bound the queue of what has QoS 1.

    Raises Refused if we may not.
    """
    found = Sweep(vantage)
    filters = [f"{root}/{tree}" for tree in TREES]
    try:
        for pattern in filters:
            await session.subscribe(pattern, found.hear, qos=0)
        await found.over()
    finally:
        for pattern in filters:
            session.unsubscribe(pattern)
    return found


async def comes_back(session: Session, topic: str, boot: str, patience: float) -> bool:
    """Say whether what this *boot* told on *topic* can be read there within *patience* seconds.

    Some brokers take what they do not pass on. Raises Refused if we may not read it.
    """
    heard = asyncio.Event()

    async def hear(delivery: Delivery) -> None:
        if read(delivery.payload).get("boot") == boot:
            heard.set()

    try:
        await session.subscribe(topic, hear, qos=0)
        async with asyncio.timeout(patience):
            await heard.wait()
    except TimeoutError:
        return False
    finally:
        session.unsubscribe(topic)
    return True


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
