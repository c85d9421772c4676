"""Memory that is no longer needed goes back soon, so that a long-lived process does not grow by holes."""

import asyncio
import ctypes
import gc

LARGE = 256 * 1024
"""Bytes from which on a block is mapped by itself."""
EVERY = 60.0
"""Seconds from one full collection to the next."""
_M_MMAP_THRESHOLD = -3
"""Of malloc.h."""


def give_back_large_blocks() -> bool:
    """Have large blocks go back to the system as soon as they are free; False if that cannot be asked for.

    Left to itself, glibc takes each large block that is freed as a sign to keep the next ones of its size
    (mallopt(3), M_MMAP_THRESHOLD): a page of metrics that grows by a digit leaves a hole of its old size.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE))


async def collect_now_and_then(every: float = EVERY) -> None:
    """Free what only refers to itself, such as connections that have ended, until cancelled.

    Left to itself CPython does so when a quarter of all that it knows is new, which in a calm city takes many
    minutes; new things are put beside the dead ones meanwhile. It takes some milliseconds, for only what has
    come since the daemon's start is walked.
    """
    while True:
        await asyncio.sleep(every)
        gc.collect()
