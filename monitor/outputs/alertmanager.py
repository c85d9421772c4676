"""Shows every confirmed incident as an alert of Prometheus' Alertmanager (API v2), until it is closed.

An alert's labels never change, whatever the incident is called later on: they are what Alertmanager knows it
by. It is shown anew before it runs out; if this daemon dies, it runs out by itself.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from yarl import URL

from monitor.core.incident import Stage
from monitor.core.story import Story
from monitor.core.vitals import OutputVitals, Vitals
from monitor.core.world import World
from monitor.kit.backoff import Backoff
from monitor.kit.courier import Fate, Receipt, bring, is_page
from monitor.kit.http_client import Ask
from monitor.kit.tls import context
from monitor.ports import Feed

ALERT = "CommandNetworkIncident"
"""The `alertname` of all of them."""
WATCHDOG = "CommandMonitorWatchdog"
"""The `alertname` of the alert that is always there."""
LASTS = 4
"""Refreshes after which an alert that is not shown any more runs out."""

Alert = dict[str, object]
Labels = Mapping[str, str]
OnDuty = Callable[[], Sequence[str]]
"""Gives the names of the officers who are on duty now."""


class AlertmanagerOptions(BaseModel):
    """Which Alertmanager is shown our incidents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(max_length=2000, description="Its address, `http://127.0.0.1:9093`.")
    refresh: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        description="Seconds between two showings of an alert; it lasts four times so long.",
    )
    watchdog: bool = Field(
        default=False,
        description="Show an alert that is always there: whoever misses it knows that this daemon is dead, "
        "or the way to it.",
    )
    labels: dict[str, str] = Field(default={}, description="Further labels of every alert, for its routes.")
    timeout: float = Field(default=10.0, gt=0, le=300, description="Seconds that it may take to answer.")
    ca: Path | None = Field(default=None, description="PEM file of who may vouch for it; none: the system's.")
    username: str | None = Field(default=None, description="User, if it asks for one.")
    password: SecretStr | None = Field(default=None, description="Its password.")

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        if not is_page(text):
            raise ValueError("expected http://host:port or https://host:port, without a user in it")
        return text.rstrip("/")


class AlertmanagerOutput:
    """Shows the world's incidents, changed ones at once; needs no log, for it shows what is, not what was."""

    durable = False

    def __init__(self, name: str, options: AlertmanagerOptions, vitals: Vitals, on_duty: OnDuty) -> None:
        """Show incidents to the Alertmanager *name*."""
        self.name = f"alertmanager-{name}"
        self.own = vitals.outputs.setdefault(self.name, OutputVitals())
        self._options = options
        self._on_duty = on_duty
        self._backoff = Backoff(base=0.5, cap=options.refresh)
        self._known: dict[str, Labels] = {}
        """Labels by incident, of all alerts that it may hold."""
        secure = options.url.startswith("https")
        self._tls = context(str(options.ca) if options.ca else None) if secure else None

    async def run(self, feed: Feed) -> None:
        """Show what is, whenever it changes and as often as it must be shown anew, until cancelled."""
        while True:
            receipt = await self._show(feed.world)
            if receipt.fate is Fate.TAKEN:
                self._backoff.reset()
                await feed.news(self._options.refresh, events=False)
            else:
                await asyncio.sleep(max(self._backoff.next(), receipt.wait or 0.0))

    async def _show(self, world: World) -> Receipt:
        if not self.own.connected:
            receipt = await self._remember(world.vantage)
            if receipt.fate is not Fate.TAKEN:
                return self._noted(receipt)
        open_ = [story for story in world.stories.values() if is_alarm(story)]
        now = time.time()
        firing = [self._alert(story, world, now) for story in open_]
        over = self._known.keys() - {story.incident.id for story in open_}
        resolved = [{"labels": dict(self._known[name]), "endsAt": _iso(now)} for name in over]
        always = [self._watchdog(world.vantage, now)] if self._options.watchdog else []
        if not (firing or resolved or always):
            return self._noted(await self._remember(world.vantage))  # so that we know that it is there
        receipt = await self._ask("POST", "/api/v2/alerts", [*firing, *resolved, *always])
        if receipt.fate is Fate.TAKEN:
            self.own.delivered += len(firing) + len(resolved)
            for name in over:
                del self._known[name]
        return self._noted(receipt)

    def _noted(self, receipt: Receipt) -> Receipt:
        self.own.connected = receipt.fate is Fate.TAKEN
        self.own.failed += not self.own.connected
        self.own.trouble = "" if self.own.connected else receipt.words
        return receipt

    async def _remember(self, vantage: str) -> Receipt:
        """Ask which alerts of ours it holds: after a restart of ours they keep their labels, or are ended."""
        query = {"active": "true", "filter": [f'alertname="{ALERT}"', f'vantage="{vantage}"']}
        receipt = await self._ask("GET", "/api/v2/alerts", query=query)
        if receipt.fate is Fate.TAKEN:
            for labels in _labels(receipt.body):
                if isinstance(name := labels.get("incident"), str):
                    self._known.setdefault(name, labels)
        return receipt

    async def _ask(self, method: str, path: str, body: object = None, query: object = None) -> Receipt:
        options = self._options
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if options.username is not None:
            secret = options.password.get_secret_value() if options.password is not None else ""
            pair = base64.b64encode(f"{options.username}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        url = URL(options.url + path).with_query(cast("dict[str, str]", query or {}))
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return await bring(Ask(method, url, headers, data), options.timeout, self._tls)

    def _watchdog(self, vantage: str, now: float) -> Alert:
        labels = self._options.labels | {"alertname": WATCHDOG, "vantage": vantage}
        return {"labels": labels, "endsAt": self._runs_out(now)}

    def _runs_out(self, now: float) -> str:
        return _iso(now + LASTS * self._options.refresh)

    def _alert(self, story: Story, world: World, now: float) -> Alert:
        incident = story.incident
        labels = self._known.setdefault(incident.id, self._new_labels(story, world))
        return {
            "labels": dict(labels),
            "annotations": _annotations(story, self._on_duty()),
            "startsAt": _iso(incident.since),
            "endsAt": self._runs_out(now),
        }

    def _new_labels(self, story: Story, world: World) -> Labels:
        own = {
            "alertname": ALERT,
            "incident": story.incident.id,
            "vantage": world.vantage,
            "component": story.incident.component,
            "kind": story.kind,
            "center": story.center or "",
        }
        return {name: value for name, value in (self._options.labels | own).items() if value}


def is_alarm(story: Story) -> bool:
    """Tell whether somebody is to be told: it is confirmed, not closed, and nobody works on it by plan."""
    incident = story.incident
    confirmed = incident.confirmed_at is not None and incident.stage is not Stage.CLOSED
    return confirmed and not incident.planned


def _annotations(story: Story, on_duty: Sequence[str]) -> Mapping[str, str]:
    calls = (f"{call.carrier.zh} {call.hotline} {' '.join(call.numbers)}".strip() for call in story.calls)
    told = {
        "summary": story.sentence["zh"],
        "summary_en": story.sentence["en"],
        "confidence": f"{story.incident.confidence:.0%}",
        "relapses": str(story.incident.relapses or ""),
        "carrier": "；".join(calls),
        "on_duty": "、".join(on_duty),
    }
    return {name: text for name, text in told.items() if text}


def _labels(body: bytes) -> Iterable[Labels]:
    try:
        found = json.loads(body)
    except ValueError:
        return ()
    alerts = found if isinstance(found, list) else []
    labels = (alert.get("labels") for alert in alerts if isinstance(alert, dict))
    return [one for one in labels if isinstance(one, dict)]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
