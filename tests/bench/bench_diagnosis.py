"""Measures how well and how fast the diagnosis names what is broken, beside other ways of naming it.

    python -m tests.bench.bench_diagnosis [--quick] [--only L1,L9]

Everything is simulated with fixed seeds. The graphs are real ones (Internet Topology Zoo and SNDlib, by
topohub) of 30 nodes and more; the city is an inventory of ours with ten counties, seen by twelve daemons.
Answers are scored by group: components that no look tells apart count as one. L3 needs highspy and
python-sat, L1 and L2 topohub; what is not installed is left out, with a word.
"""

import argparse
import gc
import importlib.util
import statistics
import time
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from random import Random

from monitor.config import load_inventory, shipped
from monitor.core.diagnosis import diagnose
from monitor.core.diagnosis.consequences import impact, predict
from monitor.core.diagnosis.identifiability import identifiability
from monitor.core.topology import topology_of
from monitor.probes import load_kinds
from tests.bench import counties, country, graphs, rivals
from tests.core.oracles import by_highs, by_rc2
from tests.core.puzzles import evidence_of, puzzle

LEAST_NODES = 30
SEED = 20_260_701


@dataclass
class Score:
    """How often an algorithm was right."""

    f1: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    exact: int = 0
    cases: int = 0
    times: list[float] = field(default_factory=list)

    def add(self, hits, named, broken, *, took=0.0):
        """Count one case: *hits* of *named* answers are among *broken* faults."""
        self.precision += hits / named if named else 1.0
        self.recall += hits / broken if broken else 1.0
        self.f1 += 2 * hits / (named + broken) if named + broken else 1.0
        self.exact += hits == named == broken
        self.cases += 1
        self.times.append(took)

    def __str__(self):
        return f"{self.f1 / self.cases:.3f} ({self.exact / self.cases:.3f})"


def timed(function, *args, **kwargs):
    """Return what *function* returns and the CPU seconds that it took."""
    began = time.process_time()
    found = function(*args, **kwargs)
    return found, time.process_time() - began


def spread(times):
    """Say in milliseconds how long things took."""
    times = sorted(times)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    half = statistics.median(times)
    return f"median {half * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, longest {times[-1] * 1e3:.1f} ms"


def die(*salt):
    return Random(f"{SEED} {salt}")  # noqa: S311 - a seed, to be had again


# L1, L2: real graphs.

ALGORITHMS = {
    "parents, one place": rivals.suppress,
    "SCFS, each tree": rivals.scfs,
    "Tomo, all ties": rivals.tomo,
    "MAX-COVERAGE": rivals.max_coverage,
    "hit ratio 0.6": rivals.scored,
}
NOISE = {"false_bad": 0.01, "false_good": 0.01, "missing": 0.05}
SIGHTS = {1: "V=1", 3: "V=3", 0.25: "V=25 %"}


def real_graphs(samples):
    import topohub  # noqa: PLC0415 - not everywhere

    names = [
        f"{group}/{path.stem}"
        for group in ("topozoo", "sndlib")
        for path in sorted((Path(topohub.__file__).parent / "data" / group).glob("*.json"))
    ]
    names = [name for name in names if len(topohub.get(name)["nodes"]) >= LEAST_NODES]
    print(f"L1, L2: {len(names)} graphs of {LEAST_NODES} nodes and more, {samples} cases a cell: F1 (exact)")
    load = cache(partial(graphs.load, topohub))
    for label, noise, nats in (("L1 clean", {}, 12.0), ("L2 noisy", NOISE, 4.6)):
        heads = [f"{sight} k={k}" for sight in SIGHTS.values() for k in (1, 2, 3)]
        print(f"\n  {label:<18}" + "".join(f"{head:>15}" for head in heads))
        cells = [graph_cell(load, names, v, k, noise, nats, samples) for v in SIGHTS for k in (1, 2, 3)]
        for name in (*ALGORITHMS, "ours"):
            print(f"  {name:<18}" + "".join(f"{cell[name]!s:>15}" for cell in cells))
        times = [took for cell in cells for took in cell["ours"].times]
        proven = sum(cell["proven"] for cell in cells) / len(times)
        print(f"  ours: {spread(times)}; proven best in {proven:.1%}")


def graph_cell(load, names, vantages, count, noise, nats, samples):
    scores = {name: Score() for name in (*ALGORITHMS, "ours")}
    chance, proven = die(vantages, count, bool(noise)), 0
    for number in range(samples):
        graph = load(names[number % len(names)], vantages)
        broken = graphs.break_some(graph, count, chance)
        seen = graphs.look(graph, broken, chance, **noise)
        class_of = graph.topology.class_of
        true = {class_of[name] for name in broken}
        for name, algorithm in ALGORITHMS.items():
            named = {class_of[component] for component in algorithm(graph, seen)}
            scores[name].add(len(named & true), len(named), len(true))
        answer, took = timed(diagnose, graph.topology, graphs.evidence(seen, nats))
        named = {class_of[component] for component in answer.components}
        scores["ours"].add(len(named & true), len(named), len(true), took=took)
        proven += answer.exact
    return {**scores, "proven": proven}


