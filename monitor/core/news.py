"""What is worth an event, and what the event says."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.detection import Belief
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.quality import Decline, rank
from monitor.core.sentence import WORDS, Scene, sentence
from monitor.core.world import Check, Json


@dataclass(frozen=True, slots=True)
class Change:
    """What was said of a subject, and what is said now."""

    before: Status | None
    now: Status


def belief_is_news(was: Belief, now: Belief) -> bool:
    """Tell whether a change of belief is an event; that a check was looked at for the first time is none."""
    if was.reason == "not_looked_yet" and now.steady:
        return False
    return (was.verdict, was.suspected) != (now.verdict, now.suspected)


def belief_news(check: Check, was: Belief, now: Belief, *, planned: bool = False) -> Mapping[str, Json]:
    """Return what the event of a changed belief says; of a suspicion, since when and why it is one.

    *planned*: the look may fail because of planned work.
    """
    doubt = now.doubt if now.suspected else None
    data: dict[str, Json] = {
        "subject": check.subject,
        "was": str(was.verdict),
        "now": str(now.verdict),
        "suspected": now.suspected,
        "since": doubt.began if doubt else now.since,
        "reason": doubt.reason if doubt else now.reason,
        "detail": doubt.detail if doubt else now.detail,
        **_measured(now.decline),
    }
    return data | {"planned": True} if planned else data


def _measured(decline: Decline | None) -> Mapping[str, Json]:
    """Return in numbers how much worse something has become; nothing if it has not."""
    if decline is None:
        return {}
    return {
        "severity": str(decline.severity),
        "loss": decline.loss,
        "rtt": decline.rtt,
        "usual_rtt": decline.usual,
    }


def status_is_news(change: Change) -> bool:
    """Tell whether a change of status is an event; a first good look is none, nor is mere wording."""
    before, now = change.before, change.now
    if before is None or before.reason == "not_looked_yet":
        return now.health not in (Health.UP, Health.UNKNOWN)
    return (before.health, before.suspected) != (now.health, now.suspected) or _is_graver(change)


def _is_graver(change: Change) -> bool:
    """Tell whether what was told to be worse than it used to be is more severely so than was told."""
    before, now = change.before, change.now
    if before is None or before.severity is None or now.kind in (SubjectKind.LINK, SubjectKind.CENTER):
        return False
    return now.severity is not None and rank(now.decline) > rank(before.decline)


def status_news(change: Change, scene: Scene) -> Mapping[str, Json]:
    """Return what the event of a changed status says, its sentence in every language included."""
    before, now = change.before, change.now
    data: dict[str, Json] = {
        "kind": str(now.kind),
        "was": str(before.health) if before else str(Health.UNKNOWN),
        "now": str(now.health),
        "suspected": now.suspected,
        "since": now.since,
        "reason": now.reason,
        "active": str(now.active) if now.active else None,
        **_measured(now.decline if now.severity else None),
    }
    if now.planned or (before is not None and before.health is Health.MAINTENANCE):
        data["planned"] = True
    if before is None or before.health is not now.health or _is_graver(change):
        data["sentence"] = {language: sentence(now, before, scene, language) for language in WORDS}
    return data
