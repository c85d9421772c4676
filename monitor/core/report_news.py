"""What is told of what a person has reported: how it went, who says so, and for how long it holds."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from monitor.core.inventory import Inventory, Name
from monitor.core.planned_news import By
from monitor.core.report import Report
from monitor.core.sentence import WORDS
from monitor.core.words import Words
from monitor.core.world import Check, Json


def report_news(
    check: Check, report: Report, by: By, valid_for: float, inventory: Inventory, zone: tzinfo
) -> Mapping[str, Json]:
    """Return what the event of a report says, its sentence in every language included."""
    until = report.at + valid_for
    data: dict[str, Json] = {
        "subject": check.subject,
        "state": str(report.state),
        "note": report.note,
        "until": round(until, 3),
        "who": by.name,
        "uid": by.uid,
        "via": by.via,
    }
    name = name_of(check, inventory)
    facts = {"who": by.name, "note": report.note, "until": moment(until, zone)}
    sentences: dict[str, Json] = {key: _sentence(name, report, facts, words) for key, words in WORDS.items()}
    return data | {"sentence": sentences}


def report_facts(
    check: Check, report: Report | None, valid_for: float, inventory: Inventory, at: float
) -> dict[str, Json]:
    """Return how the latest roll-call of a check went, as of wall time *at*: the API and the verbs say it."""
    name = name_of(check, inventory)
    until = None if report is None else report.at + valid_for
    return {
        "check": check.id,
        "subject": check.subject,
        "name": {"zh": name.zh, "en": name.en},
        "state": None if report is None else str(report.state),
        "at": None if report is None else round(report.at, 3),
        "until": None if until is None else round(until, 3),
        "due": until is None or at > until,
        "note": "" if report is None else report.note,
        "who": "" if report is None else report.who,
        "via": "" if report is None else report.via,
    }


def standing_clauses(facts: Mapping[str, Any], zone: tzinfo | None, words: Words) -> Iterator[str]:
    """Say in clauses how a roll-call stands, from its facts: what it gave, until when, or that it is due."""
    says = words.report
    if facts["state"] is None:
        yield says["due"]
        return
    until = moment(facts["until"], zone)
    yield says[facts["state"]]
    yield says["expired" if facts["due"] else "until"].format(until=until)
    yield from (says[key].format(**{key: facts[key]}) for key in ("who", "note") if facts[key])


def name_of(check: Check, inventory: Inventory) -> Name:
    """Name what a check looks at: its device where there is one."""
    device = inventory.devices.get(check.subject)
    if device is None:
        return Name(check.subject, check.subject)
    center = inventory.centers[device.center].name
    return Name(f"{center.zh}{device.name.zh}", f"{device.name.en} at {center.en}")


def moment(at: float, zone: tzinfo | None) -> str:
    """Return a time as people write it, with its day."""
    return f"{datetime.fromtimestamp(at, zone):%m-%d %H:%M}"


def _sentence(name: Name, report: Report, facts: Mapping[str, str], words: Words) -> str:
    told = words.semicolon.join(_clauses(name, report, facts, words)) + words.sentence["end"]
    return told[:1].upper() + told[1:]


def _clauses(name: Name, report: Report, facts: Mapping[str, str], words: Words) -> Iterator[str]:
    says = words.report
    called = name.zh if words.language == "zh" else name.en
    yield says["entered"].format(name=called, state=says[report.state])
    yield from (says[key].format(**{key: fact}) for key, fact in facts.items() if fact)
