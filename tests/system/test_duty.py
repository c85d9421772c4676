"""The duty workflow over a real daemon: told once, answered, escalated, over; and nothing lost by a kill."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
from contextlib import suppress

import pytest

from tests.lab.scenarios.clocks import FAKETIME
from tests.mosquitto import free_port
from tests.outputs.receiver import receiving
from tests.system.daemon import broker_at
from tests.system.duty_scenario import CIRCUIT, CIRCUITS_ALONE, Terms, order, over


def alarms(receiver):
    """Return what came, message by message: what is said of which alarm."""
    bodies = [json.loads(body) for _, body in receiver.heard]
    return [[(one["what"], one["subject"]) for one in body["facts"]["alarms"]] for body in bodies]


async def test_a_cut_is_told_once_then_to_the_leader_and_its_end_to_both_though_no_broker_answers(tmp_path):
    dead = {"mqtt": broker_at(free_port())}
    whole = over(tmp_path, receiving(200), receiving(200), CIRCUITS_ALONE, **dead)
    async with whole as (one, built, hall, tower):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await tower.until(1)
        built.echoes[CIRCUIT].silent = False
        await tower.until(2)
        await hall.until(2)
        listed = await order(one, order="alarm/list")
        log = one.file.read_text()

    assert alarms(hall) == [[("alarm", CIRCUIT)], [("recovery", CIRCUIT)]]
    assert alarms(tower) == [[("escalated", CIRCUIT)], [("recovery", CIRCUIT)]]
    assert listed["alarms"] == []
    assert "13900000001" not in log


async def test_an_answer_stops_the_escalation_and_outlasts_a_kill(tmp_path):
    killed = Terms(in_flight=1)
    async with over(tmp_path, receiving(200), receiving(200), terms=killed) as (one, built, hall, tower):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await hall.until(1)
        told = json.loads(hall.heard[0][1])
        code = told["facts"]["alarms"][0]["code"]
        answered = await order(one, order="alarm/answer", ids=[code], who="zhang")
        await one.end(signal.SIGKILL)
        await one.start()
        listed = await order(one, order="alarm/list")
        built.echoes[CIRCUIT].silent = False
        await hall.until(2)

    assert answered["recorded"]
    (alarm,) = listed["alarms"]
    assert (alarm["answer"]["who"], alarm["answer"]["via"], alarm["code"]) == ("zhang", "socket", code)
    assert [one["rung"] for one in alarm["notices"]] == ["acknowledged"]
    assert alarms(hall) == [[("alarm", CIRCUIT)], [("recovery", CIRCUIT)]]
    assert alarms(tower) == []


@pytest.mark.parametrize("answer", [503, 400])
async def test_what_a_channel_does_not_take_is_kept_or_given_up_and_said(tmp_path, answer):
    deaf = Terms(dead={"hall"})
    async with over(tmp_path, receiving(answer), receiving(200), terms=deaf) as (one, built, _, tower):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await tower.until(1)
        listed = await order(one, order="alarm/list")

    (alarm,) = listed["alarms"]
    first = alarm["notices"][0]
    assert first["rung"] == ("composed" if answer == 503 else "refused")
    assert str(answer) in first["trouble"]


@pytest.mark.parametrize("point", ["before_send:1", "after_send_before_mark:1"])
async def test_a_kill_while_a_message_goes_out_loses_none_and_a_double_has_the_same_name(tmp_path, point):
    whole = over(tmp_path, receiving(200), receiving(200), CIRCUITS_ALONE, Terms(in_flight=1))
    async with whole as (one, built, hall, tower):
        await one.all_are("up")
        await one.end(signal.SIGTERM)
        await one.launch(crash=point)
        await one.until(one._ready)
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        async with asyncio.timeout(20):
            await one.process.wait()
        await one.start()
        await tower.until(1)
        built.echoes[CIRCUIT].silent = False
        await tower.until(2)
        await hall.until(2 if point.startswith("before") else 3)

    names = [headers["webhook-id"] for headers, _ in hall.heard]
    doubled = 0 if point.startswith("before") else 1
    assert [said for message in alarms(hall) for said, _ in message] == [
        *["alarm"] * (1 + doubled),
        "recovery",
    ]
    assert len(set(names)) == 2
    assert [said for message in alarms(tower) for said, _ in message] == ["escalated", "recovery"]


async def test_while_nothing_can_be_recorded_officers_are_told_all_the_same_and_of_that_too(tmp_path):
    async with over(tmp_path, receiving(200), receiving(200)) as (one, built, hall, tower):
        await one.all_are("up")
        other = sqlite3.connect(tmp_path / "state" / "log-city.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await one.tells("daemon.store_trouble")
        built.echoes[CIRCUIT].silent = True
        await until_said(hall, CIRCUIT)
        await until_said(hall, "own/store")
        other.execute("ROLLBACK")
        other.close()
        one.is_back()
        await one.tells("daemon.store_back")
        await until_said(hall, "own/store", "recovery")
        await until_said(tower, "own/store", "recovery")
        code = await one.end()

    assert code == 0


async def until_said(receiver, subject, what="alarm"):
    async with asyncio.timeout(30):
        while (what, subject) not in [one for message in alarms(receiver) for one in message]:
            await asyncio.sleep(0.05)


async def test_what_was_not_taken_when_the_daemon_is_stopped_is_brought_once_by_the_next(tmp_path):
    whole = over(tmp_path, receiving(503), receiving(200), CIRCUITS_ALONE)
    async with whole as (one, built, hall, _):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await hall.until(1)
        code = await one.end()
        refused = len(hall.heard)
        hall.answers = [(200, {})]
        await one.start()
        await hall.until(refused + 1)
        await one.until(lambda: handed(one))
    taken = alarms(hall)[refused:]

    assert code == 0
    assert [said for message in taken for said in message] == [("alarm", CIRCUIT)]


async def handed(one):
    (alarm,) = (await order(one, order="alarm/list"))["alarms"]
    return alarm["notices"][0]["rung"] == "handed_over"


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
async def test_a_clock_that_is_set_ahead_lets_no_answer_expire_and_is_told(tmp_path):
    stamps = tmp_path / "faketime"
    stamps.write_text("+0")
    jumps = Terms(untimed={"log", "hall", "tower"})
    async with over(tmp_path, receiving(200), receiving(200), terms=jumps) as (one, built, hall, tower):
        await one.end()
        await one.launch(
            LD_PRELOAD=str(FAKETIME),
            FAKETIME_TIMESTAMP_FILE=str(stamps),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        await one.until(one._ready)
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = True
        await until_said(hall, CIRCUIT)
        await order(one, order="alarm/answer", ids=["all"], who="zhang")
        stamps.write_text("+10800")
        await until_said(hall, "own/clock")
        listed = await order(one, order="alarm/list")

    answers = {alarm["subject"]: alarm["answer"] for alarm in listed["alarms"]}
    assert answers[CIRCUIT]["who"] == "zhang"
    assert "again" not in [what for message in alarms(hall) + alarms(tower) for what, _ in message]


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a small disk")
async def test_a_full_disk_stops_no_message_and_is_told_and_nothing_is_forgotten(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(state)], check=True)  # noqa: ASYNC221
    try:
        small = over(tmp_path, receiving(200), receiving(200), store={"reserve_mib": 1})
        async with small as (one, built, hall, tower):
            await one.all_are("up")
            fill(state / "filling")
            built.echoes[CIRCUIT].silent = True
            await until_said(hall, CIRCUIT)
            fill(state / "filling")
            await until_said(hall, "own/store")
            (state / "filling").unlink()
            one.is_back()
            for told in (hall, tower):
                await until_said(told, "own/store", "recovery")
            code = await one.end()
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)  # noqa: ASYNC221

    assert code == 0


def fill(file):
    """Write until the disk takes nothing more."""
    with file.open("ab", buffering=0) as filling, suppress(OSError):
        while True:
            filling.write(bytes(4096))
