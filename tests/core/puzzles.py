"""Random networks with random evidence, and what an answer costs by the definition: no cleverness in here."""

from dataclasses import dataclass
from math import log
from random import Random

from monitor.core.diagnosis import Evidence, Tuning
from monitor.core.diagnosis.evidence import HOURS
from monitor.core.inventory import Name
from monitor.core.topology import Component, Kind, Observation, Topology
from monitor.core.topology.model import is_open

NAME = Name("甲", "A")


@dataclass(frozen=True)
class Puzzle:
    """A network and what is seen of it."""

    topology: Topology
    evidence: dict[str, Evidence]
    tuning: Tuning = Tuning()  # noqa: RUF009 - frozen

    def weight(self, component):
        """Return what it costs to call a component broken."""
        return -log(self.topology.components[component].rate * self.tuning.window / HOURS)

    def denied(self, name):
        """Return what it costs to deny an observation."""
        return min(abs(self.evidence[name].llr), self.tuning.slack)

    def cost(self, broken):
        """Return what an answer costs: its components, and every look that it calls wrong."""
        broken = frozenset(broken)
        total = sum(self.weight(name) for name in broken)
        for name, seen in self.evidence.items():
            down = not is_open(self.topology.observations[name].alternatives, broken)
            if down != (seen.llr > 0):
                total += self.denied(name)
        return total


def network(ways, rates=None, **fields):
    """Return the topology of *ways*: by observation, its alternatives as texts of one-letter components."""
    alternatives = {name: tuple(frozenset(one) for one in way.split("|")) for name, way in ways.items()}
    names = sorted({c for way in alternatives.values() for one in way for c in one} | {*(rates or {})})
    return Topology(
        {c: Component(c, Kind.CIRCUIT, NAME, (rates or {}).get(c, 1.0)) for c in names},
        {name: Observation(name, "v", name, name, way) for name, way in alternatives.items()},
        **fields,
    )


def evidence_of(topology, broken, *, good=-12.0, bad=22.0):
    """Return what every vantage sees while *broken* are; what cannot be reported is missing."""
    broken = frozenset(broken)
    return {
        o.id: Evidence(good if is_open(o.alternatives, broken) else bad, 0.0)
        for o in topology.observations.values()
        if is_open(o.reports, broken)
    }


def puzzle(seed, *, size=14, looks=22):
    """Return a random network of *size* components with random faults and false looks."""
    die = Random(seed)  # noqa: S311 - a seed, to be had again
    names = [f"c{n}" for n in range(size)]
    components = {n: Component(n, Kind.CIRCUIT, NAME, die.choice((0.1, 0.3, 1.0, 3.0))) for n in names}
    observations = {}
    for number in range(looks):
        count = die.choice((1, 1, 1, 2, 2, 4))
        ways = tuple(frozenset(die.sample(names, die.randint(1, min(5, size)))) for _ in range(count))
        observations[f"o{number}"] = Observation(f"o{number}", "v", f"o{number}", "s", ways)
    topology = Topology(components, observations)
    broken = frozenset(die.sample(names, die.randint(0, 4)))
    evidence = {}
    for name, observation in observations.items():
        down = is_open(observation.alternatives, broken) == (die.random() < 0.1)
        if die.random() < 0.9:
            evidence[name] = Evidence(die.choice((5.0, 12.0, 22.0)) * (1 if down else -1), 0.0)
    return Puzzle(topology, evidence)
