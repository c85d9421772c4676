"""What the tests of deploy/mosquitto stand on: its authority, and a broker that runs its very files."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.authority import Pair
from tests.mosquitto import Mosquitto, free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto"
SCRIPT = SHIPPED / "certificates"
NAME = "Test authority 2026"
PATIENCE = 10.0
DEBIANS = """
pid_file {etc}/mosquitto.pid
persistence true
persistence_location {etc}/
log_dest stderr
include_dir {etc}/conf.d
"""
"""What Debian's /etc/mosquitto/mosquitto.conf says, but for its paths and where the log goes."""
RUNNING = " running\n"


@dataclass
class Authority:
    """The folder of an authority, and the script that works on it."""

    folder: Path

    def run(self, *words: str, language: str = "en", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script in a bare environment and return how it ended."""
        known = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": language} | environment
        return subprocess.run(
            ["sh", SCRIPT, "-d", self.folder, *words],
            capture_output=True, text=True, env=known, timeout=30, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def do(self, *words: str, **environment: str) -> str:
        """Run it, insist on its success, and return what it said."""
        ended = self.run(*words, **environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def of(self, name: str) -> Pair:
        """Return the certificate and the key that were issued to *name*."""
        return Pair(self.folder / "issued" / name / "cert.pem", self.folder / "issued" / name / "key.pem")

    def tls(self, name: str) -> dict[str, str]:
        """Return the section `tls` of settings for *name*."""
        pair = self.of(name)
        return {"ca": str(self.ca), "cert": str(pair.cert), "key": str(pair.key)}

    def sign(self, subject: str, dates: tuple[str, ...] = ("-days", "9")) -> Pair:
        """Sign what the script would refuse, as somebody could who has the authority's key."""
        stem = self.folder / f"odd-{len(list(self.folder.glob('odd-*.key')))}"
        pair = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pair.key]
        request = subprocess.run(
            ["openssl", "req", "-new", *new, "-subj", subject], check=True, capture_output=True
        ).stdout
        words = ("-batch", "-notext", "-extensions", "client", "-in", "/dev/stdin", "-out", pair.cert, *dates)
        self.openssl("ca", *words, request=request)
        return pair

    def openssl(self, command: str, *words: str | Path, request: bytes = b"") -> None:
        """Run openssl with the authority's own configuration."""
        environment = {"AUTHORITY": str(self.folder), "ADDRESSES": "IP:127.0.0.1"}
        subprocess.run(
            ["openssl", command, "-config", self.folder / "openssl.cnf", *words],
            check=True, capture_output=True, env=environment, input=request,
        )  # fmt: skip


@dataclass
class Deployed(Mosquitto):
    """A mosquitto that runs the files of deploy/mosquitto as Debian's would, on other ports and paths."""

    inner: int = field(default_factory=free_port)
    """The port for the daemon beside the broker."""

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    def listeners(self) -> tuple[str, ...]:
        return ()

    async def start(self) -> None:
        """Start it and wait until it says that it runs: it listens before it has read its certificates."""
        started = self.log().count(RUNNING) if (self.folder / "log").exists() else 0
        await super().start()
        async with asyncio.timeout(10):
            while self.log().count(RUNNING) == started:
                if self.process.poll() is not None:
                    raise RuntimeError(f"mosquitto ended: {self.log()}")
                await asyncio.sleep(0.02)

    def install(self, authority: Authority, name: str = "broker", more: str = "") -> None:
        """Put the shipped files and the broker's certificate into place, with *more* in the ACL."""
        (self.etc / "conf.d").mkdir(parents=True, exist_ok=True)
        (self.etc / "command-monitor.acl").write_text((SHIPPED / "command-monitor.acl").read_text() + more)
        (self.etc / "conf.d" / "command-monitor.conf").write_text(self.adapted("command-monitor.conf"))
        self.settings = tuple(DEBIANS.format(etc=self.etc).split("\n"))
        self.carry(authority, name)

    def adapted(self, name: str) -> str:
        """Return a shipped file with our paths and ports."""
        text = (SHIPPED / name).read_text()
        ports = {
            "listener 8883\n": f"listener {self.port} 127.0.0.1\n",
            "listener 8884 ": f"listener {self.inner} ",
        }
        for theirs, ours in ports.items():
            assert text.count(theirs) == 1
            text = text.replace(theirs, ours)
        return text.replace("/etc/mosquitto/", f"{self.etc}/")

    def carry(self, authority: Authority, name: str = "broker") -> None:
        """Carry the broker's folder from the authority to it, as an operator does."""
        (self.etc / "certs").mkdir(exist_ok=True)
        for file in (authority.folder / "issued" / name).iterdir():
            (self.etc / "certs" / file.name).write_bytes(file.read_bytes())


def authority(folder: Path, *names: str) -> Authority:
    """Make an authority that has issued to a broker on the loopback, and to these vantages."""
    it = Authority(folder)
    it.do("init", NAME)
    it.do("issue", "broker", "broker", "127.0.0.1", "localhost")
    for name in names:
        it.do("issue", "vantage", name)
    return it


@contextlib.asynccontextmanager
async def deployed(folder: Path, vouching: Authority, more: str = "") -> AsyncIterator[Deployed]:
    """Run a broker with the shipped files."""
    broker = Deployed(folder, ())
    broker.install(vouching, more=more)
    await broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def knock(port: int, context: ssl.SSLContext, topic: str, payload: str) -> bool:
    """Connect with a will and break off without a word; tell whether the broker let us in at all."""
    name = f"will-{time.monotonic_ns()}"
    said = b"".join(
        len(one).to_bytes(2, "big") + one for one in (name.encode(), b"", topic.encode(), payload.encode())
    )
    said = (
        said[: len(name) + 2] + b"\x00" + said[len(name) + 4 :]
    )  # the will's properties, of which there are none
    said = b"\x00\x04MQTT\x05\x0e\x00\x0a\x00" + said
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                sock.sendall(b"\x10" + bytes([len(said)]) + said)
                return sock.recv(4)[:1] == b"\x20"
        except OSError:
            return False


def refusal(port: int, context: ssl.SSLContext) -> str:
    """Say why the broker ends a connection over which nothing is said.

    Of one over which something is said the kernel may throw the reason away.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                return sock.recv(4).hex() or "hung up"
        except ssl.SSLError as error:
            words = (error.reason or str(error)).lower().rpartition("alert_")[2]
            return words.removesuffix("_certificate")
