"""Runs looks one by one: it owns the deadline, the stopwatch and the mishaps, a probe only looks."""

import asyncio
import functools
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from monitor.core.observation import Finding, failed, unknown
from monitor.kit.text import clean

AT_ONCE = 200
"""Looks under way at the same time: with more of them each one only takes longer."""
REASONS = {
    "timeout": "no answer within the deadline",
    "probe_error": "the probe itself broke; it says nothing about the subject",
}
"""The reasons that the runner gives, whatever the kind."""

Look = Callable[[], Awaitable[Finding]]
Done = Callable[[Any, float, Finding, float], None]
"""`done(key, sent_at, finding, took)`: monotonic seconds at which the look began, seconds it took."""

_ROUNDS = 5
_ROUND = 1.0
"""Seconds between one cancellation and the next, for looks that do not go at the first."""


async def observe(look: Look, deadline: float) -> tuple[Finding, float]:
    """Look once, for no longer than *deadline* seconds; return the finding and the seconds it took.

    Raises nothing but the caller's own cancellation. A subject that stays silent has failed; a probe that
    breaks has told us nothing.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    limit = asyncio.timeout(deadline)
    try:
        async with limit:
            finding = await look()
    except asyncio.CancelledError:
        if _cancelled_from_outside():
            raise
        finding = unknown("probe_error", "the probe cancelled itself")
    except Exception as error:  # noqa: BLE001 - one broken probe must not stop the rest
        if limit.expired():
            finding = failed("timeout", f"no answer within {deadline:g} s")
        else:
            finding = unknown("probe_error", clean(repr(error)))
    return finding, clock() - began


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Runner:
    """Runs looks side by side, a bounded number of them; the others wait in the order they came."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Run at most *at_once* looks at the same time."""
        self._at_once = at_once
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[tuple[Any, Look, float, Done]] = deque()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Looks under way."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """Looks that wait for a free place."""
        return len(self._queue)

    def start(self, key: Any, look: Look, deadline: float, done: Done) -> None:  # noqa: ANN401 - the caller's
        """Look as soon as there is a place, and call *done* with the finding; return at once.

        The deadline counts from the look's own beginning, not from now. After `aclose` nothing is started.
        """
        if self._closed:
            return
        if len(self._tasks) >= self._at_once:
            self._queue.append((key, look, deadline, done))
        else:
            self._begin(key, look, deadline, done)

    async def aclose(self) -> None:
        """Cancel everything, waiting or under way, and report none of it: cancelled is not failed."""
        self._closed = True
        self._queue.clear()
        for _ in range(_ROUNDS):
            if not self._tasks:
                return
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=_ROUND)

    def _begin(self, key: Any, look: Look, deadline: float, done: Done) -> None:  # noqa: ANN401
        task = asyncio.create_task(self._run(key, look, deadline, done), name=f"look {key}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _run(self, key: Any, look: Look, deadline: float, done: Done) -> None:  # noqa: ANN401
        sent_at = asyncio.get_running_loop().time()
        finding, took = await observe(look, deadline)
        if not self._closed:
            done(key, sent_at, finding, took)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": f"{task.get_name()}: its finding was not taken", "exception": error, "task": task}
            )
        while self._queue and len(self._tasks) < self._at_once:
            self._begin(*self._queue.popleft())


def look_with(probe: Callable[..., Awaitable[Finding]], options: object) -> Look:
    """Return a look that calls *probe* with *options*."""
    return functools.partial(probe, options)
