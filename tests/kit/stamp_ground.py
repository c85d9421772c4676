"""Reflectors for tests: ours, and others that follow older or looser rules."""

import asyncio
import contextlib
import ipaddress
import struct
import time

from monitor.core.vitals import Vitals
from monitor.kit.stamp import Reflector, packets

ALL = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@contextlib.asynccontextmanager
async def reflecting(listen="127.0.0.1", allow=ALL, rate=100_000, counts=None):
    """Run our reflector on a free port; give it."""
    reflector = Reflector(listen, 0, allow, rate, counts or Vitals())
    task = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(5):
            while reflector.port == 0:
                await asyncio.sleep(0)
        yield reflector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def plain(data, sequence, stay=0.0):
    """Answer as TWAMP Light of 2008 does: 41 bytes, no TLV, whatever the length of the question."""
    theirs, stamp, estimate = struct.unpack_from(">IQH", data)
    received = packets.stamp(time.time_ns())
    sent = received + int(stay * (1 << 32))
    return struct.pack(">IQHHQIQHHB", sequence, sent, 1, 0, received, theirs, stamp, estimate, 0, 64)


class Other(asyncio.DatagramProtocol):
    """A reflector that answers packet *number* with what `behave(number, data)` gives."""

    def __init__(self, behave):
        self.behave, self.heard = behave, []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.heard.append(data)
        for answer in self.behave(len(self.heard) - 1, data):
            self.transport.sendto(answer, peer)


class Uneven(Other):
    """A reflector at the end of ways that take longer for every second packet: *there* or *back*, seconds."""

    def __init__(self, there, back):
        super().__init__(None)
        self.there, self.back = there, back

    def datagram_received(self, data, peer):
        self.heard.append(data)
        number = len(self.heard) - 1
        asyncio.get_running_loop().call_later(self.there * (number % 2), self.arrived, number, data, peer)

    def arrived(self, number, data, peer):
        answer = plain(data, number)
        asyncio.get_running_loop().call_later(self.back * (number % 2), self.transport.sendto, answer, peer)


@contextlib.asynccontextmanager
async def other(behave, host="127.0.0.1"):
    """Run such a reflector, or the one that *behave* is; give its port and itself."""
    one = behave if isinstance(behave, Other) else Other(behave)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: one, local_addr=(host, 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1], one
    finally:
        transport.close()
