"""The ways to reach people, as they stand in the settings: options are those of the kind, secrets files."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from monitor.channels import load_channels
from monitor.config.schema import FileModel
from monitor.config.validation import wanted
from monitor.config.words import nearest, one_of
from monitor.ports import Channel, ChannelKind, ChannelOptions
from monitor.settings.brokers import Password, read_secret
from monitor.settings.folders import absolute

_UNREAD = "unread"
"""Stands for a secret while only its being there counts."""


@cache
def kinds() -> Mapping[str, ChannelKind]:
    """Return every kind of channel, by name."""
    return load_channels()


def _known(kind: str) -> str:
    if kind not in kinds():
        raise wanted(one_of(kinds(), "a kind"), nearest(kind, kinds()))
    return kind


class ChannelSettings(FileModel):
    """A way to reach people. All other keys are options of the kind: see [channel kinds](#channel-kinds)."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, AfterValidator(_known)]
    """How: sms, email, webhook …"""
    password: Password = Field(default=None, exclude=True)
    password_file: Path | None = None
    """File that holds the secret that the peer wants, and nothing else; without one, the systemd credential
    `channel-<name>-password`."""

    def known(self) -> ChannelKind:
        """Return the kind."""
        return kinds()[self.kind]

    def options(self, folder: Path) -> ChannelOptions:
        """Return what the kind takes, with relative paths starting at *folder*, the secret still unread.

        Raises pydantic's ValidationError.
        """
        model = self.known().options
        given = {
            k: v for k, v in (self.model_extra or {}).items() if v is not None or k not in model.model_fields
        }
        secret = {} if self.password_file is None else {"password": _UNREAD}
        return absolute(model.model_validate(given | secret), folder)

    def open(self, folder: Path) -> Channel:
        """Return the channel, inside the running event loop. Blocks on the secret; may raise ConfigError."""
        secret = {key: SecretStr(value) for key, value in read_secret(self.password_file).items()}
        return self.known().open(self.options(folder).model_copy(update=secret))


OWN_KEYS = frozenset(ChannelSettings.model_fields) - {"password"}
"""Keys of a channel that are not options of its kind."""


def open_channels(
    channels: Mapping[str, ChannelSettings], folder: Path
) -> dict[str, tuple[ChannelKind, Channel]]:
    """Open every channel, inside the running event loop, by name; relative paths start at *folder*.

    Blocks on the secrets. Raises ConfigError if one cannot be read.
    """
    return {name: (kinds()[one.kind], one.open(folder)) for name, one in channels.items()}


def told_channels(
    channels: Mapping[str, ChannelSettings], folder: Path
) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """Give what names files in every channel that is sound, with the path of its section in the settings."""
    for name, channel in channels.items():
        yield ("channels", name), channel
        with contextlib.suppress(ValidationError):
            yield ("channels", name), channel.options(folder)
