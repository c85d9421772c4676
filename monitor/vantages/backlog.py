"""How much of our log is under way to the collecting daemon: go-back-N, as a value without clock or socket.

Chunks follow each other, a few of them under way at once. An acknowledgement is cumulative. Where there is a
gap, or silence, we go back to what is acknowledged and send again from there, one chunk at first: whoever
does not answer is not to be buried. What is sent twice is recognised by who takes it in.

The latest acknowledgement is believed, whatever came before: one that goes back means that the collecting
daemon has lost what it had recorded (a backup was restored), one that leaps ahead that it has more than we
remember.
"""

from dataclasses import dataclass, replace
from math import inf

CHUNKS = 4
"""Chunks under way at once."""
RETRY = 5.0
"""Seconds without an answer after which we go back; twice as long each time that did not help."""
LONGEST_RETRY = 60.0
"""Seconds between two attempts, at most."""
AGAIN = 1.0
"""Seconds after going back for which a repeated acknowledgement may still be an answer to what was before."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is acknowledged and what is under way; positions are those of our log."""

    acked: int = 0
    """Position up to which everything is acknowledged."""
    flying: tuple[int, ...] = ()
    """Last position of each chunk sent since, oldest first."""
    moved_at: float = -inf
    """When anything last went forward, monotonic seconds."""
    back_at: float = -inf
    """When we last went back, monotonic seconds."""
    attempts: int = 0
    """How often in a row we went back without any progress since."""

    @property
    def sent(self) -> int:
        """Position after which the next chunk begins."""
        return self.flying[-1] if self.flying else self.acked

    @property
    def has_room(self) -> bool:
        """Another chunk may be sent."""
        return len(self.flying) < (1 if self.attempts else CHUNKS)

    @property
    def patience(self) -> float:
        """Seconds without an answer after which to go back."""
        return min(RETRY * (1 << min(self.attempts, 8)), LONGEST_RETRY)

    def fly(self, upto: int, now: float) -> "Window":
        """Return what is so after a chunk up to *upto* was sent."""
        moved_at = self.moved_at if self.flying else now
        return replace(self, flying=(*self.flying, upto), moved_at=moved_at)

    def arrived(self, now: float) -> "Window":
        """Return what is so after the broker took a chunk: from now on it is not for us to hurry."""
        return replace(self, moved_at=now)

    def overdue(self, now: float) -> bool:
        """Say whether an answer is due for so long that we should go back."""
        return bool(self.flying) and now - self.moved_at > self.patience

    def back(self, now: float) -> "Window":
        """Return what is so after going back for want of an answer."""
        return replace(self, flying=(), moved_at=now, back_at=now, attempts=self.attempts + 1)

    def reconnected(self) -> "Window":
        """Return what is so with another session: what was under way may be lost."""
        return replace(self, flying=())

    def acknowledged(self, position: int, now: float, *, gap: bool = False) -> "Window":
        """Return what is so after an acknowledgement."""
        if gap:
            return self._gap(position, now)
        if position == self.acked:
            return self._nothing_new(now)
        if not self.acked < position <= self.sent:
            return Window(position, (), now, now)
        flying = tuple(upto for upto in self.flying if upto > position)
        return Window(position, flying, now, self.back_at)

    def _gap(self, position: int, now: float) -> "Window":
        """Go back, once: every chunk behind the gap is answered alike."""
        if position != self.acked:
            return Window(position, (), now, now, 1)
        if self.attempts and now - self.back_at < self.patience:
            return self
        return self.back(now)

    def _nothing_new(self, now: float) -> "Window":
        """Try at once if we had given up waiting: somebody is there again."""
        if not self.attempts or now - self.back_at < AGAIN:
            return self
        return replace(self, flying=(), moved_at=now, back_at=now, attempts=1)
