"""How much may be on the way to the broker at once, so that what is urgent never waits long behind it.

The line may carry a gigabit or 64 kbit/s, and what lies in the socket's buffer can no more be overtaken. So
the bytes of what can wait are bounded, by what the broker's answers tell of the line: so many bytes that were
under way together were taken in so many seconds. The quickest answer of a session took what the way itself
takes (600 ms over a satellite); what others took longer they waited.

A broker that hangs up on a message that it finds too large would block everything behind it. So a chunk on
which sessions end again and again becomes smaller and smaller.
"""

from math import inf

SLOW = 0.3
"""Seconds of waiting above which less may be under way."""
QUICK = SLOW / 2
"""Seconds of waiting below which twice as much may be under way."""
LEAST = 2048
MOST = 1 << 18
"""Bytes under way, at least and at most."""
FIRST = 1 << 12
"""Bytes under way before anything is known of the line."""
TRIES = 3
"""Sessions that a chunk may end before it is made smaller: most end for another reason."""
SMALLEST = 1024
"""Bytes of a message below which it is not made smaller."""


class Pace:
    """The bound of one broker."""

    def __init__(self) -> None:
        self.allowed = FIRST
        """Bytes that may be under way."""
        self.flying = 0
        """Bytes that are."""
        self._quickest = inf
        self._tries = 0
        self._largest = MOST
        """Bytes of a chunk that this broker is known or presumed to take."""
        self._tried = MOST

    @property
    def has_room(self) -> bool:
        """More may be sent, and enough to be worth it."""
        return self.flying <= self.allowed // 2

    def sent(self, size: int) -> int:
        """Note that so many bytes are under way; return how many that makes."""
        self.flying += size
        return self.flying

    def answered(self, size: int, together: int, took: float) -> None:
        """Note that the broker took them, of so many under way when they were sent, after so many seconds."""
        self.flying -= size
        self.heard(took)
        longer = took - self._quickest
        if longer > SLOW:
            fitting = int(together * (SLOW + self._quickest) / took)
            self.allowed = max(LEAST, min(self.allowed, fitting))
        elif longer < QUICK:
            self.allowed = min(MOST, max(self.allowed, 2 * together))

    def heard(self, took: float) -> None:
        """Note that the broker took anything at all, after so many seconds."""
        self._quickest = min(self._quickest, took)

    def lost(self) -> None:
        """Note that the session is over: nothing is under way any more, and the next may go another way."""
        self.flying = 0
        self._quickest = inf

    def taken(self) -> None:
        """Note that the broker took a chunk."""
        if self._tries >= TRIES:
            self._largest = self._tried
        self._tries = 0

    def hung_up(self) -> None:
        """Note that a session ended with a chunk under way, though the broker was alive in it."""
        self._tries += 1

    def chunk(self, max_packet: int) -> int:
        """Return how many bytes the next chunk should have at most."""
        self._tried = self._shrunk(min(self._largest, max_packet // 2))
        return min(self._tried, max(self.allowed - self.flying, self.allowed // 2))

    def message(self, max_packet: int) -> int:
        """Return how many bytes a message may have if it cannot be parted."""
        return max_packet if self._tries < TRIES else self._shrunk(min(self._largest, max_packet // 2))

    def _shrunk(self, size: int) -> int:
        return max(min(SMALLEST, size), size >> max(0, self._tries - TRIES + 1))
