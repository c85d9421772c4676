"""Planned work over a real daemon: entered and ended by the verb, no alarm meanwhile, kept over a kill."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.ear import ROOT, needs_sub
from tests.system.lives import DETECTION
from tests.system.town import town


async def verb(one, *arguments, code=0):
    """Run `command-monitor planned`; return what it prints, and of a refusal what it says."""
    command = [sys.executable, "-m", "monitor", "planned", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COMMAND_MONITOR")}
    process = await asyncio.create_subprocess_exec(
        *command,
        "--settings",
        str(one.folder / "settings.yaml"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean | {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"},
    )
    async with asyncio.timeout(20):
        said, refused = await process.communicate()

    assert process.returncode == code, refused.decode()
    return (said if code == 0 else refused).decode()


async def listed(one):
    return [json.loads(line) for line in (await verb(one, "list", "--json")).splitlines()]


async def incident_is(one, stage, **facts):
    return await one.tells(f"incident.{stage}", about="dan/city/primary", **facts)


async def test_a_cut_in_a_window_is_no_alarm_through_a_kill_and_becomes_one_when_the_verb_ends_the_window(
    tmp_path,
):
    async with (
        town(tmp_path) as built,
        daemon(tmp_path, built.file, detection=DETECTION) as one,
    ):
        await one.all_are("up")
        added = await verb(
            one, "add", "--what", "dan/city/primary", "--to", "2h", "--document", "〔2026〕12号",
            "--note", "换光缆", "--who", "李伟",
        )  # fmt: skip
        (known,) = await listed(one)
        built.echoes["dan/city/primary"].silent = True
        await incident_is(one, "confirmed", planned=True)
        await under_maintenance(one)
        before = len(one.log())
        await one.end(signal.SIGKILL)
        await one.start()
        await built.looked_at(40)
        kept = await one.healths()
        (again,) = await listed(one)
        meanwhile = one.log()
        ended = await verb(one, "end", known["id"], "--who", "王强")
        await one.tells("status.changed", about="dan/city/primary", now="down")
        await incident_is(one, "confirmed")
        refused = await verb(one, "end", known["id"], code=1)
        after = one.log()

    assert "计划检修已登记" in added
    assert (known["state"], known["document"], known["who"]) == ("under_way", "〔2026〕12号", "李伟")
    assert again == known
    assert kept["dan/city/primary"][0] == kept["dan/city"][0] == "maintenance"
    assert kept["dan/city/backup"][0] == "up"
    assert not [r for r in meanwhile if r["level"] == "warning"]
    assert not [r for r in meanwhile[before:] if r["event"] in ("planned.begun", "incident.confirmed")]
    assert "尚未恢复：dan至city主用电路" in ended
    assert "操作人 王强" in ended
    told = [r["event"] for r in after[len(meanwhile) :]]
    assert told[0] == "planned.ended"
    assert "incident.confirmed" in told
    assert "no planned work" in refused


async def under_maintenance(one):
    async def so():
        return (await one.healths())["dan"][0] == "maintenance"

    await one.until(so)


async def test_work_that_is_declared_opens_with_a_reload_and_what_is_left_at_its_end_is_told_at_once(
    tmp_path,
):
    async with town(tmp_path) as built, daemon(tmp_path, built.file, detection=DETECTION) as one:
        await one.all_are("up")
        built.planned = {"night": {"what": "dan", "from": moment(-60.0), "to": moment(LASTS)}}
        built.write()
        one.process.send_signal(signal.SIGHUP)
        await one.tells("planned.begun", window="night")
        built.cut("dan")
        await one.all_are("maintenance", "dan")
        overrun = await one.tells("planned.overrun", window="night")
        await one.all_are("down", "dan")
        confirmed = await one.until(lambda: ordinary(one))

    assert "超时未恢复：dan" in overrun["sentence"]
    assert overrun["level"] == "warning"
    assert confirmed["about"].startswith("dan/")


LASTS = 12.0
"""Seconds for which that window stays open: time for a cut to be seen and named."""


def moment(seconds):
    return f"{datetime.fromtimestamp(time.time() + seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


async def ordinary(one):
    """Return what was logged of an incident that is no planned one."""
    told = one.told("incident.confirmed", level="warning")
    return told and told[-1]


async def test_the_verb_refuses_in_words_and_can_call_off_what_has_not_begun(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        refused = await verb(one, "add", "--what", "dan/moon", "--to", "1h", code=1)
        later = await verb(
            one, "add", "--what", "yun", "--from", moment(3600.0), "--to", "1h", "--id", "later"
        )
        table = await verb(one, "list")
        off = await verb(one, "end", "later")
        left = await verb(one, "list")

    assert "dan/moon is nothing" in refused
    assert later.startswith("later  Yun计划检修已登记")
    assert "下次" in table
    assert "已取消" in off
    assert left == "没有计划检修\n"


async def test_whoever_may_not_write_the_state_folder_is_told_so_or_that_nobody_is_there(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        mode = (tmp_path / "state" / "control-city.sock").stat().st_mode & 0o777
        await one.end()
        gone = not (tmp_path / "state" / "control-city.sock").exists()
        said = await verb(one, "list", code=2)

    assert mode == 0o600
    assert gone
    assert "is it running" in said


@pytest.mark.parametrize("hindrance", ["a-file", "a-folder"])
async def test_a_place_that_is_taken_does_not_keep_the_daemon_from_watching(tmp_path, hindrance):
    place = tmp_path / "state" / "control-city.sock"
    place.parent.mkdir()
    place.mkdir() if hindrance == "a-folder" else place.write_text("")
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.all_are("up")
        await one.tells("local.not_listening")

    assert place.exists()


@pytest.mark.server
@needs_mosquitto
@needs_sub
async def test_over_mqtt_work_is_entered_once_however_often_it_is_asked_for(tmp_path):
    order = {"ref": "r1", "at": time.time(), "order": "planned/add", "what": ["dan"], "who": "李伟"}
    order |= {"end": time.time() + 3600.0, "id": "night"}
    topic = f"{ROOT}/command/city/planned"
    async with (
        town(tmp_path) as built,
        mosquitto(tmp_path) as broker,
        listening(broker.port, f"{topic}/answer") as ear,
        daemon(tmp_path, built.file, mqtt=broker_at(broker.port, orders=True)) as one,
    ):
        await one.all_are("up")
        async with asyncio.timeout(20):
            while len(ear.heard) < 2:
                await publish(broker.port, topic, order)
        (known,) = await listed(one)
        answers = [heard.told for heard in ear.heard]

    assert (known["id"], known["state"], known["who"]) == ("night", "under_way", "李伟")
    assert {(answer["what"], answer["recorded"], answer["via"]) for answer in answers} == {
        ("added", True, "mqtt")
    }
    assert len(one.told("planned.added")) == 1


async def publish(port, topic, order):
    """Send an order as anybody could whom the broker lets."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", topic, "-m", json.dumps(order)
    )
    await process.wait()
