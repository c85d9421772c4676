"""Work inside a network namespace without leaving one's own process.

`setns` moves one thread; each call here gets a thread of its own, so that no other thread is ever moved.
Sockets keep the namespace in which they were made, and children that of the thread that started them.
"""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

RUN = Path("/run/netns")
"""Where iproute2 keeps the namespaces that have names."""

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

P = ParamSpec("P")
T = TypeVar("T")


def inside(name: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call something in the namespace *name* and return what it returns."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_there, name, lambda: call(*args, **kwargs)).result()


def _there(name: str, call: Callable[[], T]) -> T:
    with (RUN / name).open("rb") as place:
        if _libc.setns(place.fileno(), _CLONE_NEWNET):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), name)
    return call()
