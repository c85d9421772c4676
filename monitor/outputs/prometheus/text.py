"""Writes families as text, in slices so short that nobody notices: the event loop has its turn between them.

Prometheus text format 0.0.4 and OpenMetrics 1.0.0. prometheus_client's own writer needs half a second for
50,000 series and holds the loop all that time.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from enum import StrEnum

from prometheus_client import Metric

from monitor.outputs.prometheus.family import Family, Type
from monitor.outputs.prometheus.labels import BARE, END, Labels, escaped
from monitor.outputs.prometheus.view import Viewer

SLICE = 500
"""Lines written between two turns of the event loop: less than a millisecond."""


class Format(StrEnum):
    """The two text formats, by their content type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def negotiate(accept: str) -> Format:
    """Choose the format that an Accept header likes best; OpenMetrics only if it is named."""
    text, openmetrics = 0.0, 0.0
    for offer in accept.lower().split(","):
        media, *parameters = (part.strip() for part in offer.split(";"))
        told = dict(part.split("=", 1) for part in parameters if "=" in part)
        if media == "text/plain":
            text = max(text, _weight(told))
        elif media == "application/openmetrics-text" and told.get("version", "1.0.0") == "1.0.0":
            openmetrics = max(openmetrics, _weight(told))
    return Format.OPENMETRICS if openmetrics and openmetrics >= text else Format.PROMETHEUS


def _weight(told: dict[str, str]) -> float:
    try:
        return float(told.get("q", "1"))
    except ValueError:
        return 0.0


async def write(
    families: Iterable[Family], viewer: Viewer, form: Format, others: Iterable[Metric] = ()
) -> AsyncGenerator[bytes, None]:
    """Write the page, slice by slice: *families* as *viewer* sees them, then *others* as they are.

    Python's way to write a number is also that of both formats, which take `nan` and `inf` in any case.
    """
    view, steps = viewer.begin()
    for _ in steps:
        await asyncio.sleep(0)
    lines: list[str] = []
    for family in families:
        name = family.name
        lines.append(_head(name, family.type.value, family.unit, family.help, form))
        for suffix, labels, ending, value in family.samples(view):
            lines.append(f"{name}{suffix}{labels.text}{ending.text}{value}\n")
            if len(lines) >= SLICE:
                yield "".join(lines).encode(errors="replace")
                lines.clear()
                await asyncio.sleep(0)
    for metric in others:
        lines.extend(_foreign(metric, form))
    if form is Format.OPENMETRICS:
        lines.append("# EOF\n")
    yield "".join(lines).encode(errors="replace")


def _head(name: str, kind: str, unit: str, text: str, form: Format) -> str:
    """Write what a family is; the older format knows neither units nor infos, and names counters in full."""
    if form is Format.OPENMETRICS:
        told = f"# UNIT {name} {unit}\n" if unit else ""
        return f"# HELP {name} {escaped(text)}\n# TYPE {name} {kind}\n{told}"
    if kind == Type.COUNTER:
        name += "_total"
    elif kind == Type.INFO:
        name, kind = f"{name}_info", "gauge"
    plain = text.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {plain}\n# TYPE {name} {kind}\n"


def _foreign(metric: Metric, form: Format) -> Iterator[str]:
    """Write a family of prometheus_client's own collectors (counters, gauges, infos)."""
    yield _head(metric.name, metric.type, metric.unit, metric.documentation, form)
    for sample in metric.samples:
        labels = Labels(sample.labels.items())
        ending = END if labels.text else BARE
        yield f"{sample.name}{labels.text}{ending.text}{sample.value}\n"
