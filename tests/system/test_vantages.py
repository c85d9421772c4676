"""City and county daemons together: the county's side is heard, its silence is no outage of its center."""

import asyncio
import contextlib
import io
import signal
from dataclasses import dataclass

import pytest
from rich.console import Console

from monitor.board.table import city_table
from tests.lab.ledger import compare, entries
from tests.listener import Listener
from tests.mosquitto import OPEN, mosquitto, needs_mosquitto
from tests.system.daemon import Daemon, broker_at, daemon
from tests.system.ear import events, hearing, needs_sub
from tests.system.lives import DETECTION
from tests.system.town import Town, town
from tests.vantages.report_ground import Line, line_to

pytestmark = [pytest.mark.server, needs_mosquitto, needs_sub]

FAR = "dan/city/primary"
OUTAGE = 4.0


@dataclass
class Level:
    """A city daemon that gathers, and county daemons that report to it, each over a line of its own."""

    built: Town
    ear: Listener
    city: Daemon
    counties: dict[str, Daemon]
    lines: dict[str, Line]

    async def agent(self, name="dan"):
        """Return what the city says of a county's daemon."""
        agents = (await self.city.status())["agents"]
        return next(agent for agent in agents if agent["vantage"] == name)

    async def agent_is(self, name="dan", **wanted):
        """Wait until the city says all of *wanted* of a county's daemon."""

        async def said():
            agent = await self.agent(name)
            return agent if wanted.items() <= agent.items() else None

        return await self.city.until(said)

    async def gathered(self, *names, after=0):
        """Wait until the city has recorded all that these counties have; return what it has of each."""

        async def complete():
            found = {name: (self.own(name), self.copies(name)) for name in names}
            all_there = all(len(own) == len(copies) > after for own, copies in found.values())
            return found if all_there else None

        return await self.city.until(complete)

    def own(self, name):
        return entries(self.counties[name].folder / "state" / f"log-{name}.db", name)

    def copies(self, name):
        return entries(self.city.folder / "state" / "log-city.db", name)

    def recorded(self, kind):
        """Return what the city itself has recorded of this kind."""
        own = entries(self.city.folder / "state" / "log-city.db", "city")
        return [entry for entry in own if entry.kind == kind]

    def told_of(self, name):
        """Return what the city has told about a county's daemon, in order."""
        return [e.data["what"] for e in self.recorded("daemon") if e.subject == name]

    async def tells_of(self, name, what):
        """Wait until the latest that was told about a county's daemon is *what*."""

        async def told():
            return self.told_of(name)[-1:] == [what]

        await self.city.until(told)


