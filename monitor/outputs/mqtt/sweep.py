"""Finding what we left on the broker in earlier lives."""

import asyncio
import json
import time

from monitor.kit.mqtt import Delivery, Session
from monitor.outputs.mqtt.topics import TREES

QUIET = 0.5
"""Seconds without a retained message after which there are no more to come."""
LONGEST = 10.0
"""Seconds after which we stop listening in any case."""
MOST = 100_000
"""Topics remembered at most."""


async def sweep(session: Session, root: str, vantage: str) -> set[str]:
    """Return the topics of statuses that *vantage* has ever told and the broker still retains.

    Listens to the trees of statuses for a moment, with QoS 0: brokers bound the queue of what has QoS 1.
    Raises Refused if we may not.
    """
    found: set[str] = set()
    latest = time.monotonic()

    async def hear(delivery: Delivery) -> None:
        nonlocal latest
        if delivery.retained:
            latest = time.monotonic()
            if len(found) < MOST and _told_by(delivery.payload) == vantage:
                found.add(delivery.topic)

    filters = [f"{root}/{tree}" for tree in TREES]
    try:
        for pattern in filters:
            await session.subscribe(pattern, hear, qos=0)
        began = latest = time.monotonic()
        while time.monotonic() < min(latest + QUIET, began + LONGEST):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET / 5)
    finally:
        for pattern in filters:
            session.unsubscribe(pattern)
    return found


def _told_by(payload: bytes) -> str | None:
    """Return the vantage that a payload names; anybody may have written it."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    vantage = told.get("vantage") if isinstance(told, dict) else None
    return vantage if isinstance(vantage, str) else None
