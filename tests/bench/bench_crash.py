"""What survives when the daemon is killed, over mosquitto and a town that is never at rest.

    python -m tests.bench.bench_crash                  200 kills at random, then each named point
    python -m tests.bench.bench_crash --rounds 20 --no-points [--seed N] [--centers 20]

Expected are the changes of the town that were seen and recorded before the next one, and whatever the log
holds at the end; got, lost and doubled say what the log has of the former, and what a consumer on the broker
heard of the latter. Doubled may be what was in flight at a kill (`of`). The worst delays, from the change to
its commit and from an event to its hearing, contain the time for which the daemon was dead.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.system.account import HEAD
from tests.system.lives import lives
from tests.system.test_crash import FIRST, LED_TO, MATRIX

LIFE = (0.05, 8.0)
"""Seconds from birth, or from when it is ready, to the kill."""
AT_WORK = 0.7
"""Share of the lives that are killed at work for sure."""

LONG = 5.0
"""Seconds for which it works before and after it is killed at a named point."""


async def at_random(rounds: int, seed: int, centers: int) -> int:
    """Kill the daemon again and again; return the number of blemishes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder:
        async with lives(Path(folder), chance, centers) as all_lives:
            for n in range(1, rounds + 1):
                seconds, of_work = chance.uniform(*LIFE), chance.random() < AT_WORK
                await all_lives.killed_after(seconds, of_work=of_work)
                if n % 20 == 0:
                    show(all_lives, f"{n} kills")
            await all_lives.end_well()
            show(all_lives, f"{rounds} kills, seed {seed}")
            return faults(all_lives)


async def at_points(seed: int, centers: int) -> int:
    """Kill the daemon at each named point; return the number of blemishes."""
    found = 0
    for point in MATRIX:
        with tempfile.TemporaryDirectory() as folder:
            async with lives(Path(folder), random.Random(seed), centers) as all_lives:  # noqa: S311 - no secret
                if point not in FIRST:
                    await all_lives.end_well(LONG)
                await all_lives.die_at(point, LED_TO.get(point))
                await all_lives.end_well(LONG)
                show(all_lives, point)
                found += faults(all_lives)
    return found


def show(all_lives, title):
    print(all_lives.line(title), flush=True)
    for blemish in all_lives.blemishes:
        print(f"    {blemish}", flush=True)


def faults(all_lives):
    recorded, told = all_lives.account()
    doubled = max(0, told.doubled - all_lives.in_flight)
    return recorded.lost + recorded.doubled + told.lost + doubled + len(all_lives.blemishes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--centers", type=int, default=10)
    parser.add_argument("--no-points", action="store_true")
    args = parser.parse_args()
    print(HEAD)
    found = asyncio.run(at_random(args.rounds, args.seed, args.centers)) if args.rounds else 0
    if not args.no_points:
        found += asyncio.run(at_points(args.seed, args.centers))
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
