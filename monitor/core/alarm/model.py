"""The words of alarms: what is escalated, to whom it is told, and how far each notice has got."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
SHORTEST = 70
"""UTF-16 code units of a short message in Chinese that is not split (3GPP TS 23.038: 140 octets of UCS-2)."""


class Address(StrEnum):
    """What a channel needs of an officer to reach them."""

    PHONE = "phone"
    EMAIL = "email"
    NONE = "none"
    """It speaks to a place, whoever is there: a siren, a chat room, a log."""


class Severity(StrEnum):
    """How urgent an alarm is."""

    CRITICAL = "critical"
    """A center, or a whole network, cannot be reached."""
    WARNING = "warning"
    """Something is broken, and what is left still works."""
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to one person over one channel, as often as it takes."""

    key: str
    """Names it for ever; the same if it is brought again."""
    to: str
    """The person's address; empty if the channel speaks to a place."""
    language: str
    severity: Severity
    title: str
    """One line: what an e-mail's subject says."""
    short: str
    """All that matters in at most 70 UTF-16 code units."""
    text: str
    """All of it, in lines."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """The same for programs."""
    unsure: bool = False
    """It was brought before and may have been taken."""
