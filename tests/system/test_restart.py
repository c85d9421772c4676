"""What outlasts the daemon: an outage keeps its beginning though the daemon was killed in the midst of it."""

import signal
import sqlite3
from contextlib import closing

import pytest

from tests.mosquitto import mosquitto, needs_mosquitto
from tests.system.daemon import broker_at, daemon
from tests.system.ear import CARD, ROOT, events, hearing, is_state, needs_sub
from tests.system.town import town


@pytest.mark.server
@needs_mosquitto
@needs_sub
async def test_an_outage_outlasts_a_kill_in_silence_and_what_healed_meanwhile_has_recovered(tmp_path):
    async with (
        town(tmp_path) as built,
        mosquitto(tmp_path) as broker,
        hearing(broker) as ear,
        daemon(tmp_path, built.file, mqtt=broker_at(broker.port)) as one,
    ):
        await one.all_are("up")
        for center in built.centers:
            built.cut(center)
        before = await one.all_are("down")
        await one.until(lambda: saved(tmp_path, before))
        boot = (await one.status())["boot"]
        await one.end(signal.SIGKILL)
        await ear.until(is_state("offline"))
        built.cut("yun", silent=False)
        heard, logged = len(ear.heard), len(one.log())
        await one.start()
        await one.all_are("up", "yun")
        await built.looked_at(16)
        await ear.until(is_state("online", after=heard))
        after, status = await one.all_are("down", "dan"), await one.status()
        new = ear.heard[heard:]

    assert after == {name: said for name, said in before.items() if name.startswith("dan")}
    assert status["boot"] != boot
    assert ear.retained()[CARD].told["boot"] == status["boot"]
    assert ear.retained()[f"{ROOT}/status/dan"].told["since"] == round(before["dan"][1], 3)
    records = [record["event"] for record in one.log()[logged:] if not changed("yun", record)]
    assert records == ["daemon.starting", "daemon.started", "mqtt.online"], one.log()[logged:]
    # What was told already may be told again, by the name of the run that saw it.
    seen = [e for e in events(new) if e["boot"] == status["boot"]]
    assert {e["data"].get("now") for e in seen if e["kind"] != "daemon"} <= {"up", "on_backup", "degraded"}
    assert not [e for e in seen if e["subject"].startswith("dan")]


async def saved(folder, healths):
    """Tell whether the log on disk has these healths."""
    with closing(sqlite3.connect(f"file:{folder}/state/log-city.db?mode=ro", uri=True)) as log:
        kept = {name: said for name, *said in log.execute("SELECT subject, health, since FROM statuses")}
    return all(kept.get(name) == list(said) for name, said in healths.items())


def changed(center, record):
    """Tell whether a line of the daemon's own log says how something there is, or what is the matter."""
    about, event = record.get("about", ""), record["event"]
    return about.startswith(center) or event == "incident.changed"
