"""The daemon's parts as the settings want them."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.core.vitals import Vitals
from monitor.engine.duty import DutyDesk
from monitor.engine.lifecycle import Engine, Tuning
from monitor.engine.orders import Orders
from monitor.kit.resolver import shared
from monitor.outputs.alertmanager import AlertmanagerOutput
from monitor.outputs.mqtt import MqttOutput
from monitor.outputs.webhook import WebhookOutput
from monitor.ports import Output
from monitor.settings import Settings
from monitor.store import Store
from monitor.vantages.collector import Collector
from monitor.vantages.reporter import Reporter


def tuning_of(settings: Settings) -> Tuning:
    """Return how the engine is to judge."""
    detection = settings.detection
    return Tuning(
        false_alarms_per_year=detection.false_alarms_per_year,
        suspicions_per_year=detection.suspicions_per_year,
        degradations_per_year=detection.degradations_per_year,
        concurrency=settings.looking.concurrency,
        hold=detection.hold,
        trace_every=settings.tracing.every,
    )


class Outputs(NamedTuple):
    """What the outputs are made from."""

    settings: Settings
    vitals: Vitals
    engine: Engine
    store: Store
    desk: DutyDesk
    orders: Orders

    def made(self) -> Iterator[Output]:
        """Give the outputs that the settings want."""
        yield from self._on_the_broker()
        for name, webhook in self.settings.webhooks.items():
            yield WebhookOutput(name, webhook.options(), self.vitals, self.desk.names)
        for name, alertmanager in self.settings.alertmanagers.items():
            yield AlertmanagerOutput(name, alertmanager.options(), self.vitals, self.desk.names)
        for name, report in self.settings.reports.items():
            yield Reporter(name, report.options(), self.vitals, self.store, resolve=_resolve)

    def _on_the_broker(self) -> Iterator[Output]:
        settings, engine = self.settings, self.engine
        if settings.mqtt.host is None:
            return
        broker = settings.mqtt.options(settings.vantage)
        zone, carry = ZoneInfo(settings.timezone), partial(self.orders.answer, via="mqtt")
        yield MqttOutput(broker, self.vitals, resolve=_resolve, zone=zone, carry=carry, intake=engine.intake)
        if settings.collect:
            yield Collector(broker, self.vitals, engine.ear, self.store, resolve=_resolve)


async def _resolve(host: str) -> list[str]:
    """Resolve the broker's name as everything else is resolved: bounded, cached, in no one's way."""
    return await shared().resolve(host)
