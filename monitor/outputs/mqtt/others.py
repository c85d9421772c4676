"""Other daemons that tell below our root: harmless as long as they do not tell of the same subjects."""

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.kit.mqtt import Delivery
from monitor.outputs.mqtt.sweep import read, vantage_of

VANTAGE = re.compile(r"[a-z0-9-]{1,32}")
MOST = 1000
"""Other daemons remembered at most; topics are free to write for whoever the broker lets."""
LONGEST = 3600.0
"""Seconds for which a daemon's word is believed at most, whatever it says."""


@dataclass(slots=True)
class _Other:
    until: float
    """Monotonic time until which it is online unless it is heard again."""
    sweeps: int = 0
    """How many intervals we have known it."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another daemon tells the statuses that we tell, so that each overwrites the other's."""

    vantage: str
    topics: int
    """How many of ours it was seen on."""
    topic: str
    """One of them."""

    def __str__(self) -> str:
        return (
            f"{self.vantage} tells {self.topics} of our subjects below our root, {self.topic} among them: "
            "each overwrites the other, give one of them another root"
        )


class Others:
    """Remembers which other daemons are online, and which of our topics were seen with their name."""

    def __init__(
        self,
        vantage: str,
        *,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vantage = vantage
        self._wall = wall
        self._clock = clock
        self._known: dict[str, _Other] = {}
        self._on_ours: dict[str, list[str]] = {}

    async def hear(self, delivery: Delivery) -> None:
        """Take in what a daemon says of itself."""
        told = read(delivery.payload)
        vantage = vantage_of(told)
        if vantage is None or vantage == self._vantage or delivery.topic.rpartition("/")[2] != vantage:
            return
        until = self._clock() + self._holds(told, retained=delivery.retained)
        if told.get("state") not in {"starting", "online"} or until <= self._clock():
            self._known.pop(vantage, None)
        elif vantage in self._known:
            self._known[vantage].until = until
        elif VANTAGE.fullmatch(vantage) and len(self._known) < MOST:
            self._known[vantage] = _Other(until)

    def seen(self, others: Mapping[str, str], is_ours: Callable[[str], bool]) -> None:
        """Take in which topics were told by whom, and remember those that are ours."""
        self._on_ours = {}
        for topic in filter(is_ours, others):
            self._on_ours.setdefault(others[topic], []).append(topic)

    def overlap(self) -> Overlap | None:
        """Return the worst overlap with a daemon that is online."""
        found = [
            Overlap(vantage, len(topics), min(topics))
            for vantage, topics in self._on_ours.items()
            if self._is_online(vantage)
        ]
        return max(found, key=lambda overlap: overlap.topics, default=None)

    def worth_a_look(self) -> bool:
        """Count one interval more, and say whether to look what is told by whom.

        Another daemon is looked at after one, two, four … intervals of its being online: most never overlap.
        """
        self._known = {vantage: other for vantage, other in self._known.items() if self._is_online(vantage)}
        for other in self._known.values():
            other.sweeps += 1
        due = any(other.sweeps & (other.sweeps - 1) == 0 for other in self._known.values())
        return due or self.overlap() is not None

    def _is_online(self, vantage: str) -> bool:
        other = self._known.get(vantage)
        return other is not None and self._clock() < other.until

    def _holds(self, told: Mapping[str, object], *, retained: bool) -> float:
        """Return for how long a word holds, seconds; one that was retained has an age already."""
        valid_for, at = _number(told.get("valid_for")), _number(told.get("at"))
        age = self._wall() - at if retained else 0.0
        holds = min(valid_for - max(age, 0.0), LONGEST)
        return holds if math.isfinite(holds) else 0.0


def _number(value: object) -> float:
    """Return a number as anybody may have written it; not a number if it is none."""
    try:
        return float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan
