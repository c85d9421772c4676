"""Measures looks at databases, UPSs, agents and others, beside the programs that people look with.

    python -m tests.bench.bench_kinds [--runs 5] [--looks 300]

Real servers on loopback answer. Ours is the coroutine form, ten looks at a time, through the runner, without
schedule and belief; CPU is user and system time of this process, not of the servers. A program is one process
per look, fifty of them. snmp_exporter's CPU is read from /proc while it is asked for one target after the
other, its Prometheus left out. `-`: nobody looks like that, or the program is not installed. check_pgsql
logs in, where ours asks to be let in and hears who is wanted.
"""

import argparse
import asyncio
import contextlib
import shutil
import statistics
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.bench_calls import at, round_of
from tests.bench.peers import PLUGINS, cpu_of, fetch, free_port, plugin_cost, running
from tests.probes import callees, databases, servers
from tests.probes.certificates import Authority
from tests.probes.test_ups import WELL, Nut
from tests.snmpd import AUTH, PRIVACY, snmpd

UPTIME = "1.3.6.1.2.1.1.3.0"
USER = ("-v3", "-l", "authPriv", "-u", "duty", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIVACY)
ASKED = r"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04mqtt\x03hub\0\0\x01\0\x01"
"""The question for an address, as the kind udp can send it."""
EXPORTER = f"""
one:
  get: [{UPTIME}]
  metrics: [{{name: sysUpTime, oid: {UPTIME.removesuffix(".0")}, type: gauge, help: since the start}}]
  version: 3
  auth:
    username: duty
    security_level: authPriv
    password: {AUTH}
    auth_protocol: SHA256
    priv_protocol: AES
    priv_password: {PRIVACY}
"""
UPS = {
    "2.1.0": "integer 2", "2.2.0": "integer 0", "2.3.0": "integer 40", "2.4.0": "integer 97",
    "4.1.0": "integer 3",
}  # fmt: skip
"""Of UPS-MIB: on mains, the battery well."""


def program(name, *arguments):
    """Return what a look of another program costs, seconds; None if it is not installed."""
    found = shutil.which(name, path=f"{PLUGINS}:/usr/bin")
    return partial(plugin_cost, found, *map(str, arguments)) if found else None


def exporter(folder, port):
    """Return what one target costs snmp_exporter, seconds; None if it is not installed."""
    if not shutil.which("prometheus-snmp-exporter"):
        return None
    file = folder / "snmp.yml"
    file.write_text(EXPORTER)

    def cost(times=300):
        ours = free_port()
        arguments = (f"--web.listen-address=127.0.0.1:{ours}", f"--config.file={file}")
        with running(["prometheus-snmp-exporter", *arguments], ours) as pid:
            before = cpu_of(pid)
            for _ in range(times):
                assert b"\nsysUpTime " in fetch(ours, f"/snmp?module=one&target=127.0.0.1:{port}")
            return (cpu_of(pid) - before) / times

    return cost


def asked(told):
    """Return options of an agent without the address that `at` gives."""
    return {key: value for key, value in told.items() if key not in ("host", "port")}


def of_databases(enter):
    """Give the looks at databases: name, kind with options, and other programs."""
    if databases.POSTGRES:
        port = enter(databases.postgres("host all owner 127.0.0.1/32 trust\n"))
        theirs = program("check_pgsql", "-H", "127.0.0.1", "-P", port, "-l", "owner", "-d", "postgres")
        yield "database, PostgreSQL", at("database", port, protocol="postgres"), {"check_pgsql": theirs}
    if databases.MARIADB:
        port = enter(databases.mariadb())
        theirs = program("check_mysql", "-n", "-H", "127.0.0.1", "-P", port, "-u", "monitor")
        yield "database, MariaDB", at("database", port, protocol="mysql"), {"check_mysql": theirs}
    if databases.REDIS:
        yield "database, Redis", at("database", enter(databases.redis()), protocol="redis"), {}


def of_agents(folder, enter):
    """Give the looks at agents and UPSs."""
    mib = tuple(f"override 1.3.6.1.2.1.33.1.{name} {value}" for name, value in UPS.items())
    agent = enter(snmpd(folder, *mib))
    where = f"127.0.0.1:{agent.port}"
    theirs = {
        "snmpget": program("snmpget", *USER, where, UPTIME),
        "check_snmp": program("check_snmp", "-H", "127.0.0.1", "-p", agent.port, "-o", UPTIME, "-P", "2c",
                              "-C", "harbour-7"),
        "snmp_exporter": exporter(folder, agent.port),
    }  # fmt: skip
    yield "snmp, version 3", at("snmp", agent.port, get=UPTIME, **asked(agent.v3())), theirs
    yield "ups, UPS-MIB", at("ups", agent.port, **asked(agent.v3())), {}
    nut = folder / "nut"
    nut.mkdir()
    unit = enter(Nut(nut, {"well": WELL}))
    theirs = program("check_ups", "-H", "127.0.0.1", "-p", unit.port, "-u", "well")
    yield "ups, NUT", at("ups", unit.port, nut="well"), {"check_ups": theirs}


def of_others(folder, enter):
    """Give the looks at a telephone exchange, with and without a call, and over UDP."""
    authority = Authority(folder)
    sip = enter(callees.kamailio(folder, authority.issue()))
    theirs = program("sipsak", "-s", f"sip:127.0.0.1:{sip['udp']}")
    yield "sip, UDP", at("sip", sip["udp"]), {"sipsak": theirs}
    theirs = program("check_tcp", "-S", "-H", "127.0.0.1", "-p", sip["tls"])
    yield "tls", at("tls", sip["tls"], ca_file=str(authority.file)), {"check_tcp -S": theirs}
    names = folder / "names"
    names.mkdir()
    yield "udp", at("udp", enter(servers.nameserver(names)), send=ASKED, expect=r"\x12\x34"), {}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--looks", type=int, default=300)
    args = parser.parse_args()
    print("CPU per look in milliseconds, and how long ours took, ten at a time: medians")
    print(f"{'look':22} {'ours':>8} {'took':>8} {'well':>6}   others")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, enter = Path(name), stack.enter_context
        for rows in (of_databases(enter), of_agents(folder, enter), of_others(folder, enter)):
            for row, (kind, options), others in rows:
                runs = [asyncio.run(round_of(kind, options, args.looks)) for _ in range(args.runs)]
                used, took, good = (statistics.median(column) for column in zip(*runs, strict=True))
                costs = {name: cost() * 1e3 for name, cost in others.items() if cost}
                told = ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items()) or "-"
                print(f"{row:22} {used:8.2f} {took:8.2f} {good:6.0%}   {told}", flush=True)


if __name__ == "__main__":
    main()
