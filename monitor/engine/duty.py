"""Who is on duty, and word of the times for which nobody will be, while they can still be filled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from monitor.core.alarm import DUTY, LEADERS
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
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Go by *wall*, for shifts change when clocks say so."""
        self.tell: Callable[..., None] = _nobody
        """Is told, an event about ourselves, of each time without anybody on duty."""
        self.gaps: Sequence[Span] = ()
        """The first of those times that were found at the latest look ahead."""
        self.roster = roster
        self._zone = zone
        self._wall = wall
        self._told: set[float] = set()
        """Ends of the times that were told."""

    def adopt(self, roster: Roster) -> None:
        """Go by *roster* from now on, and look ahead at once; what is told already is not told again."""
        self.roster = roster
        self.look_ahead()

    def names(self) -> Sequence[str]:
        """Return the names of the officers who are to be told now."""
        now = duty(self.roster, self._wall(), self._zone)
        return [self.roster.officers[one].name for one in now.officers]

    def people(self, word: str) -> Sequence[str]:
        """Return the officers that a word of a plan stands for now: `duty`, `leaders`, an id."""
        if word == DUTY:
            return duty(self.roster, self._wall(), self._zone).officers
        return self.roster.leaders if word == LEADERS else (word,)

    def facts(self) -> dict[str, Json]:
        """Return who is on duty now and next, by ids, and the times for which nobody will be."""
        at = self._wall()
        now = duty(self.roster, at, self._zone)
        then = None if now.until is None else duty(self.roster, now.until, self._zone)
        return {
            "rostered": bool(self.roster.officers),
            "now": [*now.officers],
            "vacant": now.vacant,
            "until": now.until,
            "next": [] if then is None or then.vacant else [*then.officers],
            "gaps": [{"begin": gap.begin, "end": gap.end} for gap in self.gaps if gap.end > at],
        }

    async def run(self) -> None:
        """Look ahead now and every hour, until cancelled."""
        while True:
            self.look_ahead()
            await asyncio.sleep(EVERY)

    def look_ahead(self) -> None:
        """Tell of each time in the next 30 days for which nobody is on duty, once."""
        if not self.roster.officers:
            return
        now = self._wall()
        found = gaps(self.roster, now, now + AHEAD * DAY, self._zone)[:MOST]
        for gap in found:
            if gap.end not in self._told:
                self.tell("duty_gap", **self._facts(gap))
        self._told = {gap.end for gap in found}
        self.gaps = found

    def _facts(self, gap: Span) -> dict[str, Json]:
        begin, end = (f"{datetime.fromtimestamp(edge, self._zone):%m-%d %H:%M}" for edge in gap)
        said: dict[str, Json] = {
            language: words.duty["gap"].format(begin=begin, end=end) + words.sentence["end"]
            for language, words in WORDS.items()
        }
        return {"begin": gap.begin, "end": gap.end, "sentence": said}


def _nobody(_what: str, **_data: Json) -> None:
    """Tell nobody."""
