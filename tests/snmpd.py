"""A real snmpd on a free port of the loopback, configured as told, gone afterwards."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = shutil.which("snmpd") or shutil.which("snmpd", path="/usr/sbin")

needs_snmpd = pytest.mark.skipif(PROGRAM is None, reason="snmpd is not installed")

COMMUNITY, AUTH, PRIVACY = "harbour-7", "authentic words", "private words"
SETTINGS = (
    f"rocommunity {COMMUNITY} 127.0.0.1",
    f'createUser duty SHA-256 "{AUTH}" AES "{PRIVACY}"',
    f'createUser veteran SHA "{AUTH}" AES "{PRIVACY}"',
    f'createUser clerk SHA-256 "{AUTH}"',
    "rouser duty priv",
    "rouser veteran priv",
    "rouser clerk auth",
    "sysName danjiangkou-r1",
    "sysLocation 丹江口",
)


def free_udp_port() -> int:
    """Return a UDP port of the loopback that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@dataclass
class Snmpd:
    """One agent that can be stopped and started again on the same port."""

    folder: Path
    settings: tuple[str, ...] = ()
    port: int = field(default_factory=free_udp_port)
    process: subprocess.Popen[bytes] | None = None

    def secret(self, words: str) -> str:
        """Return a file that holds *words*."""
        file = self.folder / f"secret-{abs(hash(words))}"
        file.write_text(words + "\n")
        return str(file)

    def v2c(self, **more):
        """Return options for this agent, by its community."""
        return {"host": "127.0.0.1", "port": self.port, "community_file": self.secret(COMMUNITY), **more}

    def v3(self, user="duty", **more):
        """Return options for this agent, as a user."""
        secrets = {"auth_file": self.secret(AUTH), "privacy_file": self.secret(PRIVACY)}
        return {"host": "127.0.0.1", "port": self.port, "user": user, **secrets, **more}

    def start(self) -> None:
        """Start it and wait until it answers."""
        file = self.folder / "snmpd.conf"
        lines = (f"agentaddress udp:127.0.0.1:{self.port}", *SETTINGS, *self.settings)
        file.write_text("\n".join(lines) + "\n")
        environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(self.folder / "state"), "MIBS": ""}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-f", "-Lo", "-r", "-C", "-c", str(file), "-p", str(self.folder / "pid")],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
            )
        until = time.monotonic() + 10
        while b"NET-SNMP version" not in (self.folder / "log").read_bytes():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"snmpd does not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it the regular way: it remembers how often it was started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None
            (self.folder / "log").write_bytes(b"")


@contextlib.contextmanager
def snmpd(folder: Path, *settings: str):
    """Run an agent with these lines besides the usual ones."""
    agent = Snmpd(folder, settings)
    try:
        agent.start()
        yield agent
    finally:
        agent.stop()
