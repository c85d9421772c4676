"""What a task takes of the processor, part of it beside the event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Effort:
    """Adds up what it took, in seconds of processor time; as a context, what is done in the event loop."""

    def __init__(self, threads: Executor) -> None:
        self.taken = 0.0
        self._began = 0.0
        self._threads = threads

    def __enter__(self) -> Self:
        self._began = time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.taken += time.thread_time() - self._began

    async def beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what *work* returns, or raise what it raises, while the event loop turns.

        It is done in a thread, so nobody may change meanwhile what it reads.
        """

        def timed() -> tuple[T, float]:
            began = time.thread_time()
            done = work(*args, **kwargs)
            return done, time.thread_time() - began

        done, taken = await asyncio.get_running_loop().run_in_executor(self._threads, timed)
        self.taken += taken
        return done
