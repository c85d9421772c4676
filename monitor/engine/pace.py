"""Paces what follows from changed beliefs: thousands of them at once must not stop the event loop.

While little changes, each change is concluded at once. In a storm they wait, and are concluded a slice of
time at a time, all that is waiting for one center together: it is then assessed once, however many of its
checks have changed.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from monitor.core.detection import Belief, Verdict
from monitor.engine.watch import Watch

SLICE = 0.005
"""Seconds of conclusions without a break."""
SHARE = 0.2
"""Share of the time that may go into conclusions drawn at once."""


class Changed(NamedTuple):
    """A belief that has changed, and not mere wording."""

    watch: Watch
    was: Belief
    now: Belief

    @property
    def cleared(self) -> bool:
        """It was down, and is no longer."""
        return self.was.verdict is Verdict.DOWN and self.now.verdict is not Verdict.DOWN

    @property
    def mended(self) -> bool:
        """It was degraded, and is well."""
        better = self.was.decline is not None and self.now.decline is None
        return better and self.now.verdict is Verdict.UP


class Pace:
    """Has changes concluded, each at once or soon, those of one center in their order."""

    def __init__(self, conclude: Callable[[Sequence[Changed]], None]) -> None:
        self._conclude = conclude
        self._waiting: dict[str, list[Changed]] = {}
        """By center or network, in the order in which they came to wait."""
        self._credit = SLICE
        """Seconds that may be used at once."""
        self._credited_at = time.monotonic()
        self._timer: asyncio.Handle | None = None

    def add(self, changed: Changed) -> None:
        """Have *changed* concluded."""
        if self._waiting or self._earned() <= 0.0:
            self._wait(changed)
            return
        began = time.monotonic()
        self._conclude([changed])
        self._credit -= time.monotonic() - began

    def is_waiting(self, watch: Watch) -> bool:
        """Tell whether something of the same center is still to be concluded."""
        return _place(watch) in self._waiting

    def flush(self) -> None:
        """Conclude all that waits, however long it takes."""
        while self._waiting:
            self._conclude_first()

    def _earned(self) -> float:
        now = time.monotonic()
        self._credit = min(SLICE, self._credit + SHARE * (now - self._credited_at))
        self._credited_at = now
        return self._credit

    def _wait(self, changed: Changed) -> None:
        self._waiting.setdefault(_place(changed.watch), []).append(changed)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._timer = None
        until = time.monotonic() + SLICE
        while self._waiting and time.monotonic() < until:
            self._conclude_first()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_soon(self._work)

    def _conclude_first(self) -> None:
        self._conclude(self._waiting.pop(next(iter(self._waiting))))


def _place(watch: Watch) -> str:
    """Return the center that a check looks at; all networks go together."""
    return watch.check.subject.partition("/")[0]
