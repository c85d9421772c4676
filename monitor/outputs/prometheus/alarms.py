"""What is told of alarms: how many are open and unanswered, since when, and how far their notices have got.

Exercises are none of them. Officers have no labels: who was told stands in the log of events.
"""

from collections import Counter
from collections.abc import Iterator

from monitor.core.alarm import Alarm, Area, Notice, Rung, Severity
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.labels import END, Labels

CHANNEL = "channel-"
"""What the output of a channel begins with."""


def _open(view: View) -> Iterator[Alarm]:
    for alarm in tuple(view.world.alarms.values()):
        if alarm.closed_at is None and not alarm.drill:
            yield alarm


def _alarms(view: View) -> Iterator[Sample]:
    """Give every severity and area, those without any too: a graph has no gaps and an alert no surprises."""
    counts = Counter((one.severity, one.area, one.answer is not None) for one in _open(view))
    for severity in Severity:
        for area in Area:
            for answered in (False, True):
                pairs = [("severity", severity.value), ("area", area.value)]
                labels = Labels([*pairs, ("answered", str(answered).lower())])
                yield "", labels, END, counts[severity, area, answered]


def _oldest_alarm(view: View) -> Iterator[Sample]:
    oldest: dict[Severity, float] = {}
    for one in _open(view):
        if one.answer is None and not one.paused:
            oldest[one.severity] = min(one.opened_at, oldest.get(one.severity, one.opened_at))
    for severity, at in oldest.items():
        yield "", Labels([("severity", severity.value)]), END, at


def _all_notices(view: View) -> Iterator[Notice]:
    for notices in tuple(view.world.notices.values()):
        yield from tuple(notices.values())


def _notices(view: View) -> Iterator[Sample]:
    counts = Counter((one.channel, one.rung) for one in _all_notices(view))
    outputs = (name for name in tuple(view.vitals.outputs) if name.startswith(CHANNEL))
    known = dict.fromkeys(name.removeprefix(CHANNEL) for name in outputs)
    for channel in known | dict.fromkeys(channel for channel, _ in counts):
        for rung in Rung:
            labels = Labels([("channel", channel), ("rung", rung.value)])
            yield "", labels, END, counts[channel, rung]


def _oldest_notice(view: View) -> Iterator[Sample]:
    oldest: dict[str, float] = {}
    for one in _all_notices(view):
        if one.rung is Rung.COMPOSED:
            oldest[one.channel] = min(one.composed_at, oldest.get(one.channel, one.composed_at))
    for channel, at in oldest.items():
        yield "", Labels([("channel", channel)]), END, at


_UNANSWERED = f"{PREFIX}alarm_oldest_unanswered_timestamp_seconds"
_WAITING = f"{PREFIX}notice_oldest_waiting_timestamp_seconds"

ALARM_FAMILIES = (
    Family(
        f"{PREFIX}alarms",
        Type.GAUGE,
        "Open alarms, by severity, by what sort of thing is broken, and whether somebody has taken them on.",
        _alarms,
        ("severity", "area", "answered"),
        query=f'sum by (severity) ({PREFIX}alarms{{answered="false"}})',
    ),
    Family(
        _UNANSWERED,
        Type.GAUGE,
        "When the oldest alarm of a severity was opened that nobody has taken on, Unix time; none: no "
        "series. Muted ones count, planned work does not.",
        _oldest_alarm,
        ("severity",),
        "seconds",
        query=f'time() - {_UNANSWERED}{{severity="critical"}} > 600',
    ),
    Family(
        f"{PREFIX}notices",
        Type.GAUGE,
        "Notices of alarms that are not settled, by channel and by how far they are known to have got: "
        "composed (waits), refused, handed_over, delivered, acknowledged.",
        _notices,
        ("channel", "rung"),
        query=f'sum by (channel) ({PREFIX}notices{{rung="composed"}})',
    ),
    Family(
        _WAITING,
        Type.GAUGE,
        "When the oldest notice was composed that a channel has not taken yet, Unix time; none: no series.",
        _oldest_notice,
        ("channel",),
        "seconds",
        query=f"time() - {_WAITING} > 60",
    ),
)
"""The families that speak of alarms; what a channel has delivered, and failed to, is among the outputs."""
