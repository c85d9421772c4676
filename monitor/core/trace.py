"""Where a way ends: two traces of one circuit compared, the latest while it was well and one after it broke.

A router that is silent on the way proves nothing, many answer nobody; the last that answers proves that all
before it works. So the way ends behind that one, and before the next that answered when all was well.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from monitor.core.ending import Ending
from monitor.core.incident import Incident, Stage
from monitor.core.inventory import Name
from monitor.core.sentence import WORDS, called
from monitor.core.world import Event, Json

MOST = 8
"""Endings that are kept of one incident: of four circuits, from both ends."""
HOPS = 30
SHOWN = 5
"""Hops that are named at each end of a long way."""
SLACK = 60.0
"""Seconds by which a trace may seem older than the incident, as clocks differ."""
_ADDRESS = re.compile(r"[0-9a-fA-F.:]{0,45}")
_WORD = re.compile(r"[a-z_]{1,32}")


@dataclass(frozen=True, slots=True)
class Trace:
    """What one trace over a circuit has found."""

    circuit: str
    vantage: str
    at: float
    """Wall time at which it was begun, Unix seconds."""
    target: str
    """Literal address."""
    hops: tuple[str, ...]
    """Who answered, by distance; empty: nobody."""
    reached: bool
    how: str
    """What ended it: an answer, a refusal, `silence` …"""


def compare(before: Trace | None, after: Trace) -> Ending:
    """Say where the way ends now, as far as it is known how it was before."""
    was = () if before is None else before.hops
    last = next(filter(None, reversed(after.hops)), "")
    return Ending(
        after.circuit,
        after.vantage,
        after.at,
        after.target,
        after.reached,
        after.how,
        "" if after.reached else last,
        "" if after.reached else _gone(was, after.hops, last),
        after.hops,
        was,
        None if before is None else before.at,
    )


def _gone(was: Sequence[str], hops: Sequence[str], last: str) -> str:
    """Return the first hop that no longer answers, of those behind the last that does."""
    behind = was[was.index(last) + 1 :] if last and last in was else was
    return next((hop for hop in behind if hop and hop not in hops), "")


def concerns(ending: Ending, incident: Incident, touched: AbstractSet[str]) -> bool:
    """Tell whether an ending is part of an incident that touches these subjects."""
    return (
        incident.stage is not Stage.CLOSED
        and ending.circuit in touched
        and ending.at >= incident.since - SLACK
        and (incident.recovering_at is None or ending.at <= incident.recovering_at + SLACK)
    )


def joined(incident: Incident, ending: Ending) -> Incident:
    """Return *incident* with an ending, which takes the place of an older one of the same end."""
    others = [
        one for one in incident.endings if (one.vantage, one.circuit) != (ending.vantage, ending.circuit)
    ]
    if len(others) == len(incident.endings) == MOST:
        return incident
    older = next((one for one in incident.endings if one not in others and one.at > ending.at), None)
    return incident if older is not None else replace(incident, endings=(*others, ending))


def where(ending: Ending, vantage: Name | None, language: str) -> str:
    """Say in a clause where the way ends as seen from *vantage*; None: it is not declared any more."""
    seen_from = ending.vantage if vantage is None else called(vantage, language)
    words = WORDS[language].incident
    pattern = "ends_before" if ending.last and ending.gone else "ends" if ending.last else "ends_at_once"
    told = words["ends_nowhere" if ending.reached else pattern]
    return told.format(vantage=seen_from, last=ending.last, gone=ending.gone)


def came(ending: Ending, language: str) -> str:
    """Say by way of whom it led when all was well; empty: not known."""
    if not ending.was:
        return ""
    way = " → ".join(hop or "*" for hop in shortened(ending.was))
    return WORDS[language].incident["came"].format(way=way)


def shortened(hops: Sequence[str]) -> Sequence[str]:
    """Leave out the middle of a long way."""
    return hops if len(hops) <= 2 * SHOWN else [*hops[:SHOWN], "…", *hops[-SHOWN:]]


def trace_news(
    ending: Ending, circuit: Name, vantage: Name | None, incidents: Sequence[str]
) -> Mapping[str, Json]:
    """Return what the event of a trace over *circuit* says; *incidents*: ids of those that it has joined."""
    sentence: dict[str, Json] = {}
    for language, words in WORDS.items():
        parts = (called(circuit, language), where(ending, vantage, language), came(ending, language))
        sentence[language] = words.semicolon.join(filter(None, parts)) + words.sentence["end"]
    return {"what": "traced", **ending_facts(ending), "incidents": list(incidents), "sentence": sentence}


def ending_facts(ending: Ending) -> dict[str, Json]:
    """Return what is told of an ending: in events, payloads and the API alike."""
    return {
        "vantage": ending.vantage,
        "circuit": ending.circuit,
        "at": round(ending.at, 3),
        "target": ending.target,
        "reached": ending.reached,
        "how": ending.how,
        "last": ending.last,
        "gone": ending.gone,
        "hops": list(ending.hops),
        "was": list(ending.was),
        "was_at": None if ending.was_at is None else round(ending.was_at, 3),
    }


def ending_told(event: Event, *, offset: float = 0.0) -> Ending | None:
    """Read what another vantage tells of a trace; None if that cannot be understood.

    Its times are brought to our clock: *offset* is by how many seconds its own is ahead.
    """
    data = event.data
    texts = [data.get(key) for key in ("target", "last", "gone")]
    addresses = [text for text in texts if isinstance(text, str) and _ADDRESS.fullmatch(text)]
    hops, was = _addresses(data, "hops"), _addresses(data, "was")
    how, reached, was_at = data.get("how"), data.get("reached"), data.get("was_at")
    if len(addresses) < len(texts) or hops is None or was is None or not isinstance(reached, bool):
        return None
    if not isinstance(how, str) or not _WORD.fullmatch(how):
        return None
    target, last, gone = addresses
    before = float(was_at) - offset if isinstance(was_at, int | float) else None
    at = event.at - offset
    return Ending(event.subject, event.vantage, at, target, reached, how, last, gone, hops, was, before)


def _addresses(data: Mapping[str, Json], key: str) -> tuple[str, ...] | None:
    told = data.get(key)
    if not isinstance(told, list) or len(told) > HOPS:
        return None
    read = [one for one in told if isinstance(one, str) and _ADDRESS.fullmatch(one)]
    return tuple(read) if len(read) == len(told) else None
