"""When to believe that something is down: a sequential test, not a counter.

The test weighs each silence in nats: S = ln P(what was seen | down) - ln P(what was seen | a healthy
path that loses packets as this one does). A healthy path is a Gilbert-Elliott channel: isolated losses
with probability g, and bursts (share of time pi, mean length B) inside which a packet is lost with
probability b. By Wald's inequality (in Ville's form) a healthy path reaches S >= h in an episode with
probability at most e^-h, whatever the spacing of the looks; so a stated number of false alarms per
target-year fixes h, and nothing else has to be tuned.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitor.core.inventory import Bearer

YEAR = 31_557_600.0
"""Seconds in a year."""

ANSWER_WHEN_DOWN = 1e-4
"""Probability that a subject that is down answers a look all the same."""

GOOD_LOOKS_TO_RECOVER = 3
RECOVERY_SPAN = 1.0
"""A subject that was down is up again after three good looks that span at least this many seconds."""


class Verdict(StrEnum):
    """What we hold true of a check."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LossModel:
    """How a path loses packets while it is healthy."""

    isolated: float
    """g: probability that a packet is lost outside a burst."""
    burst: float
    """B: mean length of a burst, seconds."""
    share: float
    """pi: share of time spent in bursts."""
    inside: float = 0.95
    """b: probability that a packet is lost inside a burst."""


PRIORS: dict[Bearer, LossModel] = {
    Bearer.FIBRE: LossModel(isolated=0.01, burst=0.3, share=1e-5),
    Bearer.MICROWAVE: LossModel(isolated=0.01, burst=0.5, share=1e-4),
    Bearer.MOBILE: LossModel(isolated=0.02, burst=3.0, share=1e-3, inside=0.8),
    Bearer.SATELLITE: LossModel(isolated=0.02, burst=3.0, share=1e-3, inside=0.8),
}
"""What is assumed of a bearer before it has been watched."""

SERVICE = LossModel(isolated=0.003, burst=0.5, share=1e-4)
"""A service over TCP: retransmission hides the isolated losses, so each failure weighs more."""

LEARNING_WEIGHT = 200.0
"""How many looks the assumed share of isolated losses is worth."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is held true of one check, and the doubt about it."""

    verdict: Verdict = Verdict.UNKNOWN
    since: float = 0.0
    """Wall time from which the verdict holds, Unix seconds; of a fault, that of its first miss."""
    reason: str = "not_looked_yet"
    detail: str = ""
    suspected: bool = False
    """Enough was missed to be shown (amber), not yet enough to be told."""
