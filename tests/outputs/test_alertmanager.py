"""alertmanager: a real one is shown each confirmed incident once, by labels that stay, and its end."""

import asyncio
import contextlib
import json
import shutil
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from monitor.core.incident import Stage
from monitor.core.vitals import Vitals
from monitor.core.world import World
from monitor.outputs.alertmanager import ALERT, WATCHDOG, AlertmanagerOptions, AlertmanagerOutput
from monitor.ports import News
from tests.board import city
from tests.outputs.receiver import receiving

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CIRCUIT, OTHER = "yunyang/province/primary", "yunyang/province/backup"
CONFIG = """\
route: {{receiver: hall, group_by: [incident], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: hall
  webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""

needs_alertmanager = [
    pytest.mark.server,
    pytest.mark.skipif(PROGRAM is None, reason="needs prometheus-alertmanager"),
]


@dataclass
class Feed:
    """A feed that says when something has changed, and nothing of events."""

    world: World
    changes: "asyncio.Queue[News]" = field(default_factory=asyncio.Queue)

    async def news(self, timeout: float | None = None, *, events: bool = True) -> News:  # noqa: ASYNC109 - the port's own shape
        assert not events
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                return await self.changes.get()
        return News((), frozenset())

    def told(self, position: int) -> None:
        raise AssertionError(f"it reads no events, so it has no place to save, not even {position}")

    def change(self, incident: str, **facts: Any) -> None:
        """Let an incident be otherwise, and say so; without facts it is closed."""
        story = self.world.stories.pop(incident)
        if facts:
            self.world.stories[incident] = replace(story, incident=replace(story.incident, **facts))
        self.changes.put_nowait(News((), frozenset(), incidents=frozenset({incident})))


@contextlib.asynccontextmanager
async def showing(url, world, **options):
    """Run the output while the block runs; lend it and its feed."""
    feed = Feed(world)
    vitals = Vitals()
    output = AlertmanagerOutput(
        "local", AlertmanagerOptions(url=url, refresh=1, **options), vitals, lambda: ["张伟"]
    )
    run = asyncio.create_task(output.run(feed))
    try:
        yield output, feed
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


@contextlib.asynccontextmanager
async def alertmanager(folder, notify, port=None):
    """Run a real Alertmanager that tells *notify*, and give its address."""
    (folder / "alertmanager.yml").write_text(CONFIG.format(url=notify))
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
    program = await asyncio.create_subprocess_exec(
        PROGRAM,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.terminate()
        await program.wait()


async def active(url):
    """Return the alerts that an Alertmanager holds as active."""
    async with aiohttp.ClientSession() as client, client.get(f"{url}/api/v2/alerts") as answer:
        return await answer.json()


async def held(url):
    """Return them by incident."""
    return {alert["labels"]["incident"]: alert for alert in await active(url)}


async def until(condition):
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.02)


def notices(receiver):
    """Return what the receiver was told: status and labels of each alert."""
    told = [json.loads(body)["alerts"] for _, body in receiver.heard]
    return [(alert["status"], alert["labels"]["component"]) for alerts in told for alert in alerts]


class TestReal:
    """Against a real Alertmanager."""

    pytestmark = needs_alertmanager

    async def test_a_confirmed_incident_is_told_with_its_sentence_and_so_is_its_end(self, tmp_path):
        world = city.world()
        incident = city.blame(world, CIRCUIT)
        city.blame(world, "maojian/city/primary", Stage.SUSPECTED)
        async with (
            receiving() as hall,
            alertmanager(tmp_path, hall.url) as url,
            showing(url, world) as (_, feed),
        ):
            await hall.until(1)
            alert = (await held(url))[incident]
            feed.change(incident)
            await hall.until(2)

        assert notices(hall) == [("firing", CIRCUIT), ("resolved", CIRCUIT)]
        assert alert["labels"] == {
            "alertname": ALERT,
            "incident": incident,
            "vantage": "shiyan",
            "component": CIRCUIT,
            "kind": "circuit",
            "center": "yunyang",
        }
        assert "郧阳" in alert["annotations"]["summary"]
        assert alert["annotations"]["on_duty"] == "张伟"

    async def test_what_is_called_otherwise_later_on_is_no_second_alert_even_after_a_restart(self, tmp_path):
        world = city.world()
        incident = city.blame(world, CIRCUIT)
        gone = city.blame(world, "maojian/city/primary")
        async with receiving() as hall, alertmanager(tmp_path, hall.url) as url:
            async with showing(url, world) as (output, feed):
                await hall.until(2)
                shown = output.own.delivered
                feed.change(incident, component=OTHER, called=(CIRCUIT,))
                await until(lambda: output.own.delivered > shown)
            del world.stories[gone]
            async with showing(url, world, labels={"team": "network"}):
                await hall.until(3)
            after = await held(url)

        assert sorted(notices(hall)) == [
            ("firing", "maojian/city/primary"), ("firing", CIRCUIT), ("resolved", "maojian/city/primary"),
        ]  # fmt: skip
        assert after[incident]["labels"]["component"] == CIRCUIT

    async def test_what_is_planned_is_not_told_and_what_becomes_planned_is_over(self, tmp_path):
        world = city.world()
        city.blame(world, "maojian/city/primary", planned=True)
        incident = city.blame(world, CIRCUIT)
        async with (
            receiving() as hall,
            alertmanager(tmp_path, hall.url) as url,
            showing(url, world) as (_, feed),
        ):
            await hall.until(1)
            feed.change(incident, planned=True)
            await hall.until(2)

        assert notices(hall) == [("firing", CIRCUIT), ("resolved", CIRCUIT)]

    async def test_one_that_was_away_is_shown_everything_when_it_is_back(self, tmp_path):
        world = city.world()
        city.blame(world, CIRCUIT)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        async with receiving() as hall, showing(f"http://127.0.0.1:{port}", world) as (output, _):
            await until(lambda: output.own.failed >= 1)
            trouble = output.own.trouble
            async with alertmanager(tmp_path, hall.url, port):
                await hall.until(1)
                await until(lambda: output.own.connected)

        assert "ConnectError" in trouble
        assert notices(hall) == [("firing", CIRCUIT)]

    async def test_the_watchdog_is_there_though_nothing_is_wrong(self, tmp_path):
        async with (
            receiving() as hall,
            alertmanager(tmp_path, hall.url) as url,
            showing(url, city.world(), watchdog=True),
        ):
            await hall.until(1)
            (alert,) = await active(url)

        assert alert["labels"] == {"alertname": WATCHDOG, "vantage": "shiyan"}

    async def test_further_labels_are_there_for_its_routes_and_never_in_place_of_ours(self, tmp_path):
        world = city.world()
        incident = city.blame(world, CIRCUIT)
        labels = {"team": "network", "incident": "mine"}
        async with (
            receiving() as hall,
            alertmanager(tmp_path, hall.url) as url,
            showing(url, world, labels=labels),
        ):
            await hall.until(1)
            found = await held(url)

        assert found[incident]["labels"]["team"] == "network"


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://user:secret@host:9093"])
def test_only_a_plain_address_is_taken(url):
    with pytest.raises(ValidationError):
        AlertmanagerOptions(url=url)


async def test_one_that_answers_nonsense_is_trouble_and_no_end():
    async with receiving(200) as hall, showing(hall.url, city.world()) as (output, _):
        await until(lambda: output.own.failed >= 2)

    assert output.own.trouble
    assert not output.own.connected
