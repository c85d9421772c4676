"""What the engine keeps of one check while it runs."""

from monitor.core.detection import Belief, Manner
from monitor.core.judge import Judge
from monitor.core.learning import Learned
from monitor.core.record import Kept
from monitor.core.schedule import NEVER, ticks
from monitor.core.world import Check, Reading
from monitor.engine.mailbox import Slot
from monitor.engine.runner import Look
from monitor.ports import BatchEngine

SHORTEST_WAIT = 0.25
"""No answer is given up sooner than this, seconds: below it a busy router looks like a loss."""

VARIATIONS = 6
"""How many mean deviations beyond its usual time an answer is waited for."""


class Watch:
    """One check under way: its rhythm, its reading, its belief. Mutable, written by the pipeline alone."""

    __slots__ = (
        "calm",
        "check",
        "deadline",
        "engine",
        "flying",
        "handle",
        "judge",
        "look",
        "mark",
        "period",
        "reading",
        "slot",
        "slow_above",
        "tick",
        "unsampled",
        "wait",
        "words",
    )

    def __init__(self, check: Check, how: Manner, *, mark: str, belief: Belief, learned: Learned) -> None:
        """Begin to watch *check*, whatever was believed of it until now."""
        self.check = check
        self.mark = mark
        """What tells this look from another one of the same name."""
        self.reading = Reading()
        self.judge = Judge(how, belief, learned, self.reading)
        self.calm = False
        """A good look that is not slow changes nothing; false until the first look, so that it is noticed."""
        self.slow_above = self.judge.slow_above
        """Round-trip time from which an answer is slow, seconds."""
        self.unsampled = 1
        """Good looks until the next one whose round-trip time is learned from."""
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
        self.words: frozenset[str] | None = None
        """Of a look that asks a device about a circuit: the reasons that are an answer to that; None: all."""
        self.slot: Slot | None = None
        """Of a check that we are told of: where its reports wait."""

    @property
    def belief(self) -> Belief:
        """What is believed of the check."""
        return self.judge.belief

    @property
    def how(self) -> Manner:
        """How it is judged."""
        return self.judge.how

    @property
    def relearned(self) -> bool:
        """It has learned, or was told, since `kept` was last asked for."""
        return self.judge.relearned or (self.slot is not None and self.slot.unsaved)

    def adopt(self, how: Manner) -> None:
        """Judge the check like that from now on."""
        self.judge.adopt(how)
        self.calm = False

    def settle(self) -> None:
        """Take over from the judge what the hot path has to know."""
        self.calm = self.judge.calm
        self.slow_above = self.judge.slow_above

    def sample(self, rtt: float, at: float) -> None:
        """Learn from the round-trip time, seconds, of a good look at wall time *at*."""
        self.judge.sample(rtt, at)
        self.unsampled = self.judge.sample_every
        self.slow_above = self.judge.slow_above

    def note_rtt(self, rtt: float) -> None:
        """Take in a round-trip time, seconds, and what it says of how long to wait (RFC 6298, section 2)."""
        reading = self.reading
        reading.rtt = rtt
        reading.rtt_sum += rtt
        reading.rtt_count += 1
        if not self.judge.how.adaptive:
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

    def kept(self) -> Kept:
        """Return what outlasts a restart."""
        self.judge.relearned = False
        report = None if self.slot is None else self.slot.saved()
        return Kept(self.mark, self.judge.belief, self.judge.learned, report)
