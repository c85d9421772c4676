"""What the answers of one burst tell: loss of either direction, jitter, order, doubles.

A stateful reflector numbers what it reflects. Of the packets up to the last one that was answered, its number
tells how many arrived there; what is missing of those was lost on the way back. Of packets after that one
nobody knows where they were lost.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple


class Seen(NamedTuple):
    """One answer, in the order of arrival."""

    ours: int
    """Our number, from 0."""
    theirs: int
    """The reflector's."""
    rtt: float
    """Seconds, without those that the reflector took."""
    out: float
    """Seconds on the way there, plus the distance of the clocks."""
    back: float
    """Seconds on the way back, less the same."""


class Tally(NamedTuple):
    """What became of a burst; counts are packets."""

    sent: int
    received: int
    """Of those sent, the ones that were answered."""
    asked: int
    """Packets up to the last that was answered."""
    reached: int
    """Of those asked, the ones that arrived at the reflector."""
    doubles: int
    """Answers beyond the first to a packet."""
    reordered: int
    """Answers that came after one to a later packet (RFC 4737 section 3.3)."""

    @property
    def loss(self) -> float:
        """Share of packets that was not answered."""
        return (self.sent - self.received) / self.sent if self.sent else 0.0

    @property
    def loss_out(self) -> float:
        """Share lost on the way there."""
        return (self.asked - self.reached) / self.asked if self.asked else 0.0

    @property
    def loss_back(self) -> float:
        """Share lost on the way back of what had arrived there."""
        return (self.reached - self.received) / self.reached if self.reached else 0.0


def tally(sent: int, answers: Sequence[Seen]) -> Tally:
    """Count what became of packets 0 to *sent* - 1."""
    first: dict[int, int] = {}
    twice_there, reordered, latest = 0, 0, -1
    for seen in answers:
        if seen.ours in first:
            twice_there += first[seen.ours] != seen.theirs
            continue
        first[seen.ours] = seen.theirs
        reordered += seen.ours < latest
        latest = max(latest, seen.ours)
    asked = latest + 1
    began = max([0, *(theirs - ours - twice_there for ours, theirs in first.items())])
    counted = max(first.values(), default=-1) + 1 - began - twice_there
    reached = min(max(counted, len(first)), asked)
    return Tally(sent, len(first), asked, reached, len(answers) - len(first), reordered)


def variation(delays: Iterable[float]) -> float:
    """Return the packet delay variation: the 95th percentile less the least (RFC 5481 section 4.2)."""
    ranked = sorted(delays)
    return ranked[ceil(0.95 * len(ranked)) - 1] - ranked[0] if ranked else 0.0
