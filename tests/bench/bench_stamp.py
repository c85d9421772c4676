"""Measures bursts of test packets, the reflector that answers them, and what a plugin costs beside them.

    python -m tests.bench.bench_stamp [--seconds 5]

The reflector runs in a process of its own on loopback. CPU is user and system time, of this process for looks
and of the reflector's for packets; that of plugins includes the programs themselves. "Busy" blocks the event
loop of the sender for 20 ms out of every 40: stamps are the kernel's, so round trips must hardly notice.
"""

import argparse
import asyncio
import contextlib
import functools
import multiprocessing
import resource
import statistics
import time
from ipaddress import ip_network
from pathlib import Path

from monitor.core.observation import Outcome
from monitor.core.vitals import Vitals
from monitor.kit.stamp import Reflector
from monitor.probes import plugin, stamp
from tests.bench.peers import free_port

PACKETS = 20
SPACING = 0.02
PLUGINS = Path("/usr/lib/nagios/plugins")


def reflect(port, cpu):
    """Run the reflector; its CPU time stands in *cpu*."""

    async def main():
        networks = [ip_network("127.0.0.0/8")]
        reflector = asyncio.create_task(Reflector("127.0.0.1", port, networks, 1e9, Vitals()).run())
        while not reflector.done():
            await asyncio.sleep(0.1)
            cpu.value = time.process_time()

    asyncio.run(main())


@contextlib.contextmanager
def reflecting():
    """Give the port of a reflector in a process of its own, and its CPU time so far."""
    port, cpu = free_port(), multiprocessing.Value("d", 0.0)
    process = multiprocessing.get_context("fork").Process(target=reflect, args=(port, cpu), daemon=True)
    process.start()
    try:
        time.sleep(0.5)
        yield port, cpu
    finally:
        process.kill()
        process.join()


async def at_once(look, count, seconds):
    """Look with *count* lookers for so long; return the findings."""
    findings, until = [], time.monotonic() + seconds

    async def one():
        while time.monotonic() < until:
            findings.append(await look())

    await asyncio.gather(*(one() for _ in range(count)))
    return findings


async def block():
    """Keep the loop busy half of the time."""
    while True:
        time.sleep(0.02)  # noqa: ASYNC251 - this is the disturbance
        await asyncio.sleep(0.02)


def spent(*whose):
    usages = [resource.getrusage(who) for who in whose or (resource.RUSAGE_SELF,)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


async def bursts(port, cpu, count, seconds, *, busy=False):
    options = stamp.Options(host="127.0.0.1", port=port, packets=PACKETS, spacing=SPACING)
    blocker = asyncio.create_task(block()) if busy else None
    before, reflected = spent(), cpu.value
    findings = await at_once(functools.partial(stamp.probe, options), count, seconds)
    used = spent() - before
    await asyncio.sleep(0.3)
    reflected = cpu.value - reflected
    if blocker is not None:
        blocker.cancel()
    good = [one for one in findings if one.outcome is Outcome.OK and one.values.get("received")]
    sent, got = len(findings) * PACKETS, sum(one.values["received"] for one in good)
    rtts = sorted(one.values["rtt"] * 1e6 for one in good)
    print(
        f"| {count}{' busy' if busy else ''} | {len(findings) / seconds:.0f} | {1 - got / sent:.2%} "
        f"| {statistics.median(rtts):.0f} | {rtts[int(0.99 * len(rtts))]:.0f} "
        f"| {'' if busy else f'{used / len(findings) * 1e3:.2f}'} | {reflected / sent * 1e6:.0f} |"
    )


async def programs(name, program, arguments, seconds):
    options = plugin.Options(host="127.0.0.1", program=program, arguments=arguments)
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, all_ = spent(), spent(*both)
    findings = await at_once(functools.partial(plugin.probe, options), 4, seconds)
    own, all_ = spent() - own, spent(*both) - all_
    count = len(findings)
    print(f"| {name} | {count / seconds:.0f} | {own / count * 1e3:.2f} | {all_ / count * 1e3:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    with reflecting() as (port, cpu):
        print(f"bursts of {PACKETS} packets, {SPACING * 1e3:.0f} ms apart\n")
        print(
            "| at once | looks/s | lost | RTT median, us | p99 | CPU ms per look | reflector us per packet |"
        )
        print("|---|---|---|---|---|---|---|")
        for count in (1, 20, 200):
            asyncio.run(bursts(port, cpu, count, seconds))
        asyncio.run(bursts(port, cpu, 20, seconds, busy=True))
    print("\n| plugin | looks/s, four at once | our CPU ms per look | with the program |\n|---|---|---|---|")
    asyncio.run(programs("true", "/bin/true", (), seconds))
    if (PLUGINS / "check_ping").exists():
        asyncio.run(programs("check_dummy", f"{PLUGINS}/check_dummy", (0,), seconds))


if __name__ == "__main__":
    main()
