"""Where pings are tested: network namespaces of the test's own, and a responder that does as it is told."""

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from monitor.kit.icmp import Engine

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(command):
    """Run a command line; its words are told if it fails."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def allowed(kind):
    """Say whether this process may open ICMP sockets of a kind."""
    try:
        socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return False
    return True


@contextlib.contextmanager
def namespaces(*names):
    """Make namespaces with a loopback, named `cmt-i<pid>-...`; give their full names."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    full = [f"cmt-i{os.getpid()}-{name}" for name in names]
    try:
        for name in full:
            run(f"ip netns add {name}")
            run(f"ip -n {name} link set lo up")
        yield full
    finally:
        for name in full:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@contextlib.contextmanager
def inside(name):
    """Be in a namespace: sockets that this thread opens meanwhile belong there."""
    with Path("/proc/thread-self/ns/net").open("rb") as home, Path("/run/netns", name).open("rb") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)


def _enter(place):
    if _libc.setns(place.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def sysctl(name, value):
    """Set a sysctl of the namespace that this thread is in."""
    Path("/proc/sys", name.replace(".", "/")).write_text(value)


def link(one, other, subnet, *, mtu=1500):
    """Join two namespaces by a cable: `<subnet>.1`, `.2` and `fd00:<subnet's last>::1`, `::2`."""
    last = subnet.rpartition(".")[2]
    ends = f"to{other[-4:]}", f"to{one[-4:]}"
    run(f"ip -n {one} link add {ends[0]} type veth peer name {ends[1]} netns {other}")
    for place, end, host in ((one, ends[0], 1), (other, ends[1], 2)):
        run(f"ip -n {place} address add {subnet}.{host}/24 dev {end}")
        run(f"ip -n {place} address add fd00:{last}::{host}/64 dev {end} nodad")
        run(f"ip -n {place} link set {end} mtu {mtu} up")
    return ends


class Ledger:
    """An engine that writes down every call; `until` waits for so many."""

    def __init__(self, *, raw=None, **options):
        self.raw = raw
        self.lines = []
        self.changed = asyncio.Event()
        self.engine = Engine(
            self.write("answered"), self.write("missed"), self.write("late"), raw=raw, **options
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.engine.close()

    def write(self, word):
        def heard(key, sent_at, what):
            self.lines.append((word, key, sent_at, what))
            self.changed.set()

        return heard

    def ping(self, *hosts, wait=1.0, **options):
        self.engine.send([(self.engine.prepare(host, **options), host, wait) for host in hosts])

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                self.changed.clear()
                await self.changed.wait()

    async def verdict(self, host, **options):
        """Ping once and return (word, RTT or miss)."""
        count = len(self.lines)
        self.ping(host, **options)
        await self.until(count + 1)
        word, _, _, what = self.lines[count]
        return word, what

    def words(self):
        return [word for word, *_ in self.lines]


class Responder:
    """Hears echo requests where the kernel answers none; *answer* is called with each and may say things."""

    def __init__(self, answer, family=socket.AF_INET):
        self.v6 = family == socket.AF_INET6
        self.protocol = socket.IPPROTO_ICMPV6 if self.v6 else socket.IPPROTO_ICMP
        self.answer, self.family = answer, family
        self.heard = []
        self.sock = socket.socket(family, socket.SOCK_RAW, self.protocol)
        self.sock.settimeout(0)
        if self.v6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        asyncio.get_running_loop().add_reader(self.sock, self._hear)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.sock)
        self.sock.close()

    def _hear(self):
        data, notes, _, peer = self.sock.recvmsg(70_000, 256)
        if self.v6:
            asked, message = socket.inet_ntop(self.family, notes[0][2][:16]), data
        else:
            asked, message = socket.inet_ntoa(data[16:20]), data[(data[0] & 15) * 4 :]
        if message[0] == (128 if self.v6 else 8):
            self.heard.append(message)
            self.answer(self, message, asked, peer[0])

    def say(self, message, source, to):
        """Send an ICMP message from one of our addresses."""
        with socket.socket(self.family, socket.SOCK_RAW, self.protocol) as mouth:
            mouth.bind((source, 0))
            mouth.sendto(message if self.v6 else checked(message), (to, 0))

    def reply_to(self, request):
        """Build the right reply to a request."""
        return bytes((129 if self.v6 else 0, 0, 0, 0)) + request[4:]


def checked(message):
    """Return an ICMP message with its checksum (RFC 1071)."""
    data = message[:2] + b"\0\0" + message[4:] + b"\0" * (len(message) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + struct.pack("!H", total ^ 0xFFFF) + message[4:]
