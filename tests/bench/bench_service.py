"""Measures the daemon as a site has it: installed from the offline bundle, run by systemd, ten centers, idle.

    python -m tests.bench.bench_service [--restarts 5] [--idle 60]

A machine of its own (debootstrap, systemd-nspawn; needs root) without any network; 40 circuits that answer
are looked at once a second, mosquitto as Debian starts it. Memory and CPU are the daemon's own, after its
first minute.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import tempfile
import time
from pathlib import Path

from tests.system.machine import bundle
from tests.system.site import UNIT, site

TICKS = os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds over which CPU is measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        archive = bundle(folder / "bundle")
        with site(folder) as here:
            print(f"{'bundle: wheels, ours and others':<44}{archive.stat().st_size / 1e6:>8.1f} MB")
            show(here, archive, args)


def show(here, archive, args):
    slow_down(here)
    began = time.monotonic()
    here.install(archive, "--config", "/root/site")
    line("install.sh to ready", time.monotonic() - began, "s")
    asyncio.run(here.one.all_are("up"))
    line("install.sh to all green", time.monotonic() - began, "s")
    line("installed, with compiled files", size(here.machine.inside("/opt/command-monitor")) / 1e6, "MB")
    ready, stops = zip(*(restarted(here) for _ in range(args.restarts)), strict=True)
    line("process to ready, median", statistics.median(ready), "s")
    line("process to ready, longest", max(ready), "s")
    line("stop, longest", max(stops), "s")
    pid = here.machine.outer(here.main())
    time.sleep(60)
    before = spent(pid)
    time.sleep(args.idle)
    line("CPU of one core", (spent(pid) - before) / args.idle * 100, "%")
    line("memory (RSS)", memory(pid), "MiB")


def slow_down(here):
    """Declare looks as often as shipped."""
    file = here.machine.inside("/root/site/town.yaml")
    document = json.loads(file.read_text())
    document["looks"]["circuit"] |= {"period": 1, "deadline": 1}
    file.write_text(json.dumps(document))


def restarted(here):
    """Stop and start it; return how long it took to be ready and to stop, seconds."""
    here.systemctl("stop")
    here.systemctl("start")
    shown = here.machine.shows(UNIT, "ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic")
    start, ready = sorted(map(int, shown.values()))
    return (ready - start) / 1e6, here.took["stop"]


def size(folder):
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def spent(pid):
    """Return the CPU time of a process, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def line(what, value, unit):
    print(f"{what:<44}{value:>8.1f} {unit}", flush=True)


if __name__ == "__main__":
    main()
