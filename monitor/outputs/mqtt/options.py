"""What the MQTT output can be told."""

from pydantic import Field, model_validator

from monitor.kit.mqtt.options import BrokerOptions, TlsOptions

MqttTls = TlsOptions


class MqttOptions(BrokerOptions):
    """Which broker is told, and how."""

    valid_for: float = Field(
        default=30.0, gt=0, le=86400, description="Seconds for which a status holds; older ones mean unknown."
    )
    refresh: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which an unchanged status is told again; none: a third of valid_for.",
    )

    heartbeats: bool = Field(
        default=False,
        description="Take heartbeats that come by this broker, below `heartbeat/`: whoever may publish there "
        "speaks for what is watched, so let its ACL say who that is.",
    )
    orders: bool = Field(
        default=False,
        description="Take orders (planned work, roll-calls, alarms) that come by this broker: whoever may "
        "publish below `command/` can then silence alarms, so let its ACL say who that is.",
    )

    @model_validator(mode="after")
    def _refreshed_in_time(self) -> "MqttOptions":
        if self.refresh is not None and self.refresh >= self.valid_for:
            raise ValueError("refresh must be shorter than valid_for")
        return self

    @property
    def interval(self) -> float:
        """Seconds between two publications of an unchanged status."""
        return self.refresh or self.valid_for / 3
