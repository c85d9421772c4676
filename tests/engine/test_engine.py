"""engine: from a silent host to a told status and back, over restart and reload."""

import asyncio
import sqlite3
import time
from contextlib import closing

import pytest

from monitor.core.detection import Verdict
from monitor.core.health import Health
from monitor.core.inventory import Bearer
from monitor.core.loss import PRIORS
from monitor.core.observation import unknown
from monitor.ports import ProbeKind
from tests.engine.city import SILENT, Options, Script, city, hear, is_status, running, with_bearer

CIRCUITS = [f"dan/{n}/{r}" for n in ("city", "province") for r in ("primary", "backup")]


async def settled(engine, subject, health):
    """Wait until *subject* has *health*."""
    async with asyncio.timeout(20):
        while subject not in engine.world.statuses or engine.world.statuses[subject].health is not health:
            await asyncio.sleep(0.01)


async def whole(engine):
    """Wait until every check was looked at and is up."""
    async with asyncio.timeout(20):
        while any(belief.verdict is not Verdict.UP for belief in engine.world.beliefs.values()):
            await asyncio.sleep(0.01)


async def test_a_cut_primary_is_suspected_then_told_then_recovers():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        script.says["dan/city/primary"] = SILENT
        cut, heard = await hear(feed, is_status("dan/city", "on_backup"))
        script.says.clear()
        back, _ = await hear(feed, is_status("dan/city", "up"))

    assert [e.data["now"] for e in heard if e.kind == "belief"] == ["up", "down"]
    assert cut.data["active"] == "backup"
    assert "主用电路中断" in cut.data["sentence"]["zh"]
    assert "up again" in back.data["sentence"]["en"]


async def test_the_first_looks_at_a_healthy_city_are_no_news():
    async with running(city(centers=("dan", "fang")), Script()) as (engine, feed):
        await whole(engine)
        async with asyncio.timeout(20):
            while engine.vitals.store.pending:
                await asyncio.sleep(0.01)
        news = await feed.news()

    assert [event.data["what"] for event in news.events] == ["started"]
    assert {"dan", "dan/city", "dan/city/primary", "dan/router"} <= news.changed


async def test_a_center_that_is_down_at_the_start_is_news():
    script = Script()
    script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
    async with running(city(), script) as (_, feed):
        _, heard = await hear(feed, is_status("dan", "down"))

    assert next(e for e in heard if e.subject == "dan").data["was"] == "unknown"


async def test_an_outage_keeps_its_beginning_over_a_restart_and_is_not_told_twice(tmp_path):
    script = Script()
    script.says = dict.fromkeys(CIRCUITS, SILENT)
    async with running(city(), script, tmp_path) as (engine, feed):
        await hear(feed, is_status("dan", "down"))
        since = engine.world.statuses["dan"].since
        async with asyncio.timeout(20):
            while not [one for one in engine.world.incidents.values() if one.confirmed_at is not None]:
                await asyncio.sleep(0.01)
    async with running(city(), script, tmp_path) as (engine, feed):
        looked = len(script.looks)
        async with asyncio.timeout(10):
            while len(script.looks) < looked + 20:
                await asyncio.sleep(0.01)
        events = (await feed.news()).events

        assert engine.world.statuses["dan"].since == since
        assert [e.data.get("what") for e in events] == ["started"]


async def test_a_word_held_back_when_an_earlier_run_ended_is_told_by_the_next(tmp_path):
    script = Script()
    async with running(city(), script, tmp_path) as (engine, _):
        await whole(engine)
    # The earlier run was killed while it doubted whether the backup had failed, too.
    with closing(sqlite3.connect(next(tmp_path.glob("*.db")))) as log, log:
        log.execute("UPDATE checks SET verdict = 'down' WHERE id = 'dan/city/primary/script'")
    script.says["dan/city/primary"] = SILENT
    async with running(city(), script, tmp_path) as (_, feed):
        told, _ = await hear(feed, is_status("dan/city", "on_backup"))

    assert (told.data["was"], told.data["reason"]) == ("up", "primary_down")


async def test_what_was_believed_of_another_address_is_forgotten(tmp_path):
    script = Script()
    script.says = dict.fromkeys(CIRCUITS, SILENT)
    async with running(city(), script, tmp_path) as (_, feed):
        await hear(feed, is_status("dan", "down"))
    async with running(city(period=0.06), Script(), tmp_path) as (engine, _):
        assert engine.world.beliefs["dan/city/primary/script"].verdict is Verdict.UNKNOWN


async def test_what_lies_behind_a_fault_is_unknown_and_is_looked_at_anew_before_anything_is_said():
    script = Script()
    async with running(city(), script) as (engine, feed):
        await whole(engine)
        await feed.news()
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], SILENT)
        _, cut = await hear(feed, is_status("dan", "down"))
        _, masked = await hear(feed, lambda e: e.subject == "dan/router/script" and e.data["now"] == "down")
        script.says.clear()
        _, back = await hear(feed, is_status("dan/router", "up"))
        said = [(e.subject, e.data["now"]) for e in [*cut, *masked, *back] if e.kind == "status"]

    assert ("dan/router", "unknown") in said
    assert ("dan/router", "down") not in said


