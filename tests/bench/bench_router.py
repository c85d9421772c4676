"""Which piece is named when only a county's router, asked over SNMP, sees it break, and how soon.

    python -m tests.bench.bench_router [--rounds 2] [--period 10]

Needs root, iproute2, nftables, fping and snmpd. The city's daemon looks through the city's network alone. The
routers of two counties are asked once a period for their own tests of the circuits to the province, which
they run each second, and every five minutes for the states of their ports, of which they send traps. Seconds
count from just before the fault to the commit of the event. `right`: all that is named is what is broken, and
nothing is missing. Not as shipped is a hold of two seconds.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tests.lab.asked import COUNTIES, Asked
from tests.lab.lab import Lab, why_not
from tests.lab.router import darken
from tests.lab.topology import wire
from tests.snmpd import PROGRAM

PRIMARY, BACKUP, CITY = "province/primary", "province/backup", "city/primary"


def _cut(*ends):
    return lambda at, county: at.lab.cut(*(f"{county}/{end}" for end in ends))


def _named(*ends):
    return lambda county: [{f"{county}/{end}"} for end in ends]


FAULTS = {
    "a circuit goes dark": (lambda _, county: darken(wire(f"{county}/{PRIMARY}")), _named(PRIMARY)),
    "a circuit is cut, its port lit": (_cut(PRIMARY), _named(PRIMARY)),
    "both circuits are cut": (_cut(PRIMARY, BACKUP), _named(PRIMARY, BACKUP)),
    "the province's core": (lambda at, _: at.lab.core_dead("province"), lambda _: [{"network/province"}]),
    "a circuit to the city": (_cut(CITY), _named(CITY)),
    "the county's power": (
        lambda at, county: at.lab.power_off(county),
        lambda county: [{f"{county}/power", f"{county}/router"}],
    ),
    "the router's agent": (lambda at, county: at.routers[county].kill(), _named("router/agent")),
}
PATIENCE, AFTER, CLOSING = 60.0, 6.0, 300.0


def injected(asked, fault, county):
    """Make a fault and mend it; return whether it was named rightly, after how many seconds, and all told."""
    make, broken = fault
    pieces = broken(county)
    asked.mark, began = asked.daemon.end(), time.time()
    make(asked, county)
    while len(asked.confirmed()) < len(pieces) and time.time() < began + PATIENCE:
        time.sleep(0.1)
    time.sleep(AFTER)
    told = asked.confirmed()
    asked.mend(CLOSING)
    left = list(pieces)
    for entry in told:
        piece = next((piece for piece in left if entry.data["component"] in piece), None)
        if piece is None:
            return False, [], told
        left.remove(piece)
    return not left, [(entry.recorded_at or entry.at) - began for entry in told], told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--period", type=float, default=10.0)
    args = parser.parse_args()
    if PROGRAM is None or why_not():
        print(f"left out: {why_not() or 'needs snmpd'}")
        return
    print(f"{'fault':32} {'right':>8} {'median':>8} {'max':>8}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        asked = Asked(lab, Path(folder), args.period)
        try:
            asked.start()
            for name, fault in FAULTS.items():
                counties = [COUNTIES[number % len(COUNTIES)] for number in range(args.rounds)]
                runs = [injected(asked, fault, county) for county in counties]
                took = [seconds for _, times, _ in runs for seconds in times] or [float("nan")]
                right = f"{sum(good for good, _, _ in runs)} of {len(runs)}"
                print(f"{name:32} {right:>8} {statistics.median(took):8.1f} {max(took):8.1f}", flush=True)
                for _, _, told in (run for run in runs if not run[0]):
                    print(f"    named {[entry.data['component'] for entry in told]}", flush=True)
        finally:
            asked.end()


if __name__ == "__main__":
    main()
