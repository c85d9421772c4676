"""Alerting over a real daemon: what a receiver has not taken outlasts a kill, and it hears who is on duty."""

import asyncio
import json
import signal

from tests.outputs.receiver import receiving
from tests.system.daemon import daemon
from tests.system.duty_scenario import judging
from tests.system.lives import DETECTION
from tests.system.town import town

ROSTER = "officers: {zhang: {name: 张伟, phone: 13900000001}}\nleaders: [zhang]\n"
CIRCUIT = "dan/city/primary"


def told(receiver):
    """Return what came of the circuit's incident: the id of each message, and the stage."""
    messages = [json.loads(body) for _, body in receiver.heard]
    return [(one["id"], one["data"]["stage"]) for one in messages if one["subject"] == CIRCUIT]


async def test_an_incident_that_was_not_taken_comes_after_a_kill_and_each_stage_is_taken_once(tmp_path):
    (tmp_path / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    async with receiving(503) as receiver, town(tmp_path) as built, judging(built, {}) as case:
        settings = {"roster": str(tmp_path / "roster.yaml"), "webhooks": {"hall": {"url": receiver.url}}}
        async with daemon(tmp_path, built.file, detection={**DETECTION, "hold": 1}, **settings) as one:
            case.one = one
            await one.all_are("up")
            built.echoes[CIRCUIT].silent = True
            await one.tells("incident.confirmed", about=CIRCUIT)
            await receiver.until(1)
            await one.end(signal.SIGKILL)
            refused = len(receiver.heard)
            receiver.answers = [(200, {})]
            await one.start()
            built.echoes[CIRCUIT].silent = False
            await one.tells("incident.closed", about=CIRCUIT)
            async with asyncio.timeout(20):
                while not told(receiver) or told(receiver)[-1][1] != "closed":
                    await asyncio.sleep(0.05)
            metric = await one.ask("/metrics")
            await case.end()
    taken = told(receiver)[len(told(receiver)) - len(receiver.heard[refused:]) :]

    stages = [stage for _, stage in taken]
    assert stages[-3:] == ["confirmed", "recovering", "closed"]
    assert stages[:-3] in (["suspected"], [])  # on a busy machine it is sure at once
    assert {json.loads(body)["on_duty"][0] for _, body in receiver.heard} == {"张伟"}
    assert 'output="webhook-hall"' in metric
    assert "13900000001" not in metric + one.file.read_text()
