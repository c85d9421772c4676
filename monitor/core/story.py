"""What is told of an incident: facts for programs, and one sentence for a duty officer in each language."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from monitor.core.diagnosis.consequences import Impact, Reduced
from monitor.core.incident import Change, Incident, Stage
from monitor.core.inventory import Inventory
from monitor.core.sentence import WORDS, called, carrier_of, clock, duration
from monitor.core.sentence import Scene as Setting
from monitor.core.topology import Kind, Topology
from monitor.core.words import Words
from monitor.core.world import Json

MOST = 20
"""So many observations or subjects of a kind are listed; all are counted."""
NAMED = 3
"""So many are named in a sentence."""


class Scene(NamedTuple):
    """What is known beside the incident itself."""

    topology: Topology
    inventory: Inventory
    effect: Impact
    """What all that is broken now does together."""
    zone: tzinfo
    """Time zone in which times of day are told."""


def incident_news(change: Change, scene: Scene) -> Mapping[str, Json]:
    """Return what the event of a changed incident says, its sentence in every language included."""
    now, before = change.now, change.before
    return {
        "was": str(before.stage) if before else None,
        **incident_facts(now, scene),
        "sentence": {language: incident_sentence(change, scene, language) for language in WORDS},
    }


def incident_facts(incident: Incident, scene: Scene) -> dict[str, Json]:
    """Return all that is known of an incident."""
    component = scene.topology.components[incident.component]
    circuit = scene.inventory.circuits.get(incident.component)
    carrier = scene.inventory.carriers.get(circuit.carrier) if circuit and circuit.carrier else None
    effect = _own_effect(incident, scene)
    return {
        "incident": incident.id,
        "stage": str(incident.stage),
        "component": incident.component,
        "kind": str(component.kind),
        "center": component.center,
        "name": {"zh": component.name.zh, "en": component.name.en},
        "group": list(incident.group),
        "confidence": round(incident.confidence, 4),
        "since": incident.since,
        "confirmed_at": incident.confirmed_at,
        "recovering_at": incident.recovering_at,
        "closed_at": incident.closed_at,
        "relapses": incident.relapses,
        "hold": incident.hold,
        "behind": incident.behind,
        "called": list(incident.called),
        "planned": incident.planned,
        "failing": len(incident.explains),
        "evidence": list(incident.explains[:MOST]),
        "against": list(incident.against[:MOST]),
        "others": [
            {"causes": list(o.causes), "confidence": round(o.confidence, 4), "behind": round(o.behind, 2)}
            for o in incident.others
        ],
        "lost": list(effect.lost[:MOST]),
        "reduced": [{"subject": one.subject, "over": list(one.over)} for one in effect.reduced[:MOST]],
        "isolated": effect.isolated,
        "carrier": None
        if carrier is None or circuit is None
        else {
            "zh": carrier.name.zh,
            "en": carrier.name.en,
            "number": circuit.number,
            "hotline": carrier.hotline,
        },
    }


def incident_sentence(change: Change, scene: Scene, language: str) -> str:
    """Tell one change of an incident in one sentence."""
    words = WORDS[language]
    clauses = [clause for clause in _clauses(change, scene, words) if clause]
    return words.semicolon.join(clauses) + words.sentence["end"]


def _clauses(change: Change, scene: Scene, words: Words) -> Iterator[str]:
    now, before = change.now, change.before
    yield _first(now, scene, words)
    if now.stage is Stage.CLOSED:
        return
    if before is not None and before.component != now.component and before.stage is not Stage.SUSPECTED:
        yield words.incident["renamed"].format(before=_name(before.component, scene, words))
    if now.behind is not None:
        yield words.incident["hidden"].format(behind=_name(now.behind, scene, words))
    if now.stage is Stage.RECOVERING:
        return
    if now.relapses:
        yield words.incident["relapsed"].format(count=now.relapses)
    if now.planned:
        yield words.incident["planned"]
    yield from _consequences(now, scene, words)
    circuit = scene.inventory.circuits.get(now.component)
    if circuit is not None:
        yield carrier_of(circuit, Setting(scene.inventory, {}, scene.zone), words)
    if len(now.group) > 1:
        others = words.comma.join(_name(name, scene, words) for name in now.group[1 : NAMED + 1])
        yield words.incident["either"].format(others=others)
    yield words.incident["sure"].format(confidence=min(99, int(now.confidence * 100)))


def _first(now: Incident, scene: Scene, words: Words) -> str:
    stage = str(now.stage)
    if now.stage is Stage.CLOSED and now.confirmed_at is None:
        stage = "withdrawn"
    kind = scene.topology.components[now.component].kind
    name = _name(now.component, scene, words)
    pattern = words.incident.get(f"fault_{kind}", words.incident["fault"])
    ended = now.recovering_at or now.closed_at or now.since
    return words.incident[stage].format(
        name=name,
        fault=pattern.format(name=name),
        at=clock(now.since, scene.zone),
        hold=duration(now.hold, words),
        duration=duration(ended - now.since, words),
    )


def _consequences(now: Incident, scene: Scene, words: Words) -> Iterator[str]:
    """Say what the incident takes away, and what is left of what it touches."""
    effect = _own_effect(now, scene)
    if effect.isolated and scene.topology.components[now.component].kind in (Kind.UPLINK, Kind.ROUTER):
        yield words.incident["isolated"]
        return
    if effect.lost:
        yield words.incident["lost"].format(subjects=_listed(effect.lost, scene, words))
    for one in effect.reduced[:NAMED]:
        yield _left(one, scene, words)


def _left(one: Reduced, scene: Scene, words: Words) -> str:
    subject = _subject(one.subject, scene, words)
    if len(one.over) != 1:
        return words.incident["single"].format(subject=subject)
    role = words.role[scene.inventory.circuits[one.over[0]].role]
    return words.incident["left"].format(subject=subject, role=role)


def _own_effect(incident: Incident, scene: Scene) -> Impact:
    """Return what of all that is lost or reduced now goes over the incident's component."""
    mine = {
        passage.subject
        for passage in scene.topology.passages
        if any(incident.component in one for one in passage.alternatives)
    }
    effect = scene.effect
    lost = tuple(subject for subject in effect.lost if subject in mine)
    reduced = tuple(one for one in effect.reduced if one.subject in mine)
    return Impact(lost, reduced, {}, effect.isolated)


def _listed(subjects: Sequence[str], scene: Scene, words: Words) -> str:
    named = words.comma.join(_subject(name, scene, words) for name in subjects[:NAMED])
    more = words.incident["more"].format(count=len(subjects)) if len(subjects) > NAMED else ""
    return f"{named}{more}" if words.language == "zh" else f"{named} {more}".strip()


def _subject(subject: str, scene: Scene, words: Words) -> str:
    center, _, rest = subject.partition("/")
    name = called(scene.inventory.centers[center].name, words.language)
    device = scene.inventory.devices.get(subject)
    if device is not None:
        own = called(device.name, words.language)
        return f"{name}{own}" if words.language == "zh" else f"{name}, {own}"
    network = called(scene.inventory.networks[rest].name, words.language)
    return words.incident["link"].format(center=name, network=network)


def _name(component: str, scene: Scene, words: Words) -> str:
    return called(scene.topology.components[component].name, words.language)
