"""What a report to another level can be told."""

from math import ceil

from pydantic import Field

from monitor.kit.mqtt import Broker
from monitor.kit.mqtt.options import BrokerOptions
from monitor.vantages.topics import echo_topic

PATIENCE = 3
"""Heartbeats that may be missed before a daemon is to be taken for silent."""
NO_QUEUE = 0
"""Seconds for which the broker keeps our session: acknowledgements are retained, nothing else comes to us."""


class ReportOptions(BrokerOptions):
    """Which broker is told what this vantage believes and what happened here."""

    client_id: str = Field(
        default="",
        max_length=64,
        description="Our name at the broker; empty: `command-monitor-<vantage>-report-<name>`.",
    )
    valid_for: float = Field(
        default=30.0,
        ge=1,
        le=86400,
        description="Seconds for which a belief holds unless it is told again, thrice in that time.",
    )

    @property
    def expiry(self) -> int:
        """Whole seconds after which a broker throws a belief away."""
        return ceil(self.valid_for)

    @property
    def silence(self) -> float:
        """Seconds of silence after which the daemon is to be taken for silent."""
        return float(PATIENCE * self.keepalive)

    def report_broker(self, vantage: str, name: str) -> Broker:
        """Return the broker of the report *name* of *vantage*.

        The name at the broker is another than that of the MQTT output, which may tell the same broker.
        """
        return self.broker(
            client_id=f"command-monitor-{vantage}-report-{name}",
            echo=echo_topic(self.root, vantage),
            session_expiry=NO_QUEUE,
        )
