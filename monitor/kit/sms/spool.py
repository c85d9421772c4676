"""What every spool can do; all of it blocks on a disk."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

PREFIX = "cm-"
"""What the names of our messages begin with: others may use the same modem."""
FEW = 100
"""What came back that is looked at in one go."""


class Stage(Enum):
    """How far a message has got."""

    WAITING = auto()
    """It lies in the spool, and nobody has touched it."""
    SENDING = auto()
    """The modem's daemon has it in its hands."""
    SENT = auto()
    """The network has taken it."""
    FAILED = auto()
    """The daemon has given it up."""
    GONE = auto()
    """It is nowhere to be found."""


class Found(NamedTuple):
    """Where a message was found."""

    stage: Stage
    words: str = ""
    """Why it failed."""


class Parcel(NamedTuple):
    """One message to lay into a spool."""

    name: str
    number: str
    """With the country's prefix, digits only."""
    text: str
    urgent: bool
    report: bool
    """Word is wanted when it has arrived."""


class Arrived(NamedTuple):
    """Word that a message has arrived at its telephone, or never will."""

    token: str
    """Names the spool's copy of this word."""
    name: str
    arrived: bool
    words: str = ""


class Heard(NamedTuple):
    """A message that came from outside."""

    token: str
    sender: str
    text: str


class Spool(Protocol):
    """The folders or tables of the daemon that drives the modem. Raises OSError if they cannot be used."""

    def lay(self, parcel: Parcel) -> Found:
        """Lay a message down whole or not at all, unless it was before; one that failed may be laid again."""

    def find(self, name: str) -> Found:
        """Return where a message is."""

    def withdraw(self, name: str) -> bool:
        """Take a message back; True: nobody has touched it, and nobody will."""

    def back(self) -> Sequence[Arrived | Heard]:
        """Return what has come back and was not forgotten, a few at a time."""

    def forget(self, token: str) -> None:
        """Let what has come back not come again."""
