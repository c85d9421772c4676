"""How what other vantages say comes in."""

from collections.abc import Mapping
from typing import Protocol

from monitor.core.agent import Agent, Heard
from monitor.core.world import Event, Json, World


class Hearing(Protocol):
    """Who is to know what other vantages say: the engine."""

    @property
    def world(self) -> World:
        """The latest world."""

    def heard(self, vantage: str, beliefs: Mapping[str, Heard | None]) -> None:
        """Take in what *vantage* believes of these checks; None: nothing valid any more."""

    def agent(self, agent: Agent, what: str = "", **data: Json) -> None:
        """Take in how the daemon of another vantage is; *what*, if given, is told as an event about it."""

    def broker(self, lost_at: float | None) -> None:
        """Take in since when there is no connection to the broker (monotonic seconds); None: there is one."""

    def tell(self, what: str, **data: Json) -> None:
        """Tell an event about the daemons of the other vantages together."""

    def traced(self, event: Event) -> None:
        """Take in the event of a trace of another vantage, once it is recorded."""
