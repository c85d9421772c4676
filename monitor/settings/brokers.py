"""The brokers that are told, as they stand in the settings: their passwords are files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, field_validator
from pydantic.json_schema import SkipJsonSchema

from monitor.config.validation import wanted
from monitor.config.values import as_written
from monitor.errors import ConfigError, Problem
from monitor.outputs.mqtt.options import MqttOptions
from monitor.vantages.options import ReportOptions

LONGEST_SECRET = 1024
"""Characters that a password may have."""
CREDENTIAL = "{section}-password"
"""Name of the systemd credential of a section: `mqtt-password`, `report-city-password`."""


def _no_secret(value: object) -> object:
    if value is not None:
        raise wanted("`password_file`, or a systemd credential", found="a secret")
    return value


Password = SkipJsonSchema[Annotated[SecretStr | None, BeforeValidator(_no_secret)]]
PasswordFile = Annotated[
    Path | None,
    Field(
        default=None,
        description="File that holds the password and nothing else; without one, the systemd credential "
        "`mqtt-password`, or `report-<name>-password` for a report.",
    ),
]


class MqttSettings(MqttOptions):
    """The broker to tell, and how; the password is a file."""

    host: str | None = Field(  # type: ignore[assignment]  # what is read may be off, what is used is not
        default=None,
        min_length=1,
        max_length=253,
        description="Name or address of the broker; without one, nothing is told on MQTT.",
    )
    password: Password = Field(default=None, exclude=True)
    password_file: PasswordFile = None

    _numbers_are_text = field_validator("protocol", "client_id", "username", mode="before")(as_written)

    def options(self, vantage: str) -> MqttOptions:
        """Return what the output takes, with the password read and our own name given.

        Blocks on the file. Raises ConfigError if it cannot be read.
        """
        given = self.model_dump(exclude={"password_file"})
        given["client_id"] = self.client_id or f"command-monitor-{vantage}"
        return MqttOptions.model_validate(given | read_secret(self.password_file))


class ReportSettings(ReportOptions):
    """A broker that this vantage reports to; the password is a file."""

    password: Password = Field(default=None, exclude=True)
    password_file: PasswordFile = None

    _numbers_are_text = field_validator("protocol", "client_id", "username", mode="before")(as_written)

    def options(self) -> ReportOptions:
        """Return what the report takes, with the password read.

        Blocks on the file. Raises ConfigError if it cannot be read.
        """
        return ReportOptions.model_validate(
            self.model_dump(exclude={"password_file"}) | read_secret(self.password_file)
        )


def read_secret(path: Path | None) -> dict[str, str]:
    """Return the password in a file, for a section's options. Raises ConfigError if it cannot be read."""
    return {} if path is None else {"password": _secret(path)}


def _secret(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_SECRET + 1).rstrip("\r\n")
    except (OSError, ValueError) as error:
        problem = Problem(str(path), None, "", type(error).__name__, "a file with a password")
        raise ConfigError(problems=[problem]) from error
    if not text or len(text) > LONGEST_SECRET or "\n" in text:
        found = "nothing" if not text else "more than one line of text"
        raise ConfigError(problems=[Problem(str(path), None, "", found, "a password and nothing else")])
    return text


Section = TypeVar("Section", bound=BaseModel)


def with_credential(settings: Section, section: str, folder: Path) -> Section:
    """Return *settings* with systemd's credential as their `password_file`, if there is one and no other."""
    credential = folder / CREDENTIAL.format(section=section)
    if getattr(settings, "password_file", None) is not None or not credential.is_file():
        return settings
    return settings.model_copy(update={"password_file": credential})


def told_brokers(
    mqtt: MqttSettings, reports: Mapping[str, ReportSettings]
) -> Iterator[tuple[tuple[str, ...], MqttSettings | ReportSettings]]:
    """Give every broker that is told, with the path of its section in the settings."""
    if mqtt.host is not None:
        yield ("mqtt",), mqtt
    for name, report in reports.items():
        yield ("reports", name), report
