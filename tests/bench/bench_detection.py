"""Measures how soon a fault, a lossy line and a slow one are believed, and how often for nothing.

    python -m tests.bench.bench_detection [--quick] [--only D1,D5] [--years 100]

Everything is simulated with fixed seeds, by the judge that the engine uses, on lines that lose packets in
known ways (`tests.core.lines`); false alarms of faults are exact sums over all histories. `--years`:
target-years lived through besides on each of three lines (some ten minutes for a hundred).
"""

import argparse
import statistics
from dataclasses import replace

from monitor.core.detection import YEAR, Belief, Verdict, manner, next_gap, revise, silence
from monitor.core.incident import Book, Seen, Sighting, Stage, advance
from monitor.core.inventory import Bearer
from monitor.core.judge import FINE, Judge
from monitor.core.learning import DAY, Learned
from monitor.core.quantile import Sketch
from monitor.core.world import Reading
from tests.core.lines import LINES, MISS, RTT, WAIT, Line, false_alarms, watch

BUDGET = {"suspicions_per_year": 26, "false_alarms_per_year": 0.01}
MOBILE = {"C", "E"}
"""Lines of the kind that one would declare as mobile; the others are taken for fibre."""


class Broken(Line):
    """A line that is cut at some moment, or loses more from then on."""

    def __init__(self, model, seed, at, loss):
        super().__init__(model, seed)
        self._at, self._loss = at, loss

    def loses(self, at):
        if at < self._at:
            return super().loses(at)
        return self._loss >= 1 or self.random.random() < self._loss

    def calm_for(self, at, period):
        return 0 if at >= self._at else min(super().calm_for(at, period), int((self._at - at) / period) + 1)


def how_for(period, line="", **budget):
    bearer = Bearer.MOBILE if line in MOBILE else Bearer.FIBRE
    return manner(period, bearer, **BUDGET | budget)


def knowing(line):
    """Return what a judge has learned of a line that he knows as it is."""
    truth = LINES[line]
    sure = 1e9
    if not truth.share:
        return Learned(sure, sure * truth.isolated)
    seen = {"bursts": sure, "burst_seconds": sure * truth.burst, "seconds": sure * truth.burst / truth.share}
    return Learned(sure, sure * truth.isolated, **seen, burst_looks=sure, burst_lost=sure * truth.inside)


def delays(period, line, loss, runs, verdict, *, known=True, **budget):
    """Return the seconds from the beginning of a fault to *verdict*, sorted, without what was down first."""
    how, told = how_for(period, line, **budget), []
    model = LINES[line]
    learned = knowing(line) if known else Learned()
    for seed in range(runs):
        phase = Line(model, seed).random.random() * period
        begins = 10 * period + phase
        life = watch(
            how,
            Broken(model, seed, begins, loss),
            20 * DAY,
            learned=learned,
            until=lambda belief: belief.verdict in (verdict, Verdict.DOWN),
        )
        at = life.first(verdict)
        if at < float("inf") and at >= begins:
            told.append(at - begins + (WAIT if verdict is Verdict.DOWN else RTT))
    return sorted(told)


def quantiles(values):
    return f"{statistics.median(values):6.1f} / {values[int(0.99 * len(values))]:5.1f} s"


def d1_d2(quick):
    runs = 300 if quick else 3000
    print("Hard fault of one circuit, from the cut to the verdict, median / p99")
    for name, period, goal in (("D1", 5.0, "6.0 / 8.5"), ("D2", 2.0, "4.5 / 5.5"), ("D2", 1.0, "4.0 / 4.5")):
        for line in ("iid 0.1 %", "iid 1 %"):
            found = quantiles(delays(period, line, 1.0, runs, Verdict.DOWN))
            print(f"  {name}  T = {period:g} s, {line:<9}  {found}   (goal {goal} s)")


def d3(quick, years):
    del quick
    print("D3  False alarms per target-year on lines that are known, exact (goal at most 0.01)")
    print(f"    {'':>6}" + "".join(f"{line:>11}" for line in LINES))
    for period in (5.0, 2.0, 1.0):
        rates = []
        for line, truth in LINES.items():
            how = how_for(period, line)
            model = truth if truth.share else replace(how.prior, isolated=truth.isolated)
            rates.append(false_alarms(how, model, truth))
        print(f"    T = {period:g} s" + "".join(f"{rate:>11.2g}" for rate in rates))
    if years:
        counts = {line: sum(lived(line, seed) for seed in range(years)) for line in ("iid 1 %", "A", "C")}
        print(f"    lived through, {years} target-years each, T = 5 s: {counts} (goal: 3 in 3 x 100)")


def lived(line, seed):
    """Live through a year of the test for faults alone; return the alarms."""
    how, truth = how_for(5.0, line), LINES[line]
    model = truth if truth.share else replace(how.prior, isolated=truth.isolated)
    it, belief, sent, alarms = Line(truth, seed), Belief(Verdict.UP), 0.0, 0
    while sent < YEAR:
        if belief.steady:
            sent += it.calm_for(sent, how.period) * how.period
        lost = it.loses(sent)
        belief = revise(belief, MISS if lost else FINE, sent=sent, at=sent, how=how, model=model)
        if belief.verdict is Verdict.DOWN:
            alarms += 1
            belief = Belief(Verdict.UP)
        gap = next_gap(belief, how)
        sent += max(how.period if gap is None else gap, WAIT if lost else RTT)
    return alarms


