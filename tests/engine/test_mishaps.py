"""mishaps: a bug of ours costs what it broke, is told as our own trouble, and everything else goes on."""

import asyncio

from monitor.core.detection import Verdict
from monitor.core.observation import ok
from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.engine.mishaps import KINDS, QUIET, Mishaps
from monitor.engine.telling import Telling
from monitor.ports import ProbeKind
from tests.engine.city import SILENT, Options, Script, city, hear, is_status, running
from tests.engine.test_engine import whole
from tests.logs import opened

PRIMARY, BACKUP = "dan/city/primary", "dan/city/backup"
NONSENSE = ok(rtt="soon")
"""What no code of ours can reckon with."""


class Batch:
    """A batch engine that reports all looks of a tick at once, or breaks."""

    def __init__(self, sink):
        self.sink = sink
        self.sent = []
        self.broken = False
        self.says = {}

    def prepare(self, options):
        return options.host

    def send(self, due):
        self.sent += [host for host, _, _ in due]
        if self.broken:
            raise RuntimeError("no batch today")
        for host, key, _ in due:
            self.sink.answered(key, asyncio.get_running_loop().time(), self.says.get(host, 0.001))

    def close(self):
        pass


class Batched(Script):
    """Hosts that are all looked at through one batch engine."""

    def kind(self):
        return ProbeKind(
            "script", "Tells of many at once.", Options, self.probe, reasons={}, engine=self._engine
        )

    def _engine(self, sink):
        self.batch = Batch(sink)
        return self.batch


def is_mishap(event):
    return event.data.get("what") == "mishap"


async def looked_again(looks, host, times=3):
    """Wait until *host* was looked at some more times."""
    before = looks.count(host)
    async with asyncio.timeout(10):
        while looks.count(host) < before + times:
            await asyncio.sleep(0.01)


async def test_a_finding_that_breaks_us_is_lost_alone_and_told_once():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        script.says[PRIMARY] = NONSENSE
        told, _ = await hear(feed, is_mishap)
        await looked_again(script.looks, PRIMARY)
        script.says[PRIMARY] = SILENT
        _, after = await hear(feed, is_status("dan/city", "on_backup"))

        assert (told.data["place"], told.subject) == ("finding", "city")
        assert "soon" in told.data["trouble"] or "str" in told.data["trouble"]
        assert engine.vitals.mishaps >= 3
        assert not [event for event in after if is_mishap(event)]


async def test_what_breaks_in_a_batch_is_looked_at_again_and_so_are_the_others():
    script = Batched()
    async with running(city(), script) as (engine, _):
        await whole(engine)
        script.batch.says[PRIMARY] = "soon"
        await looked_again(script.batch.sent, PRIMARY)
        assert engine.vitals.mishaps >= 1
        reading = engine.world.readings[f"{BACKUP}/script"]
        good = reading.ok
        async with asyncio.timeout(10):
            while reading.ok == good:
                await asyncio.sleep(0.01)


async def test_a_batch_that_cannot_be_sent_is_sent_again():
    script = Batched()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        script.batch.broken = True
        await hear(feed, is_mishap)
        await looked_again(script.batch.sent, PRIMARY)
        script.batch.broken = False
        good = engine.world.readings[f"{PRIMARY}/script"].ok
        async with asyncio.timeout(10):
            while engine.world.readings[f"{PRIMARY}/script"].ok == good:
                await asyncio.sleep(0.01)


async def test_an_assessment_that_breaks_stops_neither_the_looks_nor_the_diagnosis():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        engine._pipeline.assessor._found[PRIMARY] = "nonsense"
        script.says[PRIMARY] = SILENT
        told, _ = await hear(feed, is_mishap)
        cut, _ = await hear(feed, lambda event: event.data.get("stage") == "confirmed")

        assert (told.data["place"], cut.subject) == ("assessment", PRIMARY)
        assert engine.world.beliefs[f"{PRIMARY}/script"].verdict is Verdict.DOWN


async def test_a_diagnosis_that_breaks_is_made_again():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        engine.world.agents["nobody"] = None
        script.says[PRIMARY] = SILENT
        told, _ = await hear(feed, is_mishap)
        await hear(feed, is_status("dan/city", "on_backup"))
        del engine.world.agents["nobody"]
        cut, _ = await hear(feed, lambda event: event.kind == "incident")

        assert (told.data["place"], cut.subject) == ("diagnosis", PRIMARY)


async def test_the_same_bug_is_told_again_after_a_while_and_bugs_without_end_are_only_counted():
    now = 0.0
    async with opened() as (log, vitals):
        telling = Telling(World(city(), "city", "b1"), vitals, log)
        mishaps = Mishaps(vitals, telling, lambda: now)
        events = []
        for at in (0.0, QUIET - 1.0, QUIET):
            now = at
            mishaps.note("finding", ValueError("again"))
            events.append(vitals.events)
        for number in range(2 * KINDS):
            mishaps.note(f"place {number}", ValueError("without end"))

        assert events == [1, 1, 2]
        assert (vitals.events, vitals.mishaps) == (2 + KINDS - 1, 3 + 2 * KINDS)


def test_a_bug_in_the_telling_itself_is_counted_all_the_same():
    vitals = Vitals()
    with Mishaps(vitals, None).contained("finding"):
        raise ValueError("and nobody to tell it to")

    assert vitals.mishaps == 1
