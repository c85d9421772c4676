"""What can be told about a broker in a file of settings."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.kit.mqtt.broker import Broker, Tls
from monitor.kit.mqtt.topics import is_topic


class TlsOptions(BaseModel):
    """How broker and daemon prove who they are; TLS 1.3. The files are read anew for each connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: Path | None = Field(
        default=None, description="PEM file of who may vouch for the broker; none: the system's."
    )
    cert: Path | None = Field(
        default=None, description="PEM file of our own certificate, if the broker wants one."
    )
    key: Path | None = Field(default=None, description="PEM file of its key, without a passphrase.")

    @model_validator(mode="after")
    def _together(self) -> "TlsOptions":
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together")
        return self

    def paths(self) -> Tls:
        """Return the files as the connection takes them."""
        return Tls(*(str(path) if path else None for path in (self.ca, self.cert, self.key)))


class BrokerOptions(BaseModel):
    """Which broker, who we are to it, and where on it our topics begin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, max_length=253, description="Name or address of the broker.")
    port: int = Field(default=1883, ge=1, le=65535, description="Its TCP port; usually 8883 with TLS.")
    protocol: Literal["5", "3.1.1"] = Field(
        default="5",
        description="Version of MQTT. With 3.1.1 a refused publish cannot be seen, and nothing expires.",
    )
    root: str = Field(default="command/v1", max_length=128, description="First levels of every topic.")
    client_id: str = Field(
        default="", max_length=64, description="Our name at the broker; empty: `command-monitor-<vantage>`."
    )
    username: str | None = Field(default=None, description="User, if the broker asks for one.")
    password: SecretStr | None = Field(default=None, description="Its password.")
    keepalive: int = Field(
        default=10,
        ge=1,
        le=3600,
        description="Seconds between two signs of life, and between two heartbeats.",
    )
    timeout: float = Field(
        default=5.0,
        gt=0,
        le=300,
        description="Seconds to connect, and without an acknowledgement, before the broker is given up.",
    )
    tls: TlsOptions | None = Field(default=None, description="Files for TLS; none: no TLS.")
    max_packet: int = Field(
        default=65536,
        ge=1024,
        le=1048576,
        description="Largest packet sent or taken, bytes; larger is told of.",
    )

    @field_validator("root")
    @classmethod
    def _publishable(cls, root: str) -> str:
        if not is_topic(root) or root.startswith("$"):
            raise ValueError(
                "expected levels parted by '/', without '+', '#', a leading '$' or an empty level"
            )
        return root

    def broker(self, *, client_id: str, echo: str | None, session_expiry: int = 3600) -> Broker:
        """Return what the connection takes; *client_id* is our name unless another was given."""
        return Broker(
            self.host,
            self.port,
            client_id=self.client_id or client_id,
            protocol=self.protocol,
            username=self.username,
            password=self.password.get_secret_value() if self.password else None,
            tls=self.tls.paths() if self.tls else None,
            keepalive=self.keepalive,
            timeout=self.timeout,
            session_expiry=session_expiry,
            max_packet=self.max_packet,
            echo=echo,
        )
