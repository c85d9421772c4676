"""traps: what a genuine one is about is told, everything else is counted, and a storm is survived."""

import asyncio
import contextlib
import shutil
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kit.snmp import Bind, Known, Receiver, Value, ber, pdu, traps, usm, v3
from monitor.kit.snmp.pdu import Pdu
from monitor.kit.snmp.usm import User

LINK_DOWN = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
USER = User(b"duty", "sha256", b"authentic words", b"private words")
KNOWN = Known(b"harbour", USER)
needs_snmptrap = pytest.mark.skipif(not shutil.which("snmptrap"), reason="snmptrap is not installed")


class Ear:
    def __init__(self, known, rate):
        self.heard = asyncio.Queue()
        self.receiver = Receiver("127.0.0.1", 0, known, lambda *told: self.heard.put_nowait(told), rate)

    async def next(self):
        async with asyncio.timeout(5):
            return await self.heard.get()


@contextlib.asynccontextmanager
async def ear(known=lambda: KNOWN, rate=traps.RATE):
    one = Ear(known, rate)
    task = asyncio.create_task(one.receiver.run())
    while one.receiver.port == 0:
        await asyncio.sleep(0)
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def snmptrap(port, *how, inform=False):
    command = ["snmptrap", *(["-Ci"] if inform else []), "-m", "", *how, f"127.0.0.1:{port}", ""]
    link = [".1.3.6.1.6.3.1.1.5.3", ".1.3.6.1.2.1.2.2.1.1.3", "i", "3"]
    process = await asyncio.create_subprocess_exec(*command, *link, stderr=asyncio.subprocess.PIPE)
    _, trouble = await process.communicate()
    return process.returncode, trouble


V3 = ["-v3", "-e", "0x8000000001020304", "-u", "duty", "-a", "SHA-256", "-A", "authentic words"]


@needs_snmptrap
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(["-v2c", "-c", "harbour"], id="2c"),
        pytest.param([*V3, "-l", "authPriv", "-x", "AES", "-X", "private words"], id="3"),
        pytest.param([*V3, "-l", "authNoPriv"], id="3-in-clear"),
    ],
)
async def test_a_real_trap_is_heard(how):
    async with ear() as one:
        code, trouble = await snmptrap(one.receiver.port, *how)
        told = await one.next()

    assert (code, told) == (0, ("127.0.0.1", LINK_DOWN)), trouble


@needs_snmptrap
async def test_an_inform_is_acknowledged():
    async with ear() as one:
        code, _ = await snmptrap(one.receiver.port, "-v2c", "-c", "harbour", inform=True)

        assert (code, await one.next()) == (0, ("127.0.0.1", LINK_DOWN))


@needs_snmptrap
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(["-v2c", "-c", "guess"], id="another-community"),
        pytest.param([*V3[:-1], "guessed words", "-l", "authNoPriv"], id="another-password"),
        pytest.param(["-v3", "-e", "0x8000000001020304", "-u", "duty", "-l", "noAuthNoPriv"], id="unsigned"),
    ],
)
async def test_what_is_not_genuine_is_counted(how):
    async with ear() as one:
        await snmptrap(one.receiver.port, *how)
        async with asyncio.timeout(5):
            while not one.receiver.refused:
                await asyncio.sleep(0.01)

        assert one.heard.empty()


async def test_a_secret_that_cannot_be_read_refuses_and_goes_on():
    def unreadable():
        raise OSError("no such file")

    async with ear(unreadable) as one:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(pdu.pack_v2c(b"harbour", trap()), ("127.0.0.1", one.receiver.port))
            async with asyncio.timeout(5):
                while not one.receiver.refused:
                    await asyncio.sleep(0.01)

        assert one.heard.empty()


async def test_of_a_storm_no_more_is_read_in_a_second_than_we_can_bear():
    async with ear(rate=20) as one:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(100):
                sock.sendto(b"no trap", ("127.0.0.1", one.receiver.port))
        async with asyncio.timeout(5):
            while one.receiver.refused < 20:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

        assert one.receiver.refused <= 40


def trap(kind=pdu.TRAP, what=LINK_DOWN):
    name = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
    return pdu.pack_pdu(Pdu(kind, 7, 0, 0, (Bind(name, Value(ber.OID, what)),)))


ENGINE = v3.Engine(b"some engine", 3, 40)
KEYS = usm.keys_of(USER, ENGINE.id)
SAMPLES = [
    pdu.pack_v2c(b"harbour", trap()),
    pdu.pack_v2c(b"harbour", trap(pdu.INFORM)),
    v3.pack(7, ENGINE, b"duty", KEYS, 1, trap(), flags=0),
    v3.pack(7, ENGINE, b"duty", None, 1, trap(), flags=0),
]


@st.composite
def spoilt(draw):
    """Draw a trap with a few bytes changed, left out or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


def read(data):
    with contextlib.suppress(ValueError):
        what, _ = traps.read_trap(data, KNOWN)
        assert all(isinstance(arc, int) for arc in what)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(data=spoilt() | st.binary(max_size=100))
def test_whatever_comes_is_a_trap_or_refused(data):
    read(data)


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=10_000, deadline=None)
@given(data=spoilt() | st.binary(max_size=100))
def test_whatever_comes_is_a_trap_or_refused_ten_thousand_times(data):
    read(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pdu.pack_v2c(b"harbour", trap(pdu.RESPONSE)), id="an-answer"),
        pytest.param(pdu.pack_v2c(b"harbour", pdu.pack_pdu(Pdu(pdu.TRAP, 7, 0, 0, ()))), id="about-nothing"),
        pytest.param(v3.pack(7, ENGINE, b"other", KEYS, 1, trap(), flags=0), id="of-another-user"),
        pytest.param(b"\0" * (v3.LONGEST + 1), id="too-long"),
    ],
)
def test_what_is_no_trap_is_refused(data):
    with pytest.raises(ValueError, match=r"trap|user|happened"):
        traps.read_trap(data, KNOWN)
