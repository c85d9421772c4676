"""Real servers as children of a test, on free ports of the loopback; they go when it is over."""

import asyncio
import contextlib
import shutil
import socket
import subprocess

import pytest


def program(name):
    """Return the path of a server's program; the test is left out where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port():
    """Return a port of the loopback that nobody uses at the moment, over TCP and UDP."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            port = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


@contextlib.contextmanager
def running(*command, log, **more):
    """Run a server until the end of the block; what it says goes to the file *log*."""
    with log.open("ab") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said, **more)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


async def until(answers, log):
    """Wait until `await answers()` is true; a server that never is shows its log."""
    try:
        async with asyncio.timeout(10):
            while not await answers():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")
