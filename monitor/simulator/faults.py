"""What can be wrong with a way to a subject, and scripts of it: data, no doing."""

from dataclasses import dataclass

LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to what passes: shares lost at random (0 to 1) and delay, seconds."""

    towards: float = 0.0
    """Share lost on the way to the center."""
    away: float = 0.0
    """Share lost on the way back."""
    delay: float = 0.0
    """How much later an answer leaves. A TCP handshake is the kernel's and is not delayed."""

    def __post_init__(self) -> None:
        if not (0 <= self.towards <= 1 and 0 <= self.away <= 1 and 0 <= self.delay <= LONGEST_DELAY):
            raise ValueError(f"{self}: shares are 0 to 1, a delay 0 to {LONGEST_DELAY:g} s")

    @property
    def severs(self) -> bool:
        """Nothing comes back."""
        return self.towards == 1 or self.away == 1


WHOLE = Fault()
CUT = Fault(towards=1.0, away=1.0)
DEAF = Fault(towards=1.0)
"""One way only: what we send is lost."""
MUTE = Fault(away=1.0)
"""One way only: what we send arrives, the answers are lost."""


def loss(share: float) -> Fault:
    """Return a fault that loses this share (0 to 1) of round trips."""
    return Fault(towards=share)


def late(seconds: float) -> Fault:
    """Return a fault that makes answers this much later."""
    return Fault(delay=seconds)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in a script: at this many seconds from its start, put this fault on this subject."""

    at: float
    subject: str
    """A circuit, link, center, device or network by its readable path; a center means all its circuits."""
    fault: Fault


Script = tuple[Step, ...]


def outage(subject: str, *, at: float, until: float) -> Script:
    """Return the script of a subject that is cut and later whole again."""
    return (Step(at, subject, CUT), Step(until, subject, WHOLE))
