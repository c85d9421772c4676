"""Real servers for names, time and logins, as the tests and benches need them."""

import asyncio
import contextlib
import getpass
import os
from pathlib import Path

import pytest

from monitor.probes import dns, ntp, ssh
from tests.probes.children import free_port, program, running, until

CONFIGURATION = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/pid"
  use-syslog: no
  do-daemonize: no
  interface: 127.0.0.1
  port: {port}
  do-ip6: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-address: 0.0.0.0/0
  local-zone: "hub." static
  local-data: "hub. 600 IN SOA ns.hub. admin.hub. 2026112801 3600 900 604800 600"
  local-data: "hub. 600 IN NS ns.hub."
  local-data: "mqtt.hub. 300 IN A 10.1.2.20"
  local-data: "mqtt.hub. 300 IN A 10.1.2.21"
  local-data: "mqtt.hub. 300 IN AAAA fd00::20"
  local-data: "_sip._udp.hub. 300 IN SRV 0 5 5060 sip.hub."
  local-data: "hub. 300 IN MX 10 mail.hub."
  local-data: 'note.hub. 300 IN TXT "Duty Room"'
  local-data-ptr: "10.1.2.20 mqtt.hub"
  {many}
  local-zone: "forbidden." refuse
remote-control:
  control-enable: no
"""
MANY = "\n  ".join(f"local-data: 'many.hub. 300 IN TXT {number:03}-{'x' * 90}'" for number in range(30))


@contextlib.contextmanager
def nameserver(folder):
    """Run unbound with authority over `hub.`, and no way to anywhere else; give its port."""
    port = free_port()
    file, log = folder / "unbound.conf", folder / "log"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, many=MANY))
    with running(program("unbound"), "-d", "-c", str(file), log=log):
        asyncio.run(until(lambda: knows_a_name(port), log))
        yield port


async def knows_a_name(port):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            return (await dns.probe(dns.Options(host="127.0.0.1", port=port, name="mqtt.hub"))).reason == "ok"
    return False


def library():
    """Return Debian's libfaketime, which tells a program another time; the test is left out without it."""
    found = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    return found or pytest.skip("libfaketime is not installed")


@contextlib.asynccontextmanager
async def chrony(folder, *settings, shifted=""):
    """Run a real time server that leaves this machine's clock alone; *shifted*: as libfaketime has it."""
    chronyd, port = program("chronyd"), free_port()
    file, log = folder / "chrony.conf", folder / "log"
    lines = [f"port {port}", "bindaddress 127.0.0.1", "cmdport 0", f"pidfile {folder}/pid", "allow"]
    file.write_text("\n".join([*lines, *settings, ""]))
    other = {"LD_PRELOAD": str(library()), "FAKETIME": shifted} if shifted else {}
    command = [chronyd, "-x", "-d", "-u", getpass.getuser(), "-f", str(file)]
    with running(*command, log=log, env=os.environ | other):
        await until(lambda: tells_the_time(port), log)
        yield port


async def tells_the_time(port):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            return "stratum" in (await ntp.probe(ntp.Options(host="127.0.0.1", port=port))).values
    return False


@contextlib.asynccontextmanager
async def sshd(folder, *lines):
    """Run a real server that lets nobody in."""
    port, log, file = free_port(), folder / "log", folder / "sshd_config"
    told = [f"Port {port}", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no"]
    file.write_text("\n".join([*told, *lines, ""]))
    with running(program("sshd"), "-D", "-e", "-f", str(file), log=log):
        await until(lambda: greets(port), log)
        yield port, log


async def greets(port):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            return "greeting" in (await ssh.probe(ssh.Options(host="127.0.0.1", port=port))).values
    return False
