"""Programs of the lab that can be killed, frozen and started again: daemons and brokers."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab.lab import Lab
from tests.lab.netns import inside

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
PORT = 1883

BROKER = f"""\
listener {PORT} {{address}}
allow_anonymous true
user root
set_tcp_nodelay true
max_packet_size 65536
max_queued_messages 10000
persistence true
persistence_location {{folder}}/
autosave_on_changes true
autosave_interval 1
"""
"""A broker as our documents ask for it, but for certificates."""
KEPT = "mosquitto.db"


def until(wanted: Callable[[], bool], seconds: float = 10.0, what: str = "it", beat: float = 0.05) -> None:
    """Wait until something is so; AssertionError if it is not in time."""
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(beat)


class Program:
    """One program in one namespace."""

    def __init__(self, lab: Lab, namespace: str, command: Sequence[str], log: Path) -> None:
        self._lab = lab
        self.namespace = namespace
        self.command = tuple(command)
        self.log = log
        """Where it says how it fares; a later start goes on there."""
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """It has been started and has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._child is not None
        return self._child.pid

    @property
    def memory(self) -> float:
        """Memory that it holds, MiB."""
        words = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(words[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)

    def start(self) -> None:
        """Start it; must be called from a thread that lives as long as the lab."""
        assert not self.running
        self._child = self._lab.start(self.namespace, *self.command, log=self.log)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        return self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it stand still: its connections stay open, and nothing answers on them."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        child = self._child
        if child is None:
            return 0
        child.send_signal(number)
        child.send_signal(signal.SIGCONT)
        self._lab.end(child)
        self._child = None
        return child.returncode


class Broker(Program):
    """A real mosquitto."""

    def __init__(self, lab: Lab, namespace: str, address: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "mosquitto.conf"
        file.write_text(BROKER.format(address=address, folder=folder))
        super().__init__(lab, namespace, (str(MOSQUITTO), "-c", str(file)), folder / "log")
        self.address = address
        self._folder = folder

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        super().start()
        until(lambda: inside(self.namespace, self._answers), what=f"{self.address} answers")

    def forget(self) -> bool:
        """Delete what it kept on disk; say whether there was anything."""
        kept = self._folder / KEPT
        found = kept.exists()
        kept.unlink(missing_ok=True)
        return found

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.address, PORT), 1).close()
        except OSError:
            return False
        return True
