"""Which piece is named when something breaks, how soon, and how often in vain: real daemons in the lab.

    python -m tests.bench.bench_incidents [--rounds 1] [--only NAME]

Needs root, iproute2, nftables and mosquitto. Daemons at the city, the province and three counties, a broker
each; every look as often as shipped. Each fault is made in network namespaces or to a program, in another
center each round; seconds count from just before it is made to the commit of the event in the city's log.
`right`: each confirmed incident named at first a piece that is truly broken (or its group, where no look can
tell them apart) and was never renamed, none is missing, none too many, no alarm was given of anything else,
and all were closed by the recovery. `extra`: confirmed incidents beyond the broken pieces, from the fault to
its end. `amber`: suspicions that were withdrawn. `first`, `sure`, `max`: to the first sign; to the confirmed
incident, median and longest. `over`: from the mending to the end of the last incident. Each round has
daemons without a memory: what breaks again within a quarter of an hour is held open twice as long. Not as
shipped are a hold of two seconds and signs of life every two seconds, so that silence is told after six.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.faults import FAULTS, Fault
from tests.lab.injection import Told, injected
from tests.lab.levels import levels, why_no_levels

MORE = {"detection": {"hold": 2}}
HEADS = ("n", "right", "extra", "amber", "first", "sure", "max", "over")


def main() -> int:
    """Measure and print; 1 if anything was told wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="times each fault is made (%(default)s)"
    )
    names = [fault.name for fault in FAULTS]
    parser.add_argument(
        "--only", choices=names, action="append", metavar="NAME", help="make these faults only"
    )
    args = parser.parse_args()
    if reason := why_no_levels():
        print(f"left out: {reason}")
        return 0
    chosen = [fault for fault in FAULTS if not args.only or fault.name in args.only]
    told: list[Told] = []
    for number in range(args.rounds):
        with (
            tempfile.TemporaryDirectory() as folder,
            levels(Path(folder), device_period=None, more=MORE) as built,
        ):
            for place, fault in enumerate(chosen):
                center = fault.where[(number + place) % len(fault.where)]
                told.append(injected(built, fault, center))
                _mention(told[-1])
    _show(chosen, told)
    return int(any(one.wrong for one in told))


def _mention(one: Told) -> None:
    """Say at once how it went, for whoever waits."""
    took = " ".join(f"{seconds:.1f}" for seconds in one.confirmed)
    for words in one.wrong or (f"right, {took or '-'} s",):
        print(f"{time.strftime('%H:%M:%S')} {one.fault}, {one.center}: {words}", file=sys.stderr, flush=True)


def _show(faults: Iterable[Fault], told: list[Told]) -> None:
    """Print the table."""
    print("Seconds from the fault to the first sign and to the confirmed incident")
    print(f"{'fault':22}" + "".join(f"{head:>7}" for head in HEADS) + "   named")
    for fault in faults:
        print(_line(fault.name, [one for one in told if one.fault == fault.name]))
    right = sum(not one.wrong for one in told)
    print(f"\nright the first time: {right} of {len(told)} (goal: 99 %)")
    kinds = {fault.name for fault in faults if fault.timed}
    every = sorted(seconds for one in told if one.fault in kinds for seconds in one.confirmed)
    if every:
        p99 = every[min(len(every) - 1, round(0.99 * len(every)))]
        print(f"circuits, centers, cores: {_median(every)} s at the median, p99 {p99:.1f} s (goals: 5, 8)")
    incidents = sum(len(one.named) for one in told)
    print(f"incidents: {incidents} confirmed, {sum(one.extra for one in told)} too many")


def _line(name: str, told: list[Told]) -> str:
    sure = [seconds for one in told for seconds in one.confirmed]
    figures = (
        str(len(told)),
        str(sum(not one.wrong for one in told)),
        str(sum(one.extra for one in told)),
        str(sum(one.withdrawn for one in told)),
        _median([one.amber for one in told if one.amber is not None]),
        _median(sure),
        f"{max(sure):.1f}" if sure else "-",
        _median([one.closed for one in told if one.closed is not None]),
    )
    named = " ".join(sorted({component for one in told for component in one.named}))
    return f"{name:22}" + "".join(f"{figure:>7}" for figure in figures) + f"   {named}"


def _median(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f}" if seconds else "-"


if __name__ == "__main__":
    raise SystemExit(main())
