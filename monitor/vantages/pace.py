"""How much may be on the way to the broker at once, so that what is urgent never waits long behind it.

The line may carry a gigabit or 64 kbit/s, and what lies in the socket's buffer can no more be overtaken. So
the bytes of what can wait are bounded, by what the broker's answers tell of the line: more while they come
quickly, half as soon as one took long (additive increase is too slow for a line that is a thousand times
faster, so the bound doubles).

A broker that hangs up on a message that it finds too large would block everything behind it. So a chunk on
which sessions end again and again becomes smaller and smaller.
"""

QUICK = 0.15
"""Seconds within which an answer lets more be sent."""
SLOW = 0.5
"""Seconds after which less is sent."""
LEAST = 4096
MOST = 1 << 18
"""Bytes under way, at least and at most."""
FIRST = 1 << 14
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
        self._tries = 0
        self._largest = MOST
        """Bytes of a chunk that this broker is known or presumed to take."""
        self._tried = MOST

    @property
    def has_room(self) -> bool:
        """More may be sent."""
        return self.flying < self.allowed

    def sent(self, size: int) -> None:
        """Note that so many bytes are under way."""
        self.flying += size

    def answered(self, size: int, took: float) -> None:
        """Note that the broker took them, after so many seconds."""
        self.flying -= size
        if took > SLOW:
            self.allowed = max(LEAST, self.allowed // 2)
        elif took < QUICK and self.allowed < 2 * (self.flying + size):  # it was the bound that held us
            self.allowed = min(MOST, self.allowed * 2)

    def lost(self) -> None:
        """Note that the session is over: nothing is under way any more."""
        self.flying = 0

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
        return min(self._tried, self.allowed)

    def message(self, max_packet: int) -> int:
        """Return how many bytes a message may have if it cannot be parted."""
        return max_packet if self._tries < TRIES else self._shrunk(min(self._largest, max_packet // 2))

    def _shrunk(self, size: int) -> int:
        return max(min(SMALLEST, size), size >> max(0, self._tries - TRIES + 1))
