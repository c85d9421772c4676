"""Real network graphs as networks to diagnose: links and nodes that break, paths that are looked at."""

from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from monitor.core.diagnosis import Evidence
from monitor.core.diagnosis.evidence import HOURS
from monitor.core.inventory import Name
from monitor.core.topology import Component, Kind, Observation, Topology

NAME = Name("甲", "A")
LINK_SHARE = 4
"""A link breaks so many times as often as a node."""


@dataclass(frozen=True)
class Graph:
    """A graph seen from some of its nodes over fixed shortest paths."""

    topology: Topology
    paths: dict[str, tuple[str, ...]]
    """By observation, the components from the vantage outwards: link, node, link, node …"""
    kinds: dict[str, float]
    """How likely each observed component is to break, relatively."""


def load(topohub, name, vantages):
    """Return the graph *name* seen from *vantages* of its nodes; a share below 1 is a share of the nodes."""
    data = topohub.get(name)
    nodes = [node["id"] for node in data["nodes"]]
    near = {node: [] for node in nodes}
    for number, edge in enumerate(data["edges"]):
        a, b, length = edge["source"], edge["target"], max(edge.get("dist", 1.0), 0.01)
        near[a].append((b, length, f"link {number}"))
        near[b].append((a, length, f"link {number}"))
    count = vantages if vantages >= 1 else max(1, round(vantages * len(nodes)))
    paths = {}
    for vantage in Random(name).sample(  # noqa: S311 - a seed, to be had again
        nodes, min(count, len(nodes))
    ):
        for node, path in _shortest(near, vantage).items():
            paths[f"{vantage}:{node}"] = path
    return _graph(paths)


def _shortest(near, start):
    """Return the path to each node in reach, without the start."""
    paths, heap = {}, [(0.0, start, ())]
    while heap:
        length, node, path = heappop(heap)
        if node in paths:
            continue
        paths[node] = path
        for other, step, link in near[node]:
            if other not in paths:
                heappush(heap, (length + step, other, (*path, link, f"node {other}")))
    del paths[start]
    return paths


def _graph(paths):
    kinds = {c: 1 if c.startswith("node") else LINK_SHARE for path in paths.values() for c in path}
    total = sum(kinds.values())
    rate = HOURS / 2.0 / total
    topology = Topology(
        {c: Component(c, Kind.CIRCUIT, NAME, share * rate) for c, share in kinds.items()},
        {o: Observation(o, o.partition(":")[0], o, o, (frozenset(path),)) for o, path in paths.items()},
    )
    return Graph(topology, paths, kinds)


def break_some(graph, count, die):
    """Return *count* different components that break, the fragile ones more often."""
    names, shares = list(graph.kinds), list(graph.kinds.values())
    broken = set()
    while len(broken) < min(count, len(names)):
        broken.add(die.choices(names, shares)[0])
    return broken


def look(graph, broken, die, *, false_bad=0.0, false_good=0.0, missing=0.0):
    """Return what is seen while *broken* are: True for bad, by observation; what is missing is not in it."""
    seen = {}
    for name, path in graph.paths.items():
        down = not broken.isdisjoint(path)
        if die.random() >= missing:
            seen[name] = down != (die.random() < (false_good if down else false_bad))
    return seen


def evidence(seen, nats):
    """Return what is seen as evidence of so many nats each."""
    return {name: Evidence(nats if bad else -nats, 0.0) for name, bad in seen.items()}
