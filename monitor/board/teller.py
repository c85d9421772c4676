"""Says names, healths and times as the terminal shows them: in one language, with a sign for each health."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from monitor.core.sentence import duration
from monitor.core.words import Words

SIGNS: Mapping[str, tuple[str, str]] = {
    "up": ("✔", "green"),
    "on_backup": ("↷", "yellow"),
    "degraded": ("▾", "yellow"),
    "down": ("✘", "bold red"),
    "unknown": ("?", "magenta"),
    "maintenance": ("⚒", "cyan"),
}
"""A sign and a style for each health, so that colour is never all; all signs are one cell wide everywhere."""
PRESENCES: Mapping[str, tuple[str, str]] = {
    "online": SIGNS["up"],
    "silent": SIGNS["unknown"],
    "stopped": ("-", "yellow"),
    "unheard": ("?", "dim"),
    "unknown": SIGNS["unknown"],
}
"""The same for the daemons of other vantages: silence is missing evidence, no outage."""
SUSPECTED = ("!", "bold yellow")
STAGES: Mapping[str, tuple[str, str]] = {
    "suspected": SUSPECTED,
    "confirmed": SIGNS["down"],
    "recovering": ("↺", "green"),
    "planned": SIGNS["maintenance"],
    "hidden": SIGNS["unknown"],
}
"""The same for incidents, by stage; also where it is planned work, or another fault hides it."""
_A_DAY = 86_400.0


def how_it_is(incident: Mapping[str, Any]) -> str:
    """Return the stage of an incident, or that it is planned work, or hidden by another fault."""
    return "planned" if incident["planned"] else "hidden" if incident["behind"] else str(incident["stage"])


@dataclass(frozen=True, slots=True)
class Teller:
    """Says names, healths and times in one language, as of one moment."""

    words: Words
    zone: tzinfo | None
    """None: this machine's."""
    now: float
    """Unix seconds."""

    def called(self, name: Mapping[str, str]) -> str:
        """Return a name in this language."""
        return name[self.words.language]

    def clock(self, at: float) -> str:
        """Tell a time of day; with the date, and without the seconds, if it is long ago."""
        pattern = "%H:%M:%S" if self.now - at < _A_DAY else "%m-%d %H:%M"
        return datetime.fromtimestamp(at, self.zone).strftime(pattern)

    def lasting(self, seconds: float) -> str:
        """Tell how long."""
        return duration(seconds, self.words)

    def since(self, at: float | None) -> str:
        """Tell a time and how long ago it was; nothing of a time that nobody knows."""
        return "" if at is None else f"{self.clock(at)} ({self.lasting(self.now - at)})"

    def reason(self, reason: str | None) -> str:
        """Say a reason in words where there are any."""
        return self.words.reason.get(reason, reason) if reason else ""

    def label(self, name: str, count: int) -> str:
        """Say a label that has a number in it."""
        return self.words.label[name].format(count=f"{count:,}")

    def health(self, health: str) -> Text:
        """Say a health with its sign."""
        sign, style = SIGNS[health]
        return Text(f"{sign} {self.words.health[health]}", style)

    def presence(self, presence: str) -> Text:
        """Say with its sign whether a daemon is there."""
        sign, style = PRESENCES[presence]
        return Text(f"{sign} {self.words.presence[presence]}", style)

    def sign_of(self, incident: Mapping[str, Any]) -> Text:
        """Return the sign for an incident."""
        return Text(*STAGES[how_it_is(incident)])

    def suspected(self) -> Text:
        """Say that it is feared only."""
        return Text(f"{SUSPECTED[0]}{self.words.label['suspected']}", SUSPECTED[1])
