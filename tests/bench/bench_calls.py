"""Measures looks at calls, cameras and controllers: what one costs us, and how long it takes.

    python -m tests.bench.bench_calls [--runs 5] [--looks 300]

Real servers on loopback answer: Kamailio, GStreamer's RTSP server, pymodbus; for H.323, which Debian has no
server of, a process with the standard's own ASN.1. Ours is the coroutine form, ten looks at a time, through
the runner, without schedule and belief; CPU is user and system time of this process, not of the servers.
"""

import argparse
import asyncio
import contextlib
import functools
import multiprocessing
import resource
import statistics
import tempfile
from pathlib import Path

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.kit.h323 import q931
from monitor.kit.h323.q931 import RELEASE_COMPLETE, Message
from monitor.kit.resolver import close_shared
from monitor.probes import load_kinds
from tests.kit import h323_standard as standard
from tests.probes import callees
from tests.probes.certificates import Authority

KINDS = load_kinds()
AT_ONCE = 10


class Gatekeeper(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(standard.confirm(standard.RAS.read(data)[1]["requestSeqNum"], "gk"), address)


async def refuse(reader, writer):
    with contextlib.suppress(OSError, EOFError):
        head = await reader.readexactly(4)
        asked = q931.parse(await reader.readexactly(q931.length(head)))
        user = standard.released("destinationRejection")
        writer.write(q931.packed(Message(RELEASE_COMPLETE, asked.reference, answers=True, user=user)))
        await reader.read()
    writer.close()


def h323(ports):
    async def serve():
        loop = asyncio.get_running_loop()
        gatekeeper, _ = await loop.create_datagram_endpoint(Gatekeeper, ("127.0.0.1", 0))
        terminal = await asyncio.start_server(refuse, "127.0.0.1", 0)
        ends = gatekeeper.get_extra_info("sockname"), terminal.sockets[0].getsockname()
        ports.send([port for _, port in ends])
        await asyncio.Event().wait()

    asyncio.run(serve())


@contextlib.contextmanager
def gatekeeper_and_terminal():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=h323, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def at(kind, port, **more):
    return kind, {"host": "127.0.0.1", "port": port, **more}


def rows(servers, folder):
    """Start what is installed, and return the looks by name."""
    authority = Authority(folder)
    found = {}
    if (sip := servers.enter_context(callees.kamailio(folder, authority.issue()))) is not None:
        for transport, port in sip.items():
            more = {"ca_file": str(authority.file)} if transport == "tls" else {}
            found[f"sip, {transport}"] = at("sip", port, transport=transport, **more)
    if (doors := servers.enter_context(callees.camera())) is not None:
        credential = folder / "credential"
        credential.write_text('duty:s3cret: \\"x')
        for door, more in (("open", {}), ("digest", {"credential_file": str(credential)})):
            url = f"rtsp://127.0.0.1:{doors[door]}/picture"
            found[f"rtsp, DESCRIBE, {door}"] = "rtsp", {"url": url, **more}
    found["modbus"] = at("modbus", servers.enter_context(callees.controller()), at=0)
    gatekeeper, terminal = servers.enter_context(gatekeeper_and_terminal())
    found["h323, gatekeeper"] = at("h323", gatekeeper, service="gatekeeper")
    found["h323, setup"] = at("h323", terminal, depth="setup")
    return found


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def round_of(kind, options, looks):
    """Return CPU and elapsed milliseconds of a look, and how many found all well."""
    look = functools.partial(KINDS[kind].probe, KINDS[kind].options(**options))
    took, good, began = [], 0, cpu()
    for _ in range(looks // AT_ONCE):
        for finding, seconds in await asyncio.gather(*(observe(look, 5.0) for _ in range(AT_ONCE))):
            good += finding.outcome is Outcome.OK
            took.append(seconds * 1000)
    used = (cpu() - began) * 1000 / len(took)
    await close_shared()
    return used, statistics.median(took), good / len(took)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--looks", type=int, default=300)
    args = parser.parse_args()
    print(f"{'look':24} {'CPU ms':>8} {'took ms':>8} {'well':>6}")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        for name, (kind, options) in rows(servers, Path(folder)).items():
            runs = [asyncio.run(round_of(kind, options, args.looks)) for _ in range(args.runs)]
            used, took, good = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{name:24} {used:8.2f} {took:8.2f} {good:6.0%}")


if __name__ == "__main__":
    main()
