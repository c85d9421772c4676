"""The routine test: once a day a message goes to whoever is on duty over every channel, and has to arrive."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, time, timedelta, tzinfo

from monitor.core.alarm import DUTY, Plan, Rung, Severity, Step
from monitor.core.alarm.desk import Turn
from monitor.core.sentence import WORDS
from monitor.core.world import Json
from monitor.engine.alarms import Alarms
from monitor.engine.ourselves import Ourselves

PATIENCE = 600.0
"""Seconds that a test message has for getting as far as its channel can tell."""


class Proving:
    """Proves the way from here to the officers; a part of the engine, in its event loop."""

    def __init__(
        self,
        alarms: Alarms,
        ourselves: Ourselves,
        channels: Collection[str],
        at: time | None,
        zone: tzinfo,
        wall: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        """Send at that time of day in *zone*; None: never."""
        self._alarms = alarms
        self._ourselves = ourselves
        self._channels = tuple(channels)
        self._at = at
        self._zone = zone
        self._wall = wall
        self._patience = patience

    async def run(self) -> None:
        """Prove it day by day, until cancelled."""
        while self._at is not None and self._channels:
            await asyncio.sleep(self._until(self._at))
            await self.prove()
        await asyncio.Event().wait()

    async def prove(self) -> str:
        """Send a test message, wait for it, and say what did not arrive; that is an alarm of its own."""
        alarms, name = self._alarms, f"proof-{int(self._alarms.clock())}"
        step = Step(0.0, (DUTY,), self._channels)
        plan = Plan("proof", (step,), repeat=0.0, answer_holds=0.0)
        turn = Turn()
        alarms.desk.open(name, Severity.INFO, _facts(), turn, alarms.clock(), drill=True, plan=plan)
        alarms.tell(turn)
        try:
            async with asyncio.timeout(self._patience):
                while failed := self._failed(name):  # noqa: ASYNC110 - many notices, no one event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass
        self._ourselves.proof = failed
        turn = Turn()
        alarms.desk.drop(name, turn, alarms.clock())
        alarms.tell(turn)
        return failed

    def _failed(self, name: str) -> str:
        """Say which channels have not brought the message yet."""
        desk = self._alarms.desk
        missing = [one for one in self._channels if one not in {notice.channel for notice in desk.of(name)}]
        said = [f"{channel}: nobody on duty has such an address" for channel in missing]
        for notice in desk.of(name):
            goal = desk.reach.ways[notice.channel].goal
            if notice.rung is Rung.REFUSED or notice.rung.height < goal.height:
                said.append(f"{notice.channel}: {notice.trouble or notice.rung}")
        return "; ".join(said)

    def _until(self, at: time) -> float:
        """Return how many seconds it is until that time of day comes next."""
        now = datetime.fromtimestamp(self._wall(), self._zone)
        days = (datetime.combine(now.date() + timedelta(days=n), at, self._zone) for n in range(3))
        return next(day.timestamp() - now.timestamp() for day in days if day > now)


def _facts() -> dict[str, Json]:
    said: dict[str, Json] = {
        lang: words.alarm["proof"] + words.sentence["end"] for lang, words in WORDS.items()
    }
    name: dict[str, Json] = {lang: words.alarm["proof"] for lang, words in WORDS.items()}
    return {"component": "own/proof", "kind": "ourselves", "name": name, "sentence": said}
