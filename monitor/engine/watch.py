"""What the engine keeps of one check while it runs."""

from monitor.core.detection import Belief, Learned, Manner
from monitor.core.record import Kept
from monitor.core.schedule import NEVER, ticks
from monitor.core.world import Check, Reading
from monitor.engine.runner import Look
from monitor.ports import BatchEngine

SHORTEST_WAIT = 0.25
"""No answer is given up sooner than this, seconds: below it a busy router looks like a loss."""

VARIATIONS = 6
"""How many mean deviations beyond its usual time an answer is waited for."""


class Watch:
    """One check under way: its rhythm, its reading, its belief. Mutable, written by the pipeline alone."""

    __slots__ = (
        "belief",
        "check",
        "deadline",
        "engine",
        "flying",
        "handle",
        "how",
        "learned",
        "look",
        "mark",
        "period",
        "reading",
        "relearned",
        "since_episode",
        "steady",
        "tick",
        "wait",
    )

    def __init__(self, check: Check, how: Manner, *, mark: str, belief: Belief, learned: Learned) -> None:
        """Begin to watch *check*, whatever was believed of it until now."""
        self.check = check
        self.how = how
        self.mark = mark
        """What tells this look from another one of the same name."""
        self.belief = belief
        self.steady = False
        """A further good look changes nothing; false until the first look, so that it is noticed."""
        self.learned = learned
        self.relearned = False
        """It has learned since `kept` was last asked for."""
        self.since_episode = 0
        """Looks since the last episode, not learned from yet."""
        self.reading = Reading()
        self.tick = NEVER
        self.period = ticks(check.look.period)
        self.deadline = check.look.deadline
        self.wait = self.deadline
        """Seconds after which the next look is given up."""
        self.flying = False
        """A look is under way."""
        self.look: Look
        """How the runner looks; set when the watch is equipped."""
        self.engine: BatchEngine | None = None
        """The batch engine that looks instead, if there is one."""
        self.handle: object | None = None
        """What that engine wants to be given."""

    def note_rtt(self, rtt: float) -> None:
        """Take in a round-trip time, seconds, and what it says of how long to wait (RFC 6298, section 2)."""
        reading = self.reading
        reading.rtt = rtt
        reading.rtt_sum += rtt
        reading.rtt_count += 1
        if not self.how.adaptive:
            return
        if reading.srtt == 0.0:
            reading.srtt, reading.rttvar = rtt, rtt / 2
        else:
            off = rtt - reading.srtt
            reading.srtt += off * 0.125
            reading.rttvar += ((off if off > 0.0 else -off) - reading.rttvar) * 0.25
        wait = reading.srtt + VARIATIONS * reading.rttvar
        wait = max(wait, SHORTEST_WAIT)
        self.wait = min(self.deadline, wait)

    def learn(self, isolated: float) -> None:
        """Learn from the looks since the last time, of which *isolated* were lost one by one."""
        self.learned = self.learned.after(self.since_episode, isolated)
        self.since_episode = 0
        self.relearned = True

    def kept(self) -> Kept:
        """Return what outlasts a restart."""
        self.relearned = False
        return Kept(self.mark, self.belief, self.learned)
