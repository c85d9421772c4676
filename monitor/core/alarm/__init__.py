"""Alarms: what is told to the officers on duty, step by step, until somebody answers."""

from monitor.core.alarm.model import (
    DUTY,
    LEADERS,
    SHORTEST,
    Address,
    Alarm,
    Answer,
    Area,
    Escalation,
    Message,
    Notice,
    Plan,
    Rule,
    Rung,
    Severity,
    Step,
    What,
)

__all__ = [
    "DUTY",
    "LEADERS",
    "SHORTEST",
    "Address",
    "Alarm",
    "Answer",
    "Area",
    "Escalation",
    "Message",
    "Notice",
    "Plan",
    "Rule",
    "Rung",
    "Severity",
    "Step",
    "What",
]
