"""Alarms: what is told to the officers on duty, step by step, until somebody answers."""

from monitor.core.alarm.model import SHORTEST, Address, Message, Severity

__all__ = ["SHORTEST", "Address", "Message", "Severity"]