async def test_a_bug_in_a_probe_makes_nobody_down():
    script = Script()
    async with running(city(), script) as (engine, _):
        await whole(engine)
        script.says = dict.fromkeys([*CIRCUITS, "dan/router"], ValueError("bug"))
        for subject in ("dan", *CIRCUITS):
            await settled(engine, subject, Health.UNKNOWN)

        assert engine.world.statuses["dan/city/primary"].reason == "probe_error"


async def test_a_reload_leaves_alone_what_did_not_change():
    script = Script()
    async with running(city(centers=("dan", "fang")), script) as (engine, feed):
        await whole(engine)
        kept = engine.world.readings["dan/city/primary/script"]
        await feed.news()
        engine.reload(city(centers=("dan",)))
        news = await feed.news()

        assert engine.world.readings["dan/city/primary/script"] is kept
        assert "fang" in news.changed
        assert "fang" not in engine.world.statuses
        looked = script.looks.count("fang/router")
        await asyncio.sleep(0.2)
        assert script.looks.count("fang/router") <= looked + 1


async def test_a_reload_with_another_bearer_judges_anew_and_keeps_the_rest():
    inventory = city()
    async with running(inventory, Script()) as (engine, _):
        await whole(engine)
        watch = engine._pipeline.watches["dan/city/primary/script"]
        engine.reload(with_bearer(inventory, Bearer.SATELLITE))

        assert engine._pipeline.watches["dan/city/primary/script"] is watch
        assert watch.how.prior == PRIORS[Bearer.SATELLITE]


async def test_what_keeps_us_from_looking_is_told_once():
    script = Script()
    script.says = dict.fromkeys(CIRCUITS, unknown("no_permission", "needs CAP_NET_RAW"))
    async with running(city(), script) as (engine, feed):
        await hear(feed, lambda e: e.data.get("what") == "cannot_look")
        await settled(engine, "dan/city/backup", Health.UNKNOWN)
        looked = len(script.looks)
        while len(script.looks) < looked + 20:
            await asyncio.sleep(0.01)

        assert not [e for e in (await feed.news(0.01)).events if e.data.get("what") == "cannot_look"]


async def test_a_refused_reload_is_told_and_changes_nothing():
    async with running(city(), Script()) as (engine, feed):
        engine.refuse_reload("shiyan.yaml:3: unknown key")
        event, _ = await hear(feed, lambda e: e.data.get("what") == "reload_refused")

        assert (engine.vitals.reload_ok, event.data["trouble"]) == (False, "shiyan.yaml:3: unknown key")
        assert "dan" in engine.world.inventory.centers


async def test_a_target_that_hangs_delays_nobody():
    script = Script()
    never = asyncio.Event()

    async def probe(options):
        answer = await Script.probe(script, options)
        if options.host == "dan/router":
            await never.wait()
        return answer

    script.kind = lambda: ProbeKind("script", "Hangs at one host.", Options, probe, reasons={}, values={})
    async with running(city(), script):
        async with asyncio.timeout(10):
            while script.looks.count("dan/city/primary") < 10:
                await asyncio.sleep(0.01)

        assert "dan/router" in script.looks


async def test_silence_while_our_own_loop_was_blocked_is_not_held_against_anybody():
    script = Script()
    async with running(city(), script) as (engine, _):
        await whole(engine)
        pipeline = engine._pipeline
        watch = pipeline.watches["dan/city/primary/script"]
        loop = asyncio.get_running_loop()
        before = loop.time()
        busy_until = before + 0.2
        while loop.time() < busy_until:
            pass
        pipeline.found(watch, before, SILENT)

        assert watch.belief.doubt is None
        assert engine.vitals.evidence_dropped == 1
        assert watch.reading.finding.reason == "own_lag"


@pytest.mark.parametrize(("stood_still", "counts"), [(False, True), (True, False)])
async def test_an_engine_reads_all_that_has_come_so_its_silence_counts_unless_the_host_stood_still(
    stood_still, counts
):
    async with running(city(), Script()) as (engine, _):
        await whole(engine)
        pipeline = engine._pipeline
        watch, now = pipeline.watches["dan/city/primary/script"], time.monotonic()
        watch.engine = object()
        pipeline.scheduler._lagged_until = now
        pipeline.scheduler._still_until = now if stood_still else 0.0
        pipeline.found(watch, now - 1.0, SILENT)

        assert (watch.belief.doubt is not None) is counts
        watch.engine = None


async def test_a_long_silence_counts_if_our_own_loop_was_blocked_only_at_its_beginning():
    async with running(city(), Script()) as (engine, _):
        await whole(engine)
        pipeline = engine._pipeline
        watch, now = pipeline.watches["dan/city/primary/script"], time.monotonic()
        pipeline.scheduler._lagged_until = now - 2.0
        pipeline.found(watch, now - 5.0, SILENT)

        assert watch.belief.doubt is not None
        assert engine.vitals.evidence_dropped == 0