def d4(quick):
    runs = 300 if quick else 3000
    print("D4  Cut of a line with hourly black-outs that are known, T = 5 s, median / p99")
    for line, goal in (("A", "7"), ("B", "16")):
        how, truth = how_for(5.0), LINES[line]
        looks, seconds = silence(how, truth, WAIT)
        waits = sorted(Line(truth, seed).random.random() * 5.0 + seconds for seed in range(runs))
        print(f"    {line}: {quantiles(waits)}   ({looks} looks; goal median {goal} s)")


def d5(quick):
    runs = 200 if quick else 2000
    print("D5  A line of 1 % loss that loses more from some moment on, T = 1 s, median / p99")
    for loss, goal in ((0.1, "55 (160)"), (0.2, "20 (55)"), (0.5, "8 (18)")):
        found = delays(1.0, "iid 1 %", loss, runs, Verdict.DEGRADED)
        print(
            f"    {loss:.0%}: {quantiles(found)}   (goal {goal} s; {runs - len(found)} of {runs} down first)"
        )
    print("    Words for nothing per target-year, beside the budget with which they were lived through")
    for line in ("iid 1 %", "C", "E"):
        told = []
        for budget, days in ((1e5, 3), (1e4, 20)) if quick else ((1e5, 30), (1e4, 200)):
            how = how_for(1.0, line, degradations_per_year=budget)
            life = watch(how, Line(LINES[line], 1), days * DAY, learned=knowing(line))
            words = sum(verdict is Verdict.DEGRADED for _, verdict in life.verdicts)
            told.append(f"{words * YEAR / (days * DAY):8.0f} of {budget:,.0f}")
        print(f"    {line:<8}" + "  ".join(told))
    usual = Sketch()
    for _ in range(1000):
        usual.add(0.02)
    learned = replace(knowing("iid 1 %"), seconds=2 * DAY, rtts=usual.counts)
    judge = Judge(how_for(1.0), Belief(Verdict.UP), learned, Reading())
    sent = 0.0
    while judge.belief.verdict is not Verdict.DEGRADED:
        judge.take(FINE, sent, sent, 0.1)
        gap = judge.gap()
        sent += 1.0 if gap is None else gap
    print(f"    a round trip of 100 ms where 20 ms are usual: after {sent:.0f} s")


def d6(quick):
    del quick
    how = how_for(5.0)
    looks = silence(how, replace(how.prior, isolated=0.01), WAIT)[0]
    print(
        f"D6  Looks: {60 / how.period:g} a minute while all is well, {looks} for a verdict (goal 12 and 12)"
    )


def d7(quick):
    del quick
    told = {name: messages(name) for name in ("flapping 20/100 s", "one outage of 5 min")}
    print(f"D7  An hour: {told} messages, opened and closed (goal at most 5, and 2)")


def messages(what):
    """Let a circuit live through an hour; return how often its incident is confirmed or closed."""

    class Flapping(Line):
        def loses(self, at):
            return at % 120 < 20 if what.startswith("flap") else 600 <= at < 900

        def calm_for(self, _at, _period):
            return 0

    how, book, told = how_for(1.0), Book(), 0
    life = watch(how, Flapping(LINES["iid 0.1 %"], 1), 7200.0)
    changes = iter([*life.verdicts, (float("inf"), None)])
    at, verdict = next(changes)
    held, since = Verdict.UP, 0.0
    for second in range(7200):
        while at <= second:
            held, since = verdict, at
            at, verdict = next(changes)
        bad = held is Verdict.DOWN
        sighting = Sighting("c", ("c",), 1.0, since, Stage.CONFIRMED, explains=("c/icmp",))
        seen = Seen([sighting] if bad else [], set() if bad else {"c/icmp"}, {"c/icmp"} if bad else set(), {})
        book, news = advance(book, seen, now=float(second), stamp=lambda moment: f"{moment:.0f}")
        for change in news:
            told += change.now.stage is Stage.CLOSED and change.now.confirmed_at is not None
            told += change.now.confirmed_at is not None and (
                change.before is None or change.before.confirmed_at is None
            )
    return told


def d8(quick):
    seeds = 5 if quick else 40
    print(
        "D8  Seven days of B from nothing: how many of the learned lie within a factor of two of the truth,"
    )
    print("    and the false alarms per target-year that they then allow, exact (goal at most 0.01)")
    for period in (1.0, 5.0):
        how, truth = how_for(period), LINES["B"]
        lives = [watch(how, Line(truth, seed), 7 * DAY) for seed in range(seeds)]
        models = [life.judge.learned.model(how.prior, period) for life in lives]
        within = {
            name: sum(0.5 <= getattr(model, name) / getattr(truth, name) <= 2 for model in models)
            for name in ("isolated", "burst", "share")
        }
        rates = sorted(false_alarms(how, model, truth, 1e-12) for model in models)
        seconds = statistics.median(silence(how, model, WAIT)[1] for model in models)
        print(
            f"    T = {period:g} s: {within} of {seeds}; median {statistics.median(rates):.2g}, mean"
            f" {statistics.mean(rates):.2g}, worst {rates[-1]:.2g}; {seconds:.1f} s of silence are believed"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--only", default="D1,D3,D4,D5,D6,D7,D8", help="which figures (D2 comes with D1)")
    parser.add_argument("--years", type=int, default=0, help="target-years lived through for D3")
    args = parser.parse_args()
    figures = {
        "D1": d1_d2,
        "D3": lambda quick: d3(quick, args.years),
        "D4": d4,
        "D5": d5,
        "D6": d6,
        "D7": d7,
        "D8": d8,
    }
    for name in args.only.split(","):
        figures[name](args.quick)


if __name__ == "__main__":
    main()
