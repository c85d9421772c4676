"""Memory that is no longer needed goes back soon, so that a long-lived process does not grow by holes."""

import asyncio
import ctypes
import gc

LARGE = 256 * 1024
"""Bytes from which on a block is mapped by itself."""
EVERY = 60.0
"""Seconds from one full collection to the next."""
RARELY = 100
"""Collections of what is a little older, before CPython makes a full one unasked."""
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


def take_as_lasting() -> None:
    """Take all that there is now as here to stay, so that full collections are quick, and rarely unasked.

    Each holds up everything. Left to itself CPython makes them one after the other while thousands of things
    change at once, just when there is no time for it; `collect_now_and_then` makes them instead.
    """
    gc.freeze()
    gc.collect()  # CPython waits for garbage a quarter the size of what this has found
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, RARELY)


async def collect_now_and_then(every: float = EVERY) -> None:
    """Free what only refers to itself, such as connections that have ended, until cancelled.

    Left to itself CPython does so when a quarter of all that it knows is new, which in a calm city takes many
    minutes; new things are put beside the dead ones meanwhile. It takes some milliseconds, after a storm in a
    city of 10,000 checks a tenth of a second: only what has come since `take_as_lasting` is walked.
    """
    while True:
        await asyncio.sleep(every)
        gc.collect()
