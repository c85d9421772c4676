"""What can be set, with its default and its meaning."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.config.schema import FileModel, Host, Id, Text, as_written, no_truth
from monitor.config.validation import wanted

PREFIX = "COMMAND_MONITOR__"
"""What variables that override one setting begin with."""


Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(no_truth)]
Seconds = Annotated[float, Field(gt=0, le=86_400), BeforeValidator(no_truth)]
Rate = Annotated[float, Field(gt=0, le=100_000), BeforeValidator(no_truth)]


class HttpSettings(FileModel):
    """Where metrics, health and the status are served."""

    listen: Host = "127.0.0.1"
    """Address to listen at; the page has no login, so keep it inside the machine or behind a proxy."""
    port: Port = 9770
    """TCP port."""


class MqttTls(FileModel):
    """TLS to the broker; naming the authority switches it on."""

    ca: Path | None = None
    """Certificates of the authority that signed the broker's; without one, no TLS."""
    cert: Path | None = None
    """Our own certificate, where the broker asks for one."""
    key: Path | None = None
    """The key of our own certificate."""

    @model_validator(mode="after")
    def _together(self) -> "MqttTls":
        if (self.cert is None) != (self.key is None):
            raise wanted("`cert` and `key` together")
        if self.cert is not None and self.ca is None:
            raise wanted("`ca` besides `cert`")
        return self


class MqttSettings(FileModel):
    """The broker to tell, and how."""

    host: Host | None = None
    """Name or address of the broker; without one, nothing is told on MQTT."""
    port: Port = 1883
    """TCP port; with TLS usually 8883."""
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(as_written)] = "5"
    """Version of MQTT."""
    root: Annotated[str, Field(pattern=r"^[^/+#\s]+(/[^/+#\s]+)*$", max_length=100)] = "command/v1"
    """What all topics begin with."""
    client_id: Annotated[Text, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """How we call ourselves to the broker; without one, command-monitor-<vantage>."""
    username: Text | None = None
    """User at the broker, if it asks for one."""
    password_file: Path | None = None
    """File that holds the password and nothing else; without one, the systemd credential `mqtt-password`."""
    keepalive: Annotated[int, Field(ge=2, le=3600), BeforeValidator(no_truth)] = 10
    """Seconds of silence after which the connection is tried; a dead one is noticed after twice that."""
    timeout: Seconds = 5.0
    """Seconds that the broker may take to acknowledge."""
    valid_for: Seconds = 30.0
    """Seconds for which a status holds; whoever reads an older one must take it for unknown."""
    refresh: Seconds | None = None
    """Seconds after which an unchanged status is told again; without one, a third of valid_for."""
    tls: MqttTls = MqttTls()
    """TLS to the broker."""


class DetectionSettings(FileModel):
    """How sure we must be; everything else follows from these."""

    false_alarms_per_year: Rate = 0.01
    """False alarms per check and year that you accept; fewer means later."""
    suspicions_per_year: Rate = 12.0
    """Unfounded suspicions (amber) per check and year that you accept."""

    @model_validator(mode="after")
    def _in_order(self) -> "DetectionSettings":
        if self.suspicions_per_year <= self.false_alarms_per_year:
            raise wanted("more suspicions than false alarms")
        return self


class LookingSettings(FileModel):
    """How much is looked at once."""

    concurrency: Annotated[int, Field(ge=1, le=10_000), BeforeValidator(no_truth)] = 200
    """Looks under way at the same time, those of the batch engines (icmp, tcp) not counted."""


class LogSettings(FileModel):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is worth a line."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto`: for people on a terminal, JSON elsewhere."""


class Settings(BaseSettings):
    """Everything about this daemon; the city itself stands in the inventory."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_parse_none_str="null",
    )

    inventory: Path = Path("shiyan.yaml")
    """The city: an inventory file. Relative paths start at the folder of the settings file."""
    vantage: Id = "city"
    """Where this daemon stands: an id from the inventory's `vantages`."""
    state_dir: Path = Path("/var/lib/command-monitor")
    """Folder for what survives a restart."""
    http: HttpSettings = HttpSettings()
    """Where metrics, health and the status are served."""
    mqtt: MqttSettings = MqttSettings()
    """The broker to tell, and how."""
    detection: DetectionSettings = DetectionSettings()
    """How sure we must be."""
    looking: LookingSettings = LookingSettings()
    """How much is looked at once."""
    log: LogSettings = LogSettings()
    """What is logged, and how it looks."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings
