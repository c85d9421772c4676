"""What a person did to the daemon, or had it do: kept for whoever has to answer for it later."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.world import Json


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one person; a fact, never changed."""

    at: float
    """Wall time, Unix seconds."""
    who: str
    """As the person gave it; empty: nobody said."""
    uid: int | None
    """The user as the operating system knows it; None: it does not."""
    via: str
    """The way by which it came: `socket`, `mqtt`, `signal`, `cli` …"""
    what: str
    """A path of what is acted on and the verb: `planned/add`."""
    subject: str = ""
    """Path or id of the one thing that it was done to."""
    data: Mapping[str, Json] = field(default_factory=dict)
    """What else matters: before and after, never a secret."""
