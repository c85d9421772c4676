"""From a story to the facts that events, payloads and the API give."""

from collections.abc import Iterator, Mapping

from monitor.core.incident import Change, Incident, Stage
from monitor.core.inventory import Name
from monitor.core.sentence import WORDS
from monitor.core.story import Story
from monitor.core.trace import came, ending_facts, shortened
from monitor.core.world import Json

LOOKS = 20
"""So many observations are listed in the facts; all are counted."""
MOST = 12
"""The same of components, links and devices."""
FEW = 5
"""The same of other explanations and of carriers; all of it has to fit into one message."""
TRACES = 4
"""The same of traces: of two circuits from both ends."""
PLACES = 4
"""Digits behind the point of a probability."""


def incident_news(change: Change, story: Story) -> Mapping[str, Json]:
    """Return what the event of a changed incident says, its sentence in every language included."""
    return {"was": str(change.before.stage) if change.before else None, **incident_facts(story)}


def incident_facts(story: Story) -> dict[str, Json]:
    """Return all that is known of an incident, bounded; events, payloads and the API have the same keys."""
    incident = story.incident
    return {
        "incident": incident.id,
        "stage": str(incident.stage),
        "component": incident.component,
        "kind": story.kind,
        "center": story.center,
        "name": _named(story.name),
        "group": list(incident.group[:MOST]),
        "confidence": round(incident.confidence, PLACES),
        "since": round(incident.since, 3),
        "confirmed_at": _rounded(incident.confirmed_at),
        "recovering_at": _rounded(incident.recovering_at),
        "closed_at": _rounded(incident.closed_at),
        "reason": _why_closed(incident),
        "relapses": incident.relapses,
        "hold": incident.hold,
        "behind": incident.behind,
        "called": list(incident.called[-FEW:]),
        "planned": incident.planned,
        "failing": len(incident.explains),
        "evidence": list(incident.explains[:LOOKS]),
        "contradicting": len(incident.against),
        "against": list(incident.against[:LOOKS]),
        "others": [
            {
                "causes": list(other.causes[:FEW]),
                "confidence": round(other.confidence, PLACES),
                "behind": round(other.behind, 2),
            }
            for other in incident.others[:FEW]
        ],
        "deciding": list(story.deciding),
        "affected": len(story.lost) + len(story.reduced),
        "lost": list(story.lost[:MOST]),
        "lost_links": story.lost_links,
        "reduced": [{"subject": one.subject, "over": list(one.over)} for one in story.reduced[:MOST]],
        "works": list(story.works[:MOST]),
        "hiding": len(story.hidden),
        "hidden": list(story.hidden[:MOST]),
        "isolated": story.isolated,
        "carriers": [
            {"name": _named(call.carrier), "hotline": call.hotline, "numbers": list(call.numbers[:MOST])}
            for call in story.calls[:FEW]
        ],
        "traces": list(_traces(story)),
        "names": [{"path": path, **_named(name)} for path, name in story.names.items()],
        "sentence": dict(story.sentence),
    }


def _why_closed(incident: Incident) -> str | None:
    """Return why an incident is closed, a short stable word; None: it is open."""
    if incident.stage is not Stage.CLOSED:
        return None
    if incident.unwatched:
        return "unwatched"
    if incident.confirmed_at is None:
        return "withdrawn"
    return "recovered" if incident.behind is None else "part"


def _traces(story: Story) -> Iterator[dict[str, Json]]:
    for number, ending in enumerate(story.incident.endings[:TRACES]):
        said: dict[str, Json] = {}
        for language, clauses in story.endings.items():
            parts = (clauses[number], came(ending, language))
            said[language] = WORDS[language].semicolon.join(filter(None, parts))
        ways: dict[str, Json] = {"hops": list(shortened(ending.hops)), "was": list(shortened(ending.was))}
        yield {**ending_facts(ending), **ways, "told": said}


def _named(name: Name) -> dict[str, Json]:
    return {"zh": name.zh, "en": name.en}


def _rounded(at: float | None) -> float | None:
    return None if at is None else round(at, 3)
