"""A thread that does what it is given, one thing after the other, and never keeps the process from ending.

An executor of the standard library would: it joins its threads at the exit, and a thread can hang in a
dead disk for ever.
"""

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Lane:
    """Runs blocking jobs for the event loop; the thread begins with the first of them."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    async def run(self, job: Callable[[], T]) -> T:
        """Return what *job* returns, or raise what it raises; once handed in, it is done in any case."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(functools.partial(_do, job, loop, future))
        if self._thread.ident is None:
            self._thread.start()
        return await future

    def close(self) -> None:
        """Let the thread end when it has done what it was given."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _do(job: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
    settle: Callable[[], None]
    try:
        settle = functools.partial(_succeed, future, job())
    except Exception as error:  # noqa: BLE001 - it is raised where the job was handed in
        settle = functools.partial(_fail, future, error)
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(settle)


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
