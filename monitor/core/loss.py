"""How a path loses packets while it is healthy: a Gilbert-Elliott channel in continuous time.

Outside bursts a packet is lost with probability g. Bursts (share of time pi, mean length B, both
exponential) swallow a packet with probability b.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from monitor.core.inventory import Bearer


@dataclass(frozen=True, slots=True)
class LossModel:
    """The four parameters of such a path."""

    isolated: float
    """g: probability that a packet is lost outside a burst."""
    burst: float
    """B: mean length of a burst, seconds."""
    share: float
    """pi: share of time spent in bursts."""
    inside: float = 0.95
    """b: probability that a packet is lost inside a burst."""

    def in_burst(self, was: float, gap: float) -> float:
        """Return the probability of being in a burst *gap* seconds after it was *was*."""
        return self.share + (was - self.share) * exp(-gap / (self.burst * (1 - self.share)))

    def lost(self, in_burst: float) -> float:
        """Return the probability that a packet is lost, given that of being in a burst."""
        return (1 - in_burst) * self.isolated + in_burst * self.inside

    def revised(self, in_burst: float, *, lost: bool) -> float:
        """Return the probability of being in a burst once it is known what became of a packet."""
        if lost:
            return in_burst * self.inside / self.lost(in_burst)
        return in_burst * (1 - self.inside) / (1 - self.lost(in_burst))


PRIORS: Mapping[Bearer, LossModel] = {
    Bearer.FIBRE: LossModel(isolated=0.01, burst=0.3, share=1e-5),
    Bearer.MICROWAVE: LossModel(isolated=0.01, burst=0.5, share=1e-4),
    Bearer.MOBILE: LossModel(isolated=0.02, burst=3.0, share=1e-3, inside=0.8),
    Bearer.SATELLITE: LossModel(isolated=0.02, burst=3.0, share=1e-3, inside=0.8),
}
"""What is assumed of a bearer before it has been watched."""

SERVICE = LossModel(isolated=0.003, burst=0.5, share=1e-4)
"""A service over TCP: retransmission hides isolated losses, so each failure weighs more."""
