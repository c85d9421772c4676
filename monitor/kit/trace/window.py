"""What is sent next, and when a trace is over: no socket and no clock in here.

A packet is known by its number, sixteen times its time to live plus which try it is.
"""

from typing import NamedTuple

from monitor.kit.trace.path import Bounds, Hop, Path

TRIES = 16
"""Numbers per hop."""
_PASSED = "ttl_exceeded"


class Heard(NamedTuple):
    """An answer to one of our packets."""

    number: int | None
    """None: a router that quotes too little for us to know which."""
    address: str
    word: str
    """An ICMP error by its word, or how the target answered."""
    icmp: tuple[int, int] | None = None
    rtt: float | None = None


class Window:
    """The packets of one trace: those under way, those answered, and how far it still has to go."""

    def __init__(self, target: str, bounds: Bounds) -> None:
        self._target, self._bounds = target, bounds
        self._tries = [0] * (bounds.hops + 1)
        self._flying: dict[int, float] = {}
        """When each packet under way is given up."""
        self._flying_at = [0] * (bounds.hops + 1)
        self._answers: dict[int, Heard] = {}
        self._width = bounds.window
        self._stop: Heard | None = None
        self._stop_at = bounds.hops
        self._farthest = 0
        self._not_before = 0.0
        self._sent = 0

    @property
    def over(self) -> bool:
        """Whether nothing more is to be sent or waited for."""
        return not any(number // TRIES <= self._limit for number in self._flying) and self._wanted() is None

    @property
    def wake_at(self) -> float:
        """When to look again though nothing was heard; infinity if there is nothing to wait for."""
        due = min(self._flying.values(), default=float("inf"))
        if len(self._flying) < self._width and self._wanted() is not None:
            due = min(due, self._not_before)
        return due

    def next(self, now: float) -> int | None:
        """Return the number of the packet to send now, None if none is."""
        if now < self._not_before or len(self._flying) >= self._width:
            return None
        return self._wanted()

    def sent(self, number: int, now: float) -> None:
        """Note that a packet is under way."""
        ttl = number // TRIES
        self._sent += 1
        self._tries[ttl] += 1
        self._flying_at[ttl] += 1
        self._flying[number] = now + self._bounds.wait
        self._not_before = now + self._bounds.gap

    def expire(self, now: float) -> None:
        """Give up what has been waited for long enough."""
        for number in [number for number, until in self._flying.items() if until <= now]:
            self._landed(number)

    def heard(self, answer: Heard) -> None:
        """Take in an answer; a second one, and one to a packet never sent, changes nothing."""
        number = answer.number
        if number is None:
            self._one_by_one(answer)
            return
        ttl, attempt = divmod(number, TRIES)
        if not 0 < ttl <= self._bounds.hops or attempt >= self._tries[ttl] or number in self._answers:
            return
        self._landed(number)
        self._answers[number] = answer
        if answer.word == _PASSED:
            self._farthest = max(self._farthest, ttl)
        elif self._stop is None or ttl < self._stop_at:
            self._stop, self._stop_at = answer, ttl

    def path(self, method: str, *, cut_short: bool) -> Path:
        """Sum up; *cut_short* if time ran out before it was over."""
        hops = [self._hop(ttl) for ttl in range(1, self._limit + 1)]
        while hops and not hops[-1].address:
            hops.pop()
        stop = self._stop
        if stop is None:
            how = "time" if cut_short else "hops" if self._farthest == self._bounds.hops else "silence"
            return Path(self._target, method, tuple(hops), how=how, sent=self._sent)
        if stop.address != self._target and len(hops) > 1 and hops[-2].address == stop.address:
            hops.pop()  # the router that refuses is the one that let the packet before run out
        reached = stop.address == self._target
        rtt = self._hop(self._stop_at).rtt if reached else None
        known = Path(self._target, method, tuple(hops), reached, stop.word, stop.address, stop.icmp, rtt)
        return known._replace(sent=self._sent)

    @property
    def _limit(self) -> int:
        """The farthest hop that matters as far as we know."""
        return min(self._stop_at, self._farthest + self._bounds.silent)

    def _wanted(self) -> int | None:
        for ttl in range(1, self._limit + 1):
            if self._tries[ttl] < self._bounds.tries and not self._flying_at[ttl]:
                return ttl * TRIES + self._tries[ttl]
        return None

    def _landed(self, number: int) -> None:
        if self._flying.pop(number, None) is not None:
            self._flying_at[number // TRIES] -= 1

    def _one_by_one(self, answer: Heard) -> None:
        """Credit the only packet under way; with several, begin anew where it is unsure, one at a time."""
        if len(self._flying) == 1:
            self.heard(answer._replace(number=next(iter(self._flying))))
        elif self._width > 1:
            self._width = 1
            for number in tuple(self._flying):
                self._landed(number)
                self._tries[number // TRIES] = 0

    def _hop(self, ttl: int) -> Hop:
        answers = [
            self._answers[number]
            for number in range(ttl * TRIES, (ttl + 1) * TRIES)
            if number in self._answers
        ]
        if not answers:
            return Hop(ttl, sent=self._tries[ttl])
        first = answers[0].address
        others = tuple(dict.fromkeys(one.address for one in answers if one.address != first))
        rtt = min((one.rtt for one in answers if one.rtt is not None), default=None)
        return Hop(ttl, first, rtt, self._tries[ttl], len(answers), others)
