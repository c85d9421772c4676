"""Measures traces through six real routers: time, packets, CPU, and what many at once do to the loop.

    python -m tests.bench.bench_trace [--many 200]

The routers are network namespaces, as they come: Linux tells one host of six packets that ran out of hops
and then of one a second (icmp_ratelimit), unless `--unlimited`. Every line is one round of so many traces
begun at the same moment. "late" is by how much a timer of 10 ms was late meanwhile, at most; "complete" the
share of traces in which every hop answered. Needs root.
"""

import argparse
import asyncio
import itertools
import resource
import statistics
import time

from monitor.kit.trace import Asked, trace
from tests.kit.icmp_ground import inside, link, namespaces, run, sysctl

ROUTERS = 6
THERE, HOLE = "10.1.7.2", "10.9.9.9"


def wired(names, *, unlimited):
    """Join the namespaces to a chain; the third router swallows what goes to HOLE."""
    here, *routers, there = names
    for number, (one, other) in enumerate(itertools.pairwise(names), 1):
        link(one, other, f"10.1.{number}")
    run(f"ip -n {here} route add default via 10.1.1.2")
    run(f"ip -n {there} route add default via 10.1.7.1")
    for name in names:
        with inside(name):
            sysctl("net.ipv4.ip_forward", "1")
            sysctl("net.ipv4.ping_group_range", "0 2147483647")
            if unlimited:
                sysctl("net.ipv4.icmp_ratelimit", "0")
    for number, name in enumerate(routers, 1):
        if number > 1:
            run(f"ip -n {name} route add 10.1.1.0/24 via 10.1.{number}.1")
        if number < ROUTERS:
            run(f"ip -n {name} route add {THERE} via 10.1.{number + 1}.2")
            run(f"ip -n {name} route add {HOLE} via 10.1.{number + 1}.2")
    run(f"ip -n {routers[2]} route replace blackhole {HOLE}")


async def lateness(late):
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        late.append(time.monotonic() - began - 0.01)


async def round_of(count, host, method):
    """Trace *count* times at once; return paths, seconds each took, CPU seconds and the latest timer."""
    late, took = [], []

    async def one():
        began = time.monotonic()
        path = await trace(Asked(host, method))
        took.append(time.monotonic() - began)
        return path

    watching = asyncio.create_task(lateness(late))
    before = resource.getrusage(resource.RUSAGE_SELF)
    paths = await asyncio.gather(*(one() for _ in range(count)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    watching.cancel()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return paths, took, cpu, max(late, default=0.0)


async def measure(many):
    print("| to | method | at once | seconds, median | packets each | CPU ms each | late ms | complete |")
    print("|---|---|---|---|---|---|---|---|")
    for host, method, count in itertools.product((THERE, HOLE), ("icmp", "udp", "tcp"), (1, 2, many)):
        await asyncio.sleep(8)  # the routers' allowance is whole again
        paths, took, cpu, late = await round_of(count, host, method)
        sent = statistics.mean(path.sent for path in paths)
        whole = (ROUTERS + 1) if host == THERE else 2
        complete = statistics.mean(
            len(path.hops) >= whole and all(hop.address for hop in path.hops) for path in paths
        )
        where = "target" if host == THERE else "black hole"
        figures = f"{statistics.median(took):.2f} | {sent:.0f} | {1000 * cpu / count:.1f} | {1000 * late:.0f}"
        print(f"| {where} | {method} | {count} | {figures} | {complete:.0%} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=200)
    parser.add_argument("--unlimited", action="store_true", help="lift the routers' limits")
    args = parser.parse_args()
    with namespaces("here", *(f"r{number}" for number in range(1, ROUTERS + 1)), "last") as names:
        wired(names, unlimited=args.unlimited)
        with inside(names[0]):
            asyncio.run(measure(args.many))


if __name__ == "__main__":
    main()
