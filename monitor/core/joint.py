"""Joint confirmation: what several looks that miss at once prove together of one component.

Each look weighs its own silence (`detection`). If they were independent their scores could be added; but one
short black-out of what they share silences all of them, so the sum is bounded by what such a black-out would
make of it: ln(1 / pi) + t / B after t seconds, with pi the share of time spent in common black-outs and B
their mean length.
"""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from monitor.core.incident import Stage


class Burst(NamedTuple):
    """How a component goes black for a moment while it is healthy."""

    mean: float
    """B, seconds."""
    share: float
    """pi, share of time."""


CIRCUIT = Burst(0.3, 1e-5)
SHARED = Burst(0.4, 1e-5)
"""Of routers, network cores and whatever else many looks cross."""
SERVICE = Burst(0.5, 1e-4)


class Miss(NamedTuple):
    """One look that looks down."""

    score: float
    """ln P(what was seen | down) - ln P(what was seen | up), nats."""
    began: float
    """Wall time of its first miss, Unix seconds."""
    latest: float
    """Wall time of its latest miss, Unix seconds."""
    suspect: float
    """Nats from which it would be suspected alone."""
    confirm: float
    """Nats from which it would be believed down alone."""


WAVE = 5.0
"""Seconds within which the first misses of one fault follow each other."""
SURE = 0.9
"""A cause less probable than this is not named yet."""
ANSWERED = 1.0
"""Seconds after the first miss by which the looks at everything nearby have been answered or missed, too."""


def stage(misses: Sequence[Miss], burst: Burst, confidence: float, *, now: float) -> Stage | None:
    """Say how far these misses prove their common cause; None: not enough to be shown."""
    if not misses or confidence < SURE:
        return None
    total = sum(miss.score for miss in misses)
    first = began(misses) or 0.0
    latest = max(miss.latest for miss in misses)
    bounded = min(total, log(1 / burst.share) + (latest - first) / burst.mean)
    alone = any(miss.score >= miss.confirm for miss in misses)
    if now - first >= ANSWERED and (alone or bounded >= max(miss.confirm for miss in misses)):
        return Stage.CONFIRMED
    return Stage.SUSPECTED if total >= max(miss.suspect for miss in misses) else None


def began(misses: Sequence[Miss]) -> float | None:
    """Return the wall time of the first miss of the wave in which most of what was missed began.

    A doubt that is older than that has another reason, and one that came later, too: neither says when the
    fault began. None without any misses.
    """
    half = sum(miss.score for miss in misses) / 2
    before: list[float] = []
    for miss in sorted(misses, key=lambda miss: miss.began):
        if before and miss.began - before[-1] > WAVE:
            before = []
        before.append(miss.began)
        half -= miss.score
        if half <= 0.0:
            return before[0]
    return None
