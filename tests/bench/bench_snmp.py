"""Measures questions over SNMP: what one costs us, how many one core could ask, what silence leaves behind.

    python -m tests.bench.bench_snmp [--agents 2000] [--period 10]

A real snmpd on loopback answers for all agents, each with a session of its own: discovery, keys, clock. CPU
is user and system time of this process; snmpd's is not in it. Four values are asked for at a time.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from monitor.kit.snmp import Engine, Question
from monitor.kit.snmp.engine import Agent
from monitor.kit.snmp.session import Plain, Secure
from monitor.kit.snmp.usm import User
from monitor.kit.sockets import Target
from tests.snmpd import AUTH, COMMUNITY, PRIVACY, snmpd

OIDS = tuple((1, 3, 6, 1, 2, 1, *rest) for rest in ((1, 3, 0), (1, 5, 0), (2, 2, 1, 10, 1), (2, 2, 1, 16, 1)))
AT_ONCE = 50
WAYS = {
    "2c": lambda: Plain(COMMUNITY.encode()),
    "3, sha256 and aes": lambda: Secure(User(b"duty", "sha256", AUTH.encode(), PRIVACY.encode())),
    "3, sha and aes": lambda: Secure(User(b"veteran", "sha", AUTH.encode(), PRIVACY.encode())),
}


def ask():
    answer = yield Question(OIDS)
    return answer


class Bench:
    def __init__(self):
        self.engine = Engine()
        self.good = 0
        self.rtts = []
        self.trouble = Counter()

    def agents(self, port, count, session):
        first = self.engine.agent(Target("127.0.0.1", port), b"nobody")
        return [Agent(first.address, first.channel, session()) for _ in range(count)]

    def end(self, _sent_at, rtt, result):
        self.good += isinstance(result, tuple) and len(result) == len(OIDS)
        self.rtts.append(rtt)
        if not isinstance(result, tuple):
            self.trouble[result] += 1

    async def round(self, agents, deadline=2.0):
        """Ask every agent once, as fast as it goes, and return CPU milliseconds for one."""
        began = time.process_time()
        for start in range(0, len(agents), AT_ONCE):
            for agent in agents[start : start + AT_ONCE]:
                self.engine.begin(agent, ask(), deadline, self.end)
            while self.engine.under_way:
                await asyncio.sleep(0)
        return 1000 * (time.process_time() - began) / len(agents)

    async def paced(self, agents, period):
        """Ask every agent twice, once a *period*, and return the share of one core."""
        loop = asyncio.get_running_loop()
        began, start = time.process_time(), loop.time()
        for number in range(2 * len(agents)):
            if (wait := start + number * period / len(agents) - loop.time()) > 0:
                await asyncio.sleep(wait)
            self.engine.begin(agents[number % len(agents)], ask(), 2.0, self.end)
        share = (time.process_time() - began) / (loop.time() - start)
        while self.engine.under_way:
            await asyncio.sleep(0)
        return share


def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


async def run(count, period):
    with tempfile.TemporaryDirectory() as folder, snmpd(Path(folder)) as real:
        paced = f"{count} in {period:g} s"
        print(f"{'version':<20}{'first, ms':>10}{'each, ms':>10}{'a second':>10}{paced:>16}{'rtt, ms':>9}")
        for name, session in WAYS.items():
            bench = Bench()
            agents = bench.agents(real.port, count, session)
            first = await bench.round(agents)
            each = statistics.median([await bench.round(agents) for _ in range(5)])
            bench.rtts.clear()
            share = await bench.paced(agents, period)
            rtt = 1000 * statistics.median(bench.rtts)
            print(f"{name:<20}{first:>10.3f}{each:>10.3f}{1000 / each:>10.0f}{share:>15.1%} {rtt:>9.2f}")
            assert bench.good == 8 * count, f"some were not answered: {bench.trouble}"
            bench.engine.close()
    await silence(count)


async def silence(count):
    bench = Bench()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    agents = bench.agents(transport.get_extra_info("sockname")[1], count, WAYS["3, sha256 and aes"])
    sizes = []
    for _ in range(10):
        await bench.round(agents, deadline=0.05)
        sizes.append(memory())
    first, last = sizes[0], sizes[-1]
    print(f"{10 * count} questions into silence: {first:.1f} MiB after a tenth, {last:.1f} MiB after all")
    bench.engine.close()
    transport.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=2000)
    parser.add_argument("--period", type=float, default=10.0)
    options = parser.parse_args()
    asyncio.run(run(options.agents, options.period))
