"""What is told of incidents: how many are open, which ones, and what became of them.

Open incidents only are told one by one, and no more than MOST; how many there are is always told. The id is
the one label that is not from the configuration: it is made by ourselves, and a series lives as long as its
incident.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from monitor.core.incident import Stage
from monitor.core.story import Story
from monitor.core.topology import Kind
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.labels import END, Ending, Labels
from monitor.outputs.prometheus.scalars import counter

MOST = 100
"""Open incidents that are told one by one, the oldest first."""
LABELS = ("incident", "component", "kind", "center")
OPEN = (Stage.SUSPECTED, Stage.CONFIRMED, Stage.RECOVERING)


def _counts(view: View) -> Iterator[Sample]:
    """Give every kind and stage, those without any too: a graph has no gaps and an alert no surprises."""
    counts = Counter((story.kind, story.incident.stage) for story in tuple(view.world.stories.values()))
    for kind in Kind:
        for stage in OPEN:
            labels = Labels([("kind", kind.value), ("stage", stage.value)])
            yield "", labels, END, counts[kind.value, stage]


def _told(view: View) -> Iterator[tuple[Labels, Story]]:
    for story in islice(tuple(view.world.stories.values()), MOST):
        incident = story.incident
        values = (incident.id, incident.component, story.kind, story.center or "")
        yield Labels(zip(LABELS, values, strict=True)), story


def _each(value: Callable[[Story], float]) -> Callable[[View], Iterator[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        for labels, story in _told(view):
            yield "", labels, END, value(story)

    return samples


def _info(view: View) -> Iterator[Sample]:
    for labels, story in _told(view):
        calls = story.calls[:1]
        ending = Ending(
            ("stage", story.incident.stage.value),
            ("planned", "true" if story.incident.planned else ""),
            ("name", story.name.zh),
            ("name_en", story.name.en),
            ("carrier", "".join(call.carrier.zh for call in calls)),
            ("number", " ".join(number for call in calls for number in call.numbers)),
            ("hotline", "".join(call.hotline for call in calls)),
        )
        yield "_info", labels, ending, 1


def _sums(counts: Callable[[View], Mapping[str, int]]) -> Callable[[View], Iterator[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        known = counts(view)
        for kind in Kind:
            yield "_total", Labels([("kind", kind.value)]), END, known.get(kind.value, 0)

    return samples


INCIDENT_FAMILIES = (
    Family(
        f"{PREFIX}incidents",
        Type.GAUGE,
        "Open incidents, by the kind of what is broken and by stage (suspected, confirmed, recovering).",
        _counts,
        ("kind", "stage"),
        query=f'sum({PREFIX}incidents{{stage="confirmed"}})',
    ),
    Family(
        f"{PREFIX}incident",
        Type.INFO,
        "Each open incident: what is broken, how far it is, what people call it, and whom to call.",
        _info,
        (*LABELS, "stage", "planned", "name", "name_en", "carrier", "number", "hotline"),
        query=f'{PREFIX}incident_info{{stage="confirmed", planned=""}}',
    ),
    Family(
        f"{PREFIX}incident_since_timestamp_seconds",
        Type.GAUGE,
        "When the incident began, Unix time: at its first miss.",
        _each(lambda story: story.incident.since),
        LABELS,
        "seconds",
        query=f"time() - {PREFIX}incident_since_timestamp_seconds > 3600",
    ),
    Family(
        f"{PREFIX}incident_confidence_ratio",
        Type.GAUGE,
        "How probable it is that what the incident is called after, or one of its group, is broken.",
        _each(lambda story: story.incident.confidence),
        LABELS,
        "ratio",
        query=f"{PREFIX}incident_confidence_ratio < 0.9",
    ),
    Family(
        f"{PREFIX}incident_affected",
        Type.GAUGE,
        "Links, devices and services that the incident takes away, or leaves with less to spare.",
        _each(lambda story: len(story.lost) + len(story.reduced)),
        LABELS,
        query=f"topk(3, {PREFIX}incident_affected)",
    ),
    Family(
        f"{PREFIX}incidents_confirmed",
        Type.COUNTER,
        "Incidents that were confirmed since the start, by the kind of what was broken.",
        _sums(lambda view: view.vitals.incidents_confirmed),
        ("kind",),
        query=f"sum by (kind) (increase({PREFIX}incidents_confirmed_total[30d]))",
    ),
    Family(
        f"{PREFIX}incidents_withdrawn",
        Type.COUNTER,
        "Suspicions that did not come true, by the kind of what was suspected.",
        _sums(lambda view: view.vitals.incidents_withdrawn),
        ("kind",),
        query=f"increase({PREFIX}incidents_withdrawn_total[1d])",
    ),
    counter(
        "incidents_unwatched",
        "Incidents that were closed because what was broken is no longer watched; it may be broken yet.",
        lambda vitals: vitals.incidents_unwatched,
        query=f"increase({PREFIX}incidents_unwatched_total[1d])",
    ),
)
"""The families that speak of incidents."""
