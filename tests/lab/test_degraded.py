"""The daemon in the lab: a circuit that loses packets is told once as degraded, a cut inside as down."""

import time

import pytest

from tests.lab.lab import Lab, why_not
from tests.lab.watched import MOSQUITTO, metric, retained, topic_of, watched

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(600)]

LOSSY = "yunyang/city/primary"
SOON = 90.0
"""Seconds in which a fifth lost is told nearly always (99 %: 55), and its end (48 without any loss)."""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Lend a lab and the ear that hears what the daemon says of it."""
    if reason := why_not() or (MOSQUITTO is None and "needs mosquitto"):
        pytest.skip(f"the lab {reason}")
    with Lab() as lab, watched(lab, tmp_path_factory.mktemp("watched")) as ear:
        yield lab, ear
        lab.restore()


def told(ear, since):
    """Return what was said of whom, one after the other, but for suspicions."""
    said = (event for event in ear.events(since=since) if event["kind"] == "status")
    return [(event["subject"], event["data"]["now"]) for event in said if "sentence" in event["data"]]


def test_a_circuit_that_loses_a_fifth_is_degraded_with_a_cut_inside_down_and_in_the_end_up(city):
    lab, ear = city
    mark = ear.now()
    lab.loss(20, LOSSY)
    lossy = ear.event(LOSSY, since=mark, seconds=SOON, kind="circuit", now="degraded").payload
    ear.status(LOSSY, "degraded", since=mark)
    time.sleep(20)
    status = retained(topic_of(LOSSY))
    lab.cut(LOSSY)
    ear.event(LOSSY, since=mark, kind="circuit", now="down")
    lab.loss(20, LOSSY)
    ear.event(LOSSY, since=mark, seconds=SOON, kind="circuit", was="down", now="degraded")
    lab.heal(LOSSY)
    ear.event(LOSSY, since=mark, seconds=SOON, kind="circuit", now="up")

    assert (lossy["data"]["reason"], lossy["data"]["severity"]) == ("loss", "warn")
    assert "丢包" in lossy["data"]["sentence"]["zh"]
    assert (status["severity"], status["fit_for_video"]) == ("warn", False)
    assert 1.5 < status["mos"] < 3.5
    assert [now for subject, now in told(ear, mark) if subject == LOSSY] == [
        "degraded",
        "down",
        "degraded",
        "up",
    ]
    assert {subject for subject, _ in told(ear, mark)} == {LOSSY, "yunyang/city", "yunyang"}
    assert metric("command_monitor_severity", LOSSY) == 0
