"""Talks to systemd if it has started us (sd_notify(3)): ready, moving, reloading, stopping, how we are."""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

LONGEST = 400
"""Characters of a status line."""


class Manager:
    """The service manager; if there is none, nothing that is said goes anywhere."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Take what systemd has put into *environment* out of it: it is not for our children."""
        self._address = environment.pop("NOTIFY_SOCKET", "")
        micros, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        meant = micros.isdecimal() and int(micros) > 0 and pid in ("", str(os.getpid()))
        self.watchdog = int(micros) / 1e6 if meant else None
        """Seconds within which we must say that we move; None: nobody waits for that."""

    @property
    def listens(self) -> bool:
        """There is somebody to talk to."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that we are ready, or are so again after a reload."""
        self._say("READY=1", _status(status))

    def moving(self, status: str) -> None:
        """Say that we move, and how we are."""
        self._say("WATCHDOG=1", _status(status))

    def is_now(self, status: str) -> None:
        """Say how we are, and nothing else."""
        self._say(_status(status))

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` ends it."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that we are about to end."""
        self._say("STOPPING=1")

    def _say(self, *lines: str) -> None:
        """Send, and never wait: systemd that does not listen must not keep us from watching."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.settimeout(0.0)
            door.sendto("\n".join(lines).encode(), address)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())[:LONGEST]
