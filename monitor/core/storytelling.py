"""From an incident to its story."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo

from monitor.core.diagnosis import Cause, Diagnosis, Rival
from monitor.core.diagnosis.consequences import Impact, impact
from monitor.core.diagnosis.looks import deciding
from monitor.core.headline import headline
from monitor.core.incident import Incident
from monitor.core.inventory import Circuit, Inventory, Name, RiskKind
from monitor.core.meaning import Setting
from monitor.core.sentence import WORDS
from monitor.core.story import Call, Left, Story
from monitor.core.story_facts import FEW, MOST
from monitor.core.topology import Passage, Topology
from monitor.core.topology.model import is_open
from monitor.core.trace import where

UNDECLARED = "unknown"
"""The kind of what is no longer declared."""


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
