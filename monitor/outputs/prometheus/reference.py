"""Writes the reference of all metrics into a page, from the families themselves."""

import sys
from collections.abc import Iterable
from pathlib import Path

from monitor.outputs.prometheus import FAMILIES
from monitor.outputs.prometheus.family import Family, Type

BEGIN = "<!-- begin: written by `make docs` -->"
END = "<!-- end -->"
_SAMPLES = {
    Type.COUNTER: ("_total",),
    Type.INFO: ("_info",),
    Type.SUMMARY: ("_sum", "_count"),
    Type.HISTOGRAM: ("_bucket", "_sum", "_count"),
}
_ABOUT = (
    ("Of each check", ("check_",)),
    ("Of each subject (center, link, circuit, device, network)", ("health", "suspected", "link_", "subject")),
    ("Of incidents", ("incident",)),
    ("Of alarms, and of the notices about them", ("alarm", "notice")),
    ("Of the event log", ("store_",)),
    ("Of the daemons of other vantages", ("agent",)),
    ("Of the daemon itself", ("",)),
)


def reference() -> str:
    """Return the part of `docs/metrics.md` that speaks of each metric."""
    left = list(FAMILIES)
    parts = []
    for title, beginnings in _ABOUT:
        told = [f for f in left if f.name.removeprefix("command_monitor_").startswith(beginnings)]
        left = [family for family in left if family not in told]
        parts.append(f"## {title}\n\n" + "\n".join(_entries(told)))
    return "\n".join(parts)


def _entries(families: Iterable[Family]) -> Iterable[str]:
    for family in families:
        samples = ", ".join(f"`{family.name}{end}`" for end in _SAMPLES.get(family.type, ("",)))
        labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
        unit = family.unit or ("count" if family.type is Type.COUNTER else "none")
        yield f"### {samples}\n\n{family.help}\n"
        yield f"- type: {family.type}; unit: {unit}; labels: {labels}"
        yield f"- for example: `{family.query}`\n" if family.query else ""


def rewrite(page: Path) -> None:
    """Put the reference where *page* has room for it, between BEGIN and END."""
    text = page.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{reference()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
