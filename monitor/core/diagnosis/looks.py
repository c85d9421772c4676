"""Which looks matter: to make anew after a first miss, for and against a suspect, to decide between two."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from math import log

from monitor.core.diagnosis.answer import Diagnosis
from monitor.core.diagnosis.evidence import Evidence
from monitor.core.topology import Topology
from monitor.core.topology.model import is_open

MOST = 8
"""So many deciding looks are named at most."""


@dataclass(frozen=True, slots=True)
class Case:
    """What there is for and against one component being broken, by observation id."""

    speaking_for: tuple[str, ...]
    """They look down, and would if it alone were broken."""
    speaking_against: tuple[str, ...]
    """They look up, and would not if it were broken."""
    partly: tuple[str, ...]
    """They look down, and it would take a second fault besides this one."""
    missing: tuple[str, ...]
    """They would tell, if we heard of them."""


def case(topology: Topology, evidence: Mapping[str, Evidence], component: str) -> Case:
    """Return the evidence for and against *component* being broken."""
    alone = frozenset({component})
    found: dict[str, list[str]] = {"for": [], "against": [], "partly": [], "missing": []}
    for row in sorted(topology.rows_of(alone)):
        name = topology.seen[row]
        observation = topology.observations[name]
        down, seen = not is_open(observation.alternatives, alone), evidence.get(name)
        if row != topology.row_of[name]:
            answered = seen is not None and seen.path_up and row == topology.way_of.get(name)
            if answered and not is_open(observation.way, alone):
                found["against"].append(name)
        elif seen is None or seen.age > observation.max_age or not seen.llr:
            found["missing"] += [name] if down else []
        elif seen.llr > 0.0:
            found["for" if down else "partly"].append(name)
        elif not observation.told and not is_open(observation.proves or observation.alternatives, alone):
            found["against"].append(name)
    return Case(*(tuple(dict.fromkeys(names)) for names in found.values()))


def deciding(topology: Topology, diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the looks that would tell the best answer from its nearest rival, or a cause from its group."""
    best = frozenset(diagnosis.components)
    others = [best - {*rival.instead_of} | {*rival.causes} for rival in diagnosis.rivals[:1]]
    for cause in diagnosis.causes:
        others += [best - {cause.component} | {other} for other in cause.group[1:2]]
    found = (name for other in others for name in _telling(topology, best, other))
    return tuple(dict.fromkeys(found))[:MOST]


def _telling(topology: Topology, one: frozenset[str], other: frozenset[str]) -> Iterator[str]:
    """Give the looks that come out differently, those first that only few components can spoil."""
    rows = {topology.row_of[topology.seen[row]] for row in topology.rows_of(one ^ other)}
    found = []
    for row in rows:
        observation = topology.observations[topology.seen[row]]
        opens = [is_open(observation.alternatives, broken) for broken in (one, other)]
        heard = all(is_open(observation.reports, broken) for broken in (one, other))
        if heard and opens[0] != opens[1]:
            found.append((len(observation.alternatives[0]), row))
    return (topology.seen[row] for _, row in nsmallest(MOST, found))


def related(
    topology: Topology, observation: str, *, by: str | None = None, most: int = 200
) -> tuple[str, ...]:
    """Return the looks to make anew when *observation* missed: those that share a component with it.

    Those come first that split its suspects best, each what the earlier ones left together; after that, those
    that cross the same suspects again. *by*: looks of one vantage only.
    """
    row = topology.row_of[observation]
    suspects = frozenset().union(*topology.rows[row].alternatives)
    alike: dict[frozenset[int], list[int]] = {}
    for other in sorted({r for number in suspects for r in topology.touching[number]} - {row}):
        name = topology.seen[other]
        if other == topology.row_of[name] and by in {None, topology.observations[name].vantage}:
            crossed = topology.rows[other]
            alike.setdefault((crossed.pinned or crossed.alternatives[0]) & suspects, []).append(other)
    order = list(_splitting(topology, suspects, alike))
    rounds = max(map(len, alike.values()), default=0)
    names = (topology.seen[alike[key][n]] for n in range(rounds) for key in order if n < len(alike[key]))
    return tuple(name for name, _ in zip(names, range(most), strict=False))


def _splitting(
    topology: Topology, suspects: frozenset[int], keys: Iterable[frozenset[int]]
) -> Iterator[frozenset[int]]:
    """Give sets of suspects in the order in which they split them best."""
    left, groups = list(keys), [suspects]
    while left:
        best = max(left, key=lambda key: (_told(topology, groups, key), len(key), sorted(key)))
        left.remove(best)
        groups = [part for group in groups for part in (group & best, group - best) if part]
        yield best


def _told(topology: Topology, groups: Iterable[frozenset[int]], key: frozenset[int]) -> float:
    """Return how much a look that crosses *key* would tell: the entropy that it takes from the groups."""
    told = 0.0
    for group in groups:
        parts = [sum(topology.rates[n] for n in part) for part in (group & key, group - key) if part]
        told -= sum(part * log(part / sum(parts)) for part in parts)
    return round(told, 9)
