"""The bundle on a bare Debian with a systemd of its own: installed, started, hindered, upgraded, removed.

The tests share one machine and run in this order; each finds the daemon running and everything up.
"""

import asyncio
import json
import re
import shutil
import signal
import time
from types import SimpleNamespace

import pytest

from monitor.store.migration import shapes
from tests.system.ear import hearing, is_event, is_state, needs_sub
from tests.system.machine import ROOT, bundle, needs_machine
from tests.system.site import ETC, UNIT, site

pytestmark = [pytest.mark.long, pytest.mark.server, pytest.mark.timeout(400), needs_machine, needs_sub]

BROKER = SimpleNamespace(port=1883)
"""mosquitto as Debian starts it: for its own machine only."""
WHOLE = "c1/city"
HOOK = """
import signal, time
def stand_still(*_):
    time.sleep(300)
signal.signal(signal.SIGUSR1, stand_still)
"""
"""Blocks the loop when asked to; brought in from outside, for the daemon has nothing of the kind."""
MIGRATION = '''
"""A table that nobody needs."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{revision}", "{before}"
def upgrade():
    op.create_table("spare_{revision}", sa.Column("one", sa.Integer))
'''


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Install the bundle on a machine without a network; note how long that took."""
    folder = tmp_path_factory.mktemp("site")
    archive = bundle(folder / "bundle")
    with site(folder) as place:
        began = time.monotonic()
        run = place.install(archive, "--config", "/root/site")
        place.took["installed and ready"] = time.monotonic() - began
        print(run.stdout)
        asyncio.run(place.one.all_are("up"))
        place.took["installed to all green"] = time.monotonic() - began
        # From now on the town is declared where the daemon reads it.
        place.built.file = place.machine.inside(f"{ETC}/town.yaml")
        yield place
        print(*(f"{what}: {seconds:.1f} s" for what, seconds in place.took.items()), sep="\n")


@pytest.fixture(autouse=True)
def all_well(here):
    """Mend what an earlier test has left broken."""
    for center in here.built.centers:
        here.built.cut(center, silent=False)


async def test_it_is_green_within_three_minutes_of_unpacking_and_ready_within_ten_seconds(here):
    shown = here.machine.shows(UNIT, "ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic")
    start, ready = sorted(map(int, shown.values()))
    here.took["started to ready"] = (ready - start) / 1e6

    assert here.took["installed to all green"] <= 180
    assert here.took["started to ready"] <= 10
    assert here.machine.shows(UNIT, "StatusText").startswith("10 个中心")
    assert here.machine.run("systemctl", "is-enabled", UNIT, "command-monitor-backup.timer").returncode == 0
    assert here.machine.run("systemctl", "--failed", "--no-legend").stdout == ""


async def test_its_status_is_on_mqtt_and_a_cut_is_told_and_its_end(here):
    async with hearing(BROKER) as ear:
        await ear.until(is_state("online"))
        here.built.cut("c1")
        await here.one.tells("incident.confirmed")
        await ear.until(lambda heard: health(heard, "c1") == "down")
        here.built.cut("c1", silent=False)
        await ear.until(lambda heard: health(heard, "c1") == "up", 60)
        await here.one.all_are("up")

    assert health(ear.heard, "c10") == "up"


async def test_the_doctor_finds_nothing_that_keeps_it_from_its_work(here):
    told = here.machine.run(
        "systemd-run", "--quiet", "--pipe", "--collect", "--uid=command-monitor",
        "--property=AmbientCapabilities=CAP_NET_RAW",
        "command-monitor", "doctor", "--settings", f"{ETC}/settings.yaml", "--json", check=False,
    )  # fmt: skip

    assert [one for one in json.loads(told.stdout) if one["grade"] == "bad"] == []
    assert told.returncode == 0


async def test_a_reload_with_a_mistake_fails_with_its_place_and_changes_nothing_and_a_good_one_is_taken(here):
    good, process = here.built.file.read_text(), here.main()
    here.built.file.write_text(good.replace('"c10"', '"c 10"'))
    bad = here.systemctl("reload", check=False)
    journal = here.machine.journal("-u", UNIT, "-n", "20")
    still = await here.one.healths()
    document = here.built.document()
    del document["centers"]["c10"]
    here.built.file.write_text(json.dumps(document))
    async with hearing(BROKER) as ear:
        here.systemctl("reload")
        await ear.until(is_event(what="reloaded"))
    fewer = await here.one.healths()
    here.built.file.write_text(good)
    here.systemctl("reload")
    again = await here.one.all_are("up", "c10")

    assert bad.returncode != 0
    assert re.search(r"town\.yaml:\d+.*c 10", journal)
    assert "c10" in still
    assert "c10" not in fewer
    assert "c10" in again
    assert here.main() == process


@pytest.mark.parametrize("how", ["stopped", "blocked"])
async def test_one_that_stands_still_is_ended_with_its_stack_in_the_journal_and_started_anew(here, how):
    if how == "blocked":
        await hooked(here)
    process, before = here.main(), here.events()
    number = signal.SIGSTOP if how == "stopped" else signal.SIGUSR1
    here.kill(number)
    began = time.monotonic()
    await here.restarted(process)
    here.took[f"{how} to ready again"] = time.monotonic() - began
    await here.one.all_are("up")
    journal = here.machine.journal("-u", UNIT, f"_PID={process}", "+", f"_PID={process}", "-n", "400")
    manager = here.machine.journal("-u", UNIT, "_PID=1", "-n", "40")
    if how == "blocked":
        await unhooked(here)

    assert "Watchdog timeout" in manager
    assert re.search(r'File ".*(?:asyncio|selectors).*", line \d+ in ', journal)
    assert how == "stopped" or "in stand_still" in journal
    assert before.items() <= here.events().items()


async def test_killed_it_is_started_anew_and_nothing_is_lost(here):
    here.built.cut("c2")
    await here.one.all_are("down", "c2")
    held, before, process = await here.one.healths(), here.events(), here.main()
    here.kill(signal.SIGKILL)
    await here.restarted(process)
    after = await here.one.healths()
    here.built.cut("c2", silent=False)
    await here.one.all_are("up")

    async def told():
        return "has failed" in here.machine.journal("-t", "command-monitor", "-p", "crit")

    await here.one.until(told)

    assert before.items() <= here.events().items()
    assert {name: said for name, said in after.items() if name.startswith("c2/")} == {
        name: said for name, said in held.items() if name.startswith("c2/")
    }


async def test_it_ends_within_ten_seconds_and_says_so(here):
    async with hearing(BROKER) as ear:
        await ear.until(is_state("online"))
        here.systemctl("stop")
        heard = await ear.until(is_state("offline"))
    shown = here.machine.shows(UNIT, "Result", "ExecMainStatus")
    here.systemctl("start")
    await here.one.all_are("up")

    assert here.took["stop"] <= 10
    assert heard[-1].told["reason"] == "stopped"
    assert shown == {"Result": "success", "ExecMainStatus": "0"}


async def test_an_upgrade_backs_up_migrates_and_goes_on_and_one_that_fails_is_undone(here, tmp_path):
    before = here.events()
    newer = version(tmp_path / "newer", "0.2.0", "9001", shapes()[0])
    broken = version(tmp_path / "broken", "0.3.0", "9002", "9001")
    ready = broken / "monitor" / "kit" / "systemd.py"
    ready.write_text(
        ready.read_text().replace('self._say("READY=1", _status(status))', "raise SystemExit(3)")
    )
    shutil.copy(
        newer / "monitor/store/migrations/versions/v9001.py", broken / "monitor/store/migrations/versions"
    )

    packed = bundle(tmp_path / "a", newer), bundle(tmp_path / "b", broken)

    began = time.monotonic()
    told = here.install(packed[0])
    here.took["upgraded to ready"] = time.monotonic() - began
    await here.one.all_are("up")
    runs, backups = here.version(), here.backups()
    undone = here.install(packed[1], check=False)
    await here.one.all_are("up")

    assert "备份" in told.stdout
    assert "0.2.0" in runs
    assert len(backups) == 1
    assert undone.returncode == 1
    assert "恢复升级前的备份" in undone.stdout
    assert "the version is 0.2.0 still" in undone.stderr
    assert "0.2.0" in here.version()
    assert before.items() <= here.events().items()


async def test_the_version_before_is_one_command_away_and_refuses_a_log_that_it_does_not_know(here):
    """After the upgrade above."""
    back = ("bash", "/opt/command-monitor/current/share/command-monitor/install.sh", "--back")
    refused = here.machine.run(*back, check=False)
    await here.one.all_are("up")
    runs = here.version()
    here.systemctl("stop")
    here.machine.run(*back)
    here.machine.run(
        "runuser", "-u", "command-monitor", "--", "command-monitor", "restore", "--settings",
        f"{ETC}/settings.yaml", f"/var/backups/command-monitor/{here.backups()[0].name}",
    )  # fmt: skip
    here.systemctl("start")
    await here.one.all_are("up")

    assert refused.returncode == 1
    assert "the version is 0.2.0 still" in refused.stderr
    assert "0.2.0" in runs
    assert "0.1.0" in here.version()


async def test_removed_it_leaves_configuration_and_data_and_purged_it_leaves_nothing(here):
    script = "/opt/command-monitor/current/share/command-monitor/install.sh"
    here.machine.run("cp", script, "/root/install.sh")
    here.machine.run("bash", "/root/install.sh", "--uninstall")
    places = (ETC, "/var/lib/command-monitor", "/var/backups/command-monitor")
    left = [place for place in places if here.machine.inside(place).is_dir()]
    gone = here.machine.run("systemctl", "cat", UNIT, check=False)
    here.machine.run("bash", "/root/install.sh", "--uninstall", "--purge")
    remains = here.machine.run(
        "find", "/etc", "/opt", "/usr", "/var/lib", "/var/backups", "-name", "*command-monitor*"
    )

    assert left == list(places)
    assert gone.returncode != 0
    assert remains.stdout == ""
    assert here.machine.run("getent", "passwd", "command-monitor", check=False).returncode != 0


def health(heard, center):
    said = [h.told for h in heard if h.topic.endswith(f"/status/{center}") and h.payload]
    return said[-1]["health"] if said else None


async def hooked(here):
    """Give the daemon a way to stand still."""
    place = here.machine.inside("/srv/hook")
    place.mkdir()
    (place / "sitecustomize.py").write_text(HOOK)
    dropin = here.machine.inside(f"/etc/systemd/system/{UNIT}.d")
    dropin.mkdir()
    (dropin / "hook.conf").write_text("[Service]\nEnvironment=PYTHONPATH=/srv/hook\n")
    await anew(here)


async def unhooked(here):
    shutil.rmtree(here.machine.inside(f"/etc/systemd/system/{UNIT}.d"))
    await anew(here)


async def anew(here):
    here.machine.run("systemctl", "daemon-reload")
    here.systemctl("restart")
    await here.one.all_are("up")


def version(place, number, revision, before):
    """Copy the sources as those of another version, which has one more migration."""
    for name in ("monitor", "config", "deploy", "docs"):
        shutil.copytree(ROOT / name, place / name)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in (".md", ".toml", ".lock", ""):
            shutil.copy(path, place)
    for name in ("pyproject.toml", "monitor/__init__.py"):
        text = (place / name).read_text()
        (place / name).write_text(
            text.replace('version = "0.1.0"', f'version = "{number}"').replace(
                '__version__ = "0.1.0"', f'__version__ = "{number}"'
            )
        )
    steps = place / "monitor" / "store" / "migrations" / "versions"
    (steps / f"v{revision}.py").write_text(MIGRATION.format(revision=revision, before=before))
    return place
