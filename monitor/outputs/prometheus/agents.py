"""How the daemons of the other vantages are, where this one gathers what they report.

The label is `agent`, not `vantage`: many a scrape configuration sets the latter on its target, for the place
from which this daemon looks. Whose series there are is the inventory's choice, never a sender's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from monitor.core.agent import Agent, Presence, present
from monitor.core.detection import Verdict
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.labels import END, Ending

LABELS = ("agent",)

PRESENCES: Mapping[str, int] = {
    Presence.ONLINE.value: 0,
    Presence.STOPPED.value: 1,
    Presence.SILENT.value: 2,
    Presence.UNHEARD.value: -1,
    Presence.UNKNOWN.value: -2,
}
"""Presence as numbers, as with health: what tells nothing is negative."""

_LEGEND = ", ".join(f"{code} {name}" for name, code in PRESENCES.items())
_VERDICTS = tuple((verdict.value, Ending(("verdict", verdict.value))) for verdict in Verdict)


def _each(
    name: str,
    help_: str,
    value: Callable[[Agent], float | None],
    *,
    type_: Type = Type.GAUGE,
    unit: str = "",
    query: str = "",
) -> Family:
    """Make a family with one sample for each agent; none where *value* is None."""
    suffix = "_total" if type_ is Type.COUNTER else ""

    def samples(view: View) -> Iterator[Sample]:
        for labels, agent in view.agents:
            if (number := value(agent)) is not None:
                yield suffix, labels, END, number

    return Family(f"{PREFIX}agent_{name}", type_, help_, samples, LABELS, unit, query=query)


def _presence(view: View) -> Iterator[Sample]:
    for labels, agent in view.agents:
        yield "", labels, END, PRESENCES[present(agent, view.world.broker_lost_at)]


def _last_heard(view: View) -> Iterator[Sample]:
    for labels, agent in view.agents:
        if agent.heard_at:
            yield "", labels, END, round(view.epoch + agent.heard_at, 3)


def _beliefs(view: View) -> Iterator[Sample]:
    for labels, agent in view.agents:
        heard = tuple(view.world.heard.get(agent.vantage, {}).values())
        counts = Counter(belief.verdict for belief in heard)
        for verdict, ending in _VERDICTS:
            yield "", labels, ending, counts[verdict]


def _names(view: View) -> Iterator[Sample]:
    vantages = view.world.inventory.vantages
    for labels, agent in view.agents:
        if (vantage := vantages.get(agent.vantage)) is not None:
            names = (
                ("center", vantage.center or ""),
                ("name", vantage.name.zh),
                ("name_en", vantage.name.en),
            )
            yield "_info", labels, Ending(*names), 1


_QUERY = f"({PREFIX}agent_presence == 2) * on (agent) group_left (name) {PREFIX}agent_info"

AGENT_FAMILIES = (
    Family(
        f"{PREFIX}agent_presence",
        Type.GAUGE,
        f"Whether the daemon of another vantage is there: {_LEGEND}.",
        _presence,
        LABELS,
        query=_QUERY,
    ),
    _each(
        "presence_since_timestamp_seconds",
        "Since when it is present so, Unix time; absent if never heard.",
        lambda agent: agent.since or None,
        unit="seconds",
        query=f"time() - {PREFIX}agent_presence_since_timestamp_seconds and {PREFIX}agent_presence == 2",
    ),
    Family(
        f"{PREFIX}agent_last_heard_timestamp_seconds",
        Type.GAUGE,
        "When its latest word reached us, Unix time; absent if none has.",
        _last_heard,
        LABELS,
        "seconds",
        query=f"time() - {PREFIX}agent_last_heard_timestamp_seconds > 30",
    ),
    _each(
        "clock_offset_seconds",
        "How far its clock is ahead of ours, less the time that a message takes; absent until measured.",
        lambda agent: agent.clock_offset,
        unit="seconds",
        query=f"abs({PREFIX}agent_clock_offset_seconds) > 2",
    ),
    _each(
        "backlog",
        "Events that it has and we have not, as of its latest word.",
        lambda agent: agent.backlog,
        query=f"{PREFIX}agent_backlog > 1000",
    ),
    Family(
        f"{PREFIX}agent_beliefs",
        Type.GAUGE,
        "How many checks it believes to be so, as far as that still holds; all are 0 while it is silent.",
        _beliefs,
        (*LABELS, "verdict"),
        query=f'{PREFIX}agent_beliefs{{verdict="down"}} > 0',
    ),
    _each(
        "gathered",
        "Events that we took from it.",
        lambda agent: agent.gathered,
        type_=Type.COUNTER,
        query=f"rate({PREFIX}agent_gathered_total[1m])",
    ),
    _each(
        "repeated",
        "Words and events that it sent and we had already.",
        lambda agent: agent.repeated,
        type_=Type.COUNTER,
    ),
    _each(
        "refused",
        "Messages of it, and events within them, that we could not take: not understood, or not its own.",
        lambda agent: agent.refused,
        type_=Type.COUNTER,
        query=f"increase({PREFIX}agent_refused_total[1h]) > 0",
    ),
    _each(
        "duplicate",
        "Whether two daemons speak under its name (1).",
        lambda agent: int(agent.duplicate),
        query=f"{PREFIX}agent_duplicate == 1",
    ),
    _each(
        "quarantined",
        "Whether it says more than we can listen to, so that we do not for a while (1).",
        lambda agent: int(agent.quarantined),
        query=f"{PREFIX}agent_quarantined == 1",
    ),
    Family(
        f"{PREFIX}agent",
        Type.INFO,
        "The names people use for the other vantage, and the center it stands in.",
        _names,
        (*LABELS, "center", "name", "name_en"),
        query=_QUERY,
    ),
)
"""The families that every other vantage of the inventory is in."""
