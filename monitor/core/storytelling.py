"""From an incident to its story, and from a story to the facts that events, payloads and the API give."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo

from monitor.core.diagnosis import Cause, Diagnosis, Rival
from monitor.core.diagnosis.consequences import Impact, impact
from monitor.core.diagnosis.looks import deciding
from monitor.core.headline import headline
from monitor.core.incident import Change, Incident, Stage
from monitor.core.inventory import Circuit, Inventory, Name, RiskKind
from monitor.core.meaning import Setting
from monitor.core.sentence import WORDS
from monitor.core.story import Call, Left, Story
from monitor.core.topology import Passage, Topology
from monitor.core.topology.model import is_open
from monitor.core.trace import came, ending_facts, shortened, where
from monitor.core.world import Json

LOOKS = 20
"""So many observations are listed in the facts; all are counted."""
MOST = 12
"""The same of components, links and devices."""
FEW = 5
"""The same of other explanations and of carriers; all of it has to fit into one message."""
TRACES = 4
"""The same of traces: of two circuits from both ends."""
UNDECLARED = "unknown"
"""The kind of what is no longer declared."""
PLACES = 4
"""Digits behind the point of a probability."""


class Storyteller:
    """Tells the incidents of one city, as it is declared; at first nothing is broken."""

    def __init__(self, topology: Topology, inventory: Inventory, zone: tzinfo) -> None:
        """Tell times of day in *zone*."""
        self._topology = topology
        self._inventory = inventory
        self._zone = zone
        self._passages = {passage.subject: passage for passage in topology.passages}
        self._way_out = {name for way in topology.exits for one in way.alternatives for name in one}
        self._inside: dict[str, list[Passage]] = {}
        for passage in topology.passages:
            self._inside.setdefault(passage.center, []).append(passage)
        self._broken: tuple[str, ...] = ()
        self._effect = Impact()
        self._told: dict[str, tuple[Incident, Story]] = {}

    def stories(self, incidents: Iterable[Incident], broken: tuple[str, ...]) -> dict[str, Story]:
        """Return the stories of all open incidents by id, now that these components are *broken*.

        What has not changed is the story told before.
        """
        known = self._told
        if broken != self._broken:
            known, self._broken, self._effect = {}, broken, impact(self._topology, broken)
        told: dict[str, tuple[Incident, Story]] = {}
        for one in incidents:
            before = known.get(one.id)
            if before is None or before[0] != one:
                before = (one, self.story(one))
            told[one.id] = before
        self._told = told
        return {name: story for name, (_, story) in told.items()}

    def story(self, incident: Incident) -> Story:
        """Return what is told of *incident* as things stand."""
        effect = self._effect
        kind, name, center = self._declared(incident.component)
        lost = tuple(subject for subject in effect.lost if self._crosses(subject, incident.component))
        reduced = tuple(
            Left(one.subject, one.over)
            for one in effect.reduced
            if self._crosses(one.subject, incident.component)
        )
        hidden = tuple(sorted(n for n, behind in effect.masked.items() if behind == incident.component))
        known = replace(incident, group=self._known(incident.group) or (incident.component,))
        story = Story(
            known,
            kind,
            name,
            center,
            frozenset(self._touched(incident, lost, reduced, hidden)),
            lost,
            sum(bool(self._passages[subject].over) for subject in lost),
            reduced,
            self._works(center, {one.subject for one in reduced}),
            hidden,
            effect.isolated and incident.component in self._way_out,
            tuple(self._calls(incident.component)),
            self._deciding(known),
            {language: tuple(self._endings(known, language)) for language in WORDS if known.endings},
        )
        story = replace(story, names=self._names(story))
        setting = Setting(self._topology, self._inventory, frozenset(effect.masked), self._zone)
        return replace(story, sentence={language: headline(story, setting, language) for language in WORDS})

    def knows(self, component: str) -> bool:
        """Tell whether *component* is declared."""
        return component in self._topology.components

    def _declared(self, component: str) -> tuple[str, Name, str | None]:
        """Return a component's kind, name and center; one that is no longer declared has but its id."""
        known = self._topology.components.get(component)
        if known is None:
            return UNDECLARED, Name(component, component), None
        return str(known.kind), known.name, known.center

    def _known(self, components: Iterable[str]) -> tuple[str, ...]:
        """Return those of *components* that are still declared."""
        return tuple(name for name in components if name in self._topology.components)

    def _crosses(self, subject: str, component: str) -> bool:
        return any(component in one for one in self._passages[subject].alternatives)

    # What it touches.

    def _touched(
        self, incident: Incident, lost: Iterable[str], reduced: Iterable[Left], hidden: Iterable[str]
    ) -> Iterator[str]:
        known = self._topology.observations
        looks = (known[name] for name in incident.explains if name in known)
        # A look at a network over a circuit says that the circuit is cut, and nothing of the network.
        looked_at = (look.subject for look in looks if look.check.startswith(look.subject))
        passages = [*lost, *(one.subject for one in reduced)]
        circuits = (name for path in passages for name in self._spoilt(path, incident.component))
        for path in (incident.component, *looked_at, *passages, *circuits, *hidden):
            yield from self._subjects(path)

    def _spoilt(self, subject: str, component: str) -> Iterator[str]:
        """Give the circuits of a link that are of no use while *component* is broken."""
        passage = self._passages[subject]
        if passage.over:
            both = zip(passage.over, passage.alternatives, strict=True)
            yield from (circuit for circuit, way in both if component in way)

    def _subjects(self, path: str) -> Iterator[str]:
        """Give the subject that a path names or lies in, and those that it is part of."""
        first, _, rest = path.partition("/")
        if first == "network":
            network = rest.partition("/")[0]
            if network in self._inventory.networks:
                yield f"network/{network}"
            return
        if first not in self._inventory.centers:
            return
        yield first
        below = "/".join(path.split("/")[:2])
        if below in self._passages:  # a link or a device
            yield below
        if path in self._inventory.circuits:
            yield path

    def _works(self, center: str | None, reduced: Collection[str]) -> tuple[str, ...]:
        gone = frozenset((*self._broken, *self._effect.masked))
        return tuple(
            passage.subject
            for passage in self._inside.get(center or "", ())
            if passage.subject.count("/") == 1
            and passage.subject not in reduced
            and is_open(passage.alternatives, gone)
        )

    # Whom to call, and where to look next.

    def _calls(self, component: str) -> Iterator[Call]:
        carriers = self._inventory.carriers
        kind, _, key = component.partition("/")
        if kind == "carrier" and key in carriers:
            yield Call(carriers[key].name, carriers[key].hotline, ())
            return
        numbers: dict[str, list[str]] = {}
        for circuit in self._circuits(component):
            if circuit.carrier is not None:
                numbers.setdefault(circuit.carrier, []).append(circuit.number)
        for name, own in numbers.items():
            yield Call(carriers[name].name, carriers[name].hotline, tuple(filter(None, own)))

    def _circuits(self, component: str) -> Iterator[Circuit]:
        """Give the circuits that are broken if *component* is and that their carrier has to mend."""
        circuits = self._inventory.circuits
        risk = self._inventory.risks.get(component.removeprefix("risk/"))
        if component in circuits:
            yield circuits[component]
        elif component.startswith("risk/") and risk is not None and risk.kind is not RiskKind.FEED:
            yield from (circuits[member] for member in risk.members if member in circuits)

    def _deciding(self, incident: Incident) -> tuple[str, ...]:
        """Return the looks that would tell it from the next of its group, or from its nearest rival."""
        rivals = [
            Rival((incident.component,), other.causes, other.behind, other.confidence)
            for other in incident.others[:1]
            if self._known(other.causes) == other.causes
        ]
        if not self.knows(incident.component) or (len(incident.group) == 1 and not rivals):
            return ()
        others = (Cause(n, (n,), 1.0, (), ()) for n in self._known(self._broken) if n != incident.component)
        own = Cause(incident.component, incident.group, incident.confidence, (), ())
        return deciding(self._topology, Diagnosis((own, *others), rivals=tuple(rivals)))

    def _endings(self, incident: Incident, language: str) -> Iterator[str]:
        for ending in incident.endings:
            vantage = self._inventory.vantages.get(ending.vantage)
            yield where(ending, vantage.name if vantage else None, language)

    # Names.

    def _names(self, story: Story) -> Mapping[str, Name]:
        incident = story.incident
        mentioned = [
            incident.component,
            *incident.group[:MOST],
            *(cause for other in incident.others[:FEW] for cause in other.causes[:FEW]),
            *filter(None, (incident.behind,)),
            *incident.called[-FEW:],
            *story.lost[:MOST],
            *(path for one in story.reduced[:MOST] for path in (one.subject, *one.over)),
            *story.works[:MOST],
        ]
        named = ((path, self._name(path)) for path in dict.fromkeys(mentioned))
        return {path: name for path, name in named if name is not None}

    def _name(self, path: str) -> Name | None:
        component = self._topology.components.get(path)
        if component is not None:
            return component.name
        first, _, network = path.partition("/")
        center, other = self._inventory.centers.get(first), self._inventory.networks.get(network)
        if center is None or other is None:
            return None
        return Name(f"{center.name.zh}至{other.name.zh}链路", f"{center.name.en} to {other.name.en}")


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
