"""The log: one line per change, none per quiet look."""

import structlog

from monitor.core.world import Event
from monitor.ports import Feed


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
                self._write(event)

    def _write(self, event: Event) -> None:
        data = dict(event.data)
        said = data.pop("sentence", None)
        if isinstance(said, dict):
            data["sentence"] = said[self._language]
        name = f"{event.kind}.{data.pop('what', 'changed')}"
        bad = data.get("now") in ("down", "unknown") or data.get("trouble")
        write = self._log.warning if bad else self._log.info
        write(name, seq=event.seq, about=event.subject, **data)
