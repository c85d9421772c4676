"""SIGHUP: a good inventory is taken over at once, a bad one changes nothing and is told of everywhere."""

import json
import signal

import pytest

from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.ear import ROOT, events, hearing, is_event, needs_sub
from tests.system.town import town

pytestmark = [pytest.mark.server, needs_mosquitto, needs_sub]


async def test_a_new_center_appears_everywhere_a_removed_one_is_nowhere_and_others_go_on(tmp_path):
    async with (
        town(tmp_path) as built,
        mosquitto(tmp_path) as broker,
        hearing(broker) as ear,
        daemon(tmp_path, built.file, mqtt=broker_at(broker.port)) as one,
    ):
        before = await one.all_are("up")
        await ear.until(lambda heard: any(h.topic == f"{ROOT}/status/yun" for h in heard))
        await built.build("fang", 3)
        del built.centers["yun"]
        built.write()
        one.process.send_signal(signal.SIGHUP)
        await one.tells("daemon.reloaded")
        fang = await one.all_are("up", "fang")
        retained = (await ear.until(lambda _: has(ear, "fang") and not has(ear, "yun"))) and ear.retained()
        after, page = await one.healths(), await one.ask("/metrics")
        looked, counted = len(built.echoes[KEPT].heard), await looks_of(one, KEPT)

    assert len(fang) == 7
    assert {n: s for n, s in after.items() if n.startswith("dan")} == {
        n: s for n, s in before.items() if n.startswith("dan")
    }
    assert not [name for name in after if name.startswith("yun")]
    assert '"yun' not in page
    assert 'center="fang"' in page
    assert not [topic for topic in retained if "/yun" in topic]
    assert counted >= looked - 1  # one may be under way
    assert not one.told("belief.changed", now="down")


async def test_a_bad_file_leaves_the_old_world_and_is_told_in_log_metric_mqtt_and_api(tmp_path):
    async with (
        town(tmp_path) as built,
        mosquitto(tmp_path) as broker,
        hearing(broker) as ear,
        daemon(tmp_path, built.file, mqtt=broker_at(broker.port)) as one,
    ):
        before = await one.all_are("up")
        good, refusals = built.document(), []
        for text, named in (
            ("city: [", "town.yaml:"),
            (json.dumps(good | {"centres": {}}), "centres"),
            (None, "town.yaml"),
        ):
            spoil(built.file, text)
            refusals.append((named, await refusal(one, len(refusals) + 1)))
        await ear.until(lambda heard: len([e for e in events(heard) if is_refusal(e)]) == len(refusals))
        status, metric = await one.status(), await one.metric(SUCCESS)
        await built.looked_at(16)
        during = await one.healths()
        built.write()
        one.process.send_signal(signal.SIGHUP)
        await ear.until(is_event(what="reloaded"))
        cleared, metric_cleared = await one.status(), await one.metric(SUCCESS)

    assert all(named in trouble for named, trouble in refusals), refusals
    assert metric == 0
    assert not status["vitals"]["reload_ok"]
    assert status["vitals"]["reload_trouble"] == refusals[-1][1]
    assert during == before
    assert metric_cleared == 1
    assert cleared["vitals"]["reload_ok"]
    assert not cleared["vitals"]["reload_trouble"]


KEPT = "dan/city/primary"
SUCCESS = "command_monitor_config_last_reload_successful"


def has(ear, center):
    return any(topic.startswith(f"{ROOT}/status/{center}") for topic in ear.retained())


async def looks_of(one, check):
    page = await one.ask("/metrics")
    lines = (line for line in page.splitlines() if line.startswith("command_monitor_check_looks_total"))
    return sum(float(line.rpartition(" ")[2]) for line in lines if f'subject="{check}"' in line)


def spoil(file, text):
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


async def refusal(one, number):
    """Ask for a reload that must be refused, the *number*th; return what was said of it in the log."""
    one.process.send_signal(signal.SIGHUP)

    async def told():
        return len(one.told("daemon.reload_refused")) == number

    await one.until(told)
    return one.told("daemon.reload_refused")[-1]["trouble"]


def is_refusal(event):
    return event["kind"] == "daemon" and event["data"]["what"] == "reload_refused"
