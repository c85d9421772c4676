"""Which piece is named when something breaks, how soon, and how often in vain: the real daemon in the lab.

    python -m tests.bench.bench_incidents [--rounds 1] [--only NAME]

Needs root, iproute2, nftables and mosquitto. Each fault is made in the network namespaces, in another center
each round; seconds count from just before it is made to the event of the incident at an MQTT subscriber.
`right`: the first confirmed incident named a piece that is truly broken (or its group, where no look can tell
them apart) and was never renamed. `extra`: confirmed incidents beyond the broken pieces, from the fault to
its end. `amber`: suspicions that were withdrawn. `open`: what recovery did not close. The daemon runs as
shipped, but for a hold of two seconds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.lab import FROM_CENTER, TO_CENTER, Lab, why_not
from tests.lab.topology import CENTERS
from tests.lab.watched import MOSQUITTO, Ear, watched

PATIENCE = 30.0
AFTER = 6.0
"""Seconds after the last expected incident in which a superfluous one would be confirmed."""
MORE = "detection: {hold: 2}\n"


@dataclass
class Fault:
    """Something that breaks: how, and which pieces may be named for it, a set for each incident expected."""

    make: Callable[[Lab, str], float]
    pieces: Callable[[str], list[set[str]]]


def circuits(*ends: str) -> Callable[[str], list[set[str]]]:
    return lambda center: [{f"{center}/{end}"} for end in ends]


def center_piece(*names: str) -> Callable[[str], list[set[str]]]:
    return lambda center: [{f"{center}/{name}" for name in names}]


def cut(*ends: str) -> Callable[[Lab, str], float]:
    return lambda lab, center: lab.cut(*(f"{center}/{end}" for end in ends))


ALL = ("city/primary", "city/backup", "province/primary", "province/backup")
FAULTS = {
    "city primary": Fault(cut("city/primary"), circuits("city/primary")),
    "city backup": Fault(cut("city/backup"), circuits("city/backup")),
    "province primary": Fault(cut("province/primary"), circuits("province/primary")),
    "province backup": Fault(cut("province/backup"), circuits("province/backup")),
    "both primaries": Fault(
        cut("city/primary", "province/primary"), circuits("city/primary", "province/primary")
    ),
    "link to the province": Fault(
        cut("province/primary", "province/backup"), circuits("province/primary", "province/backup")
    ),
    "all four circuits": Fault(cut(*ALL), center_piece("power", "router")),
    "router hangs": Fault(lambda lab, center: lab.router_dead(center), center_piece("power", "router")),
    "power": Fault(lambda lab, center: lab.power_off(center), center_piece("power", "router")),
    "one way, inwards": Fault(
        lambda lab, center: lab.one_way(f"{center}/city/primary", TO_CENTER), circuits("city/primary")
    ),
    "one way, outwards": Fault(
        lambda lab, center: lab.one_way(f"{center}/province/primary", FROM_CENTER),
        circuits("province/primary"),
    ),
    "core of the province": Fault(
        lambda lab, _: lab.core_dead("province"), lambda _: [{"network/province", "trunk/city-province"}]
    ),
    "core of the city": Fault(
        lambda lab, _: lab.core_dead("city"), lambda _: [{"network/city", "vantage/city/uplink"}]
    ),
}


@dataclass
class Row:
    """What was measured of one kind of fault."""

    rounds: int = 0
    right: int = 0
    extra: int = 0
    withdrawn: int = 0
    unclosed: int = 0
    amber: list[float] = field(default_factory=list)
    confirmed: list[float] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="times each fault is made (%(default)s)"
    )
    parser.add_argument(
        "--only", choices=FAULTS, action="append", metavar="NAME", help="make these faults only"
    )
    args = parser.parse_args()
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        print(f"left out: {reason}")
        return 0
    rows = {name: Row() for name in args.only or FAULTS}
    centers = list(CENTERS)
    with tempfile.TemporaryDirectory() as folder, Lab() as lab, watched(lab, Path(folder), MORE) as ear:
        for number in range(args.rounds):
            for place, (name, row) in enumerate(rows.items()):
                center = centers[(number + place) % len(centers)]
                play(lab, ear, FAULTS[name], center, row)
    show(rows)
    return 0


def play(lab: Lab, ear: Ear, fault: Fault, center: str, row: Row) -> None:
    """Make one fault and mend it; note how it was told."""
    pieces = fault.pieces(center)
    mark = ear.now()
    began = fault.make(lab, center)
    row.rounds += 1
    try:
        for count in range(1, len(pieces) + 1):
            told = ear.wait(
                lambda m, n=count: len(confirmed(ear, mark, m.at)) >= n, since=mark, seconds=PATIENCE
            )
            row.confirmed.append(told.at - began)
    except AssertionError:
        row.confirmed.append(float("inf"))
    time.sleep(AFTER)
    lab.restore()
    try:
        ear.wait(lambda m: is_incident(m) and not still_open(ear, mark, m.at), since=mark, seconds=PATIENCE)
    except AssertionError:
        row.unclosed += 1
    ear.settled()
    note(ear, mark, began, pieces, row)


def note(ear: Ear, mark: int, began: float, pieces: list[set[str]], row: Row) -> None:
    """Judge what was told from the fault to its end."""
    told = [m for m in ear.heard[mark:] if is_incident(m)]
    amber = [m.at - began for m in told]
    if amber:
        row.amber.append(min(amber))
    sure = [m.payload["data"] for m in told if m.payload["data"]["stage"] == "confirmed"]
    names = [{data["component"], *data["group"]} for data in sure]
    row.named |= {data["component"] for data in sure}
    incidents = {data["incident"] for data in sure}
    hit = all(any(name & piece for piece in pieces) for name in names)
    renamed = any(data["called"] for data in sure)
    row.right += bool(hit and not renamed and len(incidents) >= len(pieces))
    row.extra += max(0, len(incidents) - len(pieces))
    row.withdrawn += sum(
        m.payload["data"]["stage"] == "closed" and m.payload["data"]["confirmed_at"] is None for m in told
    )


def is_incident(message) -> bool:
    return message.topic.endswith("/event") and message.payload["kind"] == "incident"


def confirmed(ear: Ear, mark: int, until: float) -> set[str]:
    """Return the incidents confirmed after the mark."""
    told = (m for m in ear.heard[mark:] if m.at <= until and is_incident(m))
    return {m.payload["data"]["incident"] for m in told if m.payload["data"]["stage"] == "confirmed"}


def still_open(ear: Ear, mark: int, until: float) -> set[str]:
    """Return the incidents told after the mark that are not closed."""
    latest = {}
    for message in ear.heard[mark:]:
        if message.at <= until and is_incident(message):
            latest[message.payload["data"]["incident"]] = message.payload["data"]["stage"]
    return {name for name, stage in latest.items() if stage != "closed"}


def show(rows: dict[str, Row]) -> None:
    """Print the table."""
    heads = ("n", "right", "extra", "amber", "open", "first", "sure", "max")
    print("Seconds from the fault to the first sign and to the confirmed incident")
    print(f"{'fault':22}" + "".join(f"{head:>7}" for head in heads) + "   named")
    for name, row in rows.items():
        counts = (row.rounds, row.right, row.extra, row.withdrawn, row.unclosed)
        figures = (*map(str, counts), _median(row.amber), _median(row.confirmed), f"{max(row.confirmed):.1f}")
        print(
            f"{name:22}" + "".join(f"{figure:>7}" for figure in figures), "  " + " ".join(sorted(row.named))
        )
    every = [seconds for row in rows.values() for seconds in row.confirmed]
    right, faults = sum(row.right for row in rows.values()), sum(row.rounds for row in rows.values())
    print(f"\nright the first time: {right} of {faults} (goal: 99 %)")
    print(f"confirmed after {_median(every)} s at the median, {max(every):.1f} s at most (goals: 5, p99 8)")
    print(f"incidents too many: {sum(row.extra for row in rows.values())}")


def _median(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f}" if seconds else "-"


if __name__ == "__main__":
    raise SystemExit(main())
