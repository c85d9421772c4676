"""The log: one line per change, none per quiet look."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog

from monitor.core.agent import Agent
from monitor.core.lateness import is_late
from monitor.core.world import Event, Json
from monitor.kit.text import clean
from monitor.ports import Feed

MOST_FACTS = 20
"""Facts of another vantage's event that are written; ours have fewer than ten."""

SHORT_FACTS = ("incident", "kind", "center", "confidence", "relapses", "behind", "planned")
"""What is written of an incident beside its sentence: its evidence is in the log of events."""

WORK_FACTS = ("window", "document", "who", "by", "uid", "covering", "leaving", "early")
"""The same of planned work: what it covers is in the log of events."""

WORRIES = frozenset(
    {
        "agent_silent", "all_agents_silent", "agent_doubled", "agent_flooding",
        "duty_gap", "events_lost", "database_set_aside", "confirmed", "overrun",
    }
)  # fmt: skip
"""News that asks for a look, though it names no trouble: something is missing, wrong, or known to be cut."""


class LogOutput:
    """Writes every event as one structured record."""

    name = "log"
    durable = False

    def __init__(self, language: str = "zh") -> None:
        """Write sentences in *language*."""
        self._language = language
        self._log = structlog.get_logger()

    async def run(self, feed: Feed) -> None:
        """Write what the feed brings until cancelled."""
        while True:
            news = await feed.news()
            if news.dropped:
                self._log.error("events.dropped", count=news.dropped)
            for event in news.events:
                if event.received_at is None:
                    self._write(event)
                else:
                    self._write_gathered(event, event.received_at, feed.world.agents)

    def _write(self, event: Event) -> None:
        data = _facts(event)
        said = data.pop("sentence", None)
        if isinstance(said, dict):
            data["sentence"] = said[self._language]
        what = data.pop("what", "changed")
        bad = (what in WORRIES or _is_bad(data)) and data.get("planned") is not True
        write = self._log.warning if bad else self._log.info
        write(f"{event.kind}.{what}", seq=event.seq, about=event.subject, **data)

    def _write_gathered(self, event: Event, received_at: float, agents: Mapping[str, Agent]) -> None:
        """Write what another vantage saw, with both times; no warning of what is over by now.

        Its facts stay together, as their names are the sender's: none of them may pass for a field of ours.
        """
        data = _facts(event)
        said, what = data.pop("sentence", None), data.pop("what", None)
        sentence = said.get(self._language) if isinstance(said, dict) else None
        told = {"sentence": clean(sentence)} if isinstance(sentence, str) else {}
        late = is_late(event, agents)
        bad = _is_bad(data) or (event.kind == "incident" and what == "confirmed")
        bad = bad and data.get("planned") is not True
        write = self._log.warning if bad and not late else self._log.info
        write(
            f"{event.kind}.{_word(what)}",
            vantage=event.vantage,
            seq=event.seq,
            about=event.subject,
            at=_iso(event.at),
            received_at=_iso(received_at),
            late=late,
            **told,
            data=_bounded(data),
        )


def _facts(event: Event) -> dict[str, Json]:
    """Return what has a place in a line; of an incident its stage is what happened."""
    data = event.data
    if event.kind not in ("incident", "planned"):
        return dict(data)
    keys = SHORT_FACTS if event.kind == "incident" else WORK_FACTS
    facts = {key: data[key] for key in keys if data.get(key) not in (None, False, 0, "")}
    what = data.get("stage" if event.kind == "incident" else "what")
    return {"what": what, "sentence": data.get("sentence"), **facts}


def _is_bad(data: Mapping[str, Json]) -> bool:
    return data.get("now") in ("down", "unknown") or bool(data.get("trouble")) or data.get("wrong") is True


def _word(what: Json) -> str:
    """Return what happened if a peer says it in one plain word."""
    return what if isinstance(what, str) and re.fullmatch(r"[a-z_]{1,40}", what) else "changed"


def _bounded(data: Mapping[str, Json]) -> dict[str, Json]:
    """Return a peer's facts as far as they are few, flat and short; the log is no place for the rest."""
    flat = [(key, value) for key, value in data.items() if not isinstance(value, (list, dict))]
    return {
        clean(key, 40): clean(value) if isinstance(value, str) else value for key, value in flat[:MOST_FACTS]
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
