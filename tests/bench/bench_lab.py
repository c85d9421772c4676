"""How soon a cut is told, and how often one is told that never was: the real daemon in the lab, as shipped.

    python -m tests.bench.bench_lab                       60 circuits and 20 centers are cut
    python -m tests.bench.bench_lab --false-downs 30      30 minutes each of 1 % and 5 % loss on all circuits

Needs root, iproute2, nftables and mosquitto. Times count from just before the nftables transaction that
cuts, to the message in the hands of an MQTT subscriber; both are read from the same monotonic clock. In a
round one circuit (or all four) of each center is cut, at moments of their own; then all are healed.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.lab import Lab, why_not
from tests.lab.topology import CENTERS, wires
from tests.lab.watched import MOSQUITTO, Ear, watched

PATIENCE = 30.0
SPREAD = 0.5
"""Most seconds between two cuts of a round: no cut falls on the beat of the looks."""
dice = random.SystemRandom()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cuts", type=int, default=60, metavar="N", help="circuits cut (%(default)s)")
    parser.add_argument("--false-downs", type=float, metavar="MINUTES", help="watch random loss instead")
    args = parser.parse_args()
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        print(f"left out: {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder, Lab() as lab, watched(lab, Path(folder)) as ear:
        if args.false_downs:
            false_downs(lab, ear, args.false_downs)
        else:
            cuts(lab, ear, args.cuts)
    return 0


def cuts(lab: Lab, ear: Ear, wanted: int) -> None:
    """Cut circuits, then whole centers, and print how long it took to be told."""
    ambers, reds, whole, back = [], [], [], []
    while len(reds) < wanted:
        paths = [dice.choice(list(wires(center))).id for center in CENTERS]
        mark, cut_at = ear.now(), cut_all(lab, paths)
        reds += [ear.status(path, "down", since=mark, seconds=PATIENCE).at - cut_at[path] for path in paths]
        ambers += [first_doubt(ear, path, mark) - cut_at[path] for path in paths]
        back += mend(lab, ear, paths)
    for _ in range(2):
        mark, cut_at = ear.now(), cut_all(lab, list(CENTERS))
        whole += [ear.status(c, "down", since=mark, seconds=PATIENCE).at - cut_at[c] for c in CENTERS]
        lab.restore()
        ear.settled()
    print("Seconds from the cut to the MQTT message at a subscriber; circuits looked at once a second")
    print(f"{'':32}{'n':>5}{'median':>9}{'p90':>8}{'p99':>8}{'max':>8}   goal")
    row("circuit, amber event", ambers, "median <= 1.8")
    row("circuit, retained `down`", reds, "median <= 4, p99 <= 5")
    row("center (all four circuits)", whole, "")
    row("circuit, repair to `up`", back, "")


def cut_all(lab: Lab, subjects: Sequence[str]) -> dict[str, float]:
    """Cut circuits or centers one after the other; return when each was cut."""
    cut_at = {}
    for subject in subjects:
        time.sleep(dice.uniform(0, SPREAD))
        cut_at[subject] = lab.cut(subject) if "/" in subject else lab.cut_off(subject)
    return cut_at


def first_doubt(ear: Ear, path: str, mark: int) -> float:
    """Return when the first event came that said that this circuit is suspected."""
    return ear.event(path, since=mark, kind="circuit", suspected=True, seconds=1).at


def mend(lab: Lab, ear: Ear, paths: Sequence[str]) -> list[float]:
    """Heal circuits; return how long each took to be told up."""
    mark = ear.now()
    healed_at = {path: lab.heal(path) for path in paths}
    times = [ear.status(path, "up", since=mark, seconds=PATIENCE).at - healed_at[path] for path in paths]
    ear.settled()
    return times


def false_downs(lab: Lab, ear: Ear, minutes: float) -> None:
    """Lose packets at random on all circuits, and count what is said to be down though nothing is."""
    circuits = [wire.id for wire in wires()]
    print(f"{minutes:g} minutes of random loss on all {len(circuits)} circuits")
    print(f"{'loss':>6}{'false down':>12}{'amber':>8}   goal: 0 false down")
    for percent in (1, 5):
        mark = ear.now()
        lab.loss(percent, *circuits)
        time.sleep(minutes * 60)
        events = [event for event in ear.events(since=mark) if event["kind"] == "status"]
        down = [event["subject"] for event in events if event["data"]["now"] == "down"]
        amber = {event["id"] for event in events if event["data"]["suspected"]}
        print(f"{percent:>4} %{len(down):>12}{len(amber):>8}   {' '.join(down)}", flush=True)
        lab.restore()
        ear.settled()


def row(name: str, values: Sequence[float], goal: str) -> None:
    """Print one line of the table."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    figures = "".join(f"{value:>8.2f}" for value in (at(0.9), at(0.99), ordered[-1]))
    print(f"{name:32}{len(ordered):>5}{at(0.5):>9.2f}{figures}   {goal}")


if __name__ == "__main__":
    sys.exit(main())