# L3: solvers of other people.


def solvers(samples):
    import highspy  # noqa: PLC0415 - not everywhere
    from pysat.examples.rc2 import RC2Stratified  # noqa: PLC0415
    from pysat.formula import WCNF  # noqa: PLC0415

    agreed, times = [0, 0], {"ours": [], "HiGHS": [], "RC2": []}
    for seed in range(samples):
        it = puzzle(SEED + seed, size=8 + seed % 17, looks=12 + seed % 23)
        answer, took = timed(diagnose, it.topology, it.evidence)
        times["ours"].append(took)
        mine = it.cost(answer.components)
        solved = ((by_highs, (highspy,), "HiGHS"), (by_rc2, (WCNF, RC2Stratified), "RC2"))
        for number, (oracle, args, name) in enumerate(solved):
            cost, took = timed(oracle, it, *args)
            times[name].append(took)
            agreed[number] += abs(cost - mine) < 0.01
    print(f"L3: the same optimum as HiGHS in {agreed[0]}/{samples} cases, as RC2 in {agreed[1]}/{samples}")
    for name, some in times.items():
        print(f"  {name:<6} {spread(some)}")


# L4, L5, L12: the city.


def score_city(score, answer, visible, took=0.0):
    """Score an answer of groups: a group with a visible fault in it is a hit."""
    left, hits = set(visible), 0
    for cause in answer.causes:
        found = left & set(cause.group)
        hits += bool(found)
        left -= set(sorted(found)[:1])
    score.add(hits, len(answer.causes), len(visible), took=took)


def city_cell(ground, count, samples, **noise):
    """Return the scores of all, and how sure ours was when right and when wrong."""
    chance, sure = die("city", count, *noise.values()), []
    blind, groups = counties.blind(ground.declared), {}
    for group in identifiability(ground.declared).groups:
        groups |= dict.fromkeys(group, group[0])
    scores = {name: Score() for name in ("ours", *OTHERS)}
    for _ in range(samples):
        broken = ground.break_some(count, chance)
        seen = counties.disturbed(ground.sight(broken), chance, **noise)
        visible = ground.visible(broken, seen)
        answer, took = timed(diagnose, ground.declared, counties.evidence(seen))
        before = scores["ours"].exact
        score_city(scores["ours"], answer, visible, took)
        sure.append((answer.confidence, scores["ours"].exact > before))
        true = {groups.get(name, name) for name in visible}
        for name, algorithm in OTHERS.items():
            named = {groups.get(one, one) for one in algorithm(ground.declared, blind, seen)}
            scores[name].add(len(named & true), len(named), len(true))
    return scores, sure


OTHERS = {
    "parents": lambda topology, _, seen: counties.by_parents(topology, seen),
    "Tomo": lambda _, blind, seen: rivals.tomo(blind, seen),
    "MAX-COVERAGE": lambda _, blind, seen: rivals.max_coverage(blind, seen),
}
DISTURBANCES = {
    "L4 clean": {},
    "5 % missing": {"missing": 0.05},
    "20 % missing": {"missing": 0.2},
    "50 % missing": {"missing": 0.5},
    "0.1 % of good are bad": {"false_bad": 0.001},
    "0.5 % of good are bad": {"false_bad": 0.005},
    "1 % of bad are good": {"false_good": 0.01},
    "L5 5 % + 0.5 % + 0.5 %": {"missing": 0.05, "false_bad": 0.005, "false_good": 0.005},
}


def the_city(samples):
    ground = counties.ground()
    size = f"{len(ground.true.components)} components, {len(ground.true.observations)} observations"
    print(f"L4, L5, L12: {size}; cases a cell: {samples} in L4 and L5, else {samples // 5}")
    print("  ours: precision/recall/exact | exact of parent suppression, of Tomo, of MAX-COVERAGE")
    print(f"  {'':<24}" + "".join(f"{f'k={k}':>42}" for k in (1, 2, 3)))
    times, sure = [], []
    for label, noise in DISTURBANCES.items():
        count = samples if label.startswith("L") else samples // 5
        cells = [city_cell(ground, k, count, **noise) for k in (1, 2, 3)]
        times += [took for scores, _ in cells for took in scores["ours"].times]
        sure += [one for _, some in cells for one in some]
        print(f"  {label:<24}" + "".join(f"{city_words(scores):>42}" for scores, _ in cells))
    print(f"  ours: {spread(times)}")
    for low, high in ((0.99, 1.01), (0.9, 0.99), (0.0, 0.9)):
        some = [right for confidence, right in sure if low <= confidence < high]
        share = f"right in {statistics.mean(some):.1%}" if some else "none"
        print(f"  said to be {min(low, 1):.0%}–{min(high, 1):.0%} sure: {len(some)} answers, {share}")


