"""Life after life of one daemon over a real broker and a town in motion, and the account of it all."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from monitor.store import log_file
from tests.mosquitto import OPEN, free_port, mosquitto
from tests.system.account import Book, Hearing, Recorded, Told, book, line, name, recorded
from tests.system.daemon import Daemon, broker_at, gone, subjects, write_settings
from tests.system.ear import hearing
from tests.system.script import Script
from tests.system.town import town

DETECTION = {"false_alarms_per_year": 100, "suspicions_per_year": 10_000}
"""Twice as hasty as usual, or a round would take too long."""
HOLD = (0.5, 4.0)
"""Seconds for which everything is held at least; to be seen and recorded it takes one or two."""
PATIENCE = 60.0
UNSEEN = 30.0
"""Seconds of one life within which everything must have been seen."""
SHORT = 0.2
"""Seconds between two looks at what the daemon says."""
BORN = 0.3
"""Seconds after its launch before which no daemon has told anything."""
READER = "mqtt"

Deed = Callable[["Lives"], Awaitable[None]]
"""What is done to a daemon that is ready, until it is dead."""


@dataclass
class Lives:
    """All lives of one daemon, each told where to die."""

    one: Daemon
    script: Script
    hearing: Hearing
    held: Book = field(default_factory=lambda: Book([], {}, {}, "ok"))
    """The log as the latest life left it."""
    in_flight: int = 0
    """Events that had been heard when a life ended, and that it had not noted as told."""
    blemishes: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    @property
    def file(self):
        return log_file(self.one.folder / "state", "city")

    async def die_at(self, point: str, deed: Deed | None = None, patience: float = PATIENCE):
        """Live until the crash point *point*; *deed* leads there, if what happens by itself does not."""
        async with self._life(point), asyncio.timeout(patience):
            if deed is not None:
                await self._is_ready()
                await deed(self)
            code = await self.one.process.wait()
        if code != -signal.SIGKILL:
            self.blemishes.append(f"{point}: ended with {code}")
        self._look(point)

    async def killed_after(self, seconds: float, *, of_work: bool = False):
        """Live for *seconds*, or be at work for so long, then be killed."""
        async with self._life():
            if of_work:
                await self._is_ready()
            await asyncio.sleep(seconds)
            await gone(self.one.process)
        self._look(f"killed after {seconds:.2f} s{' of work' if of_work else ''}")

    async def end_well(self, seconds: float = 0.0):
        """Live for *seconds* and until all has been seen, recorded and heard, then end in good order."""
        async with self._life():
            await self._is_ready()
            await asyncio.sleep(seconds)
            self.script.going = False
            await self.one.until(self._is_all_told, PATIENCE)
            code = await self.one.end()
            self.script.going = True
        if code != 0:
            self.blemishes.append(f"ended with {code}")
        self._look("ended well")

    def account(self) -> tuple[Recorded, Told]:
        """Return what there is to say of all lives."""
        return recorded(self.script, self.held), self.hearing.catch_up().told(self.held.events)

    def line(self, title: str) -> str:
        """Write the account."""
        return line(title, *self.account(), self.in_flight)

    async def reload_until_dead(self):
        """Have the inventory read anew, again and again."""
        while self.one.process.returncode is None:
            before = await self._reloads()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.one.process.pid, signal.SIGHUP)  # Popen's own would take the exit code away
            while self.one.process.returncode is None and await self._reloads() == before:
                await asyncio.sleep(0.01)

    async def stop(self):
        """Ask the daemon to end."""
        self.one.process.send_signal(signal.SIGTERM)

    @contextlib.asynccontextmanager
    async def _life(self, point=""):
        await self.one.launch(crash=point)
        launched, watching = time.time(), asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._count_in_flight(launched + BORN)
            watching.cancel()
            # A daemon that dies leaves answers unfinished.
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await watching
            await gone(self.one.process)
            self.one.process._transport.close()

    async def _watch(self):
        """See whether the daemon says what its earlier life left, then what it has seen and recorded."""
        await self._is_ready()
        began = time.monotonic()
        self._compare(await self.one.status())
        while True:
            status = await self.one.status()
            if not status["store"]["pending"]:
                self.script.see({one["id"]: one["health"] for one in subjects(status)})
            lived = time.monotonic() - began
            overdue = [c for c, seconds in self.script.unseen().items() if min(lived, seconds) > UNSEEN]
            if overdue:
                self.blemishes.append(f"{overdue[0]} was not seen within {UNSEEN:g} s")
            await asyncio.sleep(SHORT)

    async def _is_ready(self):
        while True:
            with contextlib.suppress(OSError):
                if await self.one.ask("/-/ready") == "ready\n":
                    return
            await asyncio.sleep(0.02)

    async def _reloads(self):
        try:
            return (await self.one.status())["vitals"]["reloads"]
        except (OSError, ValueError):
            return -1

    async def _is_all_told(self):
        status = await self.one.status()
        mqtt = status["vitals"]["outputs"]["mqtt"]
        told = mqtt["connected"] and not mqtt["queued"]
        return told and not status["store"]["pending"] and not self.script.unseen()

    def _compare(self, status):
        """See that what was and still is broken (or well) is said so, with its old beginning."""
        truth, left = self.script.truth(), self.held.statuses
        unsettled = {c for c, health in truth.items() if left.get(c, ("",))[0] != health}
        for one in subjects(status):
            subject = one["id"]
            if subject in left and not any(circuit.startswith(subject) for circuit in unsettled):
                health, since = left[subject]
                if (one["health"], one["since"]) != (health, since):
                    self.blemishes.append(
                        f"{subject} was {health} since {since}, and is {one['health']} since {one['since']}"
                    )

    def _count_in_flight(self, born):
        """Count what the life before *born* had told and not noted as told when it ended."""
        place = self.held.places.get(READER, 0)
        heard = self.hearing.before(born)
        self.in_flight += sum(e.position > place and name(e) in heard for e in self.held.events)
        if lacking := self.hearing.lacks([e for e in self.held.events if e.position <= place]):
            self.blemishes.append(f"{len(lacking)} noted as told, and never heard, {name(lacking[0])} first")

    def _look(self, end):
        """Read what this life has left."""
        self.ends.append(end)
        before = {entry.key for entry in self.held.events}
        self.held = book(self.file)
        if forgotten := before - {entry.key for entry in self.held.events}:
            self.blemishes.append(f"{end}: {len(forgotten)} events that were recorded are gone")
        found = recorded(self.script, self.held)
        self.blemishes += [f"{end}: {what}" for what in found.blemishes]


@contextlib.asynccontextmanager
async def lives(
    folder: Path, chance: random.Random, centers: int = 10, hold: tuple[float, float] = HOLD, **more
):
    """Build a town in motion, its broker and a consumer; the daemon's lives are up to whoever enters.

    *more*: further settings of the daemon.
    """
    async with (
        town(folder, {f"c{number}": number for number in range(1, centers + 1)}) as built,
        mosquitto(folder, OPEN, "max_queued_messages 0") as broker,
        hearing(broker) as ear,
    ):
        one = Daemon(folder, free_port())
        settings = {"mqtt": broker_at(broker.port), "detection": DETECTION} | more
        write_settings(folder, built.file, one.port, **settings)
        script = Script(built, hold, chance)
        moving = asyncio.create_task(script.run())
        try:
            yield Lives(one, script, Hearing(ear.heard))
        finally:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
