"""A real mosquitto on a free port of the loopback, configured as told, gone afterwards."""

import asyncio
import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")

needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed")

OPEN = "allow_anonymous true"
"""Lets everybody do everything; the configuration of most tests."""


def free_port() -> int:
    """Return a TCP port of the loopback that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@dataclass
class Mosquitto:
    """One broker that can be stopped, frozen, killed and started again on the same port."""

    folder: Path
    settings: tuple[str, ...] = (OPEN,)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        file = self.folder / "mosquitto.conf"
        # Started by root it would become user "mosquitto", who may not read the test's folder.
        lines = (*self.listeners(), f"user {getpass.getuser()}", *self.settings)
        file.write_text("\n".join(lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - a fork takes no time worth waiting for
                [PROGRAM, "-c", str(file)], stdout=log, stderr=log, cwd=self.folder
            )
        async with asyncio.timeout(10):
            while not await self._answers():
                if self.process.poll() is not None:
                    raise RuntimeError(f"mosquitto ended: {self.log()}")
                await asyncio.sleep(0.02)

    def listeners(self) -> tuple[str, ...]:
        """Return the lines that say where it listens."""
        return (f"listener {self.port} 127.0.0.1",)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def log(self) -> str:
        """Return what it has said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes a half-open connection of every one."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(10)

    def stop(self) -> None:
        """End it in good order: what it persists is written."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(10)


@contextlib.asynccontextmanager
async def mosquitto(folder: Path, *settings: str) -> AsyncIterator[Mosquitto]:
    """Run a mosquitto with these lines of configuration; without any, everybody may do everything."""
    broker = Mosquitto(folder, settings or (OPEN,))
    await broker.start()
    try:
        yield broker
    finally:
        broker.kill()
