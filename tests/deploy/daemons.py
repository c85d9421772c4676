"""A city daemon that gathers and a county daemon that reports to it, over any broker."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.ledger import Entry, entries
from tests.system.daemon import Daemon, broker_at, daemon
from tests.system.lives import DETECTION
from tests.system.town import town

REPORT = "report/city"


@dataclass
class Pair:
    """Both daemons at work, and how they see each other."""

    city: Daemon
    county: Daemon

    async def agent_is(self, **wanted: object) -> None:
        """Wait until the city says all of this of the county's daemon."""

        async def said():
            agents = (await self.city.status())["agents"]
            return agents and wanted.items() <= agents[0].items()

        await self.city.until(said)

    async def gathered(self, after: int = 0) -> tuple[list[Entry], list[Entry]]:
        """Wait until the city has all that the county has recorded, and more than *after* of it."""

        async def complete():
            own, copies = entries(self.county.folder / "state" / "log-dan.db", "dan"), self.copies()
            return (own, copies) if len(own) == len(copies) > after else None

        return await self.city.until(complete)

    def copies(self) -> list[Entry]:
        """Return what the city has of the county's log."""
        return entries(self.city.folder / "state" / "log-city.db", "dan")

    async def condition(self) -> dict[str, tuple[str, int]]:
        """Return trouble and failures of everything that talks to the broker."""
        both = [(await one.status())["vitals"]["outputs"] for one in (self.county, self.city)]
        ours = (REPORT, "mqtt", "collect")
        return {n: (o["trouble"], o["failed"]) for outputs in both for n, o in outputs.items() if n in ours}

    async def report_says(self, words: str) -> None:
        """Wait until the county says this of its report; nothing at all if *words* is empty."""

        async def said():
            trouble = (await self.condition())[REPORT][0]
            return words in trouble if words else not trouble

        await self.county.until(said, patience=60)


@contextlib.asynccontextmanager
async def both(folder: Path, mqtt: dict, report: dict) -> AsyncIterator[Pair]:
    """Run both over brokers (what `broker_at` takes) until they know of each other and all is up."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        built = await enter(town(folder, {"dan": 1}, counties=["dan"]))
        for name in ("city", "dan"):
            (folder / name).mkdir()
        at = {"mqtt": broker_at(keepalive=1, **mqtt), "collect": True, "detection": DETECTION}
        city = await enter(daemon(folder / "city", built.file, **at))
        reports = {"city": broker_at(keepalive=1, **report)}
        county = await enter(
            daemon(folder / "dan", built.file, vantage="dan", reports=reports, detection=DETECTION)
        )
        it = Pair(city, county)
        await it.agent_is(presence="online", backlog=0)
        await city.all_are("up")
        await it.gathered()
        yield it
