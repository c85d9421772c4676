"""Planned work over real cuts in the lab: no alarm of what is worked on, one of all else."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.lab.lab import Lab, why_not
from tests.lab.topology import NETWORKS, ROLES
from tests.lab.watched import MOSQUITTO, metric, watched

pytestmark = pytest.mark.lab

CENTER, OTHER = "danjiangkou", "fangxian"
CIRCUITS = [f"{CENTER}/{network}/{role}" for network in NETWORKS for role in ROLES]
ALARMS = {"down", "degraded", "on_backup", "unknown"}
MAINTENANCE = -2
AFTERWARDS = 4.0
"""Seconds after what was expected in which something else would have been said."""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Lend a lab, the ear that hears what the daemon says of it, and the daemon's settings."""
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        pytest.skip(f"the lab {reason}")
    folder = tmp_path_factory.mktemp("planned")
    with Lab() as lab, watched(lab, folder, "detection: {hold: 2}\n") as ear:
        yield lab, ear, folder / "settings.yaml"


@contextmanager
def work_on(city, *paths):
    """Have a window open over *paths*; lend the verb that ends it."""
    lab, ear, settings = city
    mark = ear.now()
    verb(settings, "add", "--id", "night", "--to", "1h", "--what", *paths)
    ear.event("planned/night", since=mark, what="begun")
    ended = []

    def end():
        ended.append(verb(settings, "end", "night"))

    try:
        yield end
    finally:
        if not ended:
            end()
        lab.restore()
        ear.settled()


def verb(settings, *arguments):
    command = [sys.executable, "-m", "monitor", "planned", *arguments, "--settings", str(settings)]
    environment = os.environ | {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, check=True, capture_output=True, timeout=20, env=environment
    ).stdout.decode()


def alarms(ear, since, below=""):
    """Return what was told since the mark that wakes somebody, below a path."""
    told = [e for e in ear.events(since=since) if f"{e['subject']}/".startswith(below)]
    status = [
        (e["subject"], e["data"]["now"]) for e in told if e["kind"] == "status" and e["data"]["now"] in ALARMS
    ]
    causes = [e for e in told if e["kind"] == "incident" and not e["data"]["planned"]]
    return status + [(e["subject"], e["data"]["stage"]) for e in causes if e["data"]["stage"] == "confirmed"]


def is_belief_of_work(event):
    """Tell whether an event says of a slow look that it fails, too, because of the work."""
    return event["kind"] in ("belief", "status") and event["data"].get("planned", False)


def confirmed(ear, since, **facts):
    return ear.wait(
        lambda m: (
            m.payload.get("kind") == "incident"
            and m.topic.endswith("/event")
            and {"stage": "confirmed", **facts}.items() <= m.payload["data"].items()
        ),
        since=since,
    ).payload


@pytest.mark.parametrize("fault", ["cut_off", "router_dead", "power_off"])
def test_a_center_that_is_worked_on_goes_dark_without_an_alarm_and_with_one_when_the_window_is_over(
    city, fault
):
    lab, ear, _ = city
    with work_on(city, CENTER) as end:
        mark = ear.now()
        getattr(lab, fault)(CENTER)
        ear.status(CENTER, "maintenance", since=mark)
        planned = confirmed(ear, mark, planned=True)
        for circuit in CIRCUITS:
            ear.status(circuit, "maintenance", since=mark)
        time.sleep(AFTERWARDS)
        meanwhile, seen = alarms(ear, mark), metric("command_monitor_health", CENTER)
        mark = ear.now()
        end()
        ear.event(CENTER, since=mark, kind="center", now="down")
        alarm = confirmed(ear, mark, planned=False)
        first = next(e for e in ear.events(since=mark) if not is_belief_of_work(e))

    assert meanwhile == []
    assert seen == MAINTENANCE
    assert (first["kind"], first["data"]["early"]) == ("planned", True)
    assert first["data"]["left"]
    assert alarm["data"]["incident"] == planned["data"]["incident"]


def test_beside_planned_work_and_behind_it_a_real_fault_is_told_as_ever(city):
    lab, ear, _ = city
    with work_on(city, f"{CENTER}/city/primary"):
        mark = ear.now()
        lab.cut(f"{CENTER}/city/primary", f"{OTHER}/province/backup")
        ear.status(f"{CENTER}/city/primary", "maintenance", since=mark)
        other = confirmed(ear, mark, planned=False)
        quiet = alarms(ear, mark, f"{CENTER}/")
        later = ear.now()
        lab.cut(f"{CENTER}/city/backup")
        behind = confirmed(ear, later, planned=False)
        ear.status(f"{CENTER}/city", "down", since=later)

    assert other["subject"] == f"{OTHER}/province/backup"
    assert quiet == []
    assert behind["subject"] == f"{CENTER}/city/backup"


def test_work_on_a_network_hides_what_lies_behind_it_without_an_alarm(city):
    lab, ear, _ = city
    with work_on(city, "network/province"):
        mark = ear.now()
        lab.core_dead("province")
        ear.status("network/province", "maintenance", since=mark)
        confirmed(ear, mark, planned=True)
        time.sleep(AFTERWARDS)
        told = alarms(ear, mark)

    assert told == []