@contextlib.asynccontextmanager
async def level(folder, *names):
    """Run a city daemon and one in each of these counties, until all know of each other and all is up."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        built = await enter(town(folder, counties=names))
        broker = await enter(mosquitto(folder, OPEN, "max_queued_messages 0"))
        ear = await enter(hearing(broker))
        lines = {name: await enter(line_to(broker.port)) for name in names}
        for name in ("city", *names):
            (folder / name).mkdir()
        mqtt = broker_at(broker.port, keepalive=1)
        up = {"detection": DETECTION}
        city = await enter(daemon(folder / "city", built.file, mqtt=mqtt, collect=True, **up))
        reports = {name: {"city": broker_at(line.entry, keepalive=1)} for name, line in lines.items()}
        counties = {
            name: await enter(daemon(folder / name, built.file, vantage=name, reports=reports[name], **up))
            for name in names
        }
        one = Level(built, ear, city, counties, lines)
        await city.all_are("up")
        for name in names:
            await one.agent_is(name, presence="online", beliefs=beliefs(up=4))
            await one.gathered(name)
        yield one


def beliefs(**counts):
    return {"up": 0, "degraded": 0, "down": 0, "unknown": 0} | counts


async def test_what_counties_believe_and_all_that_they_record_arrives_and_changes_no_status(tmp_path):
    async with level(tmp_path, "dan", "yun") as one:
        before = await one.city.healths()
        for circuit in (FAR, "yun/province/backup"):
            one.built.far[circuit].silent = True
        for name in ("dan", "yun"):
            await one.agent_is(name, beliefs=beliefs(up=3, down=1))
        during = await one.city.healths()
        for echo in one.built.far.values():
            echo.silent = False
        for name in ("dan", "yun"):
            await one.agent_is(name, beliefs=beliefs(up=4))
        found = await one.gathered("dan", "yun", after=10)
        for name in ("dan", "yun"):
            await one.agent_is(name, backlog=0)  # as they say it themselves, once a second
        after, status = await one.city.healths(), await one.city.status()
        told = {event["id"] for event in events(one.ear.heard)}
        live = one.recorded("status")

    for name, (own, copies) in found.items():
        ledger = compare(own, copies)
        assert ledger.blemishes == (), (name, ledger)
        assert {e.data["now"] for e in own if e.kind == "belief" and e.data["now"] != e.data["was"]} == {
            "down",
            "up",
        }
        assert all(copy.received_at is not None for copy in copies)
        assert {f"{e.vantage}/{e.boot}/{e.seq}" for e in own} <= told
    assert before == during == after
    assert live == []
    assert [(agent["vantage"], agent["backlog"], agent["refused"]) for agent in status["agents"]] == [
        ("dan", 0, 0),
        ("yun", 0, 0),
    ]


async def test_a_county_daemon_that_is_killed_frozen_or_stopped_is_missing_and_its_center_is_not_down(
    tmp_path,
):
    async with level(tmp_path, "dan", "yun") as one:
        before = await one.city.healths()
        dan = one.counties["dan"]

        await dan.end(signal.SIGKILL)
        killed = await one.agent_is(presence="silent")
        table = await shown(one)
        await dan.start()
        back = await one.agent_is(presence="online", beliefs=beliefs(up=4))
        await one.tells_of("dan", "agent_back")

        dan.process.send_signal(signal.SIGSTOP)
        frozen = await one.agent_is(presence="silent")
        dan.process.send_signal(signal.SIGCONT)
        await one.agent_is(presence="online", beliefs=beliefs(up=4))
        await one.tells_of("dan", "agent_back")

        code = await dan.end()
        stopped = await one.agent_is(presence="stopped")
        await one.tells_of("dan", "agent_stopped")
        after = await one.city.healths()
        told, others, live = one.told_of("dan"), one.told_of("yun"), one.recorded("status")

    assert killed["beliefs"] == frozen["beliefs"] == stopped["beliefs"] == beliefs()
    assert back["since"] > killed["since"]
    assert code == 0
    assert told == [
        "agent_online",
        "agent_silent",
        "agent_back",
        "agent_silent",
        "agent_back",
        "agent_stopped",
    ]
    assert others == ["agent_online"]
    assert before == after
    assert live == []
    assert "dan" in table
    assert "silent" in table


@pytest.mark.parametrize("outage", [OUTAGE, pytest.param(13.0, marks=pytest.mark.long)])
async def test_what_happened_while_the_way_was_cut_comes_late_with_its_own_times_and_alarms_nobody(
    tmp_path, outage
):
    async with level(tmp_path, "dan") as one:
        before = await one.city.healths()
        line, dan = one.lines["dan"], one.counties["dan"]
        line.hold()
        one.built.far[FAR].silent = True
        await dan.until(lambda: believed(dan, 1))
        one.built.far[FAR].silent = False
        await dan.until(lambda: believed(dan, 2))
        away = await one.agent_is(presence="silent")
        await asyncio.sleep(outage)
        unheard = len(one.own("dan")) - len(one.copies("dan"))
        status = await dan.status()
        line.cut()
        line.release()
        await one.agent_is(presence="online", beliefs=beliefs(up=4), backlog=0)
        found = (await one.gathered("dan"))["dan"]
        ids = {f"{e.vantage}/{e.boot}/{e.seq}" for e in found[0]}
        heard = await one.ear.until(lambda heard: ids <= {event["id"] for event in events(heard)})
        after, live = await one.city.healths(), one.recorded("status")

    flips = [e for e in found[1] if e.kind == "belief" and e.data["was"] != e.data["now"]]
    late = {event["id"] for event in events(heard) if event["late"]}
    assert away["beliefs"] == beliefs()
    assert unheard >= 4
    assert not status["vitals"]["outputs"]["report/city"]["connected"]
    assert compare(*found).blemishes == ()
    assert [flip.data["now"] for flip in flips] == ["down", "up"]
    assert all(flip.received_at - flip.at > outage for flip in flips)
    assert (outage > 10) == ({f"{e.vantage}/{e.boot}/{e.seq}" for e in flips} <= late)
    assert before == after
    assert live == []


async def believed(one, changes):
    """Tell whether a daemon has recorded so many changes of belief."""
    found = entries(one.folder / "state" / "log-dan.db", "dan")
    return len([e for e in found if e.kind == "belief" and e.data["was"] != e.data["now"]]) >= changes


async def shown(one):
    """Return the city's table as its users see it."""
    console = Console(file=io.StringIO(), width=150)
    console.print(city_table(await one.city.status(), "en"))
    return console.file.getvalue()
