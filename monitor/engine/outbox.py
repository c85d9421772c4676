"""Brings what the desk has composed: a lane for each channel, so that a dead or slow one delays no other."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from monitor.core.vitals import OutputVitals, Vitals
from monitor.engine.alarms import Alarms
from monitor.engine.lane import Lane, Open
from monitor.engine.letters import Letters
from monitor.engine.mishaps import Mishaps
from monitor.ports import Back, Channel

LISTEN_AGAIN = 10.0
"""Seconds after which a channel is listened to again that broke in it."""


class Outbox:
    """All lanes, and what comes back over them."""

    def __init__(
        self,
        alarms: Alarms,
        channels: Mapping[str, Open],
        letters: Letters,
        vitals: Vitals,
        mishaps: Mishaps,
        hear: Callable[[str, Back], Awaitable[None]],
    ) -> None:
        """Bring over these channels, by name; *hear* takes what comes back, with the channel's name."""
        self._channels = channels
        self._hear = hear
        self._mishaps = mishaps
        self._lanes = {
            name: Lane(name, open_, alarms, letters, _vitals_of(name, vitals), mishaps)
            for name, open_ in channels.items()
        }
        alarms.stirred = self._stir

    def _stir(self) -> None:
        for lane in self._lanes.values():
            lane.something.set()

    async def run(self) -> None:
        """Bring and hear until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, open_ in self._channels.items():
                group.create_task(self._lanes[name].run(), name=f"channel-{name}")
                group.create_task(self._listen(name, open_.channel), name=f"back-{name}")
            await asyncio.Event().wait()

    async def _listen(self, name: str, channel: Channel) -> None:
        """Hear what comes back; a channel that breaks in this is listened to again a little later."""

        async def hear(back: Back) -> None:
            await self._hear(name, back)

        while True:
            with self._mishaps.contained(f"channel {name}"):
                await channel.run(hear)
            await asyncio.sleep(LISTEN_AGAIN)


def _vitals_of(name: str, vitals: Vitals) -> OutputVitals:
    return vitals.outputs.setdefault(f"channel-{name}", OutputVitals(connected=True))
