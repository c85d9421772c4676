"""What a fault means: which looks fail or cannot tell, what still works, what is hidden behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from monitor.core.diagnosis.evidence import Evidence, Tuning
from monitor.core.topology import Observation, Passage, Topology
from monitor.core.topology.model import is_open

PREDICTED = Tuning().slack
"""What a predicted observation weighs, nats."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the vantages would see, by observation id."""

    failing: tuple[str, ...]
    blind: tuple[str, ...]
    """Looks of which we would hear nothing: their daemon is off or cut off."""
    good: tuple[str, ...]

    def evidence(self) -> dict[str, Evidence]:
        """Return it as the evidence that it would be."""
        seen = {name: Evidence(PREDICTED, 0.0) for name in self.failing}
        return seen | {name: Evidence(-PREDICTED, 0.0) for name in self.good}


def predict(topology: Topology, broken: Iterable[str]) -> Prediction:
    """Return what would be seen if *broken*, and nothing else, were broken."""
    down = frozenset(broken)
    failing, blind, good = [], [], []
    for name, observation in topology.observations.items():
        if not is_open(observation.reports, down):
            blind.append(name)
        elif is_open(observation.alternatives, down):
            good.append(name)
        else:
            failing.append(name)
    return Prediction(tuple(failing), tuple(blind), tuple(good))


def spoils(topology: Topology, component: str, observation: str) -> bool:
    """Tell whether *component* alone, if it is broken, makes *observation* look down."""
    known = topology.observations.get(observation)
    return known is not None and not is_open(known.alternatives, frozenset({component}))


def is_watched(topology: Topology, component: str, explains: Iterable[str]) -> bool:
    """Tell whether the end of what was broken can be seen: by one of the looks at least that it failed."""
    return component in topology.components and any(name in topology.observations for name in explains)


def is_proven(
    topology: Topology,
    evidence: Mapping[str, Evidence],
    component: str,
    since: float,
    *,
    later: Mapping[str, float] | None = None,
) -> bool:
    """Tell whether a good look that was sent after *since* has got past *component*.

    *later*: of these observations it counts only if it was sent after another time.
    """
    after = later or {}
    rows, one = topology.rows_of([component]), frozenset({component})
    seen = (
        (topology.observations[name], evidence.get(name)) for name in {topology.seen[row] for row in rows}
    )
    return any(
        found is not None
        and found.llr < 0.0
        and found.sent_at > after.get(observation.id, since)
        and not is_open(observation.proves or observation.alternatives, one)
        for observation, found in seen
    )


@dataclass(frozen=True, slots=True)
class Reduced:
    """Something that still works, with less to spare than it had."""

    subject: str
    over: tuple[str, ...]
    """Of a link: the circuits that are left."""
    points: tuple[str, ...]
    """Components that it could do without before, and now cannot: their fault would end it."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What a fault does to links, devices and services. What is in neither works as before."""

    lost: tuple[str, ...] = ()
    """Readable paths: `danjiangkou/province`, `danjiangkou/video`, `danjiangkou/video/h323`."""
    reduced: tuple[Reduced, ...] = ()
    masked: Mapping[str, str] = field(default_factory=dict)
    """Components that no look can reach any more, each with the broken one that it is behind."""
    isolated: bool = False
    """The diagnosing daemon itself reaches no network any more: all else is unknown to it."""


def impact(topology: Topology, broken: Iterable[str]) -> Impact:
    """Return what *broken* does."""
    down = tuple(dict.fromkeys(broken))
    gone = frozenset(down)
    lost = [passage.subject for passage in topology.passages if not is_open(passage.alternatives, gone)]
    reduced = (_reduced(passage, gone) for passage in topology.passages)
    return Impact(
        tuple(lost),
        tuple(one for one in reduced if one is not None),
        masked(topology, down),
        bool(topology.exits) and not any(is_open(way.alternatives, gone) for way in topology.exits),
    )


def _reduced(passage: Passage, gone: frozenset[str]) -> Reduced | None:
    """Return what is left of a passage that lost some of its alternatives, but not all."""
    left = [n for n, one in enumerate(passage.alternatives) if gone.isdisjoint(one)]
    if not left or len(left) == len(passage.alternatives):
        return None
    needed = reduce(frozenset.intersection, (passage.alternatives[n] for n in left))
    always = reduce(frozenset.intersection, passage.alternatives)
    over = tuple(passage.over[n] for n in left) if passage.over else ()
    return Reduced(passage.subject, over, tuple(sorted(needed - always)))


def masked(topology: Topology, broken: Iterable[str]) -> dict[str, str]:
    """Return the components that no look can reach while *broken* are, each with the one that it is behind.

    Their own state cannot be known: it stays what it was, `unknown behind X`.
    """
    down = tuple(broken)
    gone = frozenset(down)
    touched = topology.rows_of(name for name in down if name in topology.class_of)
    found: dict[str, str] = {}
    near = {n for row in touched for one in topology.rows[row].alternatives for n in one}
    near |= {number for o in _unheard(topology, gone) for number in _classes(topology, o)}
    for number in sorted(near):
        seen = [topology.observations[topology.seen[row]] for row in topology.touching[number]]
        if seen and not any(_tells(observation, gone) for observation in seen):
            behind = _behind(seen, down)
            found |= {name: behind for name in topology.classes[number] if name not in gone}
    return found


def _unheard(topology: Topology, gone: frozenset[str]) -> Iterable[Observation]:
    reached = topology.observations.values()
    return (o for o in reached if o.reports and not is_open(o.reports, gone))


def _classes(topology: Topology, observation: Observation) -> set[int]:
    row = topology.rows[topology.row_of[observation.id]]
    return {number for one in row.alternatives for number in one}


def _tells(observation: Observation, gone: frozenset[str]) -> bool:
    """Tell whether a look may still get through, and is heard of."""
    return is_open(observation.proves or observation.alternatives, gone) and is_open(
        observation.reports, gone
    )


def _behind(seen: Iterable[Observation], down: tuple[str, ...]) -> str:
    """Return the broken component that is in the way of most of these looks."""
    counts = dict.fromkeys(down, 0)
    for observation in seen:
        for name in down:
            ways = observation.alternatives + observation.reports
            counts[name] += any(name in one for one in ways)
    return max(down, key=lambda name: counts[name])
