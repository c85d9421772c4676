"""sightings: what of a diagnosis is told, and what waits for looks that are younger than another fault."""

import pytest

from monitor.core.diagnosis import Evidence, diagnose
from monitor.core.incident import Stage
from monitor.core.joint import Miss
from monitor.core.topology import topology_of
from monitor.engine import witnesses
from monitor.engine.diagnosing import TUNING
from monitor.engine.sightings import sightings_of
from tests.core.town import town

TOWN = town(risks=())
CITY = topology_of(TOWN, "city")
NOW, OLD, NEW = 100.0, 82.0, 98.5
"""When it is, when the server in one center fell silent, and when the terminal in another did."""


def told(web_at):
    """Say how far each of the two is, of which the server's pages came at *web_at*."""
    misses = {
        "city:fang/server/ping": Miss(21.9, OLD, NOW, 14.0, 21.9),
        "city:dan/video/web": Miss(21.9, NEW, NOW, 14.0, 21.9),
    }
    evidence = {name: Evidence(miss.score, NOW) for name, miss in misses.items()}
    good = [
        f"city:{center}/{n}/{role}/icmp"
        for center in ("dan", "fang")
        for n in ("city", "province")
        for role in ("primary", "backup")
    ]
    evidence |= {name: Evidence(-12.0, NOW - 0.5) for name in good}
    evidence["city:fang/server/web"] = Evidence(-12.0, web_at, NOW - web_at)
    evidence["city:dan/server/ping"] = evidence["city:fang/video/web"] = Evidence(-12.0, NOW)
    found = diagnose(CITY, evidence, since=NEW, tuning=TUNING)
    said = witnesses.Testimony(evidence, misses, {})
    return {one.component: one.stage for one in sightings_of(found, said, CITY, TOWN, now=NOW, since=NEW)}


def told_of_service(ping_at, began):
    """Say how far the pages of a server are, silent since *began*; it answered a ping at *ping_at*."""
    miss = Miss(23.0, began, NOW - 1.0, 14.0, 21.9)
    evidence = {"city:dan/server/web": Evidence(miss.score, NOW - 1.0)}
    evidence["city:dan/server/ping"] = Evidence(-12.0, ping_at, NOW - ping_at)
    said = witnesses.Testimony(evidence, {"city:dan/server/web": miss}, {})
    found = diagnose(CITY, evidence, since=began, tuning=TUNING)
    return {one.component: one.stage for one in sightings_of(found, said, CITY, TOWN, now=NOW, since=began)}


@pytest.mark.parametrize(
    ("ping_at", "began", "stage"),
    [
        pytest.param(NOW - 7.0, NOW - 8.0, Stage.CONFIRMED, id="looked-at-since"),
        pytest.param(NOW - 9.0, NOW - 8.0, Stage.SUSPECTED, id="not-looked-at-since"),
        pytest.param(NOW - 17.0, NOW - 16.0, Stage.CONFIRMED, id="not-looked-at-for-long"),
    ],
)
def test_a_service_is_not_told_before_its_device_has_been_looked_at_for_some_time(ping_at, began, stage):
    assert told_of_service(ping_at, began) == {"dan/server/web": stage}


@pytest.mark.parametrize(
    ("web_at", "stage"),
    [
        pytest.param(OLD - 5.0, Stage.CONFIRMED, id="before-its-own-first-miss"),
        pytest.param(OLD + 5.0, Stage.SUSPECTED, id="after-it"),
    ],
)
def test_what_a_look_has_got_past_is_not_told_before_that_look_is_made_anew(web_at, stage):
    assert told(web_at) == {"dan/video": Stage.CONFIRMED, "fang/server": stage}
