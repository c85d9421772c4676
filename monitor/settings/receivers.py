"""Who else is told, as it stands in the settings: their secrets are files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from monitor.outputs.alertmanager import AlertmanagerOptions
from monitor.outputs.webhook import WebhookOptions
from monitor.settings.brokers import Password, read_secret


class WebhookSettings(WebhookOptions):
    """A receiver of events; what they are signed with is a file."""

    password: Password = Field(default=None, exclude=True)
    password_file: Path | None = Field(
        default=None,
        description="File that holds what messages are signed with, and nothing else; without one, the "
        "systemd credential `webhook-<name>-password`. Neither: they are not signed.",
    )

    def options(self) -> WebhookOptions:
        """Return what the output takes, with the secret read. Blocks on the file, may raise ConfigError."""
        return WebhookOptions.model_validate(
            self.model_dump(exclude={"password_file"}) | read_secret(self.password_file)
        )


class AlertmanagerSettings(AlertmanagerOptions):
    """An Alertmanager; the password is a file."""

    password: Password = Field(default=None, exclude=True)
    password_file: Path | None = Field(
        default=None,
        description="File that holds the password and nothing else; without one, the systemd credential "
        "`alertmanager-<name>-password`.",
    )

    def options(self) -> AlertmanagerOptions:
        """Return what the output takes, with the password read. Blocks on the file, may raise ConfigError."""
        return AlertmanagerOptions.model_validate(
            self.model_dump(exclude={"password_file"}) | read_secret(self.password_file)
        )


Receiver = WebhookSettings | AlertmanagerSettings


def told_receivers(
    webhooks: Mapping[str, WebhookSettings], alertmanagers: Mapping[str, AlertmanagerSettings]
) -> Iterator[tuple[tuple[str, ...], Receiver]]:
    """Give every receiver, with the path of its section in the settings."""
    for name, webhook in webhooks.items():
        yield ("webhooks", name), webhook
    for name, alertmanager in alertmanagers.items():
        yield ("alertmanagers", name), alertmanager
