"""Brings every event of the kinds that are wanted to a URL, signed, until it has been taken.

Headers and signature are those of Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id` names the event
for ever, so a receiver that knows it already can say yes and forget it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from yarl import URL

from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import Event, EventKind
from monitor.kit.backoff import Backoff
from monitor.kit.courier import Fate, Page, Receipt, bring
from monitor.kit.http_client import Ask
from monitor.kit.signing import signed
from monitor.kit.tls import context
from monitor.ports import Feed

AGAIN = frozenset({Fate.LATER, Fate.UNSURE})
OnDuty = Callable[[], Sequence[str]]
"""Gives the names of the officers who are on duty now."""


class WebhookOptions(BaseModel):
    """Where to bring events, and which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Page = Field(description="Where to bring them, `https://host/path`.")
    kinds: list[EventKind] = Field(
        default=["incident", "planned"],
        min_length=1,
        description="Which events: `incident`, `planned`, `status`, `daemon`, `belief`.",
    )
    timeout: float = Field(default=10.0, gt=0, le=300, description="Seconds that the receiver may take.")
    ca: Path | None = Field(default=None, description="PEM file of who may vouch for it; none: the system's.")
    password: SecretStr | None = Field(default=None, description="What messages are signed with.")


class WebhookOutput:
    """Delivers in the order of the log, one at a time; a receiver that was away gets all of it."""

    durable = True

    def __init__(self, name: str, options: WebhookOptions, vitals: Vitals, on_duty: OnDuty) -> None:
        """Bring events to the receiver *name*."""
        self.name = f"webhook-{name}"
        self.own = vitals.outputs.setdefault(self.name, OutputVitals())
        self._options = options
        self._on_duty = on_duty
        self._backoff = Backoff(base=1.0, cap=60.0)
        secure = options.url.startswith("https")
        self._tls = context(str(options.ca) if options.ca else None) if secure else None

    async def run(self, feed: Feed) -> None:
        """Deliver what the feed brings until cancelled."""
        while True:
            news = await feed.news()
            self.own.dropped += news.dropped
            for left, event in zip(range(len(news.events), 0, -1), news.events, strict=True):
                self.own.queued = left
                if event.received_at is None and event.kind in self._options.kinds:
                    await self._deliver(event)
                feed.told(event.position)
            self.own.queued = 0

    async def _deliver(self, event: Event) -> None:
        body = json.dumps(self._payload(event), ensure_ascii=False).encode()
        while (receipt := await self._attempt(event, body)).fate in AGAIN:
            self._note_trouble(receipt)
            await asyncio.sleep(max(self._backoff.next(), receipt.wait or 0.0))
        self._backoff.reset()
        self.own.connected = True
        if receipt.fate is Fate.TAKEN:
            self.own.delivered += 1
            self.own.trouble = ""
        else:
            self._note_trouble(receipt)

    def _note_trouble(self, receipt: Receipt) -> None:
        self.own.failed += 1
        self.own.connected = receipt.fate is Fate.REFUSED
        self.own.trouble = receipt.words or str(receipt.fate)

    async def _attempt(self, event: Event, body: bytes) -> Receipt:
        headers = signed(_id(event), int(time.time()), body, self._secret())
        ask = Ask("POST", URL(self._options.url), headers | {"Content-Type": "application/json"}, body)
        return await bring(ask, self._options.timeout, self._tls)

    def _secret(self) -> str | None:
        return None if self._options.password is None else self._options.password.get_secret_value()

    def _payload(self, event: Event) -> dict[str, object]:
        return {
            "id": _id(event),
            "vantage": event.vantage,
            "boot": event.boot,
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            "subject": event.subject,
            "on_duty": list(self._on_duty()),
            "data": event.data,
        }


def _id(event: Event) -> str:
    return f"{event.vantage}/{event.boot}/{event.seq}"
