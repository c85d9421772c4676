"""Half an hour of equipment: thousands of SIP servers and SNMP agents, watched by the real daemon.

    python -m tests.bench.bench_equipment [--minutes 30] [--warm-up 25] [--targets 2000] [--period 10]

So many targets of each kind, every one at an address of its own and asked once a period: OPTIONS over UDP,
and the uptime by SNMP version 3 (SHA-256, AES-128). A Kamailio and an snmpd answer for all of them, in a
network namespace of their own that leads 127.128.0.0/9 to them. `late`: the share of beats, each with the
looks due then, to which the loop came that much after their time. `lost`: looks that found anything but that
all is well, or were not made because the one before had not ended, or whose finding was thrown away because
the loop lagged. What is measured begins when every check has learned from its round-trip times, which at one
look each 10 s it does after 21 minutes. Growth is the slope of a line through the last three quarters of the
samples, one each 5 s.
Needs root, nftables, Kamailio and snmpd.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.bench_daemon import lags, total
from tests.bench.bench_soak import SAMPLE, TITLES, Watched
from tests.bench.peers import cpu_of
from tests.kit.icmp_ground import inside, namespaces
from tests.probes.callees import kamailio
from tests.probes.certificates import Authority
from tests.snmpd import snmpd
from tests.system.daemon import daemon

CENTERS = 10
DEVICES = 250
"""Targets of one kind in a row of addresses."""
LATE = (0.01, 0.05)
LOOKS = "command_monitor_looks_total"
CHECKS = "command_monitor_check_looks_total"
SKIPPED, DROPPED = "command_monitor_looks_skipped_total", "command_monitor_evidence_dropped_total"
RULES = """
table ip equipment {
    chain out {
        type nat hook output priority -100;
        ip daddr 127.128.0.0/9 dnat to 127.0.0.1
    }
}
"""


def inventory(targets, period, looks):
    """Return an inventory in which every target is a device, a tenth of them at each center."""
    rhythm = {"period": period, "deadline": min(5.0, period)}
    centers = {}
    for center in range(CENTERS):
        devices = {
            f"{look['kind']}{number}": {
                "address": f"127.{200 + place}.{number // DEVICES}.{1 + number % DEVICES}",
                "looks": {look["kind"]: look | rhythm},
            }
            for place, look in enumerate(looks)
            for number in range(center, targets, CENTERS)
        }
        links = {"city": {"primary": {"near": f"127.127.0.{center + 1}"}}}
        centers[f"c{center}"] = {"links": links, "devices": devices}
    return {"city": "Big", "networks": {"city": None}, "centers": centers}


async def watch(one, warm_up, seconds):
    """Take samples; return them with the first page of metrics, the last, and the share of one core."""
    watched, loop = Watched(one, None, "city"), asyncio.get_running_loop()
    await asyncio.sleep(warm_up)
    first, cpu, began = await one.ask("/metrics"), cpu_of(one.process.pid), loop.time()
    while loop.time() - began < seconds:
        await watched.sample()
        await asyncio.sleep(SAMPLE)
    share = (cpu_of(one.process.pid) - cpu) / (loop.time() - began)
    return watched, first, await one.ask("/metrics"), share


def show(watched, first, last, share):
    """Print the tables; return whether no look was lost."""

    def grown(name, match=""):
        return int(total(last, name, match) - total(first, name, match))

    beats = [(bound, now - then) for (bound, now), (_, then) in zip(lags(last), lags(first), strict=True)]
    late = [1 - next(n for bound, n in beats if bound == limit) / beats[-1][1] for limit in LATE]
    looks, failed = grown(LOOKS), grown(CHECKS, 'outcome="failed"')
    blind = looks - failed - grown(CHECKS, 'outcome="ok"')
    lost = failed + grown(SKIPPED) + grown(DROPPED)
    print(TITLES)
    watched.show()
    print(
        f"\n{looks:,} looks, {share:.1%} of a core; failed {failed}, skipped {grown(SKIPPED)}, thrown away "
        f"{grown(DROPPED)}; {blind} counted neither way, for the two pages take a moment"
    )
    told = (
        f"{portion:.3%} by more than {limit * 1e3:g} ms" for portion, limit in zip(late, LATE, strict=True)
    )
    print(f"beats late: {', '.join(told)}")
    tenths = (watched.samples[number * (len(watched.samples) - 1) // 10][1] for number in range(11))
    print(f"RSS from tenth to tenth, MiB: {' '.join(f'{rss:.1f}' for rss in tenths)}", flush=True)
    return lost == 0


async def soak(folder, file, args):
    """Run the daemon; return whether no look was lost."""
    async with daemon(folder, file) as one:
        return show(*await watch(one, 60 * args.warm_up, 60 * args.minutes))


def run(args, folder):
    """Start the servers and lead all addresses to them, then run it all."""
    with kamailio(folder, Authority(folder).issue()) as sip, snmpd(folder) as agent:
        subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
        uptime = agent.v3(kind="snmp", get="1.3.6.1.2.1.1.3.0")
        del uptime["host"]
        looks = [{"kind": "sip", "port": sip["udp"]}, uptime]
        file = folder / "city.json"
        file.write_text(json.dumps(inventory(args.targets, args.period, looks)))
        return asyncio.run(soak(folder, file, args))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=25.0, help="minutes before them")
    parser.add_argument("--targets", type=int, default=2000, help="of each kind")
    parser.add_argument("--period", type=float, default=10.0)
    args = parser.parse_args()
    print(
        f"{args.targets} targets of each kind at {args.period:g} s for {args.minutes:g} minutes", flush=True
    )
    with tempfile.TemporaryDirectory() as folder, namespaces("equipment") as (name,), inside(name):
        return int(not run(args, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
