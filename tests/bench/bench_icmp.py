"""Measures our ping engine against fping on loopback: CPU per ping, own losses, truth of the RTT.

    python -m tests.bench.bench_icmp [--runs 5] [--seconds 3]

Both ping the same addresses of 127.0.0.0/8, turn by turn, so that they meet the same machine. CPU is user and
system time of the whole process: ours in a child of its own with nothing but the event loop and a caller that
sends what is due every 10 ms; fping's from wait4. The RTTs are compared by their quantiles with fping's own,
with our loop blocked for 20 ms in every 120. Needs root, for fping as for us.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

from monitor.kit.icmp import Engine

TICK = 0.01
BLOCKED, EVERY = 0.02, 0.12


def addresses(count):
    return [f"127.{1 + i // 50_000}.{i // 250 % 200}.{1 + i % 250}" for i in range(count)]


class Counts:
    def __init__(self):
        self.rtts = {}

    def answered(self, key, _sent_at, rtt):
        self.rtts[key] = rtt

    def ignore(self, _key, _sent_at, _what):
        """Pass over what is not answered in time: it is missing in the answers."""


async def ours(rate, seconds, *, block):
    """Ping *rate* addresses a second, each once a second, spread over 10-ms ticks."""
    counts = Counts()
    engine = Engine(counts.answered, counts.ignore, counts.ignore)
    per_tick, ticks = int(rate * TICK), int(seconds / TICK)
    targets = [engine.prepare(host) for host in addresses(rate)]
    batches = [targets[start : start + per_tick] for start in range(0, rate, per_tick)]
    loop = asyncio.get_running_loop()
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = loop.time()
    for tick in range(ticks):
        number = tick * per_tick
        engine.send([(target, number + i, 0.5) for i, target in enumerate(batches[tick % len(batches)])])
        if block and tick % int(EVERY / TICK) == 0:
            time.sleep(BLOCKED)  # noqa: ASYNC251 - blocking is the point
        await asyncio.sleep(max(0.0, began + (tick + 1) * TICK - loop.time()))
    await asyncio.sleep(0.6)
    after = resource.getrusage(resource.RUSAGE_SELF)
    engine.close()
    sent = per_tick * ticks
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rtts = list(counts.rtts.values())
    return {"sent": sent, "answered": len(rtts), "cpu": cpu / sent, "rtts": rtts}


def run_ours(rate, seconds, *, block=False):
    command = [sys.executable, __file__, "--child", str(rate), str(seconds), *(["block"] if block else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def run_fping(rate, seconds):
    """Run fping at the same rate: every address once a second."""
    rounds = max(1, round(seconds))
    gap = f"{1000 / rate:g}"
    command = ["fping", "-q", "-C", str(rounds), "-p", "1000", "-i", gap, "-B1", "-r0", "-t500"]
    began = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write("\n".join(addresses(rate)).encode())
        process.stdin.close()
        text = process.stderr.read().decode()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    took = time.monotonic() - began
    answers = [word for line in text.splitlines() for word in line.partition(" : ")[2].split()]
    rtts = [float(word) / 1000 for word in answers if re.fullmatch(r"[\d.]+", word)]
    sent = rate * rounds
    cpu = (usage.ru_utime + usage.ru_stime) / sent
    return {"sent": sent, "answered": len(rtts), "cpu": cpu, "rtts": rtts, "rate": sent / took}


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median_cpu(results):
    return statistics.median(result["cpu"] for result in results) * 1e6


def lost(results):
    sent = sum(result["sent"] for result in results)
    return f"{sent - sum(result['answered'] for result in results)}/{sent:,}"


def compare_cpu(rate, runs, seconds):
    mine, theirs = zip(
        *[(run_ours(rate, seconds), run_fping(rate, seconds)) for _ in range(runs)], strict=True
    )
    ratio = median_cpu(mine) / median_cpu(theirs)
    reached = statistics.median(result["rate"] for result in theirs)
    print(
        f"{rate:>7,}/s  {median_cpu(mine):>6.1f}  {median_cpu(theirs):>6.1f}  {ratio:>6.2f}"
        f"  {lost(mine):>12}  {lost(theirs):>12}  {reached:>8,.0f}/s"
    )


def alone(rate, runs, seconds):
    mine = [run_ours(rate, seconds) for _ in range(runs)]
    print(f"{rate:>7,}/s  {median_cpu(mine):>6.1f}  {'':>6}  {'':>6}  {lost(mine):>12}")


def compare_rtt(rate, runs, seconds):
    print(
        f"\nRTT at {rate:,}/s in microseconds, our loop blocked {BLOCKED * 1e3:g} ms in every {EVERY * 1e3:g}"
    )
    print("            median     p90     p99     max")
    sides = {"ours": [], "fping": []}
    for _ in range(runs):
        sides["ours"].append(run_ours(rate, seconds, block=True)["rtts"])
        sides["fping"].append(run_fping(rate, seconds)["rtts"])
    rows = {}
    for name, all_runs in sides.items():
        rows[name] = [
            statistics.median(quantile(run, share) for run in all_runs) * 1e6
            for share in (0.5, 0.9, 0.99, 1.0)
        ]
        print(f"  {name:<8}" + "".join(f"{value:>8.1f}" for value in rows[name]))
    apart = [mine - theirs for mine, theirs in zip(rows["ours"], rows["fping"], strict=True)]
    print(f"  {'apart':<8}" + "".join(f"{value:>8.1f}" for value in apart))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    print("CPU per ping, microseconds (medians), and pings that came to nothing")
    print("     rate     ours   fping   ratio     ours lost    fping lost  fping reached")
    for rate in (1_000, 10_000):
        compare_cpu(rate, args.runs, args.seconds)
    for rate in (5_000, 50_000):
        alone(rate, args.runs, args.seconds)
    compare_rtt(1_000, args.runs, args.seconds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        wanted = ours(int(sys.argv[2]), float(sys.argv[3]), block="block" in sys.argv)
        print(json.dumps(asyncio.run(wanted)))
    else:
        main()
