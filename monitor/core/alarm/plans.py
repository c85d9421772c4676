"""What is done until somebody answers where nobody has said so."""

from collections.abc import Collection

from monitor.core.alarm.model import DUTY, LEADERS, Escalation, Plan, Rule, Step

SECOND = 300.0
"""Seconds after which the leaders are told as well."""


def usual(channels: Collection[str]) -> Escalation:
    """Return one plan for everything: over all channels to those on duty, then to the leaders as well."""
    if not channels:
        return Escalation()
    over = tuple(channels)
    plan = Plan("usual", (Step(0.0, (DUTY,), over), Step(SECOND, (DUTY, LEADERS), over)))
    return Escalation({plan.id: plan}, (Rule(plan.id),))
