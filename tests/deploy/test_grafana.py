"""deploy/grafana: every panel's query finds data in a Prometheus that has scraped us, in either language."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml

from monitor.core.vitals import OutputVitals
from monitor.outputs.prometheus.reference import reference
from tests.board import city
from tests.board.conftest import serve  # noqa: F401 - a fixture
from tests.deploy.test_prometheus import OURS
from tests.outputs.test_prometheus_server import prometheus, query

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in GRAFANA.glob("dashboards/*.json")
}
INSTEAD = {'="$center"': '=~".+"', "$__rate_interval": "5s"}
"""What Grafana would put in place of its variables: any center at all."""

every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))


def asked(board):
    """Give the title and the query of each panel."""
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]


def test_the_files_are_what_the_code_makes_of_them(tmp_path):
    shutil.copytree(GRAFANA, tmp_path / "grafana", ignore=shutil.ignore_patterns("*.json"))
    subprocess.run([sys.executable, tmp_path / "grafana" / "dashboards.py"], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "grafana" / "dashboards").iterdir()}

    assert made == {path.name: path.read_text() for path in (GRAFANA / "dashboards").iterdir()}


@every_board
def test_it_asks_for_no_metric_that_we_do_not_export_and_uses_every_variable(board):
    exported = set(OURS.findall(reference()))
    queries = " ".join(expr for _, expr in asked(board))
    variables = {one["name"] for one in board["templating"]["list"]} - {"source"}

    assert set(OURS.findall(queries)) - exported == set()
    assert set(re.findall(r"\$([a-z]+)\b", queries)) == variables
    assert all(panel["datasource"]["uid"] == "${source}" for panel in board["panels"])


@every_board
def test_panels_have_titles_lie_side_by_side_and_name_their_unit(board):
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        taken |= cells


@every_board
def test_its_links_lead_to_the_other_dashboards_of_its_language(board):
    language = next(tag for tag in board["tags"] if tag in ("zh", "en"))
    uids = {one["uid"] for one in BOARDS.values() if language in one["tags"]}

    assert {link["url"].removeprefix("/d/") for link in board["links"]} == uids - {board["uid"]}


def test_what_is_a_state_has_the_word_of_each_number_in_both_languages():
    for board in BOARDS.values():
        for panel in board["panels"]:
            if panel["type"] == "state-timeline":
                (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
                assert all(one["text"] and one["color"] for one in mapping["options"].values())


def test_the_provisioning_is_of_the_form_that_grafana_reads():
    for path in (GRAFANA / "provisioning").rglob("*.yml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["apiVersion"] == 1


@pytest.mark.server
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus")
async def test_every_query_finds_data_in_a_real_prometheus(serve, tmp_path):  # noqa: F811
    world = city.blamed()
    city.listen(world, "maojian", clock_offset=0.25)
    queries = {expr: title for board in BOARDS.values() for title, expr in asked(board)}
    async with (
        serve(world) as it,
        prometheus(tmp_path, it.url.removeprefix("http://")) as url,
        aiohttp.ClientSession() as client,
    ):
        it.vitals.outputs["channel-sms"] = OutputVitals(connected=True)
        await query(client, url, "count_over_time(command_monitor_looks_total[1m]) > 10")
        empty = []
        for expr, title in queries.items():
            for variable, value in INSTEAD.items():
                expr = expr.replace(variable, value)  # noqa: PLW2901 - as Grafana does
            try:
                async with asyncio.timeout(3):
                    await query(client, url, expr)
            except TimeoutError:
                empty.append(f"{title}: {expr}")

    assert empty == []