def city_words(scores):
    ours, cases = scores["ours"], scores["ours"].cases
    others = " ".join(f"{scores[name].exact / cases:.3f}" for name in OTHERS)
    return f"{ours.precision / cases:.3f}/{ours.recall / cases:.3f}/{ours.exact / cases:.3f} | {others}"


# L6: a wrong inventory.


def wrong_inventory(samples):
    print(f"L6: a core breaks while some circuits are declared on the wrong one, {samples} cases a cell")
    for share in (0.1, 0.3):
        for core in ("city-a", "province-a"):
            chance, rooted, exact, doubted = die(share, core), 0, 0, 0
            for _ in range(samples):
                every = counties.circuits()
                wrong = frozenset(chance.sample(every, round(share * len(every))))
                ground = counties.ground(wrong)
                seen = ground.sight({f"risk/{core}"})
                answer = diagnose(ground.declared, counties.evidence(seen))
                rooted += any(f"risk/{core}" in cause.group for cause in answer.causes)
                exact += len(answer.causes) == 1 and f"risk/{core}" in answer.causes[0].group
                doubted += answer.inventory_doubtful
            print(
                f"  {share:.0%} wrong, {core:<11} core among the named {rooted / samples:.3f},"
                f" alone {exact / samples:.3f}, inventory said to be doubtful {doubted / samples:.2f}"
            )


# L9: time.


def speed(samples):
    print("L9: CPU time of one diagnosis, everything included; garbage frozen after the network was built")
    shiyan = topology_of(load_inventory(shipped() / "shiyan.yaml", load_kinds()), "city")
    every = {name: evidence_of(shiyan, {name}) for name in shiyan.components}
    took = [timed(diagnose, shiyan, seen)[1] for seen in every.values()]
    print(f"  Shiyan, each of {len(every)} single faults: {spread(took)}")
    for cities in (16, 64):
        topology = country.country(cities)
        gc.collect()
        gc.freeze()
        chance, names = die(cities), list(topology.components)
        for count in (1, 10, 100):
            took, proven = [], 0
            for _ in range(samples):
                answer, one = timed(
                    diagnose, topology, country.evidence(topology, chance.sample(names, count))
                )
                took.append(one)
                proven += answer.exact
            size = f"{len(names):,} components, {len(topology.observations):,} observations"
            print(f"  {size}, {count:>3} faults: {spread(took)}; proven best {proven}/{samples}")
        gc.unfreeze()


# L10, L11: what is wrong with ourselves.


def named_cases(_):
    ground = counties.ground()
    topology = ground.true
    print("L10, L11: alerts, and what they name")
    heartbeats = {f"{county}:heartbeat" for county in (*counties.COUNTIES, "province")}
    cases = {
        "own uplink lost": predict(topology, ["vantage/city/uplink"]).evidence(),
        "own center's LAN lost": predict(topology, ["municipal/lan"]).evidence(),
        "broker restarts, agents not judged": {
            name: seen
            for name, seen in predict(topology, ["broker"]).evidence().items()
            if name not in heartbeats
        },
        "broker hangs, all agents silent": predict(topology, ["broker"]).evidence(),
        "one agent silent": predict(topology, ["vantage/county4/agent"]).evidence(),
        "county without power": predict(topology, ["county4/power"]).evidence(),
        "municipal core": predict(topology, ["network/city"]).evidence(),
    }
    for label, seen in cases.items():
        answer = diagnose(topology, seen)
        effect = impact(topology, answer.components)
        failing = sum(one.llr > 0 for one in seen.values())
        missing = len(topology.observations) - len(seen)
        named = "; ".join(" or ".join(cause.group) for cause in answer.causes)
        cut = ", all else unknown" if effect.isolated else ""
        print(
            f"  {label:<36}{failing:>4} failing, {missing:>3} missing -> {len(answer.causes)}: {named}{cut}"
        )


PARTS = {
    "L1": (real_graphs, 300, 60, ("topohub",)),
    "L3": (solvers, 600, 100, ("highspy", "pysat")),
    "L4": (the_city, 1500, 100, ()),
    "L6": (wrong_inventory, 200, 20, ()),
    "L9": (speed, 60, 6, ()),
    "L10": (named_cases, 0, 0, ()),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--only", default="", help="parts to run, separated by commas: " + ", ".join(PARTS))
    args = parser.parse_args()
    wanted = [part for part in args.only.split(",") if part]
    for part, (measure, samples, few, needed) in PARTS.items():
        if wanted and part not in wanted:
            continue
        lacking = [name for name in needed if importlib.util.find_spec(name) is None]
        if lacking:
            print(f"{part}: left out, not installed: {', '.join(lacking)}")
        else:
            measure(few if args.quick else samples)
        print(flush=True)


if __name__ == "__main__":
    main()
