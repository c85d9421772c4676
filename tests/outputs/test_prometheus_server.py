"""The metrics, as Prometheus itself takes them: no complaint, and our series answer its queries."""

import asyncio
import contextlib
import re
import shutil
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from monitor.core.agent import Presence
from tests.board import city
from tests.board.conftest import serve  # noqa: F401 - a fixture

pytestmark = pytest.mark.server


def needs(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@asynccontextmanager
async def prometheus(folder, target):
    """Run a real Prometheus that scrapes *target*, and give its address."""
    config = folder / "prometheus.yml"
    config.write_text(
        "scrape_configs:\n- job_name: command-monitor\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
        f"  static_configs:\n  - targets: ['{target}']\n"
    )
    port = free_port()
    program = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.terminate()
        await program.wait()


async def query(client, prometheus_url, expression):
    """Ask until there is an answer with something in it."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                url = f"{prometheus_url}/api/v1/query"
                async with client.get(url, params={"query": expression}) as answer:
                    found = (await answer.json())["data"]["result"]
                    if found:
                        return found
            await asyncio.sleep(0.1)


async def test_promtool_has_nothing_to_say_against_the_live_page(serve):  # noqa: F811
    needs("promtool")
    world = city.blamed()
    city.listen(world, "maojian", clock_offset=0.25)
    async with serve(world) as it, aiohttp.ClientSession() as client:
        async with client.get(f"{it.url}/metrics") as answer:
            page = await answer.read()
        promtool = await asyncio.create_subprocess_exec(
            "promtool",
            "check",
            "metrics",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await promtool.communicate(page)

        assert (promtool.returncode, told.decode()) == (0, "")


async def test_a_real_prometheus_scrapes_us_and_answers_for_our_series(serve, tmp_path):  # noqa: F811
    needs("prometheus")
    async with (
        serve(city.cut()) as it,
        prometheus(tmp_path, it.url.removeprefix("http://")) as url,
        aiohttp.ClientSession() as client,
    ):
        down = await query(client, url, 'command_monitor_health{kind="center"} == 3')
        call = await query(
            client,
            url,
            '(command_monitor_health{kind="circuit",center="yunyang"} == 3)'
            " * on (subject) group_left (name, carrier, number, hotline) command_monitor_subject_info",
        )
        scraped = await query(client, url, "scrape_samples_scraped")

        assert [series["metric"]["center"] for series in down] == ["danjiangkou"]
        assert call[0]["metric"]["hotline"] == "10000"
        assert call[0]["metric"]["name"] == "郧阳区 省网"
        assert float(scraped[0]["value"][1]) > 200


async def test_the_rule_of_the_manual_alerts_once_for_one_fault_and_says_whom_to_call(serve, tmp_path):  # noqa: F811
    needs("prometheus")
    manual = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rule = re.search(r"- alert: Incident\n  expr: >\n(.*?)\n  annotations", manual, re.DOTALL)[1]
    world = city.blamed()
    city.blame(world, "maojian/power", planned=True)
    async with (
        serve(world) as it,
        prometheus(tmp_path, it.url.removeprefix("http://")) as url,
        aiohttp.ClientSession() as client,
    ):
        found = await query(client, url, rule)

    told = {series["metric"]["component"]: series["metric"] for series in found}
    assert set(told) == {"danjiangkou/power", "yunyang/province/primary"}
    assert told["yunyang/province/primary"]["hotline"] == "10000"


async def test_a_silent_vantage_is_found_by_its_name_and_gone_after_a_reload(serve, tmp_path):  # noqa: F811
    needs("prometheus")
    world = city.world()
    city.listen(world, "maojian", Presence.SILENT)
    silent = "(command_monitor_agent_presence == 2) * on (agent) group_left (name) command_monitor_agent_info"
    async with (
        serve(world) as it,
        prometheus(tmp_path, it.url.removeprefix("http://")) as url,
        aiohttp.ClientSession() as client,
    ):
        found = await query(client, url, silent)
        it.feed.world = city.world()
        gone = await query(client, url, "absent(command_monitor_agent_presence)")

        assert found[0]["metric"]["name"] == "茅箭区"
        assert gone


async def test_a_recovery_is_seen_by_the_next_scrapes(serve, tmp_path):  # noqa: F811
    needs("prometheus")
    async with (
        serve(city.cut()) as it,
        prometheus(tmp_path, it.url.removeprefix("http://")) as url,
        aiohttp.ClientSession() as client,
    ):
        await query(client, url, 'command_monitor_health{subject="danjiangkou"} == 3')
        it.feed.world = city.world()
        up = await query(client, url, 'command_monitor_health{subject="danjiangkou"} == 0')
        trouble = await query(client, url, "absent(command_monitor_check_trouble_info)")

        assert up
        assert trouble
