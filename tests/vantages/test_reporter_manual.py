"""reporter: the manual's rules for a broker let daemons do what they must, and nothing else."""

import re
from pathlib import Path

import pytest

from monitor.core.world import Event, World
from tests.listener import listening
from tests.mosquitto import mosquitto, needs_mosquitto
from tests.vantages.collect_ground import checks, city, collecting
from tests.vantages.report_ground import ROOT, MemoryJournal, add, reporting

pytestmark = [pytest.mark.server, needs_mosquitto]

MANUAL = Path(__file__).parents[2] / "docs" / "vantages.md"


def rules(folder: Path) -> tuple[str, ...]:
    """Return the settings of a broker with the manual's access rules; who says a name is believed."""
    (found,) = re.findall(r"```conf\n(# acl\n.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    acl = folder / "acl"
    acl.write_text(found)
    acl.chmod(0o644)
    return "allow_anonymous true", "set_tcp_nodelay true", f"acl_file {acl}"


def world_of(vantage: str) -> World:
    world = World(city(), vantage, "boot-1")
    for check in checks(vantage):
        add(world, check)
    return world


def recorded(*subjects: str) -> MemoryJournal:
    """Return a log that holds an event about each of these."""
    journal = MemoryJournal()
    for seq, subject in enumerate(subjects, 1):
        journal.record(Event("dan", "boot-1", seq, 1.7e9, "status", subject, {"now": "down"}))
    return journal


async def test_a_county_reports_and_the_city_gathers(tmp_path):
    journal = recorded("dan/city/primary", "dan")
    async with (
        mosquitto(tmp_path, *rules(tmp_path)) as broker,
        collecting(broker.port, username="city") as collector,
        reporting(broker.port, world_of("dan"), journal, username="dan") as report,
    ):
        await collector.until(lambda: collector.world.heard.get("dan", {}).keys() == set(checks("dan")))
        await report.until(lambda own: own.queued == 0 and own.delivered > 5)
        taken = collector.archive.of("dan")

    assert taken == [("boot-1", 1), ("boot-1", 2)]
    assert (report.own.failed, report.own.trouble, collector.vitals.trouble) == (0, "stopped", "")


async def test_a_county_cannot_speak_for_another_or_for_the_city(tmp_path):
    async with (
        mosquitto(tmp_path, *rules(tmp_path)) as broker,
        listening(broker.port, f"{ROOT}/#", options=("-u", "city")) as listener,
        reporting(broker.port, world_of("dan"), recorded("dan"), username="yun") as impostor,
    ):
        await impostor.until(lambda own: own.failed > len(checks("dan")) and "not taken" in own.trouble)

    assert listener.heard == []


async def test_a_stranger_hears_nothing(tmp_path):
    async with (
        mosquitto(tmp_path, *rules(tmp_path)) as broker,
        listening(broker.port, f"{ROOT}/#", options=("-u", "yun")) as other,
        listening(broker.port, f"{ROOT}/#") as stranger,
        listening(broker.port, f"{ROOT}/#", options=("-u", "city")) as listener,
        reporting(broker.port, world_of("dan"), username="dan"),
    ):
        await listener.until(lambda heard: len({h.topic for h in heard}) > len(checks("dan")))

    assert (other.heard, stranger.heard) == ([], [])
