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


@pytest.mark.parametrize(
    ("web_at", "stage"),
    [
        pytest.param(OLD - 5.0, Stage.CONFIRMED, id="before-its-own-first-miss"),
        pytest.param(OLD + 5.0, Stage.SUSPECTED, id="after-it"),
    ],
)
def test_what_a_look_has_got_past_is_not_told_before_that_look_is_made_anew(web_at, stage):
    assert told(web_at) == {"dan/video": Stage.CONFIRMED, "fang/server": stage}
