"""What a path does to a call: the E-model's rating R and MOS, and whether a video conference can be held.

Estimates from probes, not measurements of speech. R = 93.2 - Idd - Ie,eff: the default rating of ITU-T G.107
(06/2015) less the impairment by delay (clause 7.4, echo being cancelled by the terminals) and by loss (clause
7.5), for G.711 with packet loss concealment (ITU-T G.113, Appendix I: Ie = 0, Bpl = 25.1), losses at random.
"""

import math
from typing import NamedTuple

BEST = 93.2
"""R of a narrow-band call without delay and loss, all else at its default."""
ROBUSTNESS = 25.1
"""Bpl of G.711 with concealment: how well the codec bears loss."""
PACKET = 0.02
"""Seconds of speech that a packet holds and the sender waits for."""
BUFFER = 0.02
"""Least seconds that the receiver holds packets back."""
DEVIATIONS = 2.0
"""Mean deviations of the round-trip time that the receiver's buffer holds: 99 % of normal jitter one way."""
UNNOTICED = 0.1
"""Seconds one way up to which delay is no impairment."""

LONGEST = 0.4
"""Seconds one way above which no conversation by video is held: the limit of ITU-T G.1010, table I.1."""
MOST_LOST = 0.01
"""Share lost above which pictures break: the limit for videophones of the same table."""
MOST_JITTER = 0.05
"""Variation of delay for which conference terminals are built: ITU-T Y.1541, classes 0 and 1, seconds."""
SURE = 2.326
"""Standard deviations by which the loss must be shown to be above its limit: 99 %, one-sided."""


class Call(NamedTuple):
    """How a call over the path would be."""

    rating: float
    """R, 0 to 100: from 80 on users are satisfied, below 50 it is not recommended (ITU-T G.109)."""
    mos: float
    """The estimated mean opinion, 1 (bad) to 4.5."""
    video: bool
    """Fit for a video conference."""


NONE = Call(0.0, 1.0, video=False)
"""A path over which nothing comes back."""


def call(rtt: float, jitter: float, loss: float, looks: int) -> Call:
    """Say how a call would be: *rtt* and its mean deviation in seconds, *loss* a share of so many looks."""
    if loss >= 1.0:
        return NONE
    r = rating(rtt, jitter, loss)
    return Call(r, mos(r), video=_fit_for_video(rtt, jitter, loss, looks))


def rating(rtt: float, jitter: float, loss: float) -> float:
    """Return R for a round-trip time and its mean deviation, seconds, and a share of packets lost."""
    lost = 100 * loss
    return max(0.0, BEST - _by_delay(_one_way(rtt, jitter)) - 95 * lost / (lost + ROBUSTNESS))


def mos(r: float) -> float:
    """Return the estimated mean opinion score for a rating (ITU-T G.107, Annex B)."""
    if r <= 0:
        return 1.0
    return min(max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0), 4.5)


def _one_way(rtt: float, jitter: float) -> float:
    return rtt / 2 + PACKET + max(BUFFER, DEVIATIONS * jitter)


def _by_delay(one_way: float) -> float:
    """Return Idd (ITU-T G.107, clause 7.4)."""
    if one_way <= UNNOTICED:
        return 0.0
    x = math.log2(one_way / UNNOTICED)
    return 25 * (math.pow(1 + math.pow(x, 6), 1 / 6) - 3 * math.pow(1 + math.pow(x / 3, 6), 1 / 6) + 2)


def _fit_for_video(rtt: float, jitter: float, loss: float, looks: int) -> bool:
    in_time = _one_way(rtt, jitter) <= LONGEST and DEVIATIONS * jitter <= MOST_JITTER
    return in_time and _at_least(loss, looks) <= MOST_LOST


def _at_least(share: float, looks: int) -> float:
    """Return the share that is surely behind one seen in so many looks (Wilson 1927, its lower limit)."""
    z = SURE * SURE / looks
    return (share + z / 2 - SURE * math.sqrt(share * (1 - share) / looks + z / (4 * looks))) / (1 + z)
