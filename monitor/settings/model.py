"""What can be set, with its default and its meaning."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.board.server import BoardOptions
from monitor.config.schema import FileModel
from monitor.config.validation import wanted
from monitor.config.values import Clock, Id, no_truth
from monitor.config.words import nearest
from monitor.outputs.prometheus import Options as MetricsOptions
from monitor.settings.brokers import MqttSettings, ReportSettings
from monitor.settings.channels import ChannelSettings
from monitor.settings.receivers import AlertmanagerSettings, WebhookSettings
from monitor.settings.reflector import ReflectorSettings
from monitor.settings.traps import TrapSettings
from monitor.store import StoreOptions

PREFIX = "COMMAND_MONITOR__"
"""What variables that override one setting begin with."""


Rate = Annotated[float, Field(gt=0, le=100_000), BeforeValidator(no_truth)]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise wanted("a time zone, `Asia/Shanghai`", nearest(value, available_timezones())) from None
    return value


class DetectionSettings(FileModel):
    """How sure we must be; everything else follows from these."""

    false_alarms_per_year: Rate = 0.01
    """False alarms per check and year that you accept; fewer means later."""
    suspicions_per_year: Rate = 26.0
    """Unfounded suspicions (amber) per check and year that you accept."""
    degradations_per_year: Rate = 0.1
    """Unfounded words that a check has become worse (lossy, slow) per check and year that you accept."""
    hold: Annotated[float, Field(ge=1, le=900), BeforeValidator(no_truth)] = 30.0
    """Seconds for which all must be well before an incident is closed; twice as long after each relapse."""

    @model_validator(mode="after")
    def _in_order(self) -> "DetectionSettings":
        if self.suspicions_per_year <= self.false_alarms_per_year:
            raise wanted("more suspicions than false alarms")
        return self


def _split(value: object) -> object:
    return value.split(":") if isinstance(value, str) else value


def _folder(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/"):
        raise wanted("an absolute path without ..")
    return value.rstrip("/") or "/"


class LookingSettings(FileModel):
    """How much is looked at once, and which programs may be run for it."""

    concurrency: Annotated[int, Field(ge=1, le=10_000), BeforeValidator(no_truth)] = 200
    """Looks under way at the same time, those of the batch engines (icmp, tcp) not counted."""
    plugin_folders: Annotated[list[Annotated[str, AfterValidator(_folder)]], BeforeValidator(_split)] = Field(
        default=[
            "/usr/lib/nagios/plugins",
            "/usr/lib64/nagios/plugins",
            "/usr/lib/monitoring-plugins",
            "/usr/local/lib/nagios/plugins",
        ]
    )
    """Folders in which the programs of `plugin` checks must lie; in the environment parted by colons."""


class TracingSettings(FileModel):
    """How the ways over circuits are traced."""

    every: Annotated[float, Field(ge=0, le=86_400), BeforeValidator(no_truth)] = 600.0
    """Seconds between two traces of a circuit that is well, so that it can be said behind which hop a cut
    lies; 0: nothing is traced."""


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
        enable_decoding=False,
        env_parse_none_str="null",
    )

    inventory: Path = Path("shiyan.yaml")
    """The city: an inventory file. Relative paths start at the folder of the settings file."""
    roster: Path | None = None
    """Who is on duty: a roster file."""
    prove_at: Clock | None = None
    """Time of day, `08:30`, at which a test message goes over every channel to whoever is on duty, every day;
    one that does not arrive is an alarm. Left out: never."""
    letters: Path | None = None
    """A folder of templates for what officers are told: `zh/short.txt`, `zh/title.txt`, `zh/text.txt`, and
    the same below `en`. One that is there takes the place of the program's own."""
    vantage: Id = "city"
    """Where this daemon stands: an id from the inventory's `vantages`."""
    state_dir: Path = Path("/var/lib/command-monitor")
    """Folder for what survives a restart."""
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    """The clock that people read: times in sentences are told in this zone of the IANA's list."""
    http: BoardOptions = BoardOptions()
    """Where metrics, health and the status are served."""
    mqtt: MqttSettings = MqttSettings()
    """The broker to tell, and how."""
    collect: bool = False
    """Gather on that broker what the daemons of the other vantages report to it."""
    reports: dict[Id, ReportSettings] = Field(default_factory=dict)
    """Brokers that collecting daemons listen at, by a name of your own: told what this vantage believes, and
    all that happened here until it is acknowledged."""
    webhooks: dict[Id, WebhookSettings] = Field(default_factory=dict)
    """Who is brought events over HTTP, by a name of your own: each until it has been taken."""
    alertmanagers: dict[Id, AlertmanagerSettings] = Field(default_factory=dict)
    """Which Alertmanagers are shown confirmed incidents, by a name of your own."""
    channels: dict[Id, ChannelSettings] = Field(default_factory=dict)
    """The ways to reach people, by a name of your own."""
    store: StoreOptions = StoreOptions()
    """How the log of events is kept."""
    detection: DetectionSettings = DetectionSettings()
    """How sure we must be."""
    looking: LookingSettings = LookingSettings()
    """How much is looked at once, and which programs may be run for it."""
    reflector: ReflectorSettings = ReflectorSettings()
    """Answering the test packets of others."""
    traps: TrapSettings = TrapSettings()
    """Hearing the SNMP traps of devices."""
    tracing: TracingSettings = TracingSettings()
    """How the ways over circuits are traced."""
    metrics: MetricsOptions = MetricsOptions()
    """What the metrics tell."""
    log: LogSettings = LogSettings()
    """What is logged, and how it looks."""

    @model_validator(mode="after")
    def _has_somewhere_to_collect(self) -> Self:
        if self.collect and self.mqtt.host is None:
            raise wanted(
                "`mqtt.host` too, for `collect: true`: the reports come by that broker", found="no broker"
            )
        return self

    @field_validator("webhooks", "alertmanagers")
    @classmethod
    def _told_once(cls, sections: dict[str, Any]) -> dict[str, Any]:
        """Two sections for one receiver would tell it everything twice."""
        told: dict[str, str] = {}
        for name, section in sections.items():
            if (first := told.setdefault(section.url, name)) != name:
                raise wanted("each receiver once", found=f"the url of {first!r} in {name!r}")
        return sections

    @model_validator(mode="after")
    def _reports_to_each_broker_once(self) -> Self:
        """Two reports would speak of this vantage on the same topics, and each refute the other."""
        told: dict[tuple[str, int, str], str] = {}
        for name, report in self.reports.items():
            broker = (report.host.lower(), report.port, report.root)
            first = told.setdefault(broker, name)
            if first != name:
                found = f"the broker and the root of `reports.{first}` in `reports.{name}`"
                raise wanted("one report to each broker", found=found)
        return self

    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """The file that the settings came from, if there was one."""
        return self._file

    def loaded_from(self, file: Path | None) -> Self:
        """Remember where they came from, for whoever has to name a line."""
        self._file = file
        return self

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
