"""Hindered from outside by a stuck pipe, a stop, a broker that hangs: looks go on, nobody is blamed."""

import asyncio
import contextlib
import fcntl
import os
import signal

import pytest

from tests.mosquitto import free_port, mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.town import PERIOD, town

STOPPED = 3.0
WINDOW = 4.0
"""Seconds in which looks are counted: longer than it takes to give up a broker."""


async def test_a_pipe_that_nobody_reads_stops_no_look_and_not_the_end(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.end()
        with full_pipe() as pipe:
            await one.start(errors=pipe)
            await one.all_are("up")
            for _ in range(5):
                one.process.send_signal(signal.SIGHUP)
                await built.looked_at(8)
            healths = await one.healths()
            code = await one.end()

    assert {health for health, _ in healths.values()} == {"up"}
    assert code == 0


async def test_a_stop_of_the_process_is_its_own_lag_and_no_look_is_caught_up_with(tmp_path):
    untraced = {"tracing": {"every": 0}}  # a trace is no look, and the town would count it as one
    async with town(tmp_path) as built, daemon(tmp_path, built.file, **untraced) as one:
        before = await one.all_are("up")
        for center in built.centers:
            built.cut(center)
        await built.looked_at(1)
        one.process.send_signal(signal.SIGSTOP)
        for center in built.centers:
            built.cut(center, silent=False)
        await asyncio.sleep(STOPPED)
        looks = {name: len(echo.heard) for name, echo in built.echoes.items()}
        one.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(4 * PERIOD)
        caught_up = {name: len(echo.heard) - looks[name] for name, echo in built.echoes.items()}
        after = await one.healths()
        dropped = await one.metric("command_monitor_evidence_dropped_total")

    assert after == before
    assert not one.told("belief.changed", now="down")
    assert dropped > 0
    # Four regular looks, one at the wake, one for the doubt that was open.
    assert max(caught_up.values()) <= 6, caught_up


@pytest.mark.server
@needs_mosquitto
async def test_a_broker_that_is_away_mute_or_frozen_costs_no_look(tmp_path):
    names = ("none", "away", "mute", "frozen")
    folders = {name: tmp_path / name for name in names}
    for folder in folders.values():
        folder.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        broker = await enter(mosquitto(tmp_path))
        mute = await asyncio.start_server(hold, "127.0.0.1", 0)
        stack.callback(mute.close)
        ports = {"away": free_port(), "mute": mute.sockets[0].getsockname()[1], "frozen": broker.port}
        towns = {name: await enter(town(folder)) for name, folder in folders.items()}
        daemons = await asyncio.gather(
            *(enter(daemon(folders[n], towns[n].file, **mqtt(ports.get(n)))) for n in names)
        )
        ones = dict(zip(names, daemons, strict=True))
        await asyncio.gather(*(one.all_are("up") for one in daemons))
        await ones["frozen"].until(lambda: connected(ones["frozen"]))
        broker.send(signal.SIGSTOP)
        before = {name: built.looks() for name, built in towns.items()}
        await asyncio.sleep(WINDOW)
        looks = {name: built.looks() - before[name] for name, built in towns.items()}
        told = {name: await connected(ones[name]) for name in ports}
        healths = [health for one in daemons for health, _ in (await one.healths()).values()]

    assert min(looks.values()) >= 0.9 * looks["none"], looks
    assert told == dict.fromkeys(ports, False)
    assert set(healths) == {"up"}


def mqtt(port):
    return {} if port is None else {"mqtt": broker_at(port, keepalive=1, timeout=1)}


async def connected(one):
    return (await one.status())["vitals"]["outputs"]["mqtt"]["connected"]


async def hold(_reader, writer):
    """Take a connection and say nothing."""
    try:
        await asyncio.Event().wait()
    finally:
        writer.close()


@contextlib.contextmanager
def full_pipe():
    """Give the writing end of a pipe that is full and stays so."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * size)
        os.set_blocking(writing, True)
        yield writing
    finally:
        os.close(reading)
        os.close(writing)
