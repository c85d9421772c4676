"""How the C library hands out memory: large blocks leave no holes among small ones."""

import ctypes

LARGE = 256 * 1024
"""Bytes from which on a block is mapped by itself."""
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
