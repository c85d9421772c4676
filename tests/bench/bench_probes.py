"""Measures looks at name, time, login and message servers, beside monitoring plugins and blackbox_exporter.

    python -m tests.bench.bench_probes [--runs 5] [--seconds 2]

Everybody asks the same server on loopback, turn by turn. Ours is the coroutine form, ten looks at a time,
through the runner, without schedule and belief; its CPU is user and system time of the process. A plugin is
one process per look (check_dig starts a dig). blackbox_exporter's is read from /proc while it is asked for
probes one by one, its Prometheus left out. check_ssh reads the greeting only, as our kind tcp does in the row
`greeting`; our kind ssh goes on to the proof of the host key, which is mostly arithmetic.
"""

import argparse
import asyncio
import contextlib
import functools
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.probes import load_kinds
from tests.bench.peers import blackbox, blackbox_cost, plugin_cost
from tests.mosquitto import mosquitto
from tests.probes.servers import chrony, nameserver, sshd

KINDS = load_kinds()
AT_ONCE = 10
BLACKBOX = """
modules:
  dns: {prober: dns, timeout: 1s, dns: {query_name: mqtt.hub, query_type: A, preferred_ip_protocol: ip4}}
  greeting:
    prober: tcp
    timeout: 1s
    tcp: {query_response: [{expect: "^SSH-2.0-"}], preferred_ip_protocol: ip4}
"""
ROWS = {
    "dns": ("dns", {"name": "mqtt.hub", "expect": "10.1.2.20"}),
    "dns tcp": ("dns", {"name": "mqtt.hub", "transport": "tcp"}),
    "ntp": ("ntp", {}),
    "greeting": ("tcp", {"expect": "SSH-2.0-"}),
    "ssh": ("ssh", {}),
    "mqtt": ("mqtt", {}),
    "mqtt round": ("mqtt", {"topic": "look"}),
}
PLUGINS = {
    "dns": ("check_dig", "-H", "127.0.0.1", "-l", "mqtt.hub", "-p"),
    "ntp": ("check_ntp_time", "-H", "127.0.0.1", "-p"),
    "greeting": ("check_ssh", "-H", "127.0.0.1", "-p"),
}


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def ours(row, port, seconds):
    """Return CPU seconds per look, the median seconds that one took, and how many went wrong."""
    kind, told = ROWS[row]
    look = functools.partial(KINDS[kind].probe, KINDS[kind].options(host="127.0.0.1", port=port, **told))
    await observe(look, 5.0)
    took, bad, before, end = [], 0, cpu(), time.monotonic() + seconds
    while time.monotonic() < end:
        for finding, lasted in await asyncio.gather(*(observe(look, 5.0) for _ in range(AT_ONCE))):
            took.append(lasted)
            bad += finding.outcome is not Outcome.OK
    return (cpu() - before) / len(took), statistics.median(took), bad, len(took)


def plugin(row, port):
    if row not in PLUGINS:
        return None
    name, *arguments = PLUGINS[row]
    return plugin_cost(name, *arguments, str(port))


def exporter(row, port, at):
    if row not in ("dns", "greeting"):
        return None
    return blackbox_cost(*at, [f"/probe?module={row}&target=127.0.0.1:{port}"] * 300)


async def measure(row, port, at, args):
    runs = [await ours(row, port, args.seconds) for _ in range(args.runs)]
    used, took = (statistics.median(column) for column in list(zip(*runs, strict=True))[:2])
    others = [plugin(row, port), exporter(row, port, at)]
    told = " ".join(f"{other * 1e6:>9.0f}" if other else f"{'-':>9}" for other in others)
    bad, looks = (sum(run[place] for run in runs) for place in (2, 3))
    print(f"{row:<11} {used * 1e6:>9.0f} {told} {took * 1e3:>9.2f} {bad:>6}/{looks}", flush=True)


async def all_rows(folder, names, at, args):
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        clock = await enter(chrony(made(folder / "chrony"), "local stratum 5"))
        key = folder / "key"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
        subprocess.run(command, check=True)  # noqa: ASYNC221 - nothing else is to be done meanwhile
        Path("/run/sshd").mkdir(exist_ok=True)  # noqa: ASYNC240
        login, _ = await enter(sshd(made(folder / "sshd"), f"HostKey {key}", "MaxStartups 1000"))
        broker = await enter(mosquitto(made(folder / "mosquitto")))
        ports = {"dns": names, "ntp": clock, "tcp": login, "ssh": login, "mqtt": broker.port}
        for row, (kind, _) in ROWS.items():
            await measure(row, ports[kind], at, args)


def made(folder):
    folder.mkdir()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    print("CPU per look in microseconds, and how long ours took, ten at a time: medians")
    print("look             ours   check_*  blackbox   took ms    bad looks")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nameserver(made(folder / "unbound")) as names, blackbox(folder, BLACKBOX) as at:
            asyncio.run(all_rows(folder, names, at, args))


if __name__ == "__main__":
    main()
