"""Every word that people read, one module per language; Chinese is written first, English follows.

`WORDS["zh"]` and `WORDS["en"]` have the same fields, so a text that is missing in one does not build.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str
    health: Mapping[str, str]
    """By `Health`."""
    presence: Mapping[str, str]
    """By `Presence`, of the daemon at another vantage."""
    role: Mapping[str, str]
    """By `Role`."""
    bearer: Mapping[str, str]
    """By `Bearer`."""
    severity: Mapping[str, str]
    """By `Severity`."""
    reason: Mapping[str, str]
    """By reason, where people say more than the word itself."""
    label: Mapping[str, str]
    """Headings and short labels of tables and pages."""
    fact: Mapping[str, str]
    """By key, what is known besides of what happened to a daemon; `<key>_true`, `<key>_false` of what is so or not."""
    trouble: Mapping[str, str]
    """By a piece of a technical text in English, what it says in short; empty where that is clear enough."""
    sentence: Mapping[str, str]
    """Patterns of whole sentences, see `core/sentence.py`."""
    incident: Mapping[str, str]
    """Patterns of the sentences about incidents, see `core/headline.py`."""
    planned: Mapping[str, str]
    """Patterns of the sentences about planned work, see `core/planned_news.py`."""
    duty: Mapping[str, str]
    """What is said of who is on duty."""
    alarm: Mapping[str, str]
    """What is said around alarms and of our own troubles, see `core/alarm`."""
    alarm_severity: Mapping[str, str]
    """By `core.alarm.Severity`."""
    handover: Mapping[str, str]
    """What stands on the page that is handed over to the next on duty."""
    report: Mapping[str, str]
    """Patterns about what people report, see `core/report_news.py`."""
    audit: Mapping[str, str]
    """What is said of the acts of people: by act, `why_…` a break of their chain, `fact_…` what belongs to one."""
    demo: Mapping[str, str]
    """What the demo says."""
    comma: str
    """Between the members of an enumeration."""
    colon: str
    """Behind what is spoken of."""
    semicolon: str
    """Between the clauses of a sentence."""
