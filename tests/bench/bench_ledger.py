"""What arrives of what happened, whatever fails between city, province and counties: a ledger each.

    python -m tests.bench.bench_ledger                    every scenario in its short form
    python -m tests.bench.bench_ledger --full             as it is meant: 10 minutes cut off, 100 restarts …
    python -m tests.bench.bench_ledger --only agent-killed --only flood

Needs root, iproute2, nftables and mosquitto; libfaketime for the wrong clock. Expected are the events that
three counties recorded, once for each of the two daemons that gather them. The worst delay is that from an
event's own time to its commit by the one that gathers; where something was away it is as long as that was.
"Caught up" is the time from the end of the fault until everything was there.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.ledger import HEAD, line
from tests.lab.levels import levels, why_no_levels
from tests.lab.scenarios.table import SCENARIOS


def main() -> int:
    """Play the scenarios and print the table; 1 if anything is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "--full", action="store_true", help="as long as it is meant, not as short as possible"
    )
    args = parser.parse_args()
    if reason := why_no_levels():
        print(f"left out: {reason}")
        return 0
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder, levels(Path(folder)) as built:
        rows = []
        for scenario in SCENARIOS:
            if args.only and scenario.name not in args.only:
                continue
            if scenario.why_not:
                print(f"{scenario.name:34} left out: {scenario.why_not}")
                continue
            try:
                rows.append((scenario.full if args.full else scenario.short)(built))
                print(line(rows[-1]), flush=True)
            finally:
                built.mend()
    return int(any(row.blemishes for row in rows))


if __name__ == "__main__":
    sys.exit(main())
