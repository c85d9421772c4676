"""Which events of other vantages are news, and which are history by the time they reach us."""

from collections.abc import Mapping

from monitor.core.agent import Agent
from monitor.core.world import Event

LATE = 10.0
"""Seconds from happening to reception beyond which an event is history: told, but never as an alert."""


def is_late(event: Event, agents: Mapping[str, Agent]) -> bool:
    """Tell whether an event is not known to have reached us within LATE seconds of its happening.

    What we saw ourselves reached us at once. The age of others' events is reckoned with the sender's clock
    set right; where that gives no credible age, the event is not taken for a fresh one.
    """
    if event.received_at is None:
        return False
    agent = agents.get(event.vantage)
    ahead = (agent.clock_offset if agent else None) or 0.0
    return abs(event.received_at - event.at + ahead) > LATE
