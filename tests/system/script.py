"""What happens in a town, by script: circuits break and are mended, each time until it has been seen."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.system.town import Town

TICK = 0.02


@dataclass
class Script:
    """Flips the circuits of a town by turns.

    A state is held for *hold* seconds, somewhere between the two, and on until somebody says that it has been
    seen and recorded. So every flip must be there, exactly once, however often the one who looks dies.
    """

    town: Town
    hold: tuple[float, float]
    chance: random.Random
    going: bool = True
    """What breaks and is mended goes on doing so; otherwise it stays as it is."""
    stall: float = 0.0
    """Longest time for which we ourselves kept the town from answering, seconds."""

    def __post_init__(self):
        now = time.monotonic()
        self._since = dict.fromkeys(self.town.echoes, now)
        self._due = {name: now + self.chance.uniform(0, self.hold[1]) for name in self.town.echoes}
        self._seen: set[str] = set()

    @property
    def flips(self):
        """What has happened, in its order."""
        return self.town.flips

    async def run(self):
        """Flip, until cancelled."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.stall = max(self.stall, now - before - TICK)
            before = now
            for circuit in [*self._seen] if self.going else ():
                if now >= self._due[circuit]:
                    self.flip(circuit)

    def truth(self):
        """Return how every circuit is."""
        return {name: "down" if echo.silent else "up" for name, echo in self.town.echoes.items()}

    def see(self, healths: Mapping[str, str]):
        """Hear how the circuits are said to be, by one who has recorded all that it says."""
        self._seen |= {name for name, health in self.truth().items() if healths.get(name) == health}

    def is_seen(self, circuit):
        """Tell whether the present state of *circuit* has been seen and recorded."""
        return circuit in self._seen

    def seen(self, state):
        """Return the circuits that are of this *state*, and have been seen so."""
        return [name for name, now in self.truth().items() if now == state and name in self._seen]

    def unseen(self):
        """Return for how many seconds each circuit has been as it is, where that has not been seen."""
        now = time.monotonic()
        return {name: now - since for name, since in self._since.items() if name not in self._seen}

    def flip(self, circuit):
        """Break *circuit*, or mend it; what it was must have been seen."""
        now, echo = time.monotonic(), self.town.echoes[circuit]
        echo.silent = not echo.silent
        self._since[circuit], self._due[circuit] = now, now + self.chance.uniform(*self.hold)
        self._seen.discard(circuit)
