"""How others would name the broken pieces of a graph, given the same looks; after their papers."""


def suppress(graph, seen):
    """Name failing nodes whose parent does not fail: Nagios and Icinga, from their one place (the first)."""
    vantage = next(iter(graph.paths)).partition(":")[0]
    named = set()
    for name, path in graph.paths.items():
        if seen.get(name) and name.startswith(f"{vantage}:"):
            parent = f"{vantage}:{path[-3].removeprefix('node ')}" if len(path) > 2 else ""
            if not seen.get(parent, False):
                named.add(path[-1])
    return named


def scfs(graph, seen):
    """Blame, in the tree of each vantage, the link nearest its root behind which nothing works (SCFS)."""
    behind = {}
    for name, path in graph.paths.items():
        if name in seen:
            for link in path[0::2]:
                behind.setdefault((name.partition(":")[0], link), []).append(seen[name])
    dead = {key for key, looks in behind.items() if all(looks)}
    named = set()
    for name, path in graph.paths.items():
        vantage = name.partition(":")[0]
        named.update([link for link in path[0::2] if (vantage, link) in dead][:1])
    return named


def tomo(graph, seen):
    """Take what explains most failed paths, all ties, of all that no good path crosses (Tomo)."""
    return _cover(graph, seen, lambda best: best)


def max_coverage(graph, seen):
    """Take what explains most failed paths, the likelier of a tie, of all that no good path crosses."""
    return _cover(graph, seen, lambda best: [max(best, key=lambda c: (graph.kinds[c], c))])


def scored(graph, seen, ratio=0.6):
    """Take what explains most, of all whose paths fail at least so often (SCORE, PLL with hit ratio)."""
    bad, all_ = {}, {}
    for name, down in seen.items():
        for component in graph.paths[name]:
            all_[component] = all_.get(component, 0) + 1
            bad[component] = bad.get(component, 0) + down
    allowed = {component for component, count in bad.items() if count >= ratio * all_[component]}
    return _cover(graph, seen, lambda best: [max(best, key=lambda c: (graph.kinds[c], c))], allowed)


def _cover(graph, seen, choose, allowed=None):
    if allowed is None:
        good = {c for name, down in seen.items() if not down for c in graph.paths[name]}
        allowed = graph.kinds.keys() - good
    left = {name for name, down in seen.items() if down}
    named = set()
    while left:
        counts = {}
        for name in left:
            for component in graph.paths[name]:
                if component in allowed:
                    counts[component] = counts.get(component, 0) + 1
        if not counts:
            break
        most = max(counts.values())
        taken = choose(sorted(c for c, count in counts.items() if count == most))
        named.update(taken)
        left = {name for name in left if not any(c in graph.paths[name] for c in taken)}
    return named
