"""How long to wait before trying again: exponential with full jitter."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Give growing waits, each drawn evenly from zero to a ceiling: many clients do not return together.

    The ceiling doubles from *base* to *cap* seconds ("full jitter", Brooker 2015, AWS Architecture Blog).
    """

    base: float = 0.5
    cap: float = 30.0
    draw: Callable[[], float] = field(default=random.random, repr=False)
    """Gives a number in [0, 1)."""
    _ceiling: float = field(default=0.0, init=False)

    def next(self) -> float:
        """Return how many seconds to wait before the next attempt."""
        self._ceiling = min(self.cap, self._ceiling * 2 or self.base)
        return self.draw() * self._ceiling

    def reset(self) -> None:
        """Begin anew: the last attempt went well."""
        self._ceiling = 0.0
