"""A city small enough to read, looked at by a probe kind that answers as the test says."""

import asyncio
import contextlib
from collections import deque
from dataclasses import replace
from datetime import UTC
from weakref import WeakKeyDictionary

from monitor.core.inventory import (
    Center,
    Circuit,
    Device,
    Inventory,
    Level,
    Link,
    Look,
    Name,
    Network,
    Role,
    Vantage,
)
from monitor.core.observation import failed, ok
from monitor.core.roster import Roster
from monitor.engine.duty import DutyDesk
from monitor.engine.handover import Handover
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.orders import Orders
from monitor.ports import ProbeKind, ProbeOptions
from tests.logs import opened

NAME = Name("丹江口", "Danjiangkou")
PERIOD = 0.05


class Options(ProbeOptions):
    """Whom to ask."""

    host: str


class Script:
    """What each host says when it is looked at, at once or later; a host that is not named is well."""

    def __init__(self):
        self.says = {}
        self.looks = []
        self.words = None

    async def probe(self, options):
        self.looks.append(options.host)
        answer = self.says.get(options.host, ok(rtt=0.001))
        if isinstance(answer, Exception):
            raise answer
        return await answer if isinstance(answer, asyncio.Future) else answer

    def kind(self):
        more = {"reasons": {}, "values": {}, "words": self.words}
        return ProbeKind("script", "Says what the test says.", Options, self.probe, **more)


def look(host, period=PERIOD):
    return Look("script", "script", Options(host=host), period, 5.0)


def city(*, centers=("dan",), period=PERIOD):
    """Return an inventory of centers, each with two links of two circuits and a router."""
    return Inventory(
        NAME,
        networks={n: Network(n, Name(n, n)) for n in ("city", "province")},
        carriers={},
        centers={name: center(name, period) for name in centers},
        vantages={"city": Vantage("city", NAME, networks=("city", "province"))},
    )


def center(name, period):
    links = tuple(
        Link(
            name,
            n,
            tuple(
                Circuit(name, n, role, "10.0.0.1", near_look=look(f"{name}/{n}/{role}", period))
                for role in Role
            ),
        )
        for n in ("city", "province")
    )
    router = Device(name, "router", NAME, "10.0.0.2", looks=(look(f"{name}/router", period),))
    return Center(name, NAME, Level.COUNTY, links, (router,))


def with_bearer(inventory, bearer):
    """Return *inventory* with every circuit on *bearer*."""

    def changed(link):
        return replace(link, circuits=tuple(replace(circuit, bearer=bearer) for circuit in link.circuits))

    centers = {
        name: replace(center, links=tuple(map(changed, center.links)))
        for name, center in inventory.centers.items()
    }
    return replace(inventory, centers=centers)


def engine_for(inventory, script, log, vitals, hold=30.0, desk=None):
    return Engine(
        inventory,
        "city",
        {"script": script.kind()},
        Tuning(false_alarms_per_year=0.01, suspicions_per_year=26, concurrency=50, hold=hold),
        boot="b1",
        zone=UTC,
        log=log,
        vitals=vitals,
        desk=desk,
    )


@contextlib.asynccontextmanager
async def running(inventory, script, folder=None, hold=30.0, desk=None):
    """Run an engine with its log in *folder*; give it and a feed that heard everything."""
    async with opened(folder) as (log, vitals):
        engine = engine_for(inventory, script, log, vitals, hold, desk)
        feed = engine.feed(None)
        engine.start()
        try:
            yield engine, feed
        finally:
            await engine.stop()


UNHEARD = WeakKeyDictionary()
"""By feed, what came on the same page as the last event that was waited for, and after it."""


async def hear(feed, wanted, seconds=20.0):
    """Read *feed* until an event for which *wanted* is true; return it and all before it."""
    heard, unheard = [], UNHEARD.setdefault(feed, deque())
    async with asyncio.timeout(seconds):
        while True:
            while unheard:
                heard.append(unheard.popleft())
                if wanted(heard[-1]):
                    return heard[-1], heard
            unheard.extend((await feed.news()).events)


def is_status(subject, health):
    return lambda event: (event.kind, event.subject, event.data.get("now")) == ("status", subject, health)


SILENT = failed("timeout")


def orders_for(engine, people=None):
    """Return who carries out orders to *engine*; *people*: who knows the roster."""
    people = DutyDesk(Roster(), UTC) if people is None else people
    handover = Handover(lambda: engine.world, engine.planner, engine.alarms, people, engine.vitals)
    return Orders(engine.planner, engine.intake, engine.alarms, handover, engine.vitals.store)
