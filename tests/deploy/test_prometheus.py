"""deploy: rules and routes do what they say, and ask for nothing that is not there."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from monitor.outputs.prometheus.reference import reference
from tests.board import city
from tests.board.conftest import serve  # noqa: F401 - a fixture
from tests.outputs.receiver import receiving
from tests.outputs.test_alertmanager import PROGRAM as ALERTMANAGER
from tests.outputs.test_alertmanager import alertmanager

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "command-monitor.rules.yml"
CASES = Path(__file__).parent / "rules.yml"
PROMTOOL, PROMETHEUS, AMTOOL = map(shutil.which, ("promtool", "prometheus", "amtool"))
OURS = re.compile(r"\bcommand_monitor_[a-z0-9_]+")

needs_prometheus = pytest.mark.skipif(not (PROMTOOL and PROMETHEUS), reason="needs prometheus")
needs_alertmanager = pytest.mark.skipif(not (AMTOOL and ALERTMANAGER), reason="needs prometheus-alertmanager")


def said(*command, cwd=None):
    """Return what a program says, and whether it is content."""
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    return run.stdout + run.stderr, run.returncode == 0


@pytest.mark.server
@needs_prometheus
def test_each_alert_fires_when_it_should_and_not_before(tmp_path):
    (tmp_path / "cases.yml").write_text(CASES.read_text().replace("RULES", str(RULES)))
    words, content = said(PROMTOOL, "test", "rules", str(tmp_path / "cases.yml"))

    assert content, words


def test_there_is_a_case_for_each_alert():
    alerts = {
        rule.get("alert") for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    }
    cases = {
        case["alertname"]
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
    }

    assert alerts - {None} == cases


def test_no_rule_asks_for_a_metric_that_we_do_not_export():
    exported = set(OURS.findall(reference()))
    recorded = {"command_monitor_reachable", "command_monitor_rtt_seconds"}

    assert set(OURS.findall(RULES.read_text())) - exported - recorded == set()


@pytest.mark.server
@needs_prometheus
def test_prometheus_takes_the_configuration_as_it_stands():
    words, content = said(PROMTOOL, "check", "config", "prometheus.yml", cwd=DEPLOY / "prometheus")

    assert content, words


@pytest.mark.server
@needs_alertmanager
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=CommandNetworkIncident", "incident=a"), "duty-room"),
        (("alertname=CommandMonitorGone", "vantage=city"), "operators"),
        (("alertname=CommandMonitorWatchdog", "vantage=city"), "nobody"),
    ],
)
def test_each_alert_has_its_receiver(labels, receiver):
    config = f"--config.file={DEPLOY / 'alertmanager' / 'alertmanager.yml'}"
    words, content = said(AMTOOL, "config", "routes", "test", config, *labels)

    assert (words.split()[0], content) == (receiver, True)


@contextlib.asynccontextmanager
async def prometheus(folder, target, alerts):
    """Run a real Prometheus with our rules, which scrapes *target* and tells the Alertmanager *alerts*."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    config["rule_files"] = [str(RULES)]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alerts.removeprefix("http://")]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config, allow_unicode=True))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    program = await asyncio.create_subprocess_exec(
        PROMETHEUS,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.terminate()
        await program.wait()


@pytest.mark.server
@needs_prometheus
@needs_alertmanager
async def test_an_incident_of_the_daemon_reaches_the_receiver_by_prometheus_and_alertmanager(serve, tmp_path):  # noqa: F811
    world = city.world()
    incident = city.blame(world, "yunyang/province/primary")
    async with (
        receiving() as hall,
        alertmanager(tmp_path, hall.url) as alerts,
        serve(world) as it,
        prometheus(tmp_path, it.url.removeprefix("http://"), alerts),
        asyncio.timeout(40),
    ):
        told = []
        while not told:
            await asyncio.sleep(0.1)
            messages = [json.loads(body)["alerts"] for _, body in hall.heard]
            told = [a for m in messages for a in m if a["labels"]["alertname"] == "CommandNetworkIncident"]

    assert told[0]["labels"]["incident"] == incident
    assert "郧阳" in told[0]["annotations"]["summary"]
