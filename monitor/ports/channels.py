"""How a way of reaching people meets the rest: what it brings, and what comes back over it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.core.alarm import Address, Message
from monitor.kit.courier import Receipt


class ChannelOptions(BaseModel):
    """What every kind of channel can be told; each kind has more, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    timeout: float = Field(default=10.0, gt=0, le=300, description="Seconds that one attempt may take.")
    password: SecretStr | None = Field(
        default=None, exclude=True, description="The secret that the peer wants, if any."
    )
    per_minute: int = Field(
        default=6,
        ge=0,
        le=6000,
        description="Messages to one person in a minute, at most: what comes faster is told together. "
        "0: any number.",
    )


@dataclass(frozen=True, slots=True)
class Delivered:
    """Word of a message that was handed over before: it has, or has not, arrived at the person's end."""

    reference: str
    """The peer's own name of the message, from its receipt."""
    arrived: bool
    words: str = ""
    """Why not, for people."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person answered."""

    sender: str
    """The address that it came from."""
    text: str


Back = Delivered | Reply
"""What comes back over a channel."""
Hear = Callable[[Back], Awaitable[None]]
"""Takes what came back; returns when it is recorded, so that the peer's copy may be thrown away."""


class Channel(Protocol):
    """One way to reach people, with one peer."""

    async def send(self, message: Message) -> Receipt:
        """Make one attempt, bounded in time, to hand over *message*; never raises.

        TAKEN only on the peer's final yes; a message with the same key may come again.
        """

    async def run(self, hear: Hear) -> None:
        """Bring back what comes later, until cancelled; without anything that may come, wait for ever."""

    async def aclose(self) -> None:
        """Let go of everything."""


def as_json(message: Message) -> bytes:
    """Return all of *message* for programs, in UTF-8."""
    told = {field.name: getattr(message, field.name) for field in fields(message)}
    text = json.dumps(told | {"facts": dict(message.facts)}, ensure_ascii=False)
    return text.encode("utf-8", "replace")


class OneWay:
    """What a channel has beside `send` if nothing comes back over it, and it holds nothing open."""

    async def run(self, hear: Hear) -> None:
        """Wait for ever."""
        del hear
        await asyncio.get_running_loop().create_future()

    async def aclose(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One way of reaching people: its name, what it can be told, and how it is opened."""

    name: str
    summary: str
    options: type[ChannelOptions]
    open: Callable[..., Channel]
    """`open(options) -> Channel`, inside the running event loop; touches nothing yet."""
    address: Address
    """What it needs of an officer."""
    at_once: int
    """Messages under way at the same time."""
    reports: bool
    """It hears whether a message has arrived at the person's end."""
