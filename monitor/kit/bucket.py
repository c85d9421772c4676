"""A token bucket: so many things per second on average, and so many at once."""


class Bucket:
    """Holds at most *burst* tokens, full at first, and gains *rate* of them per second."""

    __slots__ = ("_at", "burst", "left", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.left = burst
        self._at = float("-inf")

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Take so many tokens at this time (monotonic seconds) and say whether they were there."""
        if now > self._at:
            self.left = min(self.burst, self.left + (now - self._at) * self.rate)
            self._at = now
        if self.left < tokens:
            return False
        self.left -= tokens
        return True

    def fill(self) -> None:
        """Begin anew with all tokens."""
        self.left = self.burst
