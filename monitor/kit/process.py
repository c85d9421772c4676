"""Programs of others: run without a shell, bounded in what they say, and gone with their children in time.

A program gets what it is told on standard input, no descriptor and no variable of ours, and a session of its
own. When it has ended, when its caller is cancelled or when it says too much, everything that is left of the
session's first process group is killed (SIGKILL); only what has put itself into another group, as a daemon
does, is out of reach.
No thread and no signal handler is needed: a process that ends makes its pidfd readable (pidfd_open(2)).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

MOST = 65_536
"""Bytes that a program may say on either channel; one that says more is killed."""
LAST = 0.5
"""Seconds that a killed process is waited for: one in the hands of a dead disk is not gone even then."""
_BLOCK = 16_384


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    """Its exit code; negative: the signal that killed it."""
    output: bytes
    complaints: bytes
    """What it said on standard error."""
    too_much: bool
    """It said more than `MOST` and was killed."""


async def run(arguments: Sequence[str], environment: Mapping[str, str], told: bytes = b"") -> Ended:
    """Run a program to its end and return how it ended; the first argument is its path.

    What it is *told* lies in a file in memory, so that one which does not listen holds nothing up.

    Raises OSError if it cannot be started, and ValueError if an argument cannot be one (a NUL byte).
    """
    child = _Child(arguments, environment, told)
    try:
        await child.ended_or_too_loud()
    finally:
        await child.killed()
    return child.ended()


class _Child:
    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], told: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        with _input(told) as given:
            self._process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                arguments,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        self._said: dict[int, bytearray] = {}
        self._enough = asyncio.Event()
        self._over = False
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
        except OSError:
            self._kill()
            self._process.communicate()
            raise
        for pipe in self._pipes():
            os.set_blocking(pipe, False)
            self._said[pipe] = bytearray()
            self._loop.add_reader(pipe, self._read, pipe)
        self._loop.add_reader(self._pidfd, self._died)

    async def ended_or_too_loud(self) -> None:
        """Wait for either."""
        await self._enough.wait()

    async def killed(self) -> None:
        """Kill what is left of the group, and take leave of the process itself, if need be later."""
        for pipe in self._pipes():
            self._read(pipe)
            self._loop.remove_reader(pipe)
        self._kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                while not self._over:
                    self._enough.clear()
                    await self._enough.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def ended(self) -> Ended:
        """Return how it ended."""
        output, complaints = self._said.values()
        too_much = max(len(output), len(complaints)) > MOST
        code = self._process.returncode if self._over else -signal.SIGKILL
        return Ended(code, bytes(output[:MOST]), bytes(complaints[:MOST]), too_much)

    def _pipes(self) -> list[int]:
        streams = (self._process.stdout, self._process.stderr)
        return [stream.fileno() for stream in streams if stream is not None]

    def _read(self, pipe: int) -> None:
        said = self._said[pipe]
        while len(said) <= MOST:
            try:
                more = os.read(pipe, _BLOCK)
            except BlockingIOError:
                return
            if not more:
                self._loop.remove_reader(pipe)
                return
            said += more
        self._loop.remove_reader(pipe)
        self._enough.set()

    def _died(self) -> None:
        """Bury the process; before that its number, which is that of its group, cannot be another's."""
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._kill()
        self._process.wait()
        self._over = True
        self._enough.set()

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _input(told: bytes) -> Iterator[int]:
    """Lend a descriptor to read *told* from."""
    if not told:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("told"), "w+b", buffering=0) as file:
        file.write(told)
        file.seek(0)
        yield file.fileno()
