"""Who is on duty, and word of the times for which nobody will be, while they can still be filled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from monitor.core.planned import Span
from monitor.core.roster import AHEAD, Roster, duty, gaps
from monitor.core.sentence import WORDS
from monitor.core.world import Json

EVERY = 3600.0
"""Seconds between two looks ahead."""
MOST = 10
"""Times without anybody that are told in one look; of a roster that has more, the first."""
DAY = 86_400.0


class DutyDesk:
    """Holds the roster; a part of the engine, in its event loop."""

    def __init__(
        self,
        roster: Roster,
        zone: tzinfo,
        tell: Callable[..., None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Tell by *tell*, an event about ourselves for each time without anybody on duty."""
        self._roster = roster
        self._zone = zone
        self._tell = tell
        self._wall = wall
        self._told: set[float] = set()
        """Ends of the times that were told."""

    def adopt(self, roster: Roster) -> None:
        """Go by *roster* from now on, and look ahead at once; what is told already is not told again."""
        self._roster = roster
        self.look_ahead()

    def names(self) -> Sequence[str]:
        """Return the names of the officers who are to be told now."""
        now = duty(self._roster, self._wall(), self._zone)
        return [self._roster.officers[one].name for one in now.officers]

    async def run(self) -> None:
        """Look ahead now and every hour, until cancelled."""
        while True:
            self.look_ahead()
            await asyncio.sleep(EVERY)

    def look_ahead(self) -> None:
        """Tell of each time in the next 30 days for which nobody is on duty, once."""
        if not self._roster.officers:
            return
        now = self._wall()
        found = gaps(self._roster, now, now + AHEAD * DAY, self._zone)[:MOST]
        for gap in found:
            if gap.end not in self._told:
                self._tell("duty_gap", **self._facts(gap))
        self._told = {gap.end for gap in found}

    def _facts(self, gap: Span) -> dict[str, Json]:
        begin, end = (f"{datetime.fromtimestamp(edge, self._zone):%m-%d %H:%M}" for edge in gap)
        said: dict[str, Json] = {
            language: words.duty["gap"].format(begin=begin, end=end) + words.sentence["end"]
            for language, words in WORDS.items()
        }
        return {"begin": gap.begin, "end": gap.end, "sentence": said}
