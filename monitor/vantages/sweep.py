"""Finding what a broker still keeps of us from an earlier life."""

import asyncio
import time

from monitor.kit.mqtt import Delivery, Session

QUIET = 0.5
"""Seconds without a retained message after which there are no more to come."""
LONGEST = 10.0
"""Seconds after which we stop listening in any case."""
MOST = 100_000
"""Topics remembered at most."""


async def retained(session: Session, pattern: str) -> set[str]:
    """Return the topics that match *pattern* and that the broker retains.

    Listens for a moment, with QoS 0: brokers bound the queue of what has QoS 1. Raises Refused if we may not.
    """
    found: set[str] = set()
    latest = time.monotonic()

    async def hear(delivery: Delivery) -> None:
        nonlocal latest
        if delivery.retained and delivery.payload:
            latest = time.monotonic()
            if len(found) < MOST:
                found.add(delivery.topic)

    await session.subscribe(pattern, hear, qos=0)
    try:
        began = latest = time.monotonic()
        while time.monotonic() < min(latest + QUIET, began + LONGEST):  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET / 5)
    finally:
        session.unsubscribe(pattern)
    return found
