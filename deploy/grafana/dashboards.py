"""Grafana's dashboards as code: `python deploy/grafana/dashboards.py` writes them, in Chinese and in English.

Each panel is one line below: what it shows, in which form, and the query. Colours and words of states are the
same everywhere.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from texts import BACKUP, CENTER, CENTER_NAME, CITY, HEALTH, ITSELF, PRESENCE, QUALITY, YES, Text

HERE = Path(__file__).parent
LANGUAGES = ("zh", "en")
WIDTH = 24
UID = "command-monitor-{name}-{language}"

States = Mapping[str, tuple[Text, str]]


@dataclass(frozen=True)
class Panel:
    """One panel: its form, its title, what it asks, and how the answer is to be read."""

    form: str
    title: Text
    expr: str
    legend: str = ""
    unit: str = "short"
    width: int = 12
    height: int = 8
    states: States = field(default_factory=dict)
    limit: float | None = None
    """From where on the value is bad."""
    low: bool = False
    """It is the values below the limit that are bad."""


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    name: str
    title: Text
    panels: tuple[Panel, ...]
    variables: tuple[str, ...] = ()


OWN = '{kind="circuit", center="$center"}'
"""The circuits of the center that is chosen."""
NAMES = "on (subject) group_left ({name}) command_monitor_subject_info"

BOARDS = (
    Board(
        "city",
        CITY,
        (
            Panel(
                "stat",
                Text("失联的指挥中心", "Centers down"),
                'count(command_monitor_health{kind="center"} == 3) or vector(0)',
                width=6,
                height=4,
                limit=1,
            ),
            Panel(
                "stat",
                Text("已确认的事件", "Confirmed incidents"),
                'sum(command_monitor_incidents{stage="confirmed"}) or vector(0)',
                width=6,
                height=4,
                limit=1,
            ),
            Panel(
                "stat",
                Text("备用运行的链路", "Links on backup"),
                'count(command_monitor_link_active{role="backup"} == 1) or vector(0)',
                width=6,
                height=4,
                limit=1,
            ),
            Panel(
                "stat",
                Text("疑似", "Suspected"),
                "sum(command_monitor_suspected) or vector(0)",
                width=6,
                height=4,
                limit=1,
            ),
            Panel(
                "table",
                Text("未结事件", "Open incidents"),
                'command_monitor_incident_info{stage!="suspected"}',
                width=24,
            ),
            Panel(
                "states",
                Text("指挥中心", "Centers"),
                f'command_monitor_health{{kind="center"}} * {NAMES}',
                legend="{{NAME}}",
                height=12,
                states=HEALTH,
            ),
            Panel(
                "states",
                Text("链路", "Links"),
                f'command_monitor_health{{kind="link"}} * {NAMES}',
                legend="{{NAME}}",
                height=12,
                states=HEALTH,
            ),
            Panel(
                "states",
                Text("备用电路", "Backup circuits"),
                'command_monitor_link_active{role="backup"}',
                legend="{{subject}}",
                height=12,
                states=BACKUP,
            ),
            Panel(
                "states",
                Text("上级网络", "Networks"),
                f'command_monitor_health{{kind="network"}} * {NAMES}',
                legend="{{NAME}}",
                height=12,
                states=HEALTH,
            ),
        ),
    ),
    Board(
        "center",
        CENTER,
        (
            Panel(
                "states",
                Text("电路", "Circuits"),
                'command_monitor_health{kind="circuit", center="$center"}',
                legend="{{network}} {{role}}",
                states=HEALTH,
            ),
            Panel(
                "states",
                Text("设备", "Devices"),
                f'command_monitor_health{{kind="device", center="$center"}} * {NAMES}',
                legend="{{NAME}}",
                states=HEALTH,
            ),
            Panel(
                "lines",
                Text("往返时延", "Round-trip time"),
                'command_monitor_check_last_rtt_seconds{center="$center", kind="circuit"}',
                legend="{{network}} {{role}}",
                unit="s",
            ),
            Panel(
                "lines",
                Text("丢包率（近 60 次）", "Loss (last 60 looks)"),
                'command_monitor_check_loss_ratio{center="$center", kind="circuit"}',
                legend="{{network}} {{role}}",
                unit="percentunit",
                limit=0.05,
            ),
            Panel(
                "table",
                Text("异常原因", "Trouble"),
                'command_monitor_check_trouble_info{center="$center"}',
                width=24,
            ),
        ),
        ("center",),
    ),
    Board(
        "quality",
        QUALITY,
        (
            Panel(
                "lines",
                Text("平均往返时延", "Mean round-trip time"),
                f"rate(command_monitor_check_rtt_seconds_sum{OWN}[$__rate_interval])"
                f" / rate(command_monitor_check_rtt_seconds_count{OWN}[$__rate_interval])",
                legend="{{network}} {{role}}",
                unit="s",
            ),
            Panel(
                "lines",
                Text("往返时延 95 分位（5 分钟）", "Round-trip time, 95th percentile of 5 minutes"),
                f"quantile_over_time(0.95, command_monitor_check_last_rtt_seconds{OWN}[5m])",
                legend="{{network}} {{role}}",
                unit="s",
            ),
            Panel(
                "lines",
                Text("丢包率", "Loss"),
                'command_monitor_check_loss_ratio{kind="circuit", center="$center"}',
                legend="{{network}} {{role}}",
                unit="percentunit",
                limit=0.05,
            ),
            Panel(
                "lines",
                Text("通话质量（MOS 估计）", "Call quality (estimated MOS)"),
                'command_monitor_circuit_mos{center="$center"}',
                legend="{{network}} {{role}}",
                unit="none",
                limit=3.6,
                low=True,
            ),
            Panel(
                "states",
                Text("能否开视频会议", "Fit for video"),
                'command_monitor_circuit_fit_for_video{center="$center"}',
                legend="{{network}} {{role}}",
                states=YES,
            ),
            Panel(
                "lines",
                Text("承载比例：主用、备用（1 小时）", "Share of time on primary and backup (1 hour)"),
                'avg_over_time(command_monitor_link_active{center="$center"}[1h])',
                legend="{{network}} {{role}}",
                unit="percentunit",
            ),
        ),
        ("center",),
    ),
    Board(
        "itself",
        ITSELF,
        (
            Panel(
                "lines",
                Text("事件循环滞后 99 分位", "Lag of the event loop, 99th percentile"),
                "histogram_quantile(0.99, sum by (le, instance)"
                " (rate(command_monitor_loop_lag_seconds_bucket[$__rate_interval])))",
                legend="{{instance}}",
                unit="s",
                limit=0.05,
            ),
            Panel(
                "lines",
                Text("每秒检测", "Looks a second"),
                "rate(command_monitor_looks_total[$__rate_interval])",
                legend="{{instance}}",
                unit="ops",
            ),
            Panel(
                "lines",
                Text("进行中与排队的检测", "Looks in flight and waiting"),
                "command_monitor_looks_in_flight + command_monitor_looks_waiting",
                legend="{{instance}}",
            ),
            Panel(
                "lines",
                Text("未用的证据、跳过的检测、自身错误", "Evidence not used, looks skipped, mishaps"),
                "increase(command_monitor_evidence_dropped_total[5m])"
                " + increase(command_monitor_looks_skipped_total[5m])"
                " + increase(command_monitor_mishaps_total[5m])",
                legend="{{instance}}",
            ),
            Panel(
                "states",
                Text("输出", "Outputs"),
                "command_monitor_output_connected",
                legend="{{output}}",
                states=YES,
            ),
            Panel(
                "lines",
                Text("无人确认的告警", "Alarms that nobody has taken on"),
                'sum by (severity) (command_monitor_alarms{answered="false"})',
                legend="{{severity}}",
                limit=1,
            ),
            Panel(
                "lines",
                Text("各渠道待发的通知", "Notices that wait, by channel"),
                'sum by (channel) (command_monitor_notices{rung="composed"})',
                legend="{{channel}}",
            ),
            Panel(
                "states",
                Text("其他观测点", "Other vantages"),
                "command_monitor_agent_presence",
                legend="{{agent}}",
                states=PRESENCE,
            ),
            Panel(
                "states",
                Text("事件可写入磁盘", "Events can be recorded"),
                "command_monitor_store_healthy",
                legend="{{instance}}",
                states=YES,
            ),
            Panel(
                "lines",
                Text("事件库大小", "Size of the event log"),
                "command_monitor_store_size_bytes",
                legend="{{instance}}",
                unit="bytes",
            ),
            Panel(
                "lines",
                Text("时钟偏差", "Clock offset"),
                "command_monitor_agent_clock_offset_seconds",
                legend="{{agent}}",
                unit="s",
            ),
            Panel(
                "lines",
                Text("待写入与待送的事件", "Events that wait to be recorded or delivered"),
                "command_monitor_store_pending + on (instance) group_right () command_monitor_output_queued",
                legend="{{output}}",
            ),
        ),
    ),
)


def built(board: Board, language: str) -> str:
    """Return a dashboard as JSON."""
    found = (
        dashboard.Dashboard(board.title.said(language))
        .uid(UID.format(name=board.name, language=language))
        .tags(["command-monitor", language])
        .time("now-6h", "now")
        .refresh("10s")
        .timezone("browser")
        .editable()
        .with_variable(dashboard.DatasourceVariable("source").type("prometheus").label("Prometheus"))
    )
    for name in board.variables:
        found = found.with_variable(_variable(name, language))
    for other in BOARDS:
        if other.name != board.name:
            found = found.link(_link(other, language))
    for panel, place in zip(board.panels, _places(board.panels), strict=True):
        found = found.with_panel(FORMS[panel.form](panel, language).grid_pos(place))
    return (
        json.dumps(
            json.loads(JSONEncoder(sort_keys=True).encode(found.build())), indent=1, ensure_ascii=False
        )
        + "\n"
    )


def _variable(name: str, language: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(CENTER_NAME.said(language))
        .datasource(_source())
        .query(f'label_values(command_monitor_health{{kind="center"}}, {name})')
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _link(board: Board, language: str) -> dashboard.DashboardLink:
    uid = UID.format(name=board.name, language=language)
    return (
        dashboard.DashboardLink(board.title.said(language))
        .type(model.DashboardLinkType.LINK)
        .url(f"/d/{uid}")
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _places(panels: tuple[Panel, ...]) -> Iterator[model.GridPos]:
    """Put panels side by side as long as there is room, then below."""
    x = y = tallest = 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        yield model.GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x, tallest = x + panel.width, max(tallest, panel.height)


def _source() -> model.DataSourceRef:
    return model.DataSourceRef(type_val="prometheus", uid="${source}")


def _query(panel: Panel, language: str) -> prometheus.Dataquery:
    name = "name" if language == "zh" else "name_en"
    expr = panel.expr.replace("{name}", name)
    legend = panel.legend.replace("NAME", name)
    query = prometheus.Dataquery().datasource(_source()).expr(expr).legend_format(legend).ref_id("A")
    return query.instant().format("table") if panel.form == "table" else query


def _stat(panel: Panel, language: str) -> stat.Panel:
    return _common(stat.Panel().color_mode(options.BigValueColorMode.BACKGROUND), panel, language)


def _lines(panel: Panel, language: str) -> timeseries.Panel:
    legend = common.VizLegendOptions().show_legend(show_legend=True).placement(options.LegendPlacement.BOTTOM)
    shown = timeseries.Panel().legend(legend.display_mode(options.LegendDisplayMode.LIST))
    return _common(
        shown.thresholds_style(common.GraphThresholdsStyleConfig().mode(_style(panel))), panel, language
    )


def _style(panel: Panel) -> options.GraphTresholdsStyleMode:
    modes = options.GraphTresholdsStyleMode
    return modes.OFF if panel.limit is None else modes.LINE


def _states(panel: Panel, language: str) -> statetimeline.Panel:
    return _common(statetimeline.Panel().merge_values(merge_values=True), panel, language)


def _table(panel: Panel, language: str) -> table.Panel:
    return _common(table.Panel(), panel, language)


FORMS: Mapping[str, Callable[[Panel, str], dashboard.Panel]] = {
    "stat": _stat,
    "lines": _lines,
    "states": _states,
    "table": _table,
}


def _common(shown: dashboard.Panel, panel: Panel, language: str) -> dashboard.Panel:
    shown = shown.title(panel.title.said(language)).datasource(_source()).unit(panel.unit)
    shown = shown.with_target(_query(panel, language)).thresholds(_thresholds(panel))
    if panel.states:
        words = {
            value: model.ValueMappingResult(text=text.said(language), color=colour, index=number)
            for number, (value, (text, colour)) in enumerate(panel.states.items())
        }
        shown = shown.mappings([model.ValueMap(options=words)])
    return shown


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    good, bad = ("green", "red") if not panel.low else ("red", "green")
    steps = [model.Threshold(value=None, color=good)]
    if panel.limit is not None:
        steps.append(model.Threshold(value=panel.limit, color=bad))
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def main() -> None:
    """Write every dashboard in every language."""
    for board in BOARDS:
        for language in LANGUAGES:
            (HERE / "dashboards" / f"{board.name}.{language}.json").write_text(
                built(board, language), encoding="utf-8"
            )


if __name__ == "__main__":
    main()
